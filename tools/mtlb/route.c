// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "noun.h"

#include "list.h"

static const struct column columns[] = {
	{"TENANT", "tenant", VALUE_TEXT},	{"NAME", "name", VALUE_TEXT},
	{"LISTENER", "listener", VALUE_TEXT},	{"HOSTS", "hosts", VALUE_LIST},
	{"PATHS", "paths", VALUE_LIST},		{"POOLS", "targets", VALUE_LIST},
	{"REQUESTS", "requests", VALUE_NUMBER}, {"4XX", "answers.4xx", VALUE_NUMBER},
	{"5XX", "answers.5xx", VALUE_NUMBER},	{"P50", "p50Ms", VALUE_MILLIS},
	{"P99", "p99Ms", VALUE_MILLIS},		{},
};

static const char *const spare[] = {"4XX", "P50", "LISTENER", "HOSTS", "POOLS", NULL};

static const struct filter filters[] = {
	{"tenant", "NAME", "tenant", NULL},
	{"route", "NAME", "name", NULL},
	{"listener", "NAME", "listener", NULL},
	{"host", "NAME", "hosts", NULL},
	{},
};

static const char *const keys[] = {"tenant/name", "tenant", NULL};

static const struct verb verbs[] = {
	{"list", NULL, "Lists the routes: where requests go, how many came, what was answered.",
	 list_run},
	{"show", NULL, "Shows one route by TENANT/NAME, or those of a tenant.", list_run_show},
	{},
};

const struct noun route_noun = {
	.name = "route",
	.help = "which requests of HTTP go to which pools",
	.endpoint = "/v1/routes",
	.columns = columns,
	.spare = spare,
	.filters = filters,
	.keys = keys,
	.verbs = verbs,
};
