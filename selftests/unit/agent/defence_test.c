// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * SYN cookies on the fake dataplane: which tenants are looked at, what is written where packets
 * look, what is said about it, and what an agent that comes later makes of it.
 */
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "userspace/agent/defence.h"
#include "userspace/agent/watchers.h"
#include "userspace/base/log.h"
#include "userspace/model/flood.h"

#define S 1000000000ULL

enum {
	ACME = 1,
	GLOBEX = 2,
};

static struct node {
	struct dataplane *dataplane;
	struct registry registry;
	struct loop *loop;
	struct watchers *watchers;
	struct events *events;
	struct defence *defence;
	uint64_t now;
} node;

static struct state_service local = {
	.name = "web", .protocol = IPPROTO_TCP, .forward = STATE_FORWARD_LOCAL};
static struct state_service remote = {
	.name = "web", .protocol = IPPROTO_TCP, .forward = STATE_FORWARD_NAT};
static struct state_service datagrams = {
	.name = "dns", .protocol = IPPROTO_UDP, .forward = STATE_FORWARD_LOCAL};

static void watch(struct state_service *of_acme, struct state_service *of_globex)
{
	struct state_tenant tenants[] = {
		{.name = "acme", .services = of_acme, .service_count = 1},
		{.name = "globex", .services = of_globex, .service_count = 1},
	};
	struct state state = {.tenants = tenants, .tenant_count = 2};

	assert_int_equal(defence_set(node.defence, &state, node.now), 0);
}

static void sell(uint32_t tenant, enum state_cookies_mode mode, bool fresh)
{
	struct state_cookies cookies = {.mode = mode, .rate = 1000};

	assert_int_equal(defence_put(&node.registry, tenant, &cookies, fresh), 0);
}

static int begin(void **state)
{
	struct dataplane_options options = {
		.capacity = {.tenants = 8,
			     .vips = 8,
			     .services = 8,
			     .members = 8,
			     .slots = 32,
			     .flow_buckets = 1},
	};

	(void)state;
	log_set_level(LOG_LEVEL_ERROR);
	node = (struct node){.now = 1000 * S};
	assert_int_equal(dataplane_open_memory(&options, &node.dataplane), 0);
	assert_int_equal(registry_open(&node.registry, node.dataplane), 0);
	assert_non_null(registry_add_tenant(&node.registry, ACME, "acme"));
	assert_non_null(registry_add_tenant(&node.registry, GLOBEX, "globex"));
	assert_int_equal(loop_new(&node.loop), 0);
	assert_int_equal(watchers_new(&node.watchers), 0);
	assert_int_equal(events_new(node.watchers, &node.events), 0);
	assert_int_equal(defence_new(&node.registry, node.loop, node.events, &node.defence), 0);
	sell(ACME, STATE_COOKIES_AUTO, true);
	sell(GLOBEX, STATE_COOKIES_AUTO, true);
	return 0;
}

static int end(void **state)
{
	(void)state;
	defence_free(node.defence);
	events_free(node.events);
	watchers_free(node.watchers);
	loop_free(node.loop);
	registry_close(&node.registry);
	dataplane_close(node.dataplane);
	return 0;
}

static bool is_on(uint32_t tenant)
{
	return dataplane_view(node.dataplane)->defences[tenant].on;
}

/* A look's time goes by, in which so many SYNs came. */
static void look(uint32_t tenant, uint64_t syns)
{
	struct mtlb_tenant_counter *counters =
		(struct mtlb_tenant_counter *)dataplane_view(node.dataplane)->tenant_counters;

	counters[tenant].value[MTLB_COUNTER_local_syns] += syns;
	node.now += FLOOD_LOOK_NS;
	defence_look(node.defence, node.now);
}

/* How many events of the kind there are about the tenant; those of the kernel's setting depend on
 * the machine. */
static size_t events_of(const char *kind, const char *tenant)
{
	json_t *list = events_list(node.events), *event;
	size_t count = 0, i;

	json_array_foreach (list, i, event)
		count += !strcmp(json_string_value(json_object_get(event, "kind")), kind) &&
			 !strcmp(json_string_value(json_object_get(event, "tenant")), tenant);
	json_decref(list);
	return count;
}

