// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What tenants used, for billing: a table for people, files for programs. */
#include "noun.h"

#include <stdlib.h>
#include <string.h>

#include "../lib/client.h"
#include "command.h"
#include "list.h"
#include "output.h"
#include "usage_export.h"
#include "words.h"

#define TARGET_MAX 1024

static const struct column columns[] = {
	{"TENANT", "tenant", VALUE_TEXT},
	{"FROM", "from", VALUE_TEXT},
	{"TO", "to", VALUE_TEXT},
	{"PACKETS-IN", "packetsIn", VALUE_NUMBER},
	{"BYTES-IN", "bytesIn", VALUE_BYTES},
	{"PACKETS-OUT", "packetsOut", VALUE_NUMBER},
	{"BYTES-OUT", "bytesOut", VALUE_BYTES},
	{"NEW-FLOWS", "newFlows", VALUE_NUMBER},
	{"PEAK-FLOWS", "peakActiveFlows", VALUE_NUMBER},
	{"DROPPED-LIMITS", "droppedByLimits", VALUE_NUMBER},
	{"DROPPED-ELSE", "droppedOtherwise", VALUE_NUMBER},
	{"REQUESTS", "requests", VALUE_NUMBER},
	{"L7-IN", "requestBytesIn", VALUE_BYTES},
	{"L7-OUT", "requestBytesOut", VALUE_BYTES},
	{"APPROX", "approximate", VALUE_BOOL},
	{},
};

static const char *const spare[] = {
	"APPROX",     "DROPPED-ELSE", "DROPPED-LIMITS", "L7-IN",     "L7-OUT", "REQUESTS",
	"PEAK-FLOWS", "PACKETS-OUT",  "PACKETS-IN",	"NEW-FLOWS", "TO",     NULL};

enum keyword {
	KEYWORD_TENANT,
	KEYWORD_FROM,
	KEYWORD_TO,
	KEYWORD_BY,
	KEYWORD_SHOW, /* so many are of `show` */
	KEYWORD_FORMAT = KEYWORD_SHOW,
	KEYWORD_PROVIDER,
	KEYWORDS,
};

static const char *const keywords[KEYWORDS] = {"tenant", "from", "to", "by", "format", "provider"};
static const char *const values[KEYWORDS] = {"NAME",	 "TIME",	   "TIME",
					     "hour|day", "csv|json|focus", "NAME"};

/* KEYWORD VALUE pairs. 0 or EXIT_ERROR. */
static int take_words(const struct call *call, size_t count, const char *given[KEYWORDS])
{
	struct err err;

	for (int i = 0; i < call->argc; i += 2) {
		int found = words_find(call->argv[i], keywords, count, "keyword", &err);

		if (found < 0)
			return command_misused(call, "%s", err.text);
		if (i + 1 == call->argc)
			return command_misused(call, "%s what? %s is missing", keywords[found],
					       values[found]);
		if (given[found])
			return command_misused(call, "%s is given twice", keywords[found]);
		given[found] = call->argv[i + 1];
	}
	return EXIT_OK;
}

/* What the agent is asked; after: "next" of the answer before, or NULL. */
static int make_target(const struct call *call, const char *const given[KEYWORDS],
		       const char *after, char target[TARGET_MAX])
{
	int error = 0;

	snprintf(target, TARGET_MAX, "%s", call->noun->endpoint);
	for (int i = 0; !error && i < KEYWORD_SHOW; i++)
		if (given[i])
			error = client_add_query(target, TARGET_MAX, keywords[i], given[i]);
	if (!error && after)
		error = client_add_query(target, TARGET_MAX, "after", after);
	return error ? command_misused(call, "what is given is too long") : EXIT_OK;
}

/* Page by page, until there is no more. */
static int each_page(const struct call *call, const char *const given[KEYWORDS],
		     int (*page)(void *context, const json_t *items), void *context)
{
	char target[TARGET_MAX];
	json_t *answer = NULL, *next = NULL;
	int code;

	do {
		code = make_target(call, given, json_string_value(next), target);
		json_decref(answer);
		answer = code ? NULL : list_ask(call, target, NULL);
		if (!answer)
			return EXIT_ERROR;
		if (json_object_get(answer, "unreadable"))
			code = command_fail(call->options,
					    "some of the agent's files of usage are damaged: what "
					    "follows is not all");
		page(context, json_object_get(answer, "items"));
		next = json_object_get(answer, "next");
	} while (next);
	json_decref(answer);
	return code;
}

static int keep(void *context, const json_t *items)
{
	return json_array_extend(context, (json_t *)items);
}

static int run_show(const struct call *call)
{
	const char *given[KEYWORDS] = {};
	json_t *all;
	int code = take_words(call, KEYWORD_SHOW, given);

	if (code)
		return code;
	if (!given[KEYWORD_BY])
		given[KEYWORD_BY] = "day";
	all = json_array();
	code = each_page(call, given, keep, all);
	if (code == EXIT_OK && call->options->json)
		output_json(call->options, all);
	else if (code == EXIT_OK && output_sheet(call->options, columns, spare, all))
		code = command_fail(call->options, "no memory for the table");
	json_decref(all);
	return code;
}

static int run_export(const struct call *call)
{
	static const char *const formats[] = {"csv", "json", "focus"};
	const char *given[KEYWORDS] = {};
	struct usage_export export = {.out = stdout};
	int code = take_words(call, KEYWORDS, given), format;
	struct err err;

	if (code)
		return code;
	if (!given[KEYWORD_FORMAT])
		return command_misused(call, "which format? csv, json or focus");
	format = words_find(given[KEYWORD_FORMAT], formats, USAGE_EXPORT_FORMATS, "format", &err);
	if (format < 0)
		return command_misused(call, "%s", err.text);
	export.format = format;
	export.provider = given[KEYWORD_PROVIDER];
	if (format == USAGE_EXPORT_FOCUS && !export.provider)
		return command_misused(call, "whose service is it? provider NAME is missing");
	if (format != USAGE_EXPORT_FOCUS && export.provider)
		return command_misused(call, "provider is of format focus only");
	usage_export_begin(&export);
	code = each_page(call, given, usage_export_items, &export);
	usage_export_end(&export);
	return code;
}

static const struct verb verbs[] = {
	{"show", "[tenant NAME] [from TIME] [to TIME] [by hour|day]",
	 "Shows what tenants used, by day in UTC unless told otherwise; today if no time is given.",
	 run_show},
	{"export",
	 "format csv|json|focus [provider NAME] [tenant NAME] [from TIME] [to TIME] [by hour|day]",
	 "Prints it for programs, by hour unless told otherwise; focus is the FinOps Open Cost and "
	 "Usage Specification.",
	 run_export},
	{},
};

const struct noun usage_noun = {
	.name = "usage",
	.help = "what tenants used, for billing",
	.endpoint = "/v1/usage",
	.columns = columns,
	.spare = spare,
	.verbs = verbs,
};
