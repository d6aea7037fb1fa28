// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "watch.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../lib/client.h"
#include "command.h"
#include "list.h"
#include "output.h"
#include "words.h"

#define FILTERS_MAX 8
#define TARGET_MAX  1024

const struct noun_option watch_options[] = {
	{"count", "N", "ends after so many lines", 'n', "watch"},
	{},
};

struct watching {
	const struct options *options;
	uint64_t left; /* 0: without an end */
	void (*print)(const struct options *options, const json_t *line);
};

/* Returns false when nobody reads it any more, or when it was the last one. */
static bool take_line(void *context, const json_t *line)
{
	struct watching *watching = context;
	const json_t *missed = json_object_get(line, "missed");

	if (watching->options->json)
		output_json(watching->options, line);
	else if (missed)
		printf("(%" JSON_INTEGER_FORMAT " more, too fast for this terminal)\n",
		       json_integer_value(missed));
	else
		watching->print(watching->options, line);
	if (missed || !watching->left)
		return !fflush(stdout);
	return !fflush(stdout) && --watching->left;
}

/* 0, or EXIT_ERROR after a sentence. */
static int add_filters(const struct call *call, char *target)
{
	const struct filter *filters = call->noun->filters, *wanted[FILTERS_MAX] = {};
	const char *keywords[FILTERS_MAX];
	size_t count = 0;
	struct err err;

	for (size_t i = 0; filters && filters[i].keyword && count < FILTERS_MAX; i++) {
		if (!filters[i].query)
			continue;
		wanted[count] = &filters[i];
		keywords[count++] = filters[i].keyword;
	}
	for (int i = 0; i < call->argc; i += 2) {
		int found = words_find(call->argv[i], keywords, count, "filter", &err);

		if (found < 0)
			return command_misused(call, "%s", err.text);
		if (i + 1 == call->argc)
			return command_misused(call, "%s what? %s is missing", keywords[found],
					       wanted[found]->value);
		if (list_check_value(wanted[found], call->argv[i + 1], &err))
			return command_misused(call, "%s", err.text);
		if (client_add_query(target, TARGET_MAX, wanted[found]->query, call->argv[i + 1]))
			return command_misused(call, "%s is too long", wanted[found]->value);
	}
	return 0;
}

int watch_count(const struct call *call, const char *argument, uint64_t *ret_count)
{
	char *end;

	*ret_count = 0;
	if (!argument)
		return 0;
	errno = 0;
	*ret_count = strtoull(argument, &end, 10);
	if (*argument < '0' || *argument > '9' || *end || errno || !*ret_count)
		return command_misused(call, "-n %s: expected a number from 1 on", argument);
	return 0;
}

int watch_run(const struct call *call, void (*print)(const struct options *, const json_t *line))
{
	struct watching watching = {.options = call->options, .print = print};
	char target[TARGET_MAX];
	struct err err;

	snprintf(target, sizeof(target), "%s?watch=true", call->noun->endpoint);
	if (watch_count(call, call->given[0], &watching.left) || add_filters(call, target))
		return EXIT_ERROR;
	if (client_watch(call->options->socket, target, take_line, &watching, &err))
		return command_fail(call->options, "%s", err.text);
	return EXIT_OK;
}
