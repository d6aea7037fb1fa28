/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * IP addresses and endpoints as text and as bytes. IPv4 is kept in its IPv4-mapped IPv6 form
 * (RFC 4291, 2.5.5.2), so one type holds both and compares with memcmp. Text is RFC 5952.
 */
#ifndef MTLB_BASE_ADDR_H
#define MTLB_BASE_ADDR_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

struct addr {
	uint8_t byte[16]; /* network order */
} __attribute__((aligned(8)));

/* "[2001:db8::1]:65535" with the closing NUL. */
#define ADDR_TEXT_MAX 56

/* Accepts "192.0.2.1" and "2001:db8::1" (no zone, no prefix length). 0 or -EINVAL. */
int addr_parse(const char *text, struct addr *ret_addr);

/* Accepts "192.0.2.1", "192.0.2.1:80", "2001:db8::1", "[2001:db8::1]", "[2001:db8::1]:80".
 * ret_port (host order) is 0 when there was none. 0 or -EINVAL.
 */
int addr_parse_endpoint(const char *text, struct addr *ret_addr, uint16_t *ret_port);

/* Both return text. */
char *addr_format(const struct addr *addr, char text[ADDR_TEXT_MAX]);
/* Without the port when it is 0; IPv6 in brackets when it is not. */
char *addr_format_endpoint(const struct addr *addr, uint16_t port, char text[ADDR_TEXT_MAX]);

bool addr_is_ipv4(const struct addr *addr);
bool addr_is_zero(const struct addr *addr); /* all zero: unset; 0.0.0.0 and :: count as well */
int addr_compare(const struct addr *a, const struct addr *b);

/* What of it is one client's: of IPv6 the first 64 bits (RFC 6177). */
struct addr addr_client(const struct addr *addr);

/* Port in host order; returns the length of what was written. */
socklen_t addr_to_sockaddr(const struct addr *addr, uint16_t port, struct sockaddr_storage *ret);

#endif
