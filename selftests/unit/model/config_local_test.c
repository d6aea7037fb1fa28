// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Services of the node's own stack. What is refused is in config_bad.def.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "load_good.h"

#define TEXT                                                         \
	"apiVersion: mtlb/v1\nkind: Platform\nmetadata: {name: n}\n" \
	"node: {interfaces: [{name: eth0}]}\n"                       \
	"vips: [{name: web4, address: 192.0.2.10}]\n"                \
	"tenants: [{name: acme, vips: [web4]}]\n"                    \
	"---\n"                                                      \
	"apiVersion: mtlb/v1\nkind: TenantConfig\n"                  \
	"metadata: {tenant: acme}\n"

static void this_node(void **state)
{
	const struct state_service *s;
	struct config config;

	(void)state;
	load_good(TEXT "services: [{name: s, vips: [web4], protocol: TCP, ports: [80, "
		       "1000-2000], forward: local}]\n",
		  &config);
	s = &config.state.tenants[0].services[0];
	assert_int_equal(s->forward, STATE_FORWARD_LOCAL);
	assert_string_equal(s->pool, "");
	assert_int_equal(s->member_count, 0);
	assert_int_equal(s->vip_count, 2);
	assert_false(s->track_always);
	assert_int_equal(s->health.type, PROBE_NONE);
	config_fini(&config);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(this_node),
	};

	return cmocka_run_group_tests_name("config_local", tests, NULL, NULL);
}
