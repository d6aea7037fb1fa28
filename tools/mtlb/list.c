// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "list.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../../userspace/base/addr.h"
#include "../../userspace/model/suggest.h"
#include "client.h"
#include "command.h"
#include "safe.h"
#include "output.h"
#include "cell.h"
#include "words.h"

#define FILTERS_MAX 8
#define TARGET_MAX  1024

void list_print_usage(FILE *out, const struct noun *noun)
{
	const struct filter *filter;

	for (filter = noun->filters; filter && filter->keyword; filter++)
		fprintf(out, "%s[%s %s]", filter == noun->filters ? "" : " ", filter->keyword,
			filter->value);
}

void list_print_errors(const json_t *problem)
{
	const json_t *errors = json_object_get(problem, "errors"), *error;
	size_t i;

	json_array_foreach (errors, i, error) {
		const char *file = json_string_value(json_object_get(error, "file"));
		const char *text = json_string_value(json_object_get(error, "text"));

		safe_print(stderr, file ? file : "?");
		if (json_integer_value(json_object_get(error, "line")))
			fprintf(stderr, ":%" JSON_INTEGER_FORMAT ":%" JSON_INTEGER_FORMAT,
				json_integer_value(json_object_get(error, "line")),
				json_integer_value(json_object_get(error, "column")));
		fputs(": ", stderr);
		safe_print(stderr, text ? text : "?");
		fputc('\n', stderr);
	}
}

json_t *list_ask(const struct call *call, const char *target, const json_t *body)
{
	json_t *answer;
	struct err err;

	if (!client_ask(call->options->socket, target, body, &answer, &err))
		return answer;
	list_print_errors(answer);
	command_fail(call->options, "%s", err.text);
	json_decref(answer);
	return NULL;
}

/* Addresses are compared as addresses: returns typed in the form that the API uses. */
static const char *canonical(const char *typed, char text[ADDR_TEXT_MAX])
{
	struct addr addr;
	uint16_t port;

	if (addr_parse_endpoint(typed, &addr, &port))
		return typed;
	return addr_format_endpoint(&addr, port, text);
}

static bool equals(const json_t *value, const char *wanted)
{
	char text[32];

	if (json_is_integer(value)) {
		snprintf(text, sizeof(text), "%" JSON_INTEGER_FORMAT, json_integer_value(value));
		return !strcmp(text, wanted);
	}
	return json_is_string(value) && !strcasecmp(json_string_value(value), wanted);
}

static bool matches(const json_t *item, const struct filter *filter, const char *wanted)
{
	const json_t *value, *element;
	char *joined;
	bool found;
	size_t i;

	if (!filter->path)
		return true;
	if (strpbrk(filter->path, ":/")) {
		joined = cell_join(item, filter->path);
		found = joined && !strcmp(joined, wanted);
		free(joined);
		return found;
	}
	value = cell_value(item, filter->path);
	if (!json_is_array(value))
		return equals(value, wanted);
	json_array_foreach (value, i, element)
		if (equals(element, wanted))
			return true;
	return false;
}

static int print_items(const struct call *call, const json_t *items)
{
	if (call->options->json)
		output_json(call->options, items);
	else if (output_sheet(call->options, call->noun->columns, call->noun->spare, items))
		return command_fail(call->options, "no memory for the table");
	return EXIT_OK;
}

/* The items at target, NULL after an error that was printed. */
static json_t *ask_items(const struct call *call, const char *target)
{
	json_t *answer = list_ask(call, target, NULL), *items;

	if (!answer)
		return NULL;
	items = json_incref(json_object_get(answer, "items"));
	json_decref(answer);
	if (json_is_array(items))
		return items;
	json_decref(items);
	command_fail(call->options, "the agent's answer has no items: is it of another version?");
	return NULL;
}

static void keep_matching(json_t *items, const struct filter *filter, const char *wanted)
{
	size_t i, kept = 0, count = json_array_size(items);

	for (i = 0; i < count; i++)
		if (matches(json_array_get(items, i), filter, wanted))
			json_array_set(items, kept++, json_array_get(items, i));
	while (json_array_size(items) > kept)
		json_array_remove(items, json_array_size(items) - 1);
}

/* A keyword with a choice of values, "up|down", has no other ones: 0, or an error and its sentence.
 */
