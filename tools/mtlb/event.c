// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "noun.h"

#include "list.h"
#include "output.h"
#include "safe.h"
#include "watch.h"

static const struct column columns[] = {
	{"WHEN", "at", VALUE_TIME},
	{"TENANT", "tenant", VALUE_TEXT},
	{"KIND", "kind", VALUE_STATE},
	{"WHAT", "sentence", VALUE_TEXT},
	{},
};

static const struct filter filters[] = {
	{"tenant", "NAME", "tenant", "tenant"},
	{"kind", "KIND", "kind", NULL},
	{},
};

static const char *const keys[] = {"kind", "tenant", NULL};

static void print_event(const struct options *options, const json_t *event)
{
	output_text(json_object_get(event, "at"));
	putchar(' ');
	output_state(options, json_string_value(json_object_get(event, "kind")));
	putchar(' ');
	output_text(json_object_get(event, "sentence"));
	putchar('\n');
}

static int run_watch(const struct call *call)
{
	return watch_run(call, print_event);
}

static const struct verb verbs[] = {
	{"list", NULL, "Lists what happened last: attacks on tenants, backends that went or came.",
	 list_run},
	{"show", NULL, "Shows the events of a kind or of a tenant.", list_run_show},
	{"watch", "[tenant NAME]", "Prints each event as it happens, until it is stopped.",
	 run_watch},
	{},
};

const struct noun event_noun = {
	.name = "event",
	.help = "what happened: attacks, backends that went down or came back",
	.endpoint = "/v1/events",
	.columns = columns,
	.filters = filters,
	.keys = keys,
	.verbs = verbs,
	.options = watch_options,
};
