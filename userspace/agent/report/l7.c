// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The L7 tier: routes with what was asked of them, the workers, what is counted of a tenant. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../model/l7/wanted.h"
#include "report.h"

static json_t *integer(uint64_t number)
{
	return json_integer((json_int_t)number);
}

/* In hundredths: more is not known. */
static json_t *quantile(const struct histogram *histogram, double q)
{
	double ms = (double)histogram_quantile(histogram, q) / 1e6;

	return histogram_count(histogram) ? json_real(round(ms * 100) / 100) : json_null();
}

static json_t *answers_of(const uint64_t answers[TALLY_STATUSES])
{
	json_t *all = json_object();
	char name[8];

	for (int i = 1; i < TALLY_STATUSES; i++) {
		snprintf(name, sizeof(name), "%dxx", i);
		json_object_set_new(all, name, integer(answers[i]));
	}
	json_object_set_new(all, "none", integer(answers[0]));
	return all;
}

static json_t *refused_of(const struct tally_tenant *tenant)
{
	json_t *all = json_object();

	for (int i = 0; i < REFUSALS; i++)
		if (tenant->refused[i])
			json_object_set_new(all, refusal_names[i], integer(tenant->refused[i]));
	return all;
}

/* "bytes_in" as "bytesIn". */
static const char *camel(const char *name, char text[64])
{
	size_t length = 0;

	for (; *name && length < 63; name++) {
		bool upper = *name == '_' && name[1];

		name += upper;
		text[length++] = upper ? (char)(*name - 'a' + 'A') : *name;
	}
	text[length] = 0;
	return text;
}

static void add_number(json_t *item, const char *name, uint64_t number)
{
	char text[64];

	json_object_set_new(item, camel(name, text), integer(number));
}

static json_t *counts_of(const struct tally_tenant *tenant)
{
	json_t *item = json_object();

#define TENANT_COUNT(name, sentence) add_number(item, #name, tenant->name);
#define TENANT_GAUGE(name, sentence) add_number(item, #name, tenant->name);
#include "../../model/l7/tally.def"
	json_object_set_new(item, "answers", answers_of(tenant->answers));
	json_object_set_new(item, "refused", refused_of(tenant));
	return item;
}

static json_t *pool_counts(const struct tally_pool *pool)
{
	json_t *item = json_object();

#define POOL_COUNT(name, sentence) add_number(item, #name, pool->name);
#define POOL_GAUGE(name, sentence) add_number(item, #name, pool->name);
#include "../../model/l7/tally.def"
	return item;
}

json_t *report_l7_tenant(const struct agent *agent, const char *tenant)
{
	struct tally_tenant sum;
	struct tally_times *times;
	json_t *item;

	if (!l7_workers(agent->l7) || !tallies_tenant(l7_tallies(agent->l7), tenant, &sum))
		return json_null();
	item = counts_of(&sum);
	times = calloc(1, sizeof(*times));
	if (times) {
		tallies_times(l7_tallies(agent->l7), tenant, times);
		json_object_set_new(item, "p50Ms", quantile(&times->request, 0.5));
		json_object_set_new(item, "p99Ms", quantile(&times->request, 0.99));
		json_object_set_new(item, "firstByteP50Ms", quantile(&times->first_byte, 0.5));
		json_object_set_new(item, "firstByteP99Ms", quantile(&times->first_byte, 0.99));
	}
	free(times);
	return item;
}

/* routes */

static json_t *hosts_of(const struct wanted *wanted, const struct wanted_route *route)
{
	json_t *hosts = json_array();

	for (size_t i = 0; i < route->hostname_count; i++)
		json_array_append_new(hosts, json_string(route->hostnames[i]));
	for (size_t i = 0; !route->hostname_count && i < wanted->domain_count; i++)
		json_array_append_new(hosts, json_string(wanted->domains[i]));
	return hosts;
}

/* "/a" and what is below it, "=/a" that alone, "~/a.*" by an expression. */
static json_t *paths_of(const struct wanted_route *route)
{
	static const char *const marks[] = {
		[BUILD_EXACT] = "=", [BUILD_PREFIX] = "", [BUILD_PATTERN] = "~"};
	json_t *paths = json_array();

	for (size_t i = 0; i < route->match_count; i++)
		json_array_append_new(
			paths, json_sprintf("%s%s", marks[route->matches[i].type],
					    route->matches[i].path ? route->matches[i].path : "/"));
	if (!route->match_count)
		json_array_append_new(paths, json_string("/"));
	return paths;
}

