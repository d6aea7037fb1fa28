// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Tenants, VIPs, services, pools and backends. */
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../model/table.h"
#include "../flows.h"
#include "../publish.h"
#include "reasons.h"
#include "report.h"

static const struct dataplane_view *view_of(const struct agent *agent)
{
	return dataplane_view(agent->dataplane);
}

static void add_members(const struct agent *agent, const struct registry_service *service,
			struct mtlb_member_counter *sum)
{
	for (size_t i = 0; i < service->member_count; i++) {
		struct mtlb_member_counter one;

		dataplane_sum_member(agent->dataplane, service->members[i], &one);
		sum->packets += one.packets;
		sum->bytes += one.bytes;
		sum->new_flows += one.new_flows;
	}
}

static json_int_t drops_of(const struct agent *agent, uint32_t tenant)
{
	json_int_t drops = 0;

	for (int reason = 0; reason < MTLB_REASON_COUNT; reason++) {
		struct mtlb_reason_counter one;

		if (reason_verdict(reason) != MTLB_VERDICT_DROP)
			continue;
		dataplane_sum_reason(agent->dataplane, tenant, reason, &one);
		drops += (json_int_t)one.packets;
	}
	return drops;
}

/* What of its range is in use by this tenant; others may use of it as well. */
static json_t *flows_of(const struct mtlb_tenant *names, uint32_t used)
{
	json_t *flows = json_pack("{s:I,s:I}", "used", (json_int_t)used, "max",
				  (json_int_t)names->flow_count * MTLB_FLOWS_PER_BUCKET);

	if (names->flows_of[0])
		json_object_set_new(flows, "sharedInTier", json_string(names->flows_of));
	return flows;
}

/* Of the tier, a second; what has no limit is not there. */
static json_t *limits_of(const struct mtlb_meter *meter)
{
	static const char *const names[] = {"packets", "bits", "newFlows"};
	json_t *limits = json_object();

	for (int kind = 0; kind < MTLB_METER_KINDS; kind++)
		if (meter->per_second[kind])
			json_object_set_new(limits, names[kind],
					    json_integer((json_int_t)meter->per_second[kind]));
	if (meter->guaranteed)
		json_object_set_new(limits, "guaranteedPackets",
				    json_integer((json_int_t)meter->guaranteed));
	if (json_object_size(limits))
		json_object_set_new(limits, "burstMs", json_integer(meter->burst_ms));
	if (meter->weight)
		json_object_set_new(limits, "weight", json_integer(meter->weight));
	if (meter->client_per_second)
		json_object_set_new(limits, "newFlowsPerClient",
				    json_integer((json_int_t)meter->client_per_second));
	return limits;
}

/* error: 95 times of 100 the estimate is off by no more than this share of itself. */
static json_t *active_of(const struct agent *agent, const struct registry_tenant *tenant)
{
	struct active_figure figure = active_get(agent->active, tenant);
	uint64_t ns = active_ns(agent->active);
	json_t *estimated = ns ? json_integer((json_int_t)(figure.flows + 0.5)) : json_null();

	return json_pack("{s:o,s:f,s:f,s:I,s:o}", "estimated", estimated, "error", figure.error,
			 "seconds", (double)ns / 1e9, "peak", (json_int_t)(figure.peak + 0.5),
			 "peakAt", report_time(figure.peak_at));
}

static json_t *tenant_item(const struct agent *agent, const struct registry_tenant *tenant,
			   uint32_t flows)
{
	const struct mtlb_tenant *names = &view_of(agent)->tenants[tenant->index];
	const struct mtlb_guard *guard = &view_of(agent)->guards[tenant->index];
	const struct mtlb_amount sum = registry_accepted(&agent->registry, tenant->index);
	json_t *addresses = json_array();
	json_int_t services = 0, backends = 0;

	for (const struct registry_vip *vip = tenant->addresses; vip; vip = vip->next)
		json_array_append_new(addresses, report_address(&vip->key.address));
	for (const struct registry_service *service = tenant->services; service;
	     service = service->of_tenant) {
		services++;
		backends += (json_int_t)service->member_count;
	}
	return json_pack("{s:s,s:I,s:o,s:I,s:I,s:I,s:I,s:I,s:o,s:o,s:I,s:o,s:{s:s,s:I},s:o,s:o}",
			 "name", tenant->name, "id", (json_int_t)names->id, "addresses", addresses,
			 "services", services, "backends", backends, "packets",
			 (json_int_t)sum.packets, "bytes", (json_int_t)sum.bytes, "newFlows",
			 (json_int_t)sum.new_flows, "flows", flows_of(names, flows), "activeFlows",
			 active_of(agent, tenant), "drops", drops_of(agent, tenant->index),
			 "limits", limits_of(&view_of(agent)->meters[tenant->index]), "acl",
			 "default", guard->default_deny ? "deny" : "allow", "prefixes",
			 (json_int_t)tenant->rule_count - guard->default_deny, "synCookies",
			 defence_json(&agent->registry, tenant->index), "l7",
			 report_l7_tenant(agent, tenant->name));
}

