// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What a tier grants each of its tenants. What is refused is in config_bad_tiers.def.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "load_good.h"

#define HEAD "apiVersion: mtlb/v1\nkind: Platform\nmetadata: {name: n}\n"
#define NODE "node: {interfaces: [{name: eth0}]}\n"

static void quotas_are_powers_of_two(void **state)
{
	static const struct {
		const char *flows;
		uint32_t quota;
	} rows[] = {{"64", 64}, {"65", 128}, {"20k", 32768}, {"16777216", 16777216}};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct config config;
		char text[512];

		snprintf(text, sizeof(text),
			 HEAD "node: {interfaces: [{name: e}], capacity: {flows: 20M}}\n"
			      "tiers: [{name: t, l4: {flows: %s}}]\n"
			      "tenants: [{name: a, tier: t}]\n",
			 rows[i].flows);
		load_good(text, &config);
		assert_int_equal(config.state.tenants[0].flows, rows[i].quota);
		config_fini(&config);
	}
}

/* What a tier shares counts once against the capacity; what others have besides, as ever. */
static void quotas_that_are_shared(void **state)
{
	struct config config;

	(void)state;
	load_good(HEAD
		  "node: {interfaces: [{name: e}], capacity: {flows: 10240}}\n"
		  "tiers: [{name: own, l4: {flows: 1k}}, {name: few, l4: {flows: 8k, "
		  "flowsShared: true}}]\n"
		  "tenants: [{name: a, tier: few}, {name: b, tier: few}, {name: c, tier: own},\n"
		  "  {name: d, tier: few}, {name: e, tier: own}]\n",
		  &config);
	for (size_t i = 0; i < 5; i++) {
		const struct state_tenant *tenant = &config.state.tenants[i];
		bool shared = i != 2 && i != 4;

		assert_int_equal(tenant->flows, shared ? 8192 : 1024);
		assert_string_equal(tenant->flows_of, shared ? "few" : "");
	}
	config_fini(&config);
}

/* A burst means nothing without a rate. */
static void limits_of_a_tier(void **state)
{
	static const struct {
		const char *l4;
		struct state_limits limits;
	} rows[] = {
		{"", {}},
		{"burst: 1s", {}},
		{"packets: 20k/s", {20000, 0, 0, 100, 0, 0, 0}},
		{"bits: 50M/s", {0, 50000000, 0, 100, 0, 0, 0}},
		{"newFlows: 300/s", {0, 0, 300, 100, 0, 0, 0}},
		{"newFlowsPerClient: 1/s", {.client_flows = 1}},
		{"newFlowsPerClient: 1k/s, burst: 1s", {.client_flows = 1000}},
		{"packets: 1/s, bits: 8k/s, newFlows: 1/s, burst: 1ms", {1, 8000, 1, 1, 0, 0, 0}},
		{"packets: 1G/s, bits: 1000G/s, newFlows: 100M/s, burst: 10s",
		 {1000000000, 1000000000000, 100000000, 10000, 0, 0, 0}},
		{"packets: 1000000000/s, bits: 5G/s, flows: 64",
		 {1000000000, 5000000000, 0, 100, 0, 0, 0}},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const struct state_limits *limits;
		struct config config;
		char text[512];

		snprintf(text, sizeof(text),
			 HEAD NODE
			 "tiers: [{name: other}, {name: t, l4: {%s}}]\n"
			 "tenants: [{name: a, tier: t}, {name: b, tier: other}, {name: c}]\n",
			 rows[i].l4);
		load_good(text, &config);
		limits = &config.state.tenants[0].limits;
		assert_int_equal(limits->packets, rows[i].limits.packets);
		assert_int_equal(limits->bits, rows[i].limits.bits);
		assert_int_equal(limits->new_flows, rows[i].limits.new_flows);
		assert_int_equal(limits->burst_ms, rows[i].limits.burst_ms);
		assert_int_equal(limits->client_flows, rows[i].limits.client_flows);
		for (size_t j = 1; j < 3; j++) {
			limits = &config.state.tenants[j].limits;
			assert_int_equal(limits->packets, 0);
			assert_int_equal(limits->bits, 0);
			assert_int_equal(limits->new_flows, 0);
			assert_int_equal(limits->burst_ms, 0);
			assert_int_equal(limits->client_flows, 0);
		}
		config_fini(&config);
	}
}

