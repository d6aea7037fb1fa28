// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The counters of all tenants in one short answer, for whoever asks each second: numbers only, in
 * an order that "columns" tells, and nothing that takes a walk of the flow table. It is written as
 * text at once: as a tree of JSON values it would take the agent three times as long.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "reasons.h"
#include "report.h"

#define NUMBER_MAX 20 /* digits of 64 bits */

struct text {
	char *data;
	size_t length, room;
	bool broken; /* no memory */
};

/* False: there is no room for so many more. */
static bool make_room(struct text *text, size_t more)
{
	size_t room = text->room ? text->room : 65536;
	char *larger;

	while (room < text->length + more)
		room *= 2;
	if (room == text->room)
		return true;
	larger = text->broken ? NULL : realloc(text->data, room);
	text->broken |= !larger;
	if (!larger)
		return false;
	text->data = larger;
	text->room = room;
	return true;
}

static void put(struct text *text, const char *what)
{
	size_t length = strlen(what);

	if (!make_room(text, length + 1))
		return;
	memcpy(text->data + text->length, what, length + 1);
	text->length += length;
}

static void put_number(struct text *text, uint64_t number)
{
	char digits[NUMBER_MAX + 1], *at = digits + NUMBER_MAX;

	*at = 0;
	do
		*--at = (char)('0' + number % 10);
	while (number /= 10);
	put(text, at);
}

/* Names are DNS labels, which need no escapes: model/edit.c and the schema see to it. */
static void put_name(struct text *text, const char *name)
{
	put(text, "\"");
	put(text, name);
	put(text, "\"");
}

/* A pair for each reason that has packets. */
static void put_reasons(const struct agent *agent, uint32_t tenant, struct text *text)
{
	for (int reason = 0; reason < MTLB_REASON_COUNT; reason++) {
		struct mtlb_reason_counter sum;

		dataplane_sum_reason(agent->dataplane, tenant, reason, &sum);
		if (!sum.packets)
			continue;
		put(text, ",");
		put_number(text, (uint64_t)reason);
		put(text, ",");
		put_number(text, sum.packets);
	}
}

static void put_counters(const struct agent *agent, const char *name, uint32_t index,
			 uint64_t active, struct text *text)
{
	const struct mtlb_amount sum = registry_accepted(&agent->registry, index);
	const uint64_t values[] = {sum.packets, sum.bytes, sum.new_flows, active};

	put_name(text, name);
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		put(text, i ? "," : ":[");
		put_number(text, values[i]);
	}
	put_reasons(agent, index, text);
	put(text, "]");
}

static void put_limits(const struct agent *agent, const char *only, struct text *text)
{
	const struct dataplane_view *view = dataplane_view(agent->dataplane);
	struct registry_tenant *tenant, *next;
	bool first = true;

	put(text, ",\"limits\":{");
	HASH_ITER (by_name, agent->registry.tenants, tenant, next) {
		if (only && strcmp(tenant->name, only) != 0)
			continue;
		put(text, first ? "" : ",");
		first = false;
		put_name(text, tenant->name);
		put(text, ":[");
		put_number(text, (uint64_t)view->tenants[tenant->index].flow_count *
					 MTLB_FLOWS_PER_BUCKET);
		for (int kind = 0; kind < MTLB_METER_KINDS; kind++) {
			put(text, ",");
			put_number(text, view->meters[tenant->index].per_second[kind]);
		}
		put(text, "]");
	}
	put(text, "}");
}

/* "-" is nobody: what was counted of packets that are no tenant's. */
static void put_tenants(const struct agent *agent, const char *only, struct text *text)
{
	struct registry_tenant *tenant, *next;
	bool first = only;

	put(text, ",\"tenants\":{");
	if (!only)
		put_counters(agent, "-", 0, 0, text);
	HASH_ITER (by_name, agent->registry.tenants, tenant, next) {
		double active = active_get(agent->active, tenant).flows;

		if (only && strcmp(tenant->name, only) != 0)
			continue;
		put(text, first ? "" : ",");
		first = false;
		put_counters(agent, tenant->name, tenant->index, (uint64_t)(active + 0.5), text);
	}
	put(text, "}");
}

int report_counters(void *context, const struct http_request *request, struct http_reply *reply)
{
	const struct agent *agent = context;
	const char *only = http_tenant(request);
	struct text text = {};

	put(&text, "{\"generation\":");
	put_number(&text, agent->generation);
	put(&text,
	    ",\"columns\":[\"packets\",\"bytes\",\"newFlows\",\"activeFlows\"],\"reasons\":[");
	for (int reason = 0; reason < MTLB_REASON_COUNT; reason++) {
		put(&text, reason ? "," : "");
		put_name(&text, reason_name(reason));
	}
	put(&text, "]");
	if (http_query(request, "limits"))
		put_limits(agent, only, &text);
	put_tenants(agent, only, &text);
	put(&text, "}");
	if (!text.broken)
		reply->made = text.data;
	else
		free(text.data);
	return text.broken ? -ENOMEM : 0;
}
