// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What tenants' meters stand at. */
#include <time.h>

#include "../../model/level.h"
#include "report.h"

static uint64_t monotonic_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static void add_levels(const struct agent *agent, const struct registry_tenant *tenant,
		       json_t *items)
{
	const struct dataplane_view *view = dataplane_view(agent->dataplane);
	struct level levels[LEVELS_MAX];
	size_t count = level_read(&view->meters[tenant->index], &view->meter_times[tenant->index],
				  view->share, monotonic_ns(), levels);

	for (size_t i = 0; i < count; i++) {
		struct mtlb_reason_counter sum;

		dataplane_sum_reason(agent->dataplane, tenant->index, levels[i].reason, &sum);
		json_array_append_new(items, level_json(&levels[i], tenant->name, sum.packets));
	}
}

int report_meters(void *context, const struct http_request *request, struct http_reply *reply)
{
	struct agent *agent = context;
	struct registry_tenant *tenant, *next;
	json_t *items = json_array();

	(void)request;
	HASH_ITER (by_name, agent->registry.tenants, tenant, next)
		add_levels(agent, tenant, items);
	return report_items(reply, items);
}
