// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "quota.h"

#include <errno.h>
#include <string.h>

uint32_t quota_find_shared(const struct registry *registry, const char *tier, uint32_t buckets)
{
	const struct dataplane_view *view = dataplane_view(registry->dataplane);

	for (uint32_t i = 1; tier[0] && i < view->node->tenants; i++) {
		const struct mtlb_tenant *tenant = &view->tenants[i];

		if (tenant->used && tenant->flow_count == buckets &&
		    strcmp(tenant->flows_of, tier) == 0)
			return tenant->flow_first;
	}
	return 0;
}

bool quota_in_use(const struct registry *registry, uint32_t first)
{
	const struct dataplane_view *view = dataplane_view(registry->dataplane);

	for (uint32_t i = 1; i < view->node->tenants; i++)
		if (view->tenants[i].used && view->tenants[i].flow_first == first)
			return true;
	return false;
}

static uint32_t take_buckets(struct registry *registry, uint32_t count)
{
	uint32_t first = ranges_take(&registry->flow_buckets, count);

	if (!first && !registry_settle(registry))
		first = ranges_take(&registry->flow_buckets, count);
	return first;
}

int quota_take(struct registry *registry, struct mtlb_tenant *tenant, bool *ret_fresh)
{
	tenant->flow_first = quota_find_shared(registry, tenant->flows_of, tenant->flow_count);
	*ret_fresh = !tenant->flow_first;
	if (!*ret_fresh)
		return 0;
	tenant->flow_first = take_buckets(registry, tenant->flow_count);
	if (!tenant->flow_first)
		return -ENOSPC;
	return dataplane_clear_flows(registry->dataplane, tenant->flow_first, tenant->flow_count);
}

/* A shared one goes when nobody has it, and no record of another tenant's leads there for which a
 * change was cut off: registry_reclaim() can tell. */
void quota_leave(struct registry *registry, const struct mtlb_tenant *range)
{
	if (range->flows_of[0])
		registry->strays = true;
	else
		ranges_give_back(&registry->flow_buckets, range->flow_first, range->flow_count);
}
