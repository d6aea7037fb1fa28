// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "noun.h"

#include "list.h"
#include "object.h"

static const struct column columns[] = {
	{"NAME", "name", VALUE_TEXT},
	{"ID", "id", VALUE_PLAIN},
	{"ADDRESSES", "addresses", VALUE_LIST},
	{"SERVICES", "services", VALUE_NUMBER},
	{"BACKENDS", "backends", VALUE_NUMBER},
	{"STORED", "flows", VALUE_USAGE},
	{"ACTIVE", "activeFlows.estimated", VALUE_NUMBER},
	{"+/-", "activeFlows.error", VALUE_PERCENT},
	{"PEAK", "activeFlows.peak", VALUE_NUMBER},
	{"NEW-FLOWS", "newFlows", VALUE_NUMBER},
	{"PACKETS", "packets", VALUE_NUMBER},
	{"BYTES", "bytes", VALUE_BYTES},
	{"DROPS", "drops", VALUE_NUMBER},
	{"REQUESTS", "l7.requests", VALUE_NUMBER},
	{"5XX", "l7.answers.5xx", VALUE_NUMBER},
	{"P99", "l7.p99Ms", VALUE_MILLIS},
	{"SYN-COOKIES", "synCookies.state", VALUE_TEXT},
	{},
};

static const char *const spare[] = {"ID",  "PEAK",     "+/-",	"NEW-FLOWS", "SYN-COOKIES", "5XX",
				    "P99", "REQUESTS", "BYTES", "SERVICES",  "BACKENDS",    NULL};

static const struct filter filters[] = {
	{"tenant", "NAME", "name", NULL},
	{"address", "ADDRESS", "addresses", NULL},
	{},
};

static const char *const keys[] = {"name", "addresses", NULL};

static const struct verb verbs[] = {
	{"list", NULL, "Lists the tenants: what each owns, uses and has been sent.", list_run},
	{"show", NULL, "Shows one tenant, by its name or one of its addresses.", list_run_show},
	{"get", "NAME",
	 "Prints what is granted to a tenant, and its configuration as the configuration has it.",
	 object_get},
	{"add", "NAME [FILE|-|KEY=VALUE...]",
	 "Adds one that is not there yet, from YAML or JSON, or from single keys.", object_add},
	{"set", "NAME [FILE|-|KEY=VALUE...]",
	 "Puts one there, or in the place of the one that is; single keys change only themselves.",
	 object_set},
	{"del", "NAME", "Removes what is granted to a tenant, and its configuration.", object_del},
	{"adopt", "NAME", "Has the API keep a tenant that files have: they no longer count for it.",
	 object_adopt},
	{"release", "NAME", "Gives an adopted tenant back to the files.", object_release},
	{},
};

const struct noun tenant_noun = {
	.name = "tenant",
	.help = "those who share this node",
	.endpoint = "/v1/tenants",
	.columns = columns,
	.spare = spare,
	.filters = filters,
	.keys = keys,
	.object = "/v1/tenants/{}",
	.verbs = verbs,
};
