// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "noun.h"

#include "list.h"

static const struct column columns[] = {
	{"TENANT", "tenant", VALUE_TEXT},
	{"REASON", "reason", VALUE_TEXT},
	{"VERDICT", "verdict", VALUE_STATE},
	{"PACKETS", "packets", VALUE_NUMBER},
	{"BYTES", "bytes", VALUE_BYTES},
	{"MEANING", "sentence", VALUE_TEXT},
	{},
};

static const struct filter filters[] = {
	{"tenant", "NAME", "tenant", NULL},
	{"reason", "REASON", "reason", NULL},
	{"verdict", "DROP|PASS", "verdict", NULL},
	{},
};

static const char *const keys[] = {"tenant", "reason", "tenant/reason", NULL};

static const struct verb verbs[] = {
	{"list", NULL, "Lists why packets were not forwarded, by tenant; - is nobody's.", list_run},
	{"show", NULL, "Shows the rows of a tenant or of a reason.", list_run_show},
	{},
};

const struct noun drop_noun = {
	.name = "drop",
	.help = "packets that were dropped or left to the host, and why",
	.endpoint = "/v1/drops",
	.columns = columns,
	.filters = filters,
	.keys = keys,
	.verbs = verbs,
};
