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
#include <uthash.h>

#include "../lib/client.h"
#include "cpu.h"
#include "source.h"
#include "words.h"

#define REST	    50 /* so many times as long as a detail took, it is not asked again */
#define LIMITS	    4
#define COLUMNS	    4
#define REASONS_MAX 256

/* A tenant's quota and limits, which change with the configuration alone. */
struct limits {
	const char *name;
	uint64_t value[LIMITS];
	UT_hash_handle hh;
};

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
	struct limits *limits;
	json_int_t generation; /* of which the limits are; -1: none */
	char started[40];      /* when the agent was */
	uint64_t begun_real_ms, begun_ms;
	struct detail details[2];
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

static void forget_limits(struct api *api)
{
	struct limits *limits, *next;

	HASH_ITER (hh, api->limits, limits, next) {
		HASH_DEL(api->limits, limits);
		free(limits);
	}
	api->generation = -1;
}

static int take_limits(struct api *api, const json_t *answer, struct err *err)
{
	json_t *all = json_object_get(answer, "limits"), *row;
	const char *name;

	forget_limits(api);
	if (!json_is_object(all))
		return refuse(api, "limits", err);
	json_object_foreach (all, name, row) {
		struct limits *limits = calloc(1, sizeof(*limits));

		if (!limits)
			return err_set(err, -ENOMEM, "no memory for the limits");
		limits->name = word_force(name);
		for (size_t i = 0; i < LIMITS; i++)
			if (!read_count(json_array_get(row, i), &limits->value[i])) {
				free(limits);
				return refuse(api, "limits", err);
			}
		HASH_ADD_PTR(api->limits, name, limits);
	}
	api->generation = json_integer_value(json_object_get(answer, "generation"));
	return 0;
}

/* Pairs of a reason's place in the list of their names, and packets. */
static int take_drops(const struct api *api, const char *tenant, const json_t *row,
		      const char *const *reasons, struct sample *sample, struct err *err)
{
	for (size_t i = COLUMNS; i + 1 < json_array_size(row); i += 2) {
		struct row *drop = sample_add(sample, RECORD_DROP);
		uint64_t reason;

		if (!drop)
			return err_set(err, -ENOMEM, "no memory for the sample");
		if (!read_count(json_array_get(row, i), &reason) || reason >= REASONS_MAX ||
		    !reasons[reason] ||
		    !read_count(json_array_get(row, i + 1), &drop->value[VALUE_PACKETS]))
			return refuse(api, "reasons", err);
		drop->text[0] = tenant;
		drop->text[1] = reasons[reason];
	}
	return 0;
}

static int take_tenant(const struct api *api, const char *name, const json_t *row,
		       const char *const *reasons, struct sample *sample, struct err *err)
{
	struct row *tenant = sample_add(sample, RECORD_TENANT);
	const char *word = word_force(name);
	struct limits *limits;

	if (!tenant || !word)
		return err_set(err, -ENOMEM, "no memory for the sample");
	tenant->text[0] = word;
	for (size_t i = 0; i < COLUMNS; i++)
		if (!read_count(json_array_get(row, i), &tenant->value[i]))
			return refuse(api, "counters", err);
	HASH_FIND_PTR(api->limits, &word, limits);
	if (limits)
		memcpy(&tenant->value[TENANT_QUOTA], limits->value, sizeof(limits->value));
	return take_drops(api, word, row, reasons, sample, err);
}

static int take_counters(struct api *api, const json_t *answer, struct sample *sample,
			 struct err *err)
{
	json_t *tenants = json_object_get(answer, "tenants"), *row, *reason;
	const char *reasons[REASONS_MAX] = {}, *name;
	int code = 0;
	size_t i;

	if (!json_is_object(tenants))
		return refuse(api, "tenants", err);
	json_array_foreach (json_object_get(answer, "reasons"), i, reason)
		if (i < REASONS_MAX)
			reasons[i] = word_force(json_string_value(reason));
	json_object_foreach (tenants, name, row)
		code = code ?: take_tenant(api, name, row, reasons, sample, err);
	sample->kinds |= 1U << RECORD_TENANT | 1U << RECORD_DROP;
	return code;
}

static int ask_counters(struct api *api, struct sample *sample, struct err *err)
{
	json_t *answer;
	int code = client_ask(api->socket, "/v1/counters", NULL, &answer, err);

	if (!code && json_integer_value(json_object_get(answer, "generation")) != api->generation) {
		json_decref(answer);
		code = client_ask(api->socket, "/v1/counters?limits=true", NULL, &answer, err);
		code = code ?: take_limits(api, answer, err);
	}
	code = code ?: take_counters(api, answer, sample, err);
	json_decref(answer);
	return code;
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
		forget_limits(api);
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

static int take_items(const struct api *api, enum record_kind kind, const json_t *answer,
		      struct sample *sample, struct err *err)
{
	json_t *items = json_object_get(answer, "items"), *item;
	size_t i;

	if (!json_is_array(items))
		return refuse(api, "items", err);
	json_array_foreach (items, i, item) {
		struct row *row = sample_add(sample, kind);

		if (!row)
			return err_set(err, -ENOMEM, "no memory for the sample");
		row->text[0] = text_of(item, "tenant");
		if (!(kind == RECORD_SERVICE ? take_service : take_member)(item, row))
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
	for (size_t i = 0; i < 2; i++) {
		struct detail *detail = &api->details[i];

		if (!(wish->kinds >> detail->kind & 1))
			detail->asked = false;
		else
			code = code ?: ask_detail(api, detail, wish, sample, err);
	}
	if (code) {
		forget_limits(api);
		return code;
	}
	if (!wish->between && !cpu_read(sample))
		sample->kinds |= 1U << RECORD_CPU;
	return 0;
}

static void done(struct source *source)
{
	struct api *api = (struct api *)source;

	forget_limits(api);
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
		.generation = -1,
		.begun_real_ms = clock_ms(CLOCK_REALTIME),
		.begun_ms = clock_ms(CLOCK_MONOTONIC),
		.details = {{.target = "/v1/services", .kind = RECORD_SERVICE},
			    {.target = "/v1/backends", .kind = RECORD_MEMBER}},
	};
	return &api->source;
}