static void comes_and_goes(void **state)
{
	(void)state;
	watch(&local, &local);
	look(ACME, 5000);
	assert_false(is_on(ACME));
	look(ACME, 5000);
	assert_true(is_on(ACME));
	assert_false(is_on(GLOBEX));
	assert_int_equal(dataplane_view(node.dataplane)->defences[ACME].changed_at, node.now);
	assert_int_equal(events_of("syn-cookies-on", "acme"), 1);
	for (uint64_t quiet = node.now; node.now - quiet < FLOOD_QUIET_NS - FLOOD_LOOK_NS;)
		look(ACME, 10);
	assert_true(is_on(ACME));
	assert_int_equal(events_of("syn-cookies-off", "acme"), 0);
	look(ACME, 10);
	assert_false(is_on(ACME));
	assert_int_equal(events_of("syn-cookies-off", "acme"), 1);
	assert_int_equal(events_of("syn-cookies-on", "globex"), 0);
}

static void only_the_nodes_own_services(void **state)
{
	(void)state;
	watch(&remote, &datagrams);
	for (int i = 0; i < 4; i++) {
		look(ACME, 5000);
		look(GLOBEX, 5000);
	}
	assert_false(is_on(ACME));
	assert_false(is_on(GLOBEX));
}

/* A configuration that is applied again does not begin anew; one that takes the service does. */
static void another_configuration(void **state)
{
	(void)state;
	watch(&local, &local);
	look(ACME, 5000);
	watch(&local, &remote);
	look(ACME, 5000);
	assert_true(is_on(ACME));
	sell(ACME, STATE_COOKIES_AUTO, false);
	watch(&local, &remote);
	assert_true(is_on(ACME));
	watch(&remote, &remote);
	assert_false(is_on(ACME));
}

static void other_modes(void **state)
{
	(void)state;
	watch(&local, &local);
	look(ACME, 5000);
	look(ACME, 5000);
	sell(ACME, STATE_COOKIES_OFF, false);
	watch(&local, &local);
	look(ACME, 5000);
	look(ACME, 5000);
	assert_false(is_on(ACME));
	assert_int_equal(defence_read(&node.registry, ACME).mode, STATE_COOKIES_OFF);
	sell(ACME, STATE_COOKIES_ALWAYS, false);
	watch(&local, &local);
	assert_true(is_on(ACME));
	look(ACME, 0);
	node.now += FLOOD_QUIET_NS;
	look(ACME, 0);
	look(ACME, 0);
	assert_true(is_on(ACME));
	/* what always was is no attack */
	sell(ACME, STATE_COOKIES_AUTO, false);
	assert_false(is_on(ACME));
	assert_int_equal(defence_read(&node.registry, ACME).rate, 1000);
}

/* The place of a tenant that is gone is not under attack for the next one. */
static void a_new_tenant(void **state)
{
	(void)state;
	watch(&local, &local);
	look(ACME, 5000);
	look(ACME, 5000);
	assert_true(is_on(ACME));
	sell(ACME, STATE_COOKIES_AUTO, true);
	assert_false(is_on(ACME));
}

/* The agent is killed, and another one comes: it tells no second beginning, but the end. */
static void another_agent(void **state)
{
	(void)state;
	watch(&local, &local);
	look(ACME, 5000);
	look(ACME, 5000);
	defence_free(node.defence);
	node.now += 5 * S;
	assert_int_equal(defence_new(&node.registry, node.loop, node.events, &node.defence), 0);
	watch(&local, &local);
	assert_true(is_on(ACME));
	look(ACME, 5000);
	look(ACME, 5000);
	assert_int_equal(events_of("syn-cookies-on", "acme"), 1);
	for (int i = 0; i < 121; i++)
		look(ACME, 0);
	assert_false(is_on(ACME));
	assert_int_equal(events_of("syn-cookies-off", "acme"), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(comes_and_goes, begin, end),
		cmocka_unit_test_setup_teardown(only_the_nodes_own_services, begin, end),
		cmocka_unit_test_setup_teardown(another_configuration, begin, end),
		cmocka_unit_test_setup_teardown(other_modes, begin, end),
		cmocka_unit_test_setup_teardown(a_new_tenant, begin, end),
		cmocka_unit_test_setup_teardown(another_agent, begin, end),
	};

	return cmocka_run_group_tests_name("defence", tests, NULL, NULL);
}