static int check_choice(const struct filter *filter, const char *typed, struct err *err)
{
	const char *choice = filter->value;
	struct suggest near;
	char word[64];

	if (!strchr(choice, '|'))
		return 0;
	suggest_init(&near, typed);
	while (*choice) {
		size_t length = strcspn(choice, "|");

		snprintf(word, sizeof(word), "%.*s", (int)length, choice);
		if (!strcasecmp(word, typed))
			return 0;
		suggest_offer(&near, word);
		choice += length + (choice[length] == '|');
	}
	return err_set(err, -EINVAL, "%s is one of %s, not \"%.64s\"%s", filter->keyword,
		       filter->value, typed, suggest_tail(&near).text);
}

int list_run(const struct call *call)
{
	const char *keywords[FILTERS_MAX], *wanted[FILTERS_MAX] = {};
	char target[TARGET_MAX], texts[FILTERS_MAX][ADDR_TEXT_MAX];
	const struct filter *filters = call->noun->filters;
	size_t count = 0, f;
	struct err err;
	json_t *items;
	int i, found, code;

	while (filters && count < FILTERS_MAX && filters[count].keyword) {
		keywords[count] = filters[count].keyword;
		count++;
	}
	snprintf(target, sizeof(target), "%s", call->noun->endpoint);
	for (i = 0; i < call->argc; i += 2) {
		found = words_find(call->argv[i], keywords, count, "filter", &err);
		if (found < 0)
			return command_misused(call, "%s", err.text);
		if (i + 1 == call->argc)
			return command_misused(call, "%s what? %s is missing", keywords[found],
					       filters[found].value);
		if (wanted[found])
			return command_misused(call, "%s is given twice", keywords[found]);
		if (check_choice(&filters[found], call->argv[i + 1], &err))
			return command_misused(call, "%s", err.text);
		wanted[found] = canonical(call->argv[i + 1], texts[found]);
		if (filters[found].query &&
		    client_add_query(target, sizeof(target), filters[found].query, wanted[found]))
			return command_misused(call, "%s is too long", filters[found].value);
	}
	items = ask_items(call, target);
	if (!items)
		return EXIT_ERROR;
	for (f = 0; f < count; f++)
		if (wanted[f])
			keep_matching(items, &filters[f], wanted[f]);
	code = print_items(call, items);
	json_decref(items);
	return code;
}

/* Nothing has the name: says so, and names the nearest that exists. */
static int not_found(const struct call *call, const json_t *items, const char *typed)
{
	struct suggest near;
	json_t *item;
	size_t i;

	suggest_init(&near, typed);
	json_array_foreach (items, i, item) {
		char *name = cell_join(item, call->noun->keys[0]);

		if (name)
			suggest_offer(&near, name);
		free(name);
	}
	return command_fail(call->options, "there is no %s \"%s\"%s", call->noun->name, typed,
			    suggest_tail(&near).text);
}

/* What narrows the request: the part of the name that is surely a tenant's. */
static void narrow(const struct call *call, const char *name, char target[TARGET_MAX])
{
	const struct filter *filter = call->noun->filters;
	char tenant[80], text[ADDR_TEXT_MAX];

	if (canonical(name, text) == text)
		return;
	snprintf(tenant, sizeof(tenant), "%.*s", (int)strcspn(name, "/"), name);
	for (; filter && filter->keyword; filter++)
		if (filter->query && !strcmp(filter->keyword, "tenant"))
			client_add_query(target, TARGET_MAX, filter->query, tenant);
}

int list_run_show(const struct call *call)
{
	const char *const *key = call->noun->keys;
	char target[TARGET_MAX], text[ADDR_TEXT_MAX];
	json_t *items, *found;
	const char *wanted;
	int code;

	if (command_expect_args(call, 1))
		return EXIT_ERROR;
	snprintf(target, sizeof(target), "%s", call->noun->endpoint);
	if (call->argc)
		narrow(call, call->argv[0], target);
	items = ask_items(call, target);
	if (!items || !call->argc) {
		code = items ? print_items(call, items) : EXIT_ERROR;
		json_decref(items);
		return code;
	}
	wanted = canonical(call->argv[0], text);
	/* The keys are tried one by one: a full name beats a part of one. */
	for (found = NULL; *key && !json_array_size(found); key++) {
		struct filter filter = {.path = *key};

		json_decref(found);
		found = json_copy(items);
		keep_matching(found, &filter, wanted);
	}
	code = json_array_size(found) ? print_items(call, found)
				      : not_found(call, items, call->argv[0]);
	json_decref(found);
	json_decref(items);
	return code;
}
