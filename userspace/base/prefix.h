/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Prefixes of IP addresses as text and as bytes. Like addresses, those of IPv4 are kept in the
 * IPv4-mapped form: their length is their own and 96, so one type holds both.
 */
#ifndef MTLB_BASE_PREFIX_H
#define MTLB_BASE_PREFIX_H

#include "addr.h"

struct prefix {
	struct addr address; /* what is beyond the length is zero */
	uint8_t length;	     /* bits, 0-128 */
};

#define PREFIX_IPV4_BITS 96 /* in front of an IPv4 address */

/* "2001:db8::/128" with the closing NUL. */
#define PREFIX_TEXT_MAX (ADDR_TEXT_MAX + 4)

/*
 * Accepts "203.0.113.0/24", "2001:db8::/32", and an address for itself alone. 0, -EINVAL, or -EDOM:
 * the address has bits beyond the length; *ret_prefix then is the prefix without them.
 */
int prefix_parse(const char *text, struct prefix *ret_prefix);
/* Without the length where it is that of an address. Returns text. */
char *prefix_format(const struct prefix *prefix, char text[PREFIX_TEXT_MAX]);

/* By address, the shorter one first. */
int prefix_compare(const struct prefix *a, const struct prefix *b);
bool prefix_holds(const struct prefix *prefix, const struct addr *addr);

#endif
