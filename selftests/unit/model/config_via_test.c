// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The way of health checks, as it is meant, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "load_good.h"
#include "userspace/model/diff.h"

#define TEXT                                                                   \
	"apiVersion: mtlb/v1\nkind: Platform\nmetadata: {name: n}\n"           \
	"node: {interfaces: [{name: eth0}], natSources: [{ipv4: 10.0.0.9}]}\n" \
	"vips: [{name: web4, address: 192.0.2.10}]\n"                          \
	"tiers: [{name: t, l4: {natPorts: 4096}}]\n"                           \
	"tenants: [{name: acme, tier: t, vips: [web4]}]\n"                     \
	"---\n"                                                                \
	"apiVersion: mtlb/v1\nkind: TenantConfig\n"                            \
	"metadata: {tenant: acme}\n"
#define POOL(health) \
	TEXT "pools:\n- {name: p, backends: [{address: 10.0.0.1}],\n   health: {" health "}}\n"
#define SERVICE(forward)                                                           \
	"services: [{name: s, vips: [web4], protocol: TCP, ports: [80], pool: p, " \
	"forward: " forward "}]\n"
#define SECOND "- {name: s2, vips: [web4], protocol: TCP, ports: [81], pool: p, forward: nat}\n"

static void expect(const char *text, enum state_via via)
{
	struct config config;

	load_good(text, &config);
	assert_int_equal(config.state.tenants[0].services[0].health.via, via);
	config_fini(&config);
}

static void as_written(void **state)
{
	(void)state;
	expect(POOL("type: tcp") SERVICE("dsr"), STATE_VIA_AUTO);
	expect(POOL("type: tcp, via: auto") SERVICE("nat"), STATE_VIA_AUTO);
	expect(POOL("type: tcp, via: direct") SERVICE("dsr"), STATE_VIA_DIRECT);
	expect(POOL("type: tcp, via: direct") SERVICE("nat"), STATE_VIA_DIRECT);
	expect(POOL("type: udp, send: a, via: vip") SERVICE("dsr"), STATE_VIA_VIP);
	expect(POOL("type: icmp") SERVICE("dsr"), STATE_VIA_AUTO);
}

static void expect_error(const char *text, const char *error)
{
	struct load load = {};
	struct load_secret secret;
	struct config config;
	char got[1024] = "";

	assert_int_equal(load_text(&load, "t", text, strlen(text)), 0);
	load_check(&load, "t", &config, &secret);
	assert_int_equal(load.errors.count, 1);
	config_error_format(&load.errors.list[0], got, sizeof(got));
	assert_string_equal(got, error);
	load_fini(&load);
	config_fini(&config);
}

static void refused(void **state)
{
	static const char *const no_vip =
		"t:14:29: \"via: vip\" cannot be with service \"s\", which is \"forward: nat\": "
		"its "
		"backends have no VIP that answers; use \"auto\" or \"direct\"";

	(void)state;
	expect_error(POOL("type: tcp, via: vip") SERVICE("nat"), no_vip);
	/* once, of however many services */
	expect_error(POOL("type: tcp, via: vip") "services:\n"
						 "- {name: s, vips: [web4], protocol: TCP, ports: "
						 "[80], pool: p, forward: nat}\n" SECOND,
		     no_vip);
	expect_error(POOL("type: icmp, via: vip") SERVICE("dsr"),
		     "t:14:25: \"via\" means nothing to a check of type icmp; leave it out, or use "
		     "type tcp, tls, http, https, grpc or udp");
	expect_error(POOL("type: tcp, via: vips") SERVICE("dsr"),
		     "t:14:29: \"via\" must be \"auto\", \"direct\" or \"vip\", not \"vips\"; did "
		     "you mean \"vip\"?");
}

/* Another way is a change. */
static void differs(void **state)
{
	struct config a, b;
	struct plan plan;
	char line[512];

	(void)state;
	load_good(POOL("type: tcp") SERVICE("dsr"), &a);
	load_good(POOL("type: tcp, via: direct") SERVICE("dsr"), &b);
	assert_int_equal(plan_make(&a.state, &b.state, &plan), 0);
	assert_int_equal(plan.count, 1);
	op_format(&plan.ops[0], line, sizeof(line));
	assert_non_null(strstr(line, "health.via auto -> direct"));
	plan_fini(&plan);
	config_fini(&a);
	config_fini(&b);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(as_written),
		cmocka_unit_test(refused),
		cmocka_unit_test(differs),
	};

	return cmocka_run_group_tests_name("config_via", tests, NULL, NULL);
}
