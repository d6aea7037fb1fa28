/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * How many connections one client opens: a meter for each address that lately opened some, where
 * the tenant's tier bounds them. It is the generic cell rate algorithm of meter.h, with room for as
 * many at once as in a second. A client is an IPv4 address, or the first 64 bits of an IPv6
 * address, since a host chooses the others at will (RFC 4291, 2.5.1; RFC 8981). A site that was
 * given fewer bits than 64 is as many clients as it has subnets.
 *
 * The source of a packet may be a lie: who sends so many SYNs in the name of another client has
 * that one refused, as long as it sends them.
 *
 * The table has a fixed size and is shared by all tenants, so nobody has a right to a place in it:
 * a client that has none takes that of the one in its line which is the least ahead. So who floods
 * from everywhere can make the node forget whom it was about to refuse; and of a client that goes
 * on, more is known than of those who come once. Two clients of one line are taken for one if 24
 * bits of their hashes agree as well.
 */
#ifndef MTLB_ABI_CLIENT_H
#define MTLB_ABI_CLIENT_H

#include <linux/types.h>

#define MTLB_CLIENTS_PER_LINE 8
#define MTLB_CLIENT_LINES     8192 /* a power of two */

/* Times are in ticks of 2^10 ns of CLOCK_MONOTONIC; they wrap after 13 days. A client may be a
 * second ahead. */
#define MTLB_CLIENT_TICK_SHIFT 10
#define MTLB_CLIENT_SECOND     (1000000000ULL >> MTLB_CLIENT_TICK_SHIFT)
#define MTLB_CLIENT_DUE_BITS   40

/*
 * mtlb_clients: a cache line. An entry: who in the upper 24 bits, by a keyed hash of tenant and
 * address; when its next connection is due in the others. What is not within a second after now is
 * over (and one that was left for 13 days may look for a second as if it were not).
 */
struct mtlb_client_line {
	__u64 entry[MTLB_CLIENTS_PER_LINE];
};

#endif
