/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Which range of the flow table is a tenant's: one of its own, or the one that all tenants of its
 * tier share.
 */
#ifndef MTLB_AGENT_QUOTA_H
#define MTLB_AGENT_QUOTA_H

#include "registry.h"

/* The first bucket of the range that the tenants of this tier share, if there is one of this size.
 */
uint32_t quota_find_shared(const struct registry *registry, const char *tier, uint32_t buckets);
/* Does any tenant have its flows in this range? */
bool quota_in_use(const struct registry *registry, uint32_t first);

/* Sets flow_first by flow_count and flows_of: an empty range, or its tier's. 0, -ENOSPC, or what
 * the dataplane says. */
int quota_take(struct registry *registry, struct mtlb_tenant *tenant, bool *ret_fresh);
/* For a range that a tenant does not have any more. */
void quota_leave(struct registry *registry, const struct mtlb_tenant *range);

#endif
