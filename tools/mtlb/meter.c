// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "noun.h"

#include <time.h>

#include "../../userspace/model/level.h"
#include "list.h"
#include "tenant_maps.h"

static const struct column columns[] = {
	{"TENANT", "tenant", VALUE_TEXT},
	{"METER", "meter", VALUE_TEXT},
	{"RATE/S", "rate", VALUE_NUMBER},
	{"BURST", "burst", VALUE_NUMBER},
	{"SPENT", "fill", VALUE_PERCENT},
	{"DROPPED", "dropped", VALUE_NUMBER},
	{},
};

static const struct filter filters[] = {
	{"tenant", "NAME", "tenant", NULL},
	{"meter", "packets|bits|newFlows|newFlowsPerClient|guaranteed|share", "meter", NULL},
	{},
};

static const char *const keys[] = {"tenant/meter", "tenant", "meter", NULL};

static void add_levels(const struct view *view, uint32_t tenant, json_t *items)
{
	struct level levels[LEVELS_MAX];
	struct timespec now;
	size_t count;

	clock_gettime(CLOCK_MONOTONIC, &now);
	count = level_read(&view->meters[tenant], &view->meter_times[tenant], view->share,
			   (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec, levels);
	for (size_t i = 0; i < count; i++) {
		struct mtlb_reason_counter sum = view_sum_reason(view, tenant, levels[i].reason);

		json_array_append_new(
			items, level_json(&levels[i], view_tenant_name(view, tenant), sum.packets));
	}
}

static int from_maps(const struct call *call, json_t **ret_items, struct err *err)
{
	return tenant_maps_items(call, add_levels, ret_items, err);
}

static const struct verb verbs[] = {
	{"list", NULL,
	 "Lists what tenants may send a second, how much of the burst is spent, and what was "
	 "refused. A share's rate is what it is just now; newFlowsPerClient is met by each client "
	 "alone.",
	 list_run},
	{"show", NULL, "Shows the meters of a tenant.", list_run_show},
	{},
};

const struct noun meter_noun = {
	.name = "meter",
	.help = "rates that tenants are held to",
	.endpoint = "/v1/meters",
	.columns = columns,
	.filters = filters,
	.keys = keys,
	.verbs = verbs,
	.from_maps = from_maps,
};