static json_t *pools_of(const struct agent *agent, const struct state_tenant *tenant,
			const struct wanted_route *route)
{
	json_t *pools = json_array();

	for (size_t i = 0; i < route->backend_count; i++) {
		const char *name = tenant->l7->pools[route->backends[i].pool].pool.name;
		struct tally_pool sum;
		json_t *item;

		tallies_pool(l7_tallies(agent->l7), tenant->name, name, &sum);
		item = pool_counts(&sum);
		json_object_set_new(item, "name", json_string(name));
		json_object_set_new(item, "weight", integer(route->backends[i].weight));
		json_array_append_new(pools, item);
	}
	return pools;
}

/* "orders:95,canary:5" */
static json_t *targets_of(const struct state_tenant *tenant, const struct wanted_route *route)
{
	json_t *targets = json_array();

	for (size_t i = 0; i < route->backend_count; i++)
		json_array_append_new(
			targets,
			json_sprintf("%s:%u", tenant->l7->pools[route->backends[i].pool].pool.name,
				     (unsigned)route->backends[i].weight));
	return targets;
}

static void add_route(const struct agent *agent, const struct state_tenant *tenant,
		      const struct wanted_route *route, struct tally_route *sum, json_t *items)
{
	const char *name = route->route.name;
	const struct config_listener *listener = &agent->config.listeners[route->route.listener];

	tallies_route(l7_tallies(agent->l7), tenant->name, name, sum);
	json_array_append_new(
		items,
		json_pack("{s:s,s:s,s:s,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o}", "tenant",
			  tenant->name, "name", name, "listener", listener->name, "hosts",
			  hosts_of(tenant->l7, route), "paths", paths_of(route), "targets",
			  targets_of(tenant, route), "pools", pools_of(agent, tenant, route),
			  "requests", integer(sum->requests), "errors", integer(sum->answers[5]),
			  "answers", answers_of(sum->answers), "p50Ms",
			  quantile(&sum->request, 0.5), "p99Ms", quantile(&sum->request, 0.99)));
}

int report_routes_l7(void *context, const struct http_request *request, struct http_reply *reply)
{
	const struct agent *agent = context;
	const char *only = http_tenant(request);
	struct tally_route *sum = calloc(1, sizeof(*sum));
	json_t *items = json_array();

	for (size_t i = 0; sum && i < agent->config.state.tenant_count; i++) {
		const struct state_tenant *tenant = &agent->config.state.tenants[i];

		if (!tenant->l7 || (only && strcmp(only, tenant->name) != 0))
			continue;
		for (size_t j = 0; j < tenant->l7->route_count; j++)
			add_route(agent, tenant, &tenant->l7->routes[j], sum, items);
	}
	free(sum);
	return report_items(reply, items);
}

/* workers */

static json_t *worker(const struct workers *workers, unsigned number)
{
	struct workers_status status;
	const struct handover_counts *counts = &status.counts;
	json_t *item;

	workers_status(workers, number, &status);
	item = json_pack("{s:i,s:s,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I}", "worker",
			 (int)number, "state",
			 status.answers ? "runs"
			 : status.pid	? "starts"
					: "away",
			 "restarts", (json_int_t)(status.starts ? status.starts - 1 : 0),
			 "generation", (json_int_t)status.generation, "connections",
			 (json_int_t)counts->connections, "upstreams",
			 (json_int_t)counts->upstreams, "accepted", (json_int_t)counts->accepted,
			 "shed", (json_int_t)counts->shed, "requests", (json_int_t)counts->requests,
			 "refused", (json_int_t)counts->refused, "retries",
			 (json_int_t)counts->retries, "handshakes", (json_int_t)counts->handshakes,
			 "handshakesFailed", (json_int_t)counts->handshakes_failed);
	json_object_set_new(item, "pid", status.pid ? json_integer(status.pid) : json_null());
	json_object_set_new(item, "lastEnd",
			    status.reason[0] ? json_string(status.reason) : json_null());
	return item;
}

int report_proxy(void *context, const struct http_request *request, struct http_reply *reply)
{
	const struct agent *agent = context;
	const struct workers *workers = l7_workers(agent->l7);
	json_t *items = json_array();

	(void)request;
	for (unsigned i = 0; workers && i < workers_count(workers); i++)
		json_array_append_new(items, worker(workers, i));
	reply->body =
		json_pack("{s:o,s:o}", "items", items, "nobody", report_l7_tenant(agent, NULL));
	return reply->body ? 0 : -ENOMEM;
}
