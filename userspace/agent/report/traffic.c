// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Packets that were not forwarded, and the flows that are remembered. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../flows.h"
#include "report.h"
#include "reasons.h"

#define FLOWS_LIMIT	1000
#define FLOWS_LIMIT_MAX 100000

json_t *report_reasons(const struct agent *agent, uint32_t tenant, const char *tenant_name)
{
	json_t *items = json_array();

	for (int reason = 0; reason < MTLB_REASON_COUNT; reason++) {
		enum mtlb_verdict verdict = reason_verdict(reason);
		struct mtlb_reason_counter sum;
		json_t *item;

		dataplane_sum_reason(agent->dataplane, tenant, reason, &sum);
		if (!sum.packets)
			continue;
		item = json_pack("{s:s,s:s,s:I,s:I,s:s}", "reason", reason_name(reason), "verdict",
				 reason_verdict_name(verdict), "packets", (json_int_t)sum.packets,
				 "bytes", (json_int_t)sum.bytes, "sentence",
				 reason_sentence(reason));
		json_object_set_new(item, "tenant", json_string(tenant_name));
		json_array_append_new(items, item);
	}
	return items;
}

int report_drops(void *context, const struct http_request *request, struct http_reply *reply)
{
	struct agent *agent = context;
	struct registry_tenant *tenant, *next;
	json_t *items;

	if (http_query(request, "watch"))
		return report_watched_drops(agent, request, reply);
	items = report_reasons(agent, 0, "-");
	HASH_ITER (by_name, agent->registry.tenants, tenant, next) {
		json_t *more = report_reasons(agent, tenant->index, tenant->name);

		json_array_extend(items, more);
		json_decref(more);
	}
	return report_items(reply, items);
}

struct listing {
	const struct agent *agent;
	const struct registry_tenant *tenant;
	json_t *items;
	size_t limit;
	uint64_t now;
};

static const char *state_name(uint32_t state)
{
	static const char *const names[] = {"unproven", "established", "closing", "adopted"};

	return names[state & 3];
}

/* Who talks with whom is not known of a flow whose facts were lost: it is listed without. */
static bool list_flow(void *context, const struct flows_flow *flow)
{
	struct listing *listing = context;
	const struct dataplane_view *view = dataplane_view(listing->agent->dataplane);
	const struct mtlb_flow_facts *facts = flow->facts;
	const struct mtlb_service *service = &view->services[flow->service];
	const struct mtlb_member_name *member = &view->member_names[mtlb_flow_member(flow->word)];
	uint64_t unit = 1ULL << view->node->stamp_shift, age = 0;

	if (facts && facts->first_seen < listing->now)
		age = listing->now - facts->first_seen;
	json_array_append_new(
		listing->items,
		json_pack("{s:s,s:s,s:s,s:o*,s:o*,s:o*,s:o*,s:o,s:s,s:I,s:o*}", "tenant",
			  listing->tenant->name, "service", service->name, "protocol",
			  report_protocol(service->protocol), "source",
			  facts ? report_address(&facts->source) : NULL, "sourcePort",
			  facts ? json_integer(ntohs(facts->source_port)) : NULL, "destination",
			  facts ? report_address(&facts->destination) : NULL, "destinationPort",
			  facts ? json_integer(ntohs(facts->destination_port)) : NULL, "backend",
			  report_endpoint(&member->address, member->port), "state",
			  state_name(mtlb_flow_state(flow->word)), "idle",
			  (json_int_t)(flow->idle_stamps * unit / 1000000000), "age",
			  facts ? json_integer((json_int_t)(age / 1000000000)) : NULL));
	return json_array_size(listing->items) < listing->limit;
}

int report_flows(void *context, const struct http_request *request, struct http_reply *reply)
{
	struct agent *agent = context;
	const char *only = http_query(request, "tenant"), *limit = http_query(request, "limit");
	struct registry_tenant *tenant, *next;
	struct listing listing = {
		.agent = agent,
		.items = json_array(),
		.limit = FLOWS_LIMIT,
	};
	struct timespec now;

	if (limit) {
		char *end;
		unsigned long wanted = strtoul(limit, &end, 10);

		if (*end || !wanted || wanted > FLOWS_LIMIT_MAX) {
			json_decref(listing.items);
			http_problem(reply, 400, "Bad limit",
				     "limit: expected a number from 1 to 100000");
			return 0;
		}
		listing.limit = wanted;
	}
	if (only && !registry_tenant(&agent->registry, only)) {
		json_decref(listing.items);
		http_problem(reply, 404, "No such tenant", only);
		return 0;
	}
	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	listing.now = (uint64_t)now.tv_sec * 1000000000 + now.tv_nsec;
	HASH_ITER (by_name, agent->registry.tenants, tenant, next) {
		if (only && strcmp(only, tenant->name) != 0)
			continue;
		if (json_array_size(listing.items) >= listing.limit)
			break;
		listing.tenant = tenant;
		flows_each(&agent->registry, tenant->index, list_flow, &listing);
	}
	return report_items(reply, listing.items);
}