static void cookies_of_a_tier(void **state)
{
	static const struct {
		const char *l4;
		struct state_cookies cookies;
	} rows[] = {
		{"", {STATE_COOKIES_AUTO, 1000}},
		{"synRate: 20k/s", {STATE_COOKIES_AUTO, 20000}},
		{"synCookies: auto, synRate: 1/s", {STATE_COOKIES_AUTO, 1}},
		{"synCookies: always", {STATE_COOKIES_ALWAYS, 1000}},
		{"synCookies: off", {STATE_COOKIES_OFF, 1000}},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const struct state_tenant *tenants;
		struct config config;
		char text[512];

		snprintf(text, sizeof(text),
			 HEAD NODE "tiers: [{name: t, l4: {%s}}]\n"
				   "tenants: [{name: a, tier: t}, {name: b}]\n",
			 rows[i].l4);
		load_good(text, &config);
		tenants = config.state.tenants;
		assert_int_equal(tenants[0].cookies.mode, rows[i].cookies.mode);
		assert_int_equal(tenants[0].cookies.rate, rows[i].cookies.rate);
		assert_int_equal(tenants[1].cookies.mode, STATE_COOKIES_AUTO);
		assert_int_equal(tenants[1].cookies.rate, 1000);
		config_fini(&config);
	}
}

/* Of the L7 tier: what is not said has no bound, but for clients that stall. */
static void http_of_a_tier(void **state)
{
	struct config config;

	(void)state;
	load_good(HEAD NODE "tiers: [{name: t, http: {connections: 7, requests: 8, handshakes: "
			    "9/s, stalled: 0}}]\n"
			    "tenants: [{name: a, tier: t}, {name: b}]\n",
		  &config);
	for (size_t i = 0; i < 2; i++) {
		const struct state_tenant *tenant = &config.state.tenants[i];
		bool said = !i;

		assert_int_equal(tenant->http_connections, said ? 7 : 0);
		assert_int_equal(tenant->http_requests, said ? 8 : 0);
		assert_int_equal(tenant->http_handshakes, said ? 9 : 0);
		assert_int_equal(tenant->http_stalled, said ? 0 : 32);
	}
	config_fini(&config);
}

/* Weights mean something once there is a capacity to share. */
static void shares(void **state)
{
	static const char tenants[] = "tenants: [{name: a, tier: t}, {name: b}]\n";
	struct config config;
	char text[512];

	(void)state;
	snprintf(text, sizeof(text),
		 HEAD NODE "tiers: [{name: t, weight: 7, l4: {packets: {ceiling: 5k/s}}}]\n%s",
		 tenants);
	load_good(text, &config);
	assert_int_equal(config.state.node.packets, 0);
	assert_int_equal(config.state.node.charge_new_flow, 1);
	assert_int_equal(config.state.tenants[0].limits.weight, 0);
	assert_int_equal(config.state.tenants[0].limits.packets, 5000);
	assert_int_equal(config.state.tenants[0].limits.burst_ms, 100);
	config_fini(&config);

	snprintf(text, sizeof(text),
		 HEAD "node: {interfaces: [{name: eth0}], capacity: {packets: 100k/s},\n"
		      "  charges: {newFlow: 3, icmp: 2}}\n"
		      "tiers: [{name: t, weight: 7, l4: {packets: {guaranteed: 60k/s}}}]\n%s",
		 tenants);
	load_good(text, &config);
	assert_int_equal(config.state.node.packets, 100000);
	assert_int_equal(config.state.node.charge_new_flow, 3);
	assert_int_equal(config.state.node.charge_fragment, 1);
	assert_int_equal(config.state.node.charge_icmp, 2);
	assert_int_equal(config.state.tenants[0].limits.weight, 7);
	assert_int_equal(config.state.tenants[0].limits.guaranteed, 60000);
	assert_int_equal(config.state.tenants[0].limits.packets, 0);
	assert_int_equal(config.state.tenants[0].limits.burst_ms, 100);
	assert_int_equal(config.state.tenants[1].limits.weight, 1);
	assert_int_equal(config.state.tenants[1].limits.guaranteed, 0);
	config_fini(&config);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(quotas_are_powers_of_two),
		cmocka_unit_test(quotas_that_are_shared),
		cmocka_unit_test(limits_of_a_tier),
		cmocka_unit_test(cookies_of_a_tier),
		cmocka_unit_test(http_of_a_tier),
		cmocka_unit_test(shares),
	};

	return cmocka_run_group_tests_name("tiers", tests, NULL, NULL);
}
