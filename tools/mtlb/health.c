// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "noun.h"

#include "list.h"

static const struct column columns[] = {
	{"TENANT", "tenant", VALUE_TEXT},
	{"POOL", "pool", VALUE_TEXT},
	{"ADDRESS", "address:port", VALUE_TEXT},
	{"TYPE", "type", VALUE_TEXT},
	{"STATE", "state", VALUE_STATE},
	{"VIA", "via", VALUE_TEXT},
	{"VIP", "vip", VALUE_TEXT},
	{"SINCE", "since", VALUE_TIME},
	{"AGAINST", "streak", VALUE_PLAIN},
	{"OF", "needed", VALUE_PLAIN},
	{"PROBES", "probes", VALUE_NUMBER},
	{"FAILED", "failures", VALUE_NUMBER},
	{"HELD-S", "heldFor", VALUE_PLAIN},
	{"PANIC", "panic", VALUE_TEXT},
	{"LAST-FAILURE", "failedAt", VALUE_TIME},
	{"LAST-ERROR", "lastError", VALUE_TEXT},
	{},
};

static const char *const spare[] = {"HELD-S",	    "OF",     "AGAINST", "PROBES", "PANIC",
				    "LAST-FAILURE", "FAILED", "SINCE",	 "VIP",	   NULL};

static const struct filter filters[] = {
	{"tenant", "NAME", "tenant", NULL},
	{"pool", "NAME", "pool", NULL},
	{"address", "ADDRESS", "address", NULL},
	{"type", "tcp|tls|http|https|grpc|udp|icmp|script", "type", NULL},
	{"via", "vip|direct|none", "via", NULL},
	{"state", "unknown|up|down", "state", NULL},
	{},
};

static const char *const keys[] = {"address:port", "address", "tenant/pool", "tenant", NULL};

static const struct verb verbs[] = {
	{"list", NULL, "Lists the health checks: state, what speaks against it, last error.",
	 list_run},
	{"show", NULL, "Shows the checks of an address, TENANT/POOL or tenant.", list_run_show},
	{},
};

const struct noun health_noun = {
	.name = "health",
	.help = "health checks of backends",
	.endpoint = "/v1/health",
	.columns = columns,
	.spare = spare,
	.filters = filters,
	.keys = keys,
	.verbs = verbs,
};