static void add_place(const struct agent *agent, const char *tenant, json_t *item)
{
	struct edit_object object = {.kind = EDIT_TENANT, .tenant = tenant};
	struct config_errors errors = {};
	struct edit_view view;

	if (!edit_read(agent->options.config, &object, &view, &errors)) {
		json_object_set_new(item, "keptBy", json_string(view.api ? "api" : "file"));
		json_object_set_new(item, "file", json_string(view.file));
		json_object_set_new(item, "line", json_integer(view.line));
		edit_view_fini(&view);
	}
	config_errors_fini(&errors);
}

int report_status(void *context, const struct http_request *request, struct http_reply *reply)
{
	struct agent *agent = context;
	struct registry_tenant *tenant = registry_tenant(&agent->registry, request->params[0]);
	uint32_t *flows;

	if (!tenant) {
		http_problem(reply, 404, "No such tenant", request->params[0]);
		return 0;
	}
	flows = calloc(view_of(agent)->node->tenants, sizeof(*flows));
	if (flows && !flows_count(&agent->registry, flows))
		reply->body = tenant_item(agent, tenant, flows[tenant->index]);
	free(flows);
	if (reply->body)
		add_place(agent, tenant->name, reply->body);
	return reply->body ? 0 : -ENOMEM;
}

static int tenant_order(const struct registry_tenant *a, const struct registry_tenant *b)
{
	return strcmp(a->name, b->name);
}

static int service_order(const struct registry_service *a, const struct registry_service *b)
{
	if (a->key.tenant != b->key.tenant)
		return a->key.tenant < b->key.tenant ? -1 : 1;
	return strcmp(a->key.name, b->key.name);
}

int report_tenants(void *context, const struct http_request *request, struct http_reply *reply)
{
	struct agent *agent = context;
	struct registry_tenant *tenant, *next;
	uint32_t *flows = calloc(view_of(agent)->node->tenants, sizeof(*flows));
	json_t *items = json_array();

	(void)request;
	if (!flows || flows_count(&agent->registry, flows)) {
		json_decref(items);
		free(flows);
		return -ENOMEM;
	}
	HASH_SRT(by_name, agent->registry.tenants, tenant_order);
	HASH_ITER (by_name, agent->registry.tenants, tenant, next)
		json_array_append_new(items, tenant_item(agent, tenant, flows[tenant->index]));
	free(flows);
	return report_items(reply, items);
}

static const char *tenant_name(const struct agent *agent, const struct registry_service *service)
{
	return agent->registry.tenant_at[service->key.tenant]->name;
}

/* Calls each for every service that is wanted, by tenant and name. */
static int each_service(void *context, const struct http_request *request, struct http_reply *reply,
			void (*each)(const struct agent *agent,
				     const struct registry_service *service, json_t *items))
{
	struct agent *agent = context;
	const char *only = http_tenant(request);
	struct registry_service *service, *next;
	json_t *items = json_array();

	HASH_SRT(by_key, agent->registry.services, service_order);
	HASH_ITER (by_key, agent->registry.services, service, next)
		if (agent->registry.tenant_at[service->key.tenant] &&
		    (!only || !strcmp(only, tenant_name(agent, service))))
			each(agent, service, items);
	return report_items(reply, items);
}

