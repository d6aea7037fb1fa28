// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* A member that comes back gets its share of the table in steps, and nothing else changes. */
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

#include "userspace/agent/publish.h"
#include "userspace/agent/reconcile.h"
#include "userspace/agent/sweep.h"
#include "userspace/base/log.h"
#include "userspace/model/table.h"

#define SECOND	1000000000ULL
#define MEMBERS 4
#define MINUTES 4 /* of slow start */

static struct addr backend(uint8_t number)
{
	return (struct addr){.byte = {[10] = 0xff, 0xff, 10, 0, 0, number}};
}

struct node {
	struct dataplane *dataplane;
	struct registry registry;
	struct members members;
	struct state state;
	struct state_tenant tenant;
	struct state_service service;
	struct state_member member[MEMBERS];
	struct state_address address;
	struct state_vip vip;
	uint64_t now;
};

static void apply(struct node *node)
{
	struct reconcile reconcile = {
		&node->registry, &node->members, &node->state, node->now, 0, false};
	struct state actual;
	struct err err = {};
	struct plan plan;

	assert_int_equal(
		registry_read_state(&node->registry, &node->state, &node->state, NULL, &actual), 0);
	assert_int_equal(plan_make(&actual, &node->state, &plan), 0);
	if (reconcile_apply(&reconcile, &plan, &err))
		fail_msg("%s", err.text);
	plan_fini(&plan);
	state_fini(&actual);
}

static void open_node(struct node *node)
{
	struct dataplane_options options = {
		.capacity = {.tenants = 2,
			     .vips = 8,
			     .services = 4,
			     .members = 16,
			     .slots = 20000,
			     .flow_buckets = 64},
	};
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	memset(node, 0, sizeof(*node));
	node->now = (uint64_t)now.tv_sec * SECOND;
	log_set_level(LOG_LEVEL_ERROR);
	assert_int_equal(dataplane_open_memory(&options, &node->dataplane), 0);
	assert_int_equal(registry_open(&node->registry, node->dataplane), 0);
	node->members = (struct members){.registry = &node->registry, .encap_ipv4 = backend(99)};
	for (uint8_t i = 0; i < MEMBERS; i++)
		node->member[i] = (struct state_member){.address = backend(i + 1), .weight = 1};
	node->address.address = backend(200);
	node->vip = (struct state_vip){backend(200), 80, 80};
	node->service = (struct state_service){
		.name = "web",
		.pool = "web",
		.protocol = IPPROTO_TCP,
		.forward = STATE_FORWARD_IPIP,
		.idle_s = 60,
		.slow_start_s = MINUTES * 60,
		.vips = &node->vip,
		.vip_count = 1,
		.members = node->member,
		.member_count = MEMBERS,
	};
	node->tenant = (struct state_tenant){
		.name = "acme",
		.flows = 64,
		.addresses = &node->address,
		.address_count = 1,
		.services = &node->service,
		.service_count = 1,
	};
	node->state = (struct state){.tenants = &node->tenant, .tenant_count = 1};
	apply(node);
}

static struct registry_service *the_service(const struct node *node)
{
	return registry_service(&node->registry, 1, "web", IPPROTO_TCP);
}

/* The share of the first member, in thousandths. */
static uint32_t share(const struct node *node)
{
	const struct registry_service *service = the_service(node);
	struct addr address = backend(1);
	uint32_t member = registry_member(&node->registry, service, &address, 0), owned = 0;
	struct table table;

	assert_int_not_equal(member, 0);
	assert_int_equal(publish_read_table(&node->registry, service, &table), 0);
	for (uint32_t i = 0; i < table.count; i++)
		owned += (table.slots[i] & MTLB_SLOT_MEMBER) == member;
	owned = owned * 1000 / table.count;
	table_fini(&table);
	return owned;
}

static void set_state(struct node *node, enum mtlb_member_state state)
{
	struct registry_service *service = the_service(node);
	struct addr address = backend(1);

	assert_int_equal(members_set_state(&node->members, service,
					   registry_member(&node->registry, service, &address, 0),
					   state, node->now),
			 0);
}

/* As the agent's timer does; true when a table was published. */
static bool pass(struct node *node, uint64_t seconds)
{
	struct sweep sweep = {&node->registry, &node->members, &node->state, node->now, NULL};
	struct reconcile reconcile = {&node->registry, &node->members, &node->state, 0, 0, false};
	struct err err = {};
	uint32_t before = the_service(node)->generation;

	node->now += seconds * SECOND;
	reconcile.now = node->now;
	assert_int_equal(sweep_run(&sweep, node->now), 0);
	if (reconcile_publish_dirty(&reconcile, &err))
		fail_msg("%s", err.text);
	return the_service(node)->generation != before;
}

static void test_comes_back(void **state)
{
	struct node node;
	uint32_t last;

	(void)state;
	open_node(&node);
	assert_in_range(share(&node), 230, 270); /* all began together: nobody waits */
	pass(&node, MINUTES * 60);
	assert_in_range(share(&node), 230, 270);
	set_state(&node, MTLB_MEMBER_DOWN);
	pass(&node, 1);
	assert_int_equal(share(&node), 0);
	set_state(&node, MTLB_MEMBER_UP);
	pass(&node, 0);
	last = share(&node);
	assert_in_range(last, 10, 30); /* 1 of 49 */
	for (int i = 0; i < 16; i++) {
		uint32_t now;

		pass(&node, MINUTES * 60 / 16);
		now = share(&node);
		assert_true(now >= last);
		last = now;
	}
	assert_in_range(last, 230, 270);
	assert_false(pass(&node, 60)); /* and then it is over */
	registry_close(&node.registry);
	dataplane_close(node.dataplane);
}

static void test_undrained(void **state)
{
	struct node node;

	(void)state;
	open_node(&node);
	pass(&node, MINUTES * 60);
	node.member[0].drain = true;
	apply(&node);
	assert_int_equal(share(&node), 0);
	pass(&node, 60);
	node.member[0].drain = false;
	apply(&node);
	assert_in_range(share(&node), 10, 30);
	pass(&node, MINUTES * 30);
	assert_in_range(share(&node), 120, 170); /* half of a share: 8 of 56 */
	registry_close(&node.registry);
	dataplane_close(node.dataplane);
}

static void test_none(void **state)
{
	struct node node;

	(void)state;
	open_node(&node);
	node.service.slow_start_s = 0;
	set_state(&node, MTLB_MEMBER_DOWN);
	pass(&node, 1);
	set_state(&node, MTLB_MEMBER_UP);
	pass(&node, 1);
	assert_in_range(share(&node), 230, 270);
	registry_close(&node.registry);
	dataplane_close(node.dataplane);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_comes_back),
		cmocka_unit_test(test_undrained),
		cmocka_unit_test(test_none),
	};

	return cmocka_run_group_tests_name("agent slow start", tests, NULL, NULL);
}
