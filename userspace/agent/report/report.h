/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the API answers: the agent's state and the maps' counters as JSON. One file per group of
 * nouns; the table of routes is in report.c.
 */
#ifndef MTLB_AGENT_REPORT_H
#define MTLB_AGENT_REPORT_H

#include <jansson.h>

#include "../agent.h"

const struct http_route *report_routes(size_t *ret_count);

/* handlers; context is the agent */
int report_node(void *context, const struct http_request *request, struct http_reply *reply);
int report_counters(void *context, const struct http_request *request, struct http_reply *reply);
int report_tenants(void *context, const struct http_request *request, struct http_reply *reply);
int report_vips(void *context, const struct http_request *request, struct http_reply *reply);
int report_services(void *context, const struct http_request *request, struct http_reply *reply);
int report_pools(void *context, const struct http_request *request, struct http_reply *reply);
int report_backends(void *context, const struct http_request *request, struct http_reply *reply);
int report_acls(void *context, const struct http_request *request, struct http_reply *reply);
int report_health(void *context, const struct http_request *request, struct http_reply *reply);
int report_feeds(void *context, const struct http_request *request, struct http_reply *reply);
int report_routes_l7(void *context, const struct http_request *request, struct http_reply *reply);
int report_proxy(void *context, const struct http_request *request, struct http_reply *reply);
int report_drops(void *context, const struct http_request *request, struct http_reply *reply);
int report_meters(void *context, const struct http_request *request, struct http_reply *reply);
int report_flows(void *context, const struct http_request *request, struct http_reply *reply);
int report_events(void *context, const struct http_request *request, struct http_reply *reply);
int report_usage(void *context, const struct http_request *request, struct http_reply *reply);
int report_drift(void *context, const struct http_request *request, struct http_reply *reply);
int report_repair(void *context, const struct http_request *request, struct http_reply *reply);
int report_config_diff(void *context, const struct http_request *request, struct http_reply *reply);
int report_config_apply(void *context, const struct http_request *request,
			struct http_reply *reply);

int report_metrics(void *context, const struct http_request *request, struct http_reply *reply);
int report_openapi(void *context, const struct http_request *request, struct http_reply *reply);
int report_status(void *context, const struct http_request *request, struct http_reply *reply);
/* Of the kind of object that the route's tag says. */
int report_object(void *context, const struct http_request *request, struct http_reply *reply);
int report_edit(void *context, const struct http_request *request, struct http_reply *reply);

/* Why a configuration was not taken, every error with its place. */
void report_refuse(struct http_reply *reply, int code, const struct config_errors *errors,
		   const struct err *err);
json_t *report_changes(char **lines, size_t count);
json_t *report_usage_status(struct agent *agent);
/* What the L7 tier counted of a tenant; NULL: of requests that were nobody's. null: there is no
 * such tier, or it does not know the tenant. */
json_t *report_l7_tenant(const struct agent *agent, const char *tenant);

/* A stream of samples of them; the parameters are tenant and reason. */
int report_watched_drops(struct agent *agent, const struct http_request *request,
			 struct http_reply *reply);

/* {"items": items} */
int report_items(struct http_reply *reply, json_t *items);

json_t *report_address(const struct mtlb_address *address);
json_t *report_endpoint(const struct mtlb_address *address, __be16 port);
json_t *report_time(uint64_t realtime_ns);	 /* RFC 3339; null for 0 */
json_t *report_monotonic(uint64_t monotonic_ns); /* the same for CLOCK_MONOTONIC */
const char *report_protocol(uint8_t protocol);
const char *report_ip_protocol(uint8_t protocol); /* of a packet: "ICMP" as well */
const char *report_member_state(const struct mtlb_member_name *name);

/* {"up": n, "down": n, ...} of all services with this pool, or of one service when pool is NULL. */
struct report_states {
	json_int_t up, down, drain, gone;
};
void report_count_states(const struct agent *agent, const struct registry_service *service,
			 struct report_states *states);
json_t *report_states(const struct report_states *states);

#endif