static void add_vips(const struct agent *agent, const struct registry_service *service,
		     json_t *items)
{
	for (const struct registry_vip *vip = service->vips; vip; vip = vip->next)
		json_array_append_new(
			items,
			json_pack("{s:o,s:i,s:s,s:s,s:s,s:I,s:I,s:I}", "address",
				  report_address(&vip->key.address), "port", ntohs(vip->key.port),
				  "protocol", report_protocol(vip->key.protocol), "tenant",
				  tenant_name(agent, service), "service", service->key.name,
				  "members", (json_int_t)service->member_count, "slots",
				  (json_int_t)service->slot_count, "generation",
				  (json_int_t)service->generation));
}

int report_vips(void *context, const struct http_request *request, struct http_reply *reply)
{
	return each_service(context, request, reply, add_vips);
}

static json_int_t changed_slots(const struct agent *agent, const struct registry_service *service)
{
	json_int_t changed = 0;
	struct table table;

	if (publish_read_table(&agent->registry, service, &table))
		return 0;
	for (uint32_t i = 0; i < table.count; i++)
		changed += !!(table.slots[i] & MTLB_SLOT_CHANGED);
	table_fini(&table);
	return changed;
}

static const char *forward_name(uint8_t wish)
{
	static const char *const names[] = {
		[MTLB_FORWARD_DSR] = "dsr",	[MTLB_FORWARD_IPIP] = "ipip",
		[MTLB_FORWARD_GUE] = "gue",	[MTLB_FORWARD_NAT] = "nat",
		[MTLB_FORWARD_LOCAL] = "local",
	};

	return wish < sizeof(names) / sizeof(names[0]) ? names[wish] : "?";
}

static void add_service(const struct agent *agent, const struct registry_service *service,
			json_t *items)
{
	const struct mtlb_service *names = &view_of(agent)->services[service->index];
	struct mtlb_member_counter sum = {};
	struct report_states states = {};
	json_t *vips = json_array();

	for (const struct registry_vip *vip = service->vips; vip; vip = vip->next)
		json_array_append_new(vips, report_endpoint(&vip->key.address, vip->key.port));
	add_members(agent, service, &sum);
	report_count_states(agent, service, &states);
	json_array_append_new(
		items,
		json_pack("{s:s,s:s,s:s,s:o,s:s,s:s,s:s,s:o,s:I,s:I,s:I,s:I,s:I,s:I}", "tenant",
			  tenant_name(agent, service), "name", service->key.name, "protocol",
			  report_protocol(names->protocol), "vips", vips, "pool", names->pool,
			  "forward", forward_name(names->encap_wish), "track",
			  names->track_always ? "always" : "changed", "members",
			  report_states(&states), "slots", (json_int_t)service->slot_count,
			  "changedSlots", changed_slots(agent, service), "packets",
			  (json_int_t)sum.packets, "bytes", (json_int_t)sum.bytes, "newFlows",
			  (json_int_t)sum.new_flows, "idleTimeout", (json_int_t)names->idle));
}

int report_services(void *context, const struct http_request *request, struct http_reply *reply)
{
	return each_service(context, request, reply, add_service);
}

static json_t *health_settings(const struct agent *agent, const struct registry_service *service)
{
	const struct state_service *settings = state_find_service(
		&agent->config.state, tenant_name(agent, service), service->key.name);

	if (!settings || settings->health.type == PROBE_NONE)
		return json_pack("{s:s}", "type", "none");
	return json_pack(
		"{s:s,s:I,s:I,s:I,s:I,s:I}", "type", probe_kind_name(settings->health.type),
		"interval", (json_int_t)settings->health.interval_ms, "timeout",
		(json_int_t)settings->health.timeout_ms, "rise", (json_int_t)settings->health.rise,
		"fall", (json_int_t)settings->health.fall, "port",
		(json_int_t)settings->health.port);
}

