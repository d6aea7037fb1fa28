// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "noun.h"

#include "list.h"

static const struct column columns[] = {
	{"TENANT", "tenant", VALUE_TEXT},
	{"POOL", "pool", VALUE_TEXT},
	{"SERVICE", "service", VALUE_TEXT},
	{"ADDRESS", "address:port", VALUE_TEXT},
	{"STATE", "state", VALUE_STATE},
	{"SINCE", "health.since", VALUE_TIME},
	{"WEIGHT", "weight", VALUE_PLAIN},
	{"SHARE", "share", VALUE_PERCENT},
	{"NEW-FLOWS", "newFlows", VALUE_NUMBER},
	{"PACKETS", "packets", VALUE_NUMBER},
	{"BYTES", "bytes", VALUE_BYTES},
	{"NEXT-HOP", "nextHop.status", VALUE_TEXT},
	{"VIA", "nextHop.interface", VALUE_TEXT},
	{"LAST-ERROR", "health.lastError", VALUE_TEXT},
	{},
};

static const struct filter filters[] = {
	{"tenant", "NAME", "tenant", NULL},
	{"pool", "NAME", "pool", NULL},
	{"service", "NAME", "service", NULL},
	{"address", "ADDRESS", "address", NULL},
	{"state", "up|down|drain|gone", "state", NULL},
	{},
};

static const char *const keys[] = {
	"address:port", "address", "tenant/pool", "tenant/service", "tenant", NULL,
};

static const struct verb verbs[] = {
	{"list", NULL, "Lists the backends: state, share of the flows, traffic, way there.",
	 list_run},
	{"show", NULL, "Shows the backends of an address, TENANT/POOL, TENANT/SERVICE or tenant.",
	 list_run_show},
	{},
};

const struct noun backend_noun = {
	.name = "backend",
	.help = "servers that take the flows",
	.endpoint = "/v1/backends",
	.columns = columns,
	.filters = filters,
	.keys = keys,
	.verbs = verbs,
};
