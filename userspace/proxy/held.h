/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Clients that come back after they were cut for taking nothing of their answers, while their
 * tenant had too many of those (conn_stall.c): each costs a connection to a backend, and as much as
 * the sockets hold, before it is known for what it is. A client that was cut so often has no more
 * requests to that tenant served until it has not been cut for a while.
 *
 * A client is an address, of IPv6 a /64 (RFC 6177). The table has a place for so many, four to
 * choose from for each; whose last cut is longest ago is forgotten first.
 */
#ifndef MTLB_PROXY_HELD_H
#define MTLB_PROXY_HELD_H

#include <stdint.h>

#include "../base/addr.h"

#define HELD_PLACES 256
#define HELD_CUTS   8		   /* make one */
#define HELD_FOR    60000000000ULL /* nanoseconds since the last cut */
#define HELD_MEMORY (2 * HELD_FOR) /* and then it has to be cut so often again */

struct held_client {
	struct addr client;
	uint32_t tenant; /* row of the tally; 0: nobody has this place */
	uint32_t cuts;
	uint64_t at; /* of the last one */
};

struct held {
	uint64_t secret; /* who chooses addresses does not choose places */
	uint64_t until;	 /* nobody is held from here on */
	struct held_client clients[HELD_PLACES];
};

/* It was cut. tenant: 1.. */
void held_cut(struct held *held, uint32_t tenant, const struct addr *client, uint64_t now);

/* For how long it has to wait, in nanoseconds; 0: it is not held. */
uint64_t held_left(const struct held *held, uint32_t tenant, const struct addr *client,
		   uint64_t now);

#endif
