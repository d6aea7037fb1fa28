// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "flow_maps.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "../../userspace/inspect/stored.h"
#include "../../userspace/model/units.h"
#include "cell.h"
#include "../lib/client.h"
#include "command.h"
#include "output.h"
#include "stream.h"

#define ITEMS_MAX 100000 /* as the agent */
#define CELL_MAX  192
#define CELLS	  9

struct listing {
	const struct options *options;
	const struct view *view;
	uint64_t limit, count; /* limit 0: none */
	struct stream stream;
	struct output_rows *rows;
	json_t *items;
	bool failed;
};

/* --- a flow as JSON */

static json_t *item_of(const struct view *view, const struct stored_flow *flow)
{
	const struct mtlb_service *service = &view->services[flow->service];
	const struct mtlb_member_name *member = &view->member_names[flow->member];
	const struct mtlb_flow_facts *facts = flow->facts;
	char source[ADDR_TEXT_MAX], destination[ADDR_TEXT_MAX], backend[ADDR_TEXT_MAX];
	json_t *item = json_pack("{s:s,s:s,s:s}", "tenant", view_tenant_name(view, flow->tenant),
				 "service", service->name, "protocol",
				 view_protocol_name(service->protocol));

	if (facts) {
		json_t *ends = json_pack("{s:s,s:i,s:s,s:i}", "source",
					 view_address_text(&facts->source, source), "sourcePort",
					 ntohs(facts->source_port), "destination",
					 view_address_text(&facts->destination, destination),
					 "destinationPort", ntohs(facts->destination_port));

		json_object_update(item, ends);
		json_decref(ends);
	}
	view_endpoint_text(&member->address, member->port, backend);
	json_object_set_new(item, "backend", json_string(backend));
	json_object_set_new(item, "state", json_string(view_flow_state_name(flow->state)));
	json_object_set_new(item, "idle", json_integer((json_int_t)flow->idle_s));
	if (facts)
		json_object_set_new(item, "age", json_integer((json_int_t)flow->age_s));
	return item;
}

