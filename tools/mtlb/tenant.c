// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "noun.h"

#include "list.h"

static const struct column columns[] = {
	{"NAME", "name", VALUE_TEXT},
	{"ID", "id", VALUE_PLAIN},
	{"ADDRESSES", "addresses", VALUE_LIST},
	{"SERVICES", "services", VALUE_NUMBER},
	{"BACKENDS", "backends", VALUE_NUMBER},
	{"FLOWS", "flows", VALUE_USAGE},
	{"NEW-FLOWS", "newFlows", VALUE_NUMBER},
	{"PACKETS", "packets", VALUE_NUMBER},
	{"BYTES", "bytes", VALUE_BYTES},
	{"DROPS", "drops", VALUE_NUMBER},
	{},
};

static const struct filter filters[] = {
	{"tenant", "NAME", "name", NULL},
	{"address", "ADDRESS", "addresses", NULL},
	{},
};

static const char *const keys[] = {"name", "addresses", NULL};

static const struct verb verbs[] = {
	{"list", NULL, "Lists the tenants: what each owns, uses and has been sent.", list_run},
	{"show", NULL, "Shows one tenant, by its name or one of its addresses.", list_run_show},
	{},
};

const struct noun tenant_noun = {
	.name = "tenant",
	.help = "those who share this node",
	.endpoint = "/v1/tenants",
	.columns = columns,
	.filters = filters,
	.keys = keys,
	.verbs = verbs,
};
