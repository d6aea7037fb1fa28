// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "noun.h"

#include "list.h"

static const struct column columns[] = {
	{"NAME", "name", VALUE_TEXT},
	{"TYPE", "type", VALUE_TEXT},
	{"STATE", "state", VALUE_STATE},
	{"ENTRIES", "entries", VALUE_NUMBER},
	{"BAD-LINES", "badLines", VALUE_NUMBER},
	{"LOADED", "loadedAt", VALUE_TIME},
	{"HITS", "hits", VALUE_NUMBER},
	{"FILE", "file", VALUE_TEXT},
	{"ERROR", "error", VALUE_TEXT},
	{},
};

static const char *const spare[] = {"BAD-LINES", "TYPE", "LOADED", "FILE", NULL};

static const struct filter filters[] = {
	{"feed", "NAME", "name", NULL},
	{"state", "loading|loaded|kept|failed", "state", NULL},
	{},
};

static const char *const keys[] = {"name", NULL};

static const struct verb verbs[] = {
	{"list", NULL, "Lists the deny feeds: what was loaded, when, and what it has dropped.",
	 list_run},
	{"show", NULL, "Shows one feed by its name.", list_run_show},
	{},
};

const struct noun feed_noun = {
	.name = "feed",
	.help = "files of sources that may send to no tenant",
	.endpoint = "/v1/feeds",
	.columns = columns,
	.spare = spare,
	.filters = filters,
	.keys = keys,
	.verbs = verbs,
};
