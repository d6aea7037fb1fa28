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

struct balance_request {
	uint64_t now;
	uint64_t random; /* evenly so */
	uint64_t hash;	 /* of what maglev goes by */
	bool by_hash;	 /* whatever the pool's scheduler is */
	const struct balance_tried *tried;
};

/*
 * What is drained, or down by its health checks, gets nothing, and so does what was ejected
 * (eject.h), unless that is all there is. With members in the node's own zone, others get what
 * these cannot take: see node.zone. An index into image->members, or IMAGE_NONE.
 */
uint32_t balance_pick(struct routing *routing, uint32_t pool,
		      const struct balance_request *request);

/* Whether a session may go on with this member of its pool. */
bool balance_may_take(struct routing *routing, uint32_t index,
		      const struct balance_request *request);

/* How a request, or an attempt to connect, ended for this member; took: until the head of its
 * answer. */
void balance_failed(const struct routing *routing, uint32_t pool, struct upstream_member *member,
		    uint64_t now);
void balance_succeeded(const struct routing *routing, struct upstream_member *member, uint64_t now,
		       uint64_t took);

#endif
