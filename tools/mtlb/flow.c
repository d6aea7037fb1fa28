// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "noun.h"

#include "flow_maps.h"
#include "list.h"

static const struct column columns[] = {
	{"TENANT", "tenant", VALUE_TEXT},
	{"SERVICE", "service", VALUE_TEXT},
	{"PROTOCOL", "protocol", VALUE_TEXT},
	{"SOURCE", "source:sourcePort", VALUE_TEXT},
	{"DESTINATION", "destination:destinationPort", VALUE_TEXT},
	{"BACKEND", "backend", VALUE_TEXT},
	{"STATE", "state", VALUE_STATE},
	{"IDLE", "idle", VALUE_SECONDS},
	{"AGE", "age", VALUE_SECONDS},
	{},
};

static const char *const spare[] = {"AGE", "PROTOCOL", "IDLE", "SERVICE", NULL};

/* The order is that of enum flow_filter. The agent reads flows out of a large table: it narrows by
 * tenant and stops at the limit itself.
 */
static const struct filter filters[] = {
	[FLOW_TENANT] = {"tenant", "NAME", "tenant", "tenant"},
	[FLOW_LIMIT] = {"limit", "COUNT", NULL, "limit"},
	[FLOW_SERVICE] = {"service", "NAME", "service", NULL},
	[FLOW_CLIENT] = {"client", "ENDPOINT", "source:sourcePort", NULL},
	[FLOW_SOURCE] = {"source", "ENDPOINT", "source:sourcePort", NULL},
	[FLOW_DESTINATION] = {"destination", "ENDPOINT", "destination:destinationPort", NULL},
	[FLOW_MEMBER] = {"member", "ENDPOINT", "backend", NULL},
	[FLOW_BACKEND] = {"backend", "ENDPOINT", "backend", NULL},
	[FLOW_STATE] = {"state", "unproven|established|closing|adopted", "state", NULL},
	[FLOW_AGE] = {"age", "DURATION", "age", NULL},
	[FLOW_IDLE] = {"idle", "DURATION", "idle", NULL},
	[FLOW_FILTERS] = {},
};

static const char *const keys[] = {
	"source:sourcePort",
	"source",
	"destination:destinationPort",
	"destination",
	"backend",
	"tenant/service",
	"tenant",
	NULL,
};

static int run_list(const struct call *call)
{
	struct list_wanted wanted = {};
	int code;

	if (list_parse(call, &wanted))
		return EXIT_ERROR;
	code = flow_maps_list(call, &wanted);
	return code < 0 ? list_run_wanted(call, &wanted) : code;
}

static const struct verb verbs[] = {
	{"list", NULL,
	 "Lists tracked flows, at least that old or idle. root reads them all from the pinned "
	 "maps, others (and whoever names a socket) ask the agent, for no more than the limit.",
	 run_list},
	{"show", NULL, "Shows the flows of an address, TENANT/SERVICE or a tenant.", list_run_show},
	{},
};

const struct noun flow_noun = {
	.name = "flow",
	.help = "connections that are remembered",
	.endpoint = "/v1/flows",
	.columns = columns,
	.spare = spare,
	.filters = filters,
	.keys = keys,
	.verbs = verbs,
	.from_maps = flow_maps_items,
};
