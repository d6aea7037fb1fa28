// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "list.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../../userspace/base/addr.h"
#include "../../userspace/inspect/meaning.h"
#include "../../userspace/model/suggest.h"
#include "../../userspace/model/units.h"
#include "../lib/client.h"
#include "command.h"
#include "safe.h"
#include "output.h"
#include "cell.h"
#include "words.h"

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

static bool is_called(const struct filter *filter, const char *kind)
{
	return filter->value && !strcmp(filter->value, kind);
}

/* The port only if one was asked for. */
static bool is_endpoint(const char *text, const char *wanted)
{
	struct addr address, wanted_address;
	uint16_t port, wanted_port;

	return !addr_parse_endpoint(text, &address, &port) &&
	       !addr_parse_endpoint(wanted, &wanted_address, &wanted_port) &&
	       !addr_compare(&address, &wanted_address) && (!wanted_port || wanted_port == port);
}

static bool is_least(const json_t *seconds, const char *wanted)
{
	uint64_t ms;

	return json_is_number(seconds) && !units_parse_duration(wanted, &ms) &&
	       json_number_value(seconds) * 1000 >= (double)ms;
}

static bool matches(const json_t *item, const struct filter *filter, const char *wanted)
{
	const json_t *value, *element;
	char *joined;
	bool found;
	size_t i;

	if (!filter->path)
		return true;
	if (is_called(filter, "DURATION"))
		return is_least(cell_value(item, filter->path), wanted);
	if (is_called(filter, "ENDPOINT")) {
		joined = cell_join(item, filter->path);
		found = joined && is_endpoint(joined, wanted);
		free(joined);
		return found;
	}
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

bool list_may_read_maps(const struct options *options)
{
	return options->own_bpffs || !options->own_socket;
}

/* No agent answers, but what is pinned does: says so, or why it does not either. */
static json_t *read_maps(const struct call *call, const struct err *why)
{
	json_t *items = NULL;
	struct err err;

	if (call->noun->from_maps(call, &items, &err)) {
		command_fail(call->options, "%s; nor can the maps be read: %s", why->text,
			     err.text);
		return NULL;
	}
	command_fail(call->options, "%s: reading the maps pinned in %s instead", why->text,
		     call->options->bpffs);
	return items;
}

/* The items at target, NULL after an error that was printed. */
static json_t *ask_items(const struct call *call, const char *target)
{
	json_t *answer, *items;
	struct err err;
	int code = client_ask(call->options->socket, target, NULL, &answer, &err);

	if (call->noun->from_maps && list_may_read_maps(call->options) &&
	    (code == -ECONNREFUSED || code == -ETIMEDOUT))
		return read_maps(call, &err);
	if (code) {
		list_print_errors(answer);
		command_fail(call->options, "%s", err.text);
		json_decref(answer);
		return NULL;
	}
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

/* Reasons are words of a table, which the program and this one share. */
static int check_reason(const struct filter *filter, const char *typed, struct err *err)
{
	struct suggest near;

	if (meaning_find_reason(typed) >= 0)
		return 0;
	suggest_init(&near, typed);
	for (uint32_t reason = 0; meaning_reason_name(reason); reason++)
		suggest_offer(&near, meaning_reason_name(reason));
	return err_set(err, -EINVAL, "%s: there is no reason \"%.64s\"%s", filter->keyword, typed,
		       suggest_tail(&near).text);
}

int list_check_value(const struct filter *filter, const char *typed, struct err *err)
{
	struct addr address;
	uint16_t port;
	uint64_t ms;

	if (is_called(filter, "DURATION") && units_parse_duration(typed, &ms))
		return err_set(err, -EINVAL,
			       "%s: \"%.64s\" is no duration: expected one as 90s, 10m, 2h",
			       filter->keyword, typed);
	if (is_called(filter, "ENDPOINT") && addr_parse_endpoint(typed, &address, &port))
		return err_set(err, -EINVAL,
			       "%s: \"%.64s\" is no address: expected one as 192.0.2.1, "
			       "192.0.2.1:80 or [2001:db8::1]:80",
			       filter->keyword, typed);
	if (is_called(filter, "REASON"))
		return check_reason(filter, typed, err);
	return check_choice(filter, typed, err);
}

int list_parse(const struct call *call, struct list_wanted *ret_wanted)
{
	const struct filter *filters = call->noun->filters;
	const char *keywords[LIST_FILTERS_MAX], **wanted = ret_wanted->value;
	struct err err;
	size_t count = 0;
	int i, found;

	while (filters && count < LIST_FILTERS_MAX && filters[count].keyword) {
		keywords[count] = filters[count].keyword;
		count++;
	}
	ret_wanted->count = count;
	snprintf(ret_wanted->target, LIST_TARGET_MAX, "%s", call->noun->endpoint);
	for (i = 0; i < call->argc; i += 2) {
		found = words_find(call->argv[i], keywords, count, "filter", &err);
		if (found < 0)
			return command_misused(call, "%s", err.text);
		if (i + 1 == call->argc)
			return command_misused(call, "%s what? %s is missing", keywords[found],
					       filters[found].value);
		if (wanted[found])
			return command_misused(call, "%s is given twice", keywords[found]);
		if (list_check_value(&filters[found], call->argv[i + 1], &err))
			return command_misused(call, "%s", err.text);
		wanted[found] = canonical(call->argv[i + 1], ret_wanted->texts[found]);
		if (filters[found].query && client_add_query(ret_wanted->target, LIST_TARGET_MAX,
							     filters[found].query, wanted[found]))
			return command_misused(call, "%s is too long", filters[found].value);
	}
	return 0;
}

int list_run_wanted(const struct call *call, const struct list_wanted *wanted)
{
	json_t *items = ask_items(call, wanted->target);
	int code;

	if (!items)
		return EXIT_ERROR;
	for (size_t i = 0; i < wanted->count; i++)
		if (wanted->value[i])
			keep_matching(items, &call->noun->filters[i], wanted->value[i]);
	code = print_items(call, items);
	json_decref(items);
	return code;
}

int list_run(const struct call *call)
{
	struct list_wanted wanted = {};

	return list_parse(call, &wanted) ? EXIT_ERROR : list_run_wanted(call, &wanted);
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
static void narrow(const struct call *call, const char *name, char target[LIST_TARGET_MAX])
{
	const struct filter *filter = call->noun->filters;
	char tenant[80], text[ADDR_TEXT_MAX];

	if (canonical(name, text) == text)
		return;
	snprintf(tenant, sizeof(tenant), "%.*s", (int)strcspn(name, "/"), name);
	for (; filter && filter->keyword; filter++)
		if (filter->query && !strcmp(filter->keyword, "tenant"))
			client_add_query(target, LIST_TARGET_MAX, filter->query, tenant);
}

int list_run_show(const struct call *call)
{
	const char *const *key = call->noun->keys;
	char target[LIST_TARGET_MAX], text[ADDR_TEXT_MAX];
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
