// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What a change of routes is called: each part of one changed alone, and nothing changed. */
#include "selftests/unit/model/load_good.h"

#include <stdio.h>

#include "userspace/agent/changes.h"
#include "userspace/agent/changes_l7.h"

static const char base[] =
	"apiVersion: mtlb/v1\n"
	"kind: Platform\n"
	"metadata: {name: n}\n"
	"node: {interfaces: [{name: eth0}]}\n"
	"vips: [{name: v4, address: 192.0.2.10}, {name: w4, address: 192.0.2.11}]\n"
	"listeners:\n"
	"- {name: http, vips: [v4], port: 80, protocol: HTTP, trusted: [10.0.0.0/8]}\n"
	"- {name: other, vips: [v4], port: 8080, protocol: HTTP}\n"
	"tenants:\n"
	"- {name: acme, domains: [acme.example, \"*.acme.example\"]}\n"
	"- {name: bolt, domains: [bolt.example]}\n"
	"---\n"
	"apiVersion: mtlb/v1\n"
	"kind: TenantConfig\n"
	"metadata: {tenant: acme}\n"
	"pools:\n"
	"- {name: web, backends: [{address: \"10.1.0.1:80\", weight: 3}, {address: "
	"\"10.1.0.2:80\"}]}\n"
	"- {name: canary, backends: [{address: \"10.1.0.9:80\"}]}\n"
	"routes:\n"
	"- name: orders\n"
	"  listener: http\n"
	"  hostnames: [api.acme.example]\n"
	"  matches: [{path: {value: /orders}, methods: [POST], headers: {X-A: b}, query: {v: "
	"\"1\"}}]\n"
	"  filters:\n"
	"  - {type: RequestHeaderModifier, set: {X-Team: a}}\n"
	"  - {type: URLRewrite, hostname: in.example}\n"
	"  backendRefs: [{pool: web, weight: 3}, {pool: canary}]\n"
	"  timeouts: {request: 5s}\n"
	"  retry: {attempts: 2, on: [\"503\"]}\n"
	"- name: all\n"
	"  listener: http\n"
	"  backendRefs: [{pool: canary}]\n";

/* The text with the first `from` changed to `to`; what that is called, a line each. */
static void expect(const char *from, const char *to, const char *expected)
{
	char text[4096], said[1024] = "", *at;
	struct config now, next;
	char **lines = NULL;
	size_t count = 0;

	at = strstr(base, from);
	assert_non_null(at);
	snprintf(text, sizeof(text), "%.*s%s%s", (int)(at - base), base, to, at + strlen(from));
	load_good(base, &now);
	load_good(text, &next);
	assert_int_equal(changes_l7(&now, &next, &lines, &count), 0);
	for (size_t i = 0; i < count; i++)
		snprintf(said + strlen(said), sizeof(said) - strlen(said), "%s\n", lines[i]);
	assert_string_equal(said, expected);
	changes_free(lines, count);
	config_fini(&now);
	config_fini(&next);
}

static void nothing(void **state)
{
	(void)state;
	expect("orders", "orders", "");
	expect("5s", "5000ms", "");
}

static void listeners(void **state)
{
	(void)state;
	expect("[v4], port: 80,", "[v4, w4], port: 80,",
	       "~ listener http: port 80, 2 addresses, 1 trusted prefixes\n");
	expect("10.0.0.0/8", "10.0.0.0/9",
	       "~ listener http: port 80, 1 addresses, 1 trusted prefixes\n");
	expect("protocol: HTTP, trusted", "protocol: HTTPS, trusted",
	       "~ listener http: port 80, 1 addresses, 1 trusted prefixes\n");
	expect("- {name: other, vips: [v4], port: 8080, protocol: HTTP}\n", "",
	       "- listener other\n");
	/* their numbers are others then, and no route is */
	expect("- {name: http,",
	       "- {name: first, vips: [w4], port: 81, protocol: HTTP}\n- {name: http,",
	       "+ listener first: port 81, 1 addresses, 0 trusted prefixes\n");
}

/* What all tenants have together. */
static void workers(void **state)
{
	const char *here = "vips: [{name: v4";

	(void)state;
	expect(here, "proxy: {timeouts: {head: 10s}, splice: true}\nvips: [{name: v4", "");
	expect(here, "proxy: {timeouts: {head: 5s, tunnel: 2h}, splice: false}\nvips: [{name: v4",
	       "~ proxy: splice on -> off\n~ proxy: timeouts: head 10000ms -> 5000ms\n"
	       "~ proxy: timeouts: tunnel 3600000ms -> 7200000ms\n");
	expect(here, "proxy: {workers: 4}\nvips: [{name: v4",
	       "~ proxy: workers by CPUs -> 4, at the next start of the agent\n");
	expect(here, "accessLog: {file: /var/log/access}\nvips: [{name: v4",
	       "+ accessLog /var/log/access: one of 1 requests\n");
}

static void domains(void **state)
{
	(void)state;
	expect("[bolt.example]", "[bolt.test]",
	       "+ domain bolt bolt.test\n- domain bolt bolt.example\n");
	expect("- {name: bolt, domains: [bolt.example]}\n", "", "- domain bolt bolt.example\n");
	expect("- {name: bolt,", "- {name: aaa, domains: [a.example]}\n- {name: bolt,",
	       "+ domain aaa a.example\n");
}

static void pools(void **state)
{
	const char *web = "~ pool of routes acme/web: 2 backends\n";

	(void)state;
	expect("weight: 3}, {address", "weight: 4}, {address", web);
	expect("10.1.0.2:80", "10.1.0.3:80", web);
	expect("10.1.0.2:80", "10.1.0.2:81", web);
	expect("{name: web,", "{name: web, scheduler: leastRequest,", web);
	expect("{name: web,", "{name: web, circuitBreaker: {ejectAfter: 9},", web);
	expect("weight: 3}, {address", "weight: 3, state: drain}, {address", web);
	/* one that is used no more is gone */
	expect("[{pool: web, weight: 3}, {pool: canary}]", "[{pool: canary}]",
	       "- pool of routes acme/web\n~ route acme/orders\n");
}

static void routes(void **state)
{
	const char *orders = "~ route acme/orders\n";

	(void)state;
	expect("listener: http\n  hostnames", "listener: other\n  hostnames", orders);
	expect("[api.acme.example]", "[web.acme.example]", orders);
	expect("/orders", "/order", orders);
	expect("{value: /orders}", "{type: Exact, value: /orders}", orders);
	expect("[POST]", "[POST, GET]", orders);
	expect("X-A: b", "X-A: c", orders);
	expect("v: \"1\"", "v: \"2\"", orders);
	expect("X-Team: a", "X-Team: b", orders);
	expect("set: {X-Team", "add: {X-Team", orders);
	expect("in.example", "out.example", orders);
	expect("weight: 3}, {pool", "weight: 4}, {pool", orders);
	expect("5s", "6s", orders);
	expect("attempts: 2", "attempts: 3", orders);
	expect("\"503\"", "\"502\"", orders);
	expect("name: all", "name: rest", "+ route acme/rest\n- route acme/all\n");
	expect("- name: orders\n",
	       "- {name: zero, listener: http, backendRefs: [{pool: web}]}\n- name: orders\n",
	       "+ route acme/zero\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing), cmocka_unit_test(workers), cmocka_unit_test(listeners),
		cmocka_unit_test(domains), cmocka_unit_test(pools),   cmocka_unit_test(routes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
