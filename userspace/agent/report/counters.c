// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The counters of all tenants in one short answer, for whoever asks each second: numbers only, in
 * an order that "columns" tells, and nothing that takes a walk of the flow table.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "reasons.h"
#include "report.h"

static struct mtlb_member_counter *sum_members(const struct agent *agent, const char *only)
{
	const struct registry *registry = &agent->registry;
	struct mtlb_member_counter *sums;
	struct registry_service *service, *next;

	sums = calloc(dataplane_view(agent->dataplane)->node->tenants, sizeof(*sums));
	if (!sums)
		return NULL;
	HASH_ITER (by_key, registry->services, service, next) {
		const struct registry_tenant *tenant = registry->tenant_at[service->key.tenant];
		struct mtlb_member_counter *sum = &sums[service->key.tenant];

		if (!tenant || (only && strcmp(tenant->name, only) != 0))
			continue;
		for (size_t i = 0; i < service->member_count; i++) {
			struct mtlb_member_counter one;

			dataplane_sum_member(agent->dataplane, service->members[i], &one);
			sum->packets += one.packets;
			sum->bytes += one.bytes;
			sum->new_flows += one.new_flows;
		}
	}
	return sums;
}

static void append(json_t *row, uint64_t value)
{
	json_array_append_new(row, json_integer((json_int_t)value));
}

/* A pair for each reason that has packets. */
static void append_reasons(const struct agent *agent, uint32_t tenant, json_t *row)
{
	for (int reason = 0; reason < MTLB_REASON_COUNT; reason++) {
		struct mtlb_reason_counter sum;

		dataplane_sum_reason(agent->dataplane, tenant, reason, &sum);
		if (!sum.packets)
			continue;
		append(row, reason);
		append(row, sum.packets);
	}
}

static json_t *counters_of(const struct agent *agent, uint32_t index, uint64_t active,
			   const struct mtlb_member_counter *sum)
{
	json_t *row = json_array();

	append(row, sum->packets);
	append(row, sum->bytes);
	append(row, sum->new_flows);
	append(row, active);
	append_reasons(agent, index, row);
	return row;
}

static json_t *limits_of(const struct agent *agent, uint32_t index)
{
	const struct dataplane_view *view = dataplane_view(agent->dataplane);
	const struct mtlb_meter *meter = &view->meters[index];
	json_t *row = json_array();

	append(row, (uint64_t)view->tenants[index].flow_count * MTLB_FLOWS_PER_BUCKET);
	for (int kind = 0; kind < MTLB_METER_KINDS; kind++)
		append(row, meter->per_second[kind]);
	return row;
}

static json_t *reason_names(void)
{
	json_t *names = json_array();

	for (int reason = 0; reason < MTLB_REASON_COUNT; reason++)
		json_array_append_new(names, json_string(reason_name(reason)));
	return names;
}

int report_counters(void *context, const struct http_request *request, struct http_reply *reply)
{
	struct agent *agent = context;
	const char *only = http_tenant(request);
	bool with_limits = http_query(request, "limits");
	struct mtlb_member_counter *sums = sum_members(agent, only);
	json_t *tenants = json_object(), *limits = json_object();
	struct registry_tenant *tenant, *next;

	if (!sums) {
		json_decref(tenants);
		json_decref(limits);
		return -ENOMEM;
	}
	if (!only)
		json_object_set_new(tenants, "-", counters_of(agent, 0, 0, &sums[0]));
	HASH_ITER (by_name, agent->registry.tenants, tenant, next) {
		uint32_t index = tenant->index;
		uint64_t active;

		if (only && strcmp(tenant->name, only) != 0)
			continue;
		active = (uint64_t)(active_get(agent->active, tenant).flows + 0.5);
		json_object_set_new_nocheck(tenants, tenant->name,
					    counters_of(agent, index, active, &sums[index]));
		if (with_limits)
			json_object_set_new_nocheck(limits, tenant->name, limits_of(agent, index));
	}
	free(sums);
	reply->body =
		json_pack("{s:I,s:[ssss],s:o,s:o}", "generation", (json_int_t)agent->generation,
			  "columns", "packets", "bytes", "newFlows", "activeFlows", "reasons",
			  reason_names(), "tenants", tenants);
	if (with_limits)
		json_object_set_new(reply->body, "limits", limits);
	else
		json_decref(limits);
	return reply->body ? 0 : -ENOMEM;
}
