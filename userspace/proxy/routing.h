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
#include "vault.h"

struct maglev_table;
struct pending;

struct routing {
	unsigned refs;
	struct image image;
	void *base;
	size_t size;
	struct vault *vault; /* has its certificates; NULL: none */
	struct upstreams *upstreams;
	uint32_t pools_count;
	struct upstream_member **members; /* by index; NULL: not asked for yet */
	float *budgets;			  /* of each pool: requests that may be tried again */
	unsigned *pipes;		  /* of each tenant: those in use */
	unsigned *requests;		  /* of each tenant: in flight */
	unsigned *mirrors;		  /* of each tenant: the same of copies */
	const uint8_t *down;		  /* of each member, by index; NULL: none is */
	struct pending **pending;	  /* of each pool; NULL: not asked for yet */
	struct maglev_table **tables;	  /* of each pool; NULL: not asked for yet */
	uint8_t (*sessions)[16];	  /* of each member: what its cookies say */
	bool *has_sessions;		  /* of each pool: those of its members are made */
};

/* fd: a memfd that is sealed against every change; it is the caller's. 0; or a negative errno and
 * why. */
int routing_open(struct upstreams *upstreams, int fd, struct routing **ret_routing,
		 struct err *err);
/* The same of bytes that lie in memory and stay. */
int routing_open_bytes(struct upstreams *upstreams, const void *base, size_t size,
		       struct routing **ret_routing, struct err *err);

/* What health checks say of its members: a memfd with a byte for each, which is the caller's. 0 or
 * a negative errno. */
int routing_open_states(struct routing *routing, int fd);

static inline bool routing_is_down(const struct routing *routing, uint32_t member)
{
	return routing->down && __atomic_load_n(&routing->down[member], __ATOMIC_RELAXED);
}

static inline struct routing *routing_hold(struct routing *routing)
{
	routing->refs++;
	return routing;
}

void routing_drop(struct routing *routing);

/* NULL: no memory. */
struct upstream_member *routing_member(struct routing *routing, uint32_t index);

#endif
