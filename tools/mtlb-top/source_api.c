// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Samples by the agent's API. The counters of all tenants come in one short answer each time; what
 * costs the agent more is asked only when it is looked at, and at most a fiftieth of the time.
 */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../lib/client.h"
#include "counters.h"
#include "cpu.h"
#include "source.h"
#include "words.h"

#define REST 50 /* so many times as long as a detail took, it is not asked again */

struct detail {
	const char *target;
	enum record_kind kind;
	uint64_t due_ms;
	const char *tenant; /* of whom it was asked last */
	bool asked;
};

struct api {
	struct source source;
	char *socket;
	struct counters counters;
	char started[40]; /* when the agent was */
	uint64_t begun_real_ms, begun_ms;
	struct detail details[3];
};

static uint64_t clock_ms(clockid_t which)
{
	struct timespec now;

	clock_gettime(which, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static int refuse(const struct api *api, const char *what, struct err *err)
{
	return err_set(err, -EPROTO,
		       "the agent on %s is of another version: its answer has no %s as expected",
		       api->socket, what);
}

static bool read_count(const json_t *value, uint64_t *ret)
{
	json_int_t number = json_integer_value(value);

	*ret = (uint64_t)number;
	return json_is_integer(value) && number >= 0;
}

static const char *text_of(const json_t *item, const char *key)
{
	return word_force(json_string_value(json_object_get(item, key)));
}

/* The limits come along when there are others than those that are known. */
static int ask_counters_by(struct api *api, const char *target, struct sample *sample,
			   struct err *err)
{
	char *text;
	size_t length;
	int code = client_get_text(api->socket, target, &text, &length, err);

	if (code)
		return code;
	code = counters_parse(&api->counters, text, length, sample);
	free(text);
	if (code == -ENOMEM)
		return err_set(err, -ENOMEM, "no memory for the sample");
	return code == -EPROTO ? refuse(api, "counters", err) : code;
}

static int ask_counters(struct api *api, struct sample *sample, struct err *err)
{
	int code = ask_counters_by(api, "/v1/counters", sample, err);

	if (code != -ESTALE)
		return code;
	code = ask_counters_by(api, "/v1/counters?limits=true", sample, err);
	return code == -ESTALE ? refuse(api, "limits", err) : code;
}

static int take_node(struct api *api, const json_t *answer, struct sample *sample, struct err *err)
{
	const char *started = json_string_value(json_object_get(answer, "started")), *name;
	json_t *capacity = json_object_get(answer, "capacity"), *fill;
	struct row *node = sample_add(sample, RECORD_NODE);

	if (!json_is_object(capacity))
		return refuse(api, "capacity", err);
	if (!node)
		return err_set(err, -ENOMEM, "no memory for the sample");
	/* another one may count its generations from the same number */
	if (started && strcmp(started, api->started) != 0) {
		snprintf(api->started, sizeof(api->started), "%s", started);
		counters_forget(&api->counters);
	}
	node->text[0] = text_of(answer, "name");
	node->text[1] = text_of(answer, "version");
	read_count(json_object_get(json_object_get(answer, "config"), "generation"),
		   &node->value[0]);
	json_object_foreach (capacity, name, fill) {
		struct row *row = sample_add(sample, RECORD_FILL);

		if (!row)
			return err_set(err, -ENOMEM, "no memory for the sample");
		row->text[0] = word_force(name);
		if (!read_count(json_object_get(fill, "used"), &row->value[FILL_USED]) ||
		    !read_count(json_object_get(fill, "max"), &row->value[FILL_MAX]))
			return refuse(api, "capacity", err);
	}
	sample->kinds |= 1U << RECORD_NODE | 1U << RECORD_FILL;
	return 0;
}

/* A tenant's token may not ask for the node: then there is none. */
static int ask_node(struct api *api, struct sample *sample, struct err *err)
{
	json_t *answer;
	int code = client_ask(api->socket, "/v1/node", NULL, &answer, err);

	if (code == -EPROTO && json_integer_value(json_object_get(answer, "status")) == 403)
		code = 0;
	else if (!code)
		code = take_node(api, answer, sample, err);
	json_decref(answer);
	return code;
}

static bool read_counters(const json_t *item, struct row *row)
{
	return read_count(json_object_get(item, "packets"), &row->value[VALUE_PACKETS]) &&
	       read_count(json_object_get(item, "bytes"), &row->value[VALUE_BYTES]) &&
	       read_count(json_object_get(item, "newFlows"), &row->value[VALUE_NEW_FLOWS]);
}

static bool take_service(const json_t *item, struct row *row)
{
	static const char *const states[] = {"up", "down", "drain", "gone"};
	const json_t *members = json_object_get(item, "members");
	bool good = read_counters(item, row);

	row->text[1] = text_of(item, "name");
	row->text[2] = text_of(item, "protocol");
	row->text[3] = text_of(item, "forward");
	for (size_t i = 0; i < 4; i++)
		good &= read_count(json_object_get(members, states[i]),
				   &row->value[VALUE_GAUGES + i]);
	return good;
}

static bool take_member(const json_t *item, struct row *row)
{
	const char *address = json_string_value(json_object_get(item, "address"));
	json_int_t port = json_integer_value(json_object_get(item, "port"));
	double share = json_number_value(json_object_get(item, "share"));
	char endpoint[80];

	if (!address)
		return false;
	if (!port)
		snprintf(endpoint, sizeof(endpoint), "%s", address);
	else
		snprintf(endpoint, sizeof(endpoint), strchr(address, ':') ? "[%s]:%lld" : "%s:%lld",
			 address, (long long)port);
	row->text[1] = text_of(item, "service");
	row->text[2] = word_force(endpoint);
	row->text[3] = text_of(item, "state");
	row->value[MEMBER_PERMILLE] = share > 0 && share <= 1 ? (uint64_t)(share * 1000 + 0.5) : 0;
	return read_counters(item, row) &&
	       read_count(json_object_get(item, "weight"), &row->value[MEMBER_WEIGHT]);
}

/* Milliseconds; null: nothing was asked yet. */
static uint64_t us_of(const json_t *item, const char *key)
{
	double ms = json_number_value(json_object_get(item, key));

	return ms > 0 && ms < 1e9 ? (uint64_t)(ms * 1000 + 0.5) : 0;
}

static bool take_route(const json_t *item, struct row *row)
{
	const json_t *answers = json_object_get(item, "answers");

	row->text[1] = text_of(item, "name");
	row->value[ROUTE_P50_US] = us_of(item, "p50Ms");
	row->value[ROUTE_P99_US] = us_of(item, "p99Ms");
	return read_count(json_object_get(item, "requests"), &row->value[ROUTE_REQUESTS]) &&
	       read_count(json_object_get(answers, "5xx"), &row->value[ROUTE_5XX]) &&
	       read_count(json_object_get(answers, "4xx"), &row->value[ROUTE_4XX]);
}

static int take_items(const struct api *api, enum record_kind kind, const json_t *answer,
		      struct sample *sample, struct err *err)
{
	bool (*take)(const json_t *item, struct row *row) = kind == RECORD_SERVICE ? take_service
							    : kind == RECORD_ROUTE ? take_route
										   : take_member;
	json_t *items = json_object_get(answer, "items"), *item;
	size_t i;

	if (!json_is_array(items))
		return refuse(api, "items", err);
	json_array_foreach (items, i, item) {
		struct row *row = sample_add(sample, kind);

		if (!row)
			return err_set(err, -ENOMEM, "no memory for the sample");
		row->text[0] = text_of(item, "tenant");
		if (!take(item, row))
			return refuse(api, record_shapes[kind].word, err);
	}
	sample->kinds |= 1U << kind;
	return 0;
}

static int ask_detail(struct api *api, struct detail *detail, const struct source_wish *wish,
		      struct sample *sample, struct err *err)
{
	uint64_t began = clock_ms(CLOCK_MONOTONIC), took;
	char target[512];
	json_t *answer;
	int code = 0;

	if (detail->asked && detail->tenant == wish->tenant && began < detail->due_ms)
		return 0;
	snprintf(target, sizeof(target), "%s", detail->target);
	if (wish->tenant)
		code = client_add_query(target, sizeof(target), "tenant", wish->tenant);
	if (code)
		return err_set(err, code, "cannot ask for tenant %s", wish->tenant);
	code = client_ask(api->socket, target, NULL, &answer, err);
	code = code ?: take_items(api, detail->kind, answer, sample, err);
	json_decref(answer);
	took = clock_ms(CLOCK_MONOTONIC) - began;
	detail->due_ms = began + REST * took;
	detail->tenant = wish->tenant;
	detail->asked = true;
	return code;
}

static int next(struct source *source, const struct source_wish *wish, struct sample *sample,
		struct err *err)
{
	struct api *api = (struct api *)source;
	int code;

	sample_clear(sample);
	/* of the wall's clock, but going as evenly as the other one */
	sample->at_ms = api->begun_real_ms + clock_ms(CLOCK_MONOTONIC) - api->begun_ms;
	code = wish->between ? 0 : ask_node(api, sample, err);
	code = code ?: wish->between ? 0 : ask_counters(api, sample, err);
	for (size_t i = 0; i < sizeof(api->details) / sizeof(api->details[0]); i++) {
		struct detail *detail = &api->details[i];

		if (!(wish->kinds >> detail->kind & 1))
			detail->asked = false;
		else
			code = code ?: ask_detail(api, detail, wish, sample, err);
	}
	if (code) {
		counters_forget(&api->counters);
		return code;
	}
	if (!wish->between && !cpu_read(sample))
		sample->kinds |= 1U << RECORD_CPU;
	return 0;
}

static void done(struct source *source)
{
	struct api *api = (struct api *)source;

	counters_forget(&api->counters);
	client_fini();
	free(api->socket);
	free(api);
}

struct source *source_api_new(const char *socket, struct err *err)
{
	struct api *api = calloc(1, sizeof(*api));

	if (api)
		api->socket = strdup(socket);
	if (!api || !api->socket) {
		free(api);
		err_set(err, -ENOMEM, "no memory to ask the agent");
		return NULL;
	}
	*api = (struct api){
		.source = {.next = next, .free = done},
		.socket = api->socket,
		.begun_real_ms = clock_ms(CLOCK_REALTIME),
		.begun_ms = clock_ms(CLOCK_MONOTONIC),
		.details = {{.target = "/v1/services", .kind = RECORD_SERVICE},
			    {.target = "/v1/backends", .kind = RECORD_MEMBER},
			    {.target = "/v1/routes", .kind = RECORD_ROUTE}},
	};
	return &api->source;
}
