/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The text of a deny feed: a prefix a line, or a UDP port or range of them. Empty lines do not
 * count, nor does what follows # or ;. Pure; whose feed it is and what becomes of it is the
 * caller's.
 */
#ifndef MTLB_MODEL_FEED_H
#define MTLB_MODEL_FEED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../base/prefix.h"

#define FEED_BAD_SHOWN	10
#define FEED_PORT_WORDS (65536 / 64)

struct feed_bad {
	size_t line; /* from 1 */
	char text[192];
};

struct feed_list {
	struct prefix *prefixes; /* in the order written; one may be there twice */
	size_t count;		 /* of prefixes, or of ports */
	uint64_t *ports; /* FEED_PORT_WORDS, a bit for each port; NULL: a list of prefixes */
	struct feed_bad bad[FEED_BAD_SHOWN]; /* the first ones */
	size_t bad_count;
};

/* Lines that are wrong are left out, and told. 0 or -ENOMEM. */
int feed_parse(const char *text, size_t length, bool udp_ports, struct feed_list *ret_list);
void feed_fini(struct feed_list *list);

/*
 * Addresses that are no source of packets on the Internet: those that the registries of RFC 6890
 * (as of RFC 8190) say are not forwarded or not global, without those that are sources all the
 * same (the NAT64 prefixes, 6to4, Teredo), and multicast. Private ones are among them.
 */
extern const char *const feed_bogons[];
extern const size_t feed_bogon_count;

#endif
