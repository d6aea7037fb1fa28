/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The configuration of a node with many tenants: each has a VIP, a pool of two backends behind a
 * router, three meters and, if wanted, an access list.
 */
#ifndef MTLB_BENCH_AGENT_TENANTS_H
#define MTLB_BENCH_AGENT_TENANTS_H

#include <stdint.h>

struct tenants {
	const char *directory;
	uint32_t count;
	uint32_t acl_prefixes;	/* of each */
	uint32_t feed_prefixes; /* 0: there is no feed */
	uint32_t metrics_top;	/* with series of their own, and all their backends; 0: as usual */
};

/* All return 0 or a negative errno. */
int tenants_write(const struct tenants *tenants);
/* One of them, with other weights for each variant. */
int tenants_write_one(const struct tenants *tenants, uint32_t number, uint32_t variant);
/* The feed; each variant has its own last prefix. */
int tenants_write_feed(const struct tenants *tenants, uint32_t variant);

#endif
