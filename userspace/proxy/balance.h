/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Which member of a pool gets a request. */
#ifndef MTLB_PROXY_BALANCE_H
#define MTLB_PROXY_BALANCE_H

#include "routing.h"

#define BALANCE_TRIED_MAX 8

/* Members that this request has tried, which are only taken again when there is no other. */
struct balance_tried {
	uint64_t keys[BALANCE_TRIED_MAX];
	unsigned count;
};

/* What is drained, or down by its health checks, gets nothing; what failed eject_after times in a
 * row gets nothing for a while, unless that is all there is. An index into image->members, or
 * IMAGE_NONE. random: evenly so. */
uint32_t balance_pick(struct routing *routing, uint32_t pool, uint64_t now, uint64_t random,
		      const struct balance_tried *tried);

/* How a request, or an attempt to connect, ended for this member. */
void balance_failed(const struct routing *routing, uint32_t pool, struct upstream_member *member,
		    uint64_t now);
void balance_succeeded(struct upstream_member *member);

#endif
