// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "noun.h"

#include "list.h"
#include "object.h"

static const struct column columns[] = {
	{"TENANT", "tenant", VALUE_TEXT},
	{"NAME", "name", VALUE_TEXT},
	{"SERVICES", "services", VALUE_LIST},
	{"UP", "members.up", VALUE_NUMBER},
	{"DOWN", "members.down", VALUE_NUMBER},
	{"DRAIN", "members.drain", VALUE_NUMBER},
	{"GONE", "members.gone", VALUE_NUMBER},
	{"CHECK", "health.type", VALUE_TEXT},
	{"PORT", "health.port", VALUE_PLAIN},
	{"INTERVAL", "health.interval", VALUE_MILLIS},
	{"TIMEOUT", "health.timeout", VALUE_MILLIS},
	{"RISE", "health.rise", VALUE_NUMBER},
	{"FALL", "health.fall", VALUE_NUMBER},
	{},
};

static const char *const spare[] = {"FALL", "RISE", "GONE", "TIMEOUT", "PORT", "INTERVAL", NULL};

static const struct filter filters[] = {
	{"tenant", "NAME", "tenant", NULL},
	{"pool", "NAME", "name", NULL},
	{"service", "NAME", "services", NULL},
	{},
};

static const char *const keys[] = {"tenant/name", "tenant", NULL};

static const struct verb verbs[] = {
	{"list", NULL, "Lists the pools: how many backends are usable, and how they are checked.",
	 list_run},
	{"show", NULL, "Shows one pool by TENANT/NAME, or those of a tenant.", list_run_show},
	{"get", "TENANT/POOL", "Prints a pool as the configuration has it.", object_get},
	{"add", "TENANT/POOL [FILE|-|KEY=VALUE...]",
	 "Adds one that is not there yet, from YAML or JSON, or from single keys.", object_add},
	{"set", "TENANT/POOL [FILE|-|KEY=VALUE...]",
	 "Puts one there, or in the place of the one that is; single keys change only themselves.",
	 object_set},
	{"del", "TENANT/POOL", "Removes a pool.", object_del},
	{},
};

const struct noun pool_noun = {
	.name = "pool",
	.help = "sets of backends that are checked alike",
	.endpoint = "/v1/pools",
	.columns = columns,
	.spare = spare,
	.filters = filters,
	.keys = keys,
	.object = "/v1/tenants/{}/pools/{}",
	.verbs = verbs,
};
