/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Frames written as text, so that a test reads like what goes over the wire:
 *
 *   eth client > lb / vlan 5 / ip4 client > acme ttl 9 tos 0xb8 / tcp 1234 > 80 SYN / 20 bytes
 *
 * Layers: eth [A > B], vlan ID, qinq ID, ip4 A > B, ip6 A > B, hopopts [N], routing [N], dstopts
 * [N] (N times 8 bytes beyond the first 8), fragment, tcp P > Q, udp P > Q, sctp P > Q CHUNK (by
 * name, e.g. INIT; its CRC stays 0), gue (a UDP header as put in front of `*`), icmp TYPE, icmp6
 * TYPE, quic short ID, quic long TYPE ID (connection IDs in hexadecimal), `N bytes` of payload,
 * `pad N` (bytes after the IP packet), `cut N` (only N bytes are left), and `*`: the packet that
 * went in, from its IP header on; `quote N`: only its first N bytes, as in an ICMP error.
 * After a layer come its fields, by name; a field of one bit stands alone (df, more, SYN).
 * Lengths, checksums and next protocols are filled in unless they are given; `len +3` and `len -3`
 * are off by three. `options N` adds N bytes of no-operations to ip4 and tcp, `option HEX` the
 * bytes themselves, `mss N` that option of TCP. Addresses are literal or one of the names in
 * packet.c; `hop`, `member` and `label flow` depend on what the test expects (struct frame_words).
 * A text that makes no sense fails the test.
 */
#ifndef MTLB_SELFTESTS_PACKET_H
#define MTLB_SELFTESTS_PACKET_H

#include <stddef.h>
#include <stdint.h>

#define FRAME_MAX 9300

struct frame {
	uint8_t byte[FRAME_MAX];
	size_t length;
	size_t l3;	  /* where the first IP header begins; 0: there is none */
	size_t ip_length; /* what that header says the packet's length is */
};

struct frame_words {
	const struct frame *inner; /* `*` */
	uint32_t flow;		   /* `label flow` */
	uint64_t hash;		   /* the source port of `gue` */
	uint8_t member;		   /* the last byte of `hop` and of `member` */
};

/* words may be NULL. */
void frame_build(struct frame *frame, const char *text, const struct frame_words *words);

/* Fails the test, showing both, unless they are the same. */
void frame_assert_equal(const struct frame *is, const struct frame *expected, const char *what);

#endif
