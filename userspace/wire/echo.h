/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Echo requests and replies of ICMP (RFC 792) and ICMPv6 (RFC 4443), with a secret in them. Pure.
 */
#ifndef MTLB_WIRE_ECHO_H
#define MTLB_WIRE_ECHO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ECHO_SECRET 16

struct echo {
	uint8_t type, code;
	uint16_t checksum, id, sequence; /* in the network's order */
	uint8_t secret[ECHO_SECRET];
};

/* A request. With IPv6 its checksum is for the kernel to make, with the addresses in it. */
void echo_write(bool ipv4, uint16_t id, uint16_t sequence, const uint8_t secret[ECHO_SECRET],
		struct echo *ret_echo);

/* What a raw socket gives: with IPv4 the header comes first. True: it is a reply. */
bool echo_read(const uint8_t *bytes, size_t length, bool ipv4, struct echo *ret_echo);

#endif
