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
#include <netinet/in.h>

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

#define FRONT                                                                       \
	"apiVersion: mtlb/v1\nkind: Platform\nmetadata: {name: n}\n"                \
	"node: {interfaces: [{name: eth0}]}\n"                                      \
	"vips: [{name: a, address: 192.0.2.10}, {name: b, address: 192.0.2.11}, "   \
	"{name: free, address: 192.0.2.12}, {name: c, address: \"2001:db8::1\"}]\n" \
	"listeners:\n"                                                              \
	"- {name: tls, vips: [c, free, b, a], port: 443, protocol: HTTPS}\n"        \
	"- {name: http, vips: [b], port: 80, protocol: HTTP}\n"                     \
	"tenants: [{name: nobody}, {name: front, vips: [b]}, {name: acme, vips: [a, c]}]\n"

static void is_front(const struct state_service *s, const char *name, uint16_t port,
		     const char *first)
{
	char text[ADDR_TEXT_MAX];

	assert_string_equal(s->name, name);
	assert_int_equal(s->forward, STATE_FORWARD_LOCAL);
	assert_int_equal(s->protocol, IPPROTO_TCP);
	assert_int_equal(s->vips[0].port, port);
	assert_int_equal(s->vips[0].last, port);
	assert_string_equal(addr_format(&s->vips[0].address, text), first);
	assert_string_equal(s->pool, "");
}

/* Each listener on a VIP that is granted is a service of the tenant, whether it says anything or
 * not; the same one as if it were written down.
 */
static void fronts(void **state)
{
	const struct state_service *http, *tls, *written;
	const struct state_tenant *acme;
	struct config config;

	(void)state;
	load_good(
		FRONT
		"---\napiVersion: mtlb/v1\nkind: TenantConfig\nmetadata: {tenant: acme}\n"
		"services: [{name: web, vips: [a], protocol: TCP, ports: [80], forward: local}]\n",
		&config);
	acme = state_find_tenant(&config.state, "acme");
	assert_int_equal(acme->service_count, 2);
	assert_int_equal(state_find_tenant(&config.state, "front")->service_count, 2);
	assert_int_equal(state_find_tenant(&config.state, "nobody")->service_count, 0);
	tls = state_find_service(&config.state, "acme", "tls");
	is_front(tls, "tls", 443, "192.0.2.10");
	assert_int_equal(tls->vip_count, 2);
	is_front(state_find_service(&config.state, "front", "tls"), "tls", 443, "192.0.2.11");
	http = state_find_service(&config.state, "front", "http");
	is_front(http, "http", 80, "192.0.2.11");
	written = state_find_service(&config.state, "acme", "web");
	assert_int_equal(written->idle_s, http->idle_s);
	assert_int_equal(written->affinity, http->affinity);
	assert_int_equal(written->track_always, http->track_always);
	config_fini(&config);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(this_node),
		cmocka_unit_test(fronts),
	};

	return cmocka_run_group_tests_name("config_local", tests, NULL, NULL);
}
