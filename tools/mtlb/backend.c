// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "noun.h"

#include "list.h"
#include "object.h"

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

static const char *const spare[] = {"VIA",   "NEW-FLOWS", "BYTES",    "WEIGHT", "PACKETS",
				    "SINCE", "SHARE",	  "NEXT-HOP", NULL};

static const struct filter filters[] = {
	{"tenant", "NAME", "tenant", NULL},
	{"pool", "NAME", "pool", NULL},
	{"service", "NAME", "service", NULL},
	{"address", "ADDRESS", "address", NULL},
	{"state", "up|checking|down|drain|gone", "state", NULL},
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
	{"get", "TENANT/POOL ADDRESS", "Prints a backend as the configuration has it.", object_get},
	{"add", "TENANT/POOL ADDRESS [FILE|-|KEY=VALUE...]",
	 "Adds one that is not there yet, from YAML or JSON, or from single keys.", object_add},
	{"set", "TENANT/POOL ADDRESS [FILE|-|KEY=VALUE...]",
	 "Puts one there, or in the place of the one that is; single keys change only themselves.",
	 object_set},
	{"del", "TENANT/POOL ADDRESS", "Removes a backend.", object_del},
	{"drain", "TENANT/POOL ADDRESS",
	 "Gives it no new flows; those that it has are kept until the pool's drainDeadline.",
	 object_drain},
	{"undrain", "TENANT/POOL ADDRESS", "Gives it new flows again.", object_undrain},
	{},
};

const struct noun backend_noun = {
	.name = "backend",
	.help = "servers that take the flows",
	.endpoint = "/v1/backends",
	.columns = columns,
	.spare = spare,
	.filters = filters,
	.keys = keys,
	.object = "/v1/tenants/{}/pools/{}/backends/{}",
	.verbs = verbs,
};