/* Names are those of a configuration, but whoever writes to maps may have written anything. */
static void print_name(const char *key, const char *name)
{
	static const char plain[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
	json_t *text;

	if (!name[strspn(name, plain)]) {
		printf("\"%s\":\"%s\",", key, name);
		return;
	}
	text = json_string(name);
	printf("\"%s\":", key);
	json_dumpf(text, stdout, JSON_ENCODE_ANY | JSON_ENSURE_ASCII);
	putchar(',');
	json_decref(text);
}

/* The same as item_of(), which takes five times as long. */
static void print_item(const struct view *view, const struct stored_flow *flow)
{
	const struct mtlb_service *service = &view->services[flow->service];
	const struct mtlb_member_name *member = &view->member_names[flow->member];
	const struct mtlb_flow_facts *facts = flow->facts;
	char text[ADDR_TEXT_MAX];

	putchar('{');
	print_name("tenant", view_tenant_name(view, flow->tenant));
	print_name("service", service->name);
	print_name("protocol", view_protocol_name(service->protocol));
	if (facts) {
		printf("\"source\":\"%s\",\"sourcePort\":%u,",
		       view_address_text(&facts->source, text), ntohs(facts->source_port));
		printf("\"destination\":\"%s\",\"destinationPort\":%u,",
		       view_address_text(&facts->destination, text),
		       ntohs(facts->destination_port));
	}
	printf("\"backend\":\"%s\",\"state\":\"%s\",\"idle\":%" PRIu64,
	       view_endpoint_text(&member->address, member->port, text),
	       view_flow_state_name(flow->state), flow->idle_s);
	if (facts)
		printf(",\"age\":%" PRIu64, flow->age_s);
	putchar('}');
}

/* --- a flow as a row */

static void write_seconds(const struct options *options, uint64_t seconds, char text[CELL_MAX])
{
	if (options->raw)
		snprintf(text, CELL_MAX, "%" PRIu64, seconds);
	else
		cell_duration(seconds, text);
}

/* Of a name that is none nothing reaches a terminal. */
static void write_name(const char *name, char text[CELL_MAX])
{
	size_t i = 0;

	for (; i < CELL_MAX - 1 && name[i]; i++)
		text[i] = (char)(name[i] > ' ' && name[i] < 0x7f ? name[i] : '?');
	text[i] = 0;
}

static int print_row(struct listing *listing, const struct stored_flow *flow)
{
	const struct view *view = listing->view;
	const struct mtlb_service *service = &view->services[flow->service];
	const struct mtlb_member_name *member = &view->member_names[flow->member];
	const struct mtlb_flow_facts *facts = flow->facts;
	char texts[CELLS][CELL_MAX] = {};
	char *cells[CELLS];

	for (int i = 0; i < CELLS; i++)
		cells[i] = strcpy(texts[i], "-");
	write_name(view_tenant_name(view, flow->tenant), texts[0]);
	write_name(service->name, texts[1]);
	strcpy(texts[2], view_protocol_name(service->protocol));
	if (facts) {
		view_endpoint_text(&facts->source, facts->source_port, texts[3]);
		view_endpoint_text(&facts->destination, facts->destination_port, texts[4]);
		write_seconds(listing->options, flow->age_s, texts[8]);
	}
	view_endpoint_text(&member->address, member->port, texts[5]);
	strcpy(texts[6], view_flow_state_name(flow->state));
	write_seconds(listing->options, flow->idle_s, texts[7]);
	return output_rows_add(listing->rows, cells);
}

/* --- which ones, and where to */

static bool list_one(void *context, const struct stored_flow *flow)
{
	struct listing *listing = context;

	if (listing->items)
		json_array_append_new(listing->items, item_of(listing->view, flow));
	else if (listing->rows)
		listing->failed |= print_row(listing, flow) != 0;
	else if (listing->options->pretty)
		stream_add(&listing->stream, item_of(listing->view, flow));
	else {
		stream_separate(&listing->stream);
		print_item(listing->view, flow);
	}
	return !listing->failed && !ferror(stdout) && ++listing->count != listing->limit;
}

static void set_endpoint(const char *typed, bool *by, struct mtlb_address *address, __be16 *port)
{
	struct addr addr;
	uint16_t number;

	if (!typed || addr_parse_endpoint(typed, &addr, &number))
		return;
	*by = true;
	memcpy(address, &addr, sizeof(*address));
	*port = htons(number);
}

static int state_of(const char *name)
{
	for (uint32_t state = 0; name && state < 4; state++)
		if (!strcasecmp(name, view_flow_state_name(state)))
			return (int)state;
	return -1;
}

static uint64_t seconds_of(const char *duration)
{
	uint64_t ms = 0;

	if (duration)
		units_parse_duration(duration, &ms);
	return (ms + 999) / 1000;
}

/* 0, or EXIT_ERROR after a sentence. */
static int set_filter(const struct call *call, const struct view *view,
		      const struct list_wanted *wanted, struct stored_filter *filter,
		      uint64_t *ret_limit)
{
	const char *const *value = wanted->value;

	*filter = (struct stored_filter){.service = value[FLOW_SERVICE],
					 .state = state_of(value[FLOW_STATE]),
					 .least_age_s = seconds_of(value[FLOW_AGE]),
					 .least_idle_s = seconds_of(value[FLOW_IDLE])};
	if (value[FLOW_CLIENT] && value[FLOW_SOURCE])
		return command_misused(call, "client and source are the same: give one of them");
	if (value[FLOW_MEMBER] && value[FLOW_BACKEND])
		return command_misused(call, "member and backend are the same: give one of them");
	set_endpoint(value[FLOW_CLIENT] ?: value[FLOW_SOURCE], &filter->by_client, &filter->client,
		     &filter->client_port);
	set_endpoint(value[FLOW_DESTINATION], &filter->by_destination, &filter->destination,
		     &filter->destination_port);
	set_endpoint(value[FLOW_MEMBER] ?: value[FLOW_BACKEND], &filter->by_member, &filter->member,
		     &filter->member_port);
	*ret_limit = 0;
	if (value[FLOW_LIMIT] && (units_parse_count(value[FLOW_LIMIT], ret_limit) || !*ret_limit))
		return command_misused(call,
				       "limit: \"%s\" is no count: expected one as 1000 or 10k",
				       value[FLOW_LIMIT]);
	if (!value[FLOW_TENANT])
		return 0;
	filter->tenant = view_find_tenant(view, value[FLOW_TENANT]);
	return filter->tenant ? 0
			      : command_fail(call->options, "there is no tenant \"%s\"",
					     value[FLOW_TENANT]);
}

static int list_all(const struct call *call, const struct view *view,
		    const struct stored_filter *filter, uint64_t limit)
{
	struct listing listing = {.options = call->options, .view = view, .limit = limit};
	struct err err;
	int error;

	if (call->options->json) {
		stream_begin(&listing.stream, call->options);
	} else {
		listing.rows =
			output_rows_open(call->options, call->noun->columns, call->noun->spare);
		if (!listing.rows)
			return command_fail(call->options, "no memory for the table");
	}
	error = stored_each(view, filter, list_one, &listing, &err);
	if (listing.rows)
		output_rows_close(listing.rows);
	else
		stream_end(&listing.stream);
	if (error)
		return command_fail(call->options, "%s", err.text);
	return listing.failed ? command_fail(call->options, "no memory for the table") : EXIT_OK;
}

int flow_maps_list(const struct call *call, const struct list_wanted *wanted)
{
	struct stored_filter filter;
	struct view view;
	uint64_t limit;
	struct err err;
	bool reached;
	int code;

	if (!list_may_read_maps(call->options))
		return -EAGAIN;
	reached = client_reaches(call->options->socket);
	code = view_open(&view, call->options->bpffs, &err);
	/* an agent may give what we may not read; without one it says best what is missing */
	if (code == -EACCES || code == -EPERM || code == -ENOENT || (code && reached))
		return -EAGAIN;
	if (code)
		return command_fail(call->options, "%s", err.text);
	if (!reached)
		command_fail(call->options, "no agent answers on %s: reading the maps pinned in %s",
			     call->options->socket, call->options->bpffs);
	code = set_filter(call, &view, wanted, &filter, &limit);
	if (!code)
		code = list_all(call, &view, &filter, limit);
	view_close(&view);
	return code;
}

int flow_maps_items(const struct call *call, json_t **ret_items, struct err *err)
{
	const struct stored_filter filter = {.state = -1};
	struct listing listing = {.options = call->options, .limit = ITEMS_MAX};
	struct view view;
	int error = view_open(&view, call->options->bpffs, err);

	if (error)
		return error;
	listing.view = &view;
	listing.items = json_array();
	error = stored_each(&view, &filter, list_one, &listing, err);
	view_close(&view);
	if (error)
		json_decref(listing.items);
	else
		*ret_items = listing.items;
	return error;
}