/* Services are grouped by pool: the first one makes the item, the others add themselves. */
static void add_pool(const struct agent *agent, const struct registry_service *service,
		     json_t *items)
{
	const char *pool = view_of(agent)->services[service->index].pool;
	const char *tenant = tenant_name(agent, service);
	struct report_states states = {};
	json_t *item;
	size_t i;

	if (!pool[0])
		return; /* of this node's own stack */
	json_array_foreach (items, i, item) {
		if (!strcmp(json_string_value(json_object_get(item, "tenant")), tenant) &&
		    !strcmp(json_string_value(json_object_get(item, "name")), pool)) {
			json_array_append_new(json_object_get(item, "services"),
					      json_string(service->key.name));
			return;
		}
	}
	report_count_states(agent, service, &states);
	json_array_append_new(items, json_pack("{s:s,s:s,s:[s],s:o,s:o}", "tenant", tenant, "name",
					       pool, "services", service->key.name, "members",
					       report_states(&states), "health",
					       health_settings(agent, service)));
}

int report_pools(void *context, const struct http_request *request, struct http_reply *reply)
{
	return each_service(context, request, reply, add_pool);
}

/* How many slots of the service each member owns, by index. */
static json_int_t owned_slots(const struct agent *agent, const struct registry_service *service,
			      uint32_t member)
{
	json_int_t owned = 0;
	struct table table;

	if (publish_read_table(&agent->registry, service, &table))
		return 0;
	for (uint32_t i = 0; i < table.count; i++)
		owned += (table.slots[i] & MTLB_SLOT_MEMBER) == member;
	table_fini(&table);
	return owned;
}

static json_t *backend_health(const struct agent *agent, const struct registry_service *service,
			      const struct mtlb_member_name *name)
{
	const struct mtlb_service *names = &view_of(agent)->services[service->index];
	struct addr address = registry_addr(&name->address);
	const struct check_result *result = checks_get(agent->checks, tenant_name(agent, service),
						       names->pool, &address, ntohs(name->port));

	if (!result)
		return json_pack("{s:s,s:o,s:s,s:I}", "state", "none", "since",
				 report_monotonic(name->since), "lastError", "", "probes",
				 (json_int_t)0);
	return json_pack("{s:s,s:o,s:s,s:I}", "state", health_state_name(result->state), "since",
			 report_monotonic(result->since_ns ?: name->since), "lastError",
			 result->error, "probes", (json_int_t)result->probes);
}

static json_t *backend_hop(const struct agent *agent, uint32_t member)
{
	const struct mtlb_member *record = &view_of(agent)->members[member];
	struct next_hop hop = {.status = NEXT_HOP_NO_ROUTE};
	char interface[IF_NAMESIZE] = "", mac[32];

	members_next_hop(&agent->members, member, &hop);
	if (record->ifindex)
		if_indextoname(record->ifindex, interface);
	snprintf(mac, sizeof(mac), "%02x:%02x:%02x:%02x:%02x:%02x", record->next_hop[0],
		 record->next_hop[1], record->next_hop[2], record->next_hop[3], record->next_hop[4],
		 record->next_hop[5]);
	return json_pack("{s:s,s:s,s:s,s:i}", "status", next_hop_status_name(hop.status), "mac",
			 record->ifindex ? mac : "", "interface", interface, "mtu", record->mtu);
}

static void add_backends(const struct agent *agent, const struct registry_service *service,
			 json_t *items)
{
	for (size_t i = 0; i < service->member_count; i++) {
		uint32_t member = service->members[i];
		const struct mtlb_member_name *name = &view_of(agent)->member_names[member];
		double slots = service->slot_count ? service->slot_count : 1;
		struct mtlb_member_counter sum;

		dataplane_sum_member(agent->dataplane, member, &sum);
		json_array_append_new(
			items,
			json_pack("{s:s,s:s,s:s,s:o,s:i,s:I,s:s,s:f,s:o,s:o,s:I,s:I,s:I}", "tenant",
				  tenant_name(agent, service), "pool",
				  view_of(agent)->services[service->index].pool, "service",
				  service->key.name, "address", report_address(&name->address),
				  "port", ntohs(name->port), "weight", (json_int_t)name->weight,
				  "state", report_member_state(name), "share",
				  (double)owned_slots(agent, service, member) / slots, "health",
				  backend_health(agent, service, name), "nextHop",
				  backend_hop(agent, member), "packets", (json_int_t)sum.packets,
				  "bytes", (json_int_t)sum.bytes, "newFlows",
				  (json_int_t)sum.new_flows));
	}
}

int report_backends(void *context, const struct http_request *request, struct http_reply *reply)
{
	return each_service(context, request, reply, add_backends);
}
