/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A compiled configuration in use: the image that mtlbd handed over, mapped, and beside it what
 * this process knows of its members. A reload brings another one; each request keeps the one that
 * it began with, and the last request takes it away.
 */
#ifndef MTLB_PROXY_ROUTING_H
#define MTLB_PROXY_ROUTING_H

#include "../model/l7/image.h"
#include "upstream.h"

struct routing {
	unsigned refs;
	struct image image;
	void *base;
	size_t size;
	struct upstreams *upstreams;
	struct upstream_member **members; /* by index; NULL: not asked for yet */
	float *budgets;			  /* of each pool: requests that may be tried again */
	unsigned *pipes;		  /* of each tenant: those in use */
	unsigned *requests;		  /* of each tenant: in flight */
};

/* fd: a memfd that is sealed against every change; it is the caller's. 0; or a negative errno and
 * why. */
int routing_open(struct upstreams *upstreams, int fd, struct routing **ret_routing,
		 struct err *err);
/* The same of bytes that lie in memory and stay. */
int routing_open_bytes(struct upstreams *upstreams, const void *base, size_t size,
		       struct routing **ret_routing, struct err *err);

static inline struct routing *routing_hold(struct routing *routing)
{
	routing->refs++;
	return routing;
}

void routing_drop(struct routing *routing);

/* NULL: no memory. */
struct upstream_member *routing_member(struct routing *routing, uint32_t index);

#endif
