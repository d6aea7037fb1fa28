// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "noun.h"

#include "list.h"
#include "object.h"

static const struct column columns[] = {
	{"TENANT", "tenant", VALUE_TEXT},
	{"PREFIX", "prefix", VALUE_TEXT},
	{"ACTION", "action", VALUE_STATE},
	{"HITS", "hits", VALUE_NUMBER},
	{},
};

static const struct filter filters[] = {
	{"tenant", "NAME", "tenant", NULL},
	{"prefix", "PREFIX", "prefix", NULL},
	{"action", "allow|deny", "action", NULL},
	{},
};

static const char *const keys[] = {"prefix", "tenant", NULL};

static const struct verb verbs[] = {
	{"list", NULL, "Lists the lines of access lists, and how many packets each has decided.",
	 list_run},
	{"show", NULL, "Shows the lines with a prefix, or those of a tenant.", list_run_show},
	{"get", "TENANT", "Prints an access list as the configuration has it.", object_get},
	{"add", "TENANT [FILE|-|KEY=VALUE...]",
	 "Adds one that is not there yet, from YAML or JSON, or from single keys.", object_add},
	{"set", "TENANT [FILE|-|KEY=VALUE...]",
	 "Puts one there, or in the place of the one that is; single keys change only themselves.",
	 object_set},
	{"del", "TENANT", "Removes an access list.", object_del},
	{},
};

const struct noun acl_noun = {
	.name = "acl",
	.help = "sources that may send to a tenant, and that may not",
	.endpoint = "/v1/acls",
	.columns = columns,
	.filters = filters,
	.keys = keys,
	.object = "/v1/tenants/{}/acl",
	.verbs = verbs,
};
