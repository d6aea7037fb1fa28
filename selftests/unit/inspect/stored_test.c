// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Which words of the flow table are flows that somebody is shown, and whose. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "../../../userspace/inspect/stored.h"

#define NOW	1000U
#define BUCKET	5U
#define MEMBER	3U
#define SERVICE 2U
#define ACME	1U
#define GLOBEX	2U
/* of a hash whose tag is the word's */
#define TAG  0x1234567U
#define HASH ((uint64_t)TAG << 24 | 0xabc)

/* A dataplane of two tenants, the first of which has a service with a member. */
struct world {
	struct mtlb_node node;
	struct mtlb_tenant tenants[4];
	struct mtlb_service services[4];
	struct mtlb_member members[8];
	struct mtlb_member_name names[8];
	struct view view;
};

static void make(struct world *world)
{
	*world = (struct world){
		.node = {.tenants = 4, .services = 4, .members = 8, .stamp_shift = 32},
		.tenants[ACME] = {.used = 1,
				  .flow_first = 1,
				  .flow_count = 8,
				  .nat_first = 64,
				  .nat_count = 8},
		.tenants[GLOBEX] = {.used = 1, .flow_first = 9, .flow_count = 8},
		.services[SERVICE] = {.used = 1, .tenant = ACME, .protocol = 6, .idle = 900},
		.members[MEMBER] = {.service = SERVICE},
		.names[MEMBER] = {.used = 1, .service = SERVICE},
	};
	snprintf(world->tenants[ACME].name, MTLB_NAME_MAX, "acme");
	snprintf(world->services[SERVICE].name, MTLB_NAME_MAX, "web");
	world->view = (struct view){.node = &world->node,
				    .tenants = world->tenants,
				    .services = world->services,
				    .members = world->members,
				    .member_names = world->names};
}

static uint64_t word(uint32_t age, uint32_t state)
{
	return mtlb_flow_word(TAG, MEMBER, NOW - age, state);
}

static bool judge(const struct world *world, uint32_t bucket, uint64_t value,
		  struct stored_flow *flow)
{
	return stored_judge(&world->view, NOW, bucket, value, HASH, flow);
}

static void test_live(void **state)
{
	struct stored_flow flow;
	struct world world;

	(void)state;
	make(&world);
	assert_true(judge(&world, BUCKET, word(10, MTLB_FLOW_ESTABLISHED), &flow));
	assert_int_equal(flow.tenant, ACME);
	assert_int_equal(flow.service, SERVICE);
	assert_int_equal(flow.member, MEMBER);
	assert_int_equal(flow.state, MTLB_FLOW_ESTABLISHED);
	assert_int_equal(flow.idle_s, 42); /* ten stamps of 4.29 s */
	/* translated flows stand in the other range */
	assert_true(judge(&world, 64, word(0, MTLB_FLOW_CLOSING), &flow));
	assert_int_equal(flow.state, MTLB_FLOW_CLOSING);
}

static void test_none(void **state)
{
	struct stored_flow flow;
	struct world world;

	(void)state;
	make(&world);
	assert_false(judge(&world, BUCKET, 0, &flow));
	/* word and hash of two flows */
	assert_false(stored_judge(&world.view, NOW, BUCKET, word(0, MTLB_FLOW_ESTABLISHED),
				  HASH ^ 1 << 24, &flow));
	/* a member that cannot be */
	assert_false(
		judge(&world, BUCKET, mtlb_flow_word(TAG, 8, NOW, MTLB_FLOW_ESTABLISHED), &flow));
	/* silent for too long: 900 s are 210 stamps */
	assert_true(judge(&world, BUCKET, word(210, MTLB_FLOW_ESTABLISHED), &flow));
	assert_false(judge(&world, BUCKET, word(212, MTLB_FLOW_ESTABLISHED), &flow));
	assert_false(judge(&world, BUCKET, word(MTLB_FLOW_IDLE_UNPROVEN + 1, MTLB_FLOW_UNPROVEN),
			   &flow));
	assert_false(
		judge(&world, BUCKET, word(MTLB_FLOW_IDLE_CLOSING + 1, MTLB_FLOW_CLOSING), &flow));
}

static void test_strangers(void **state)
{
	struct stored_flow flow;
	struct world world;

	(void)state;
	make(&world);
	/* in another tenant's range, and in nobody's */
	assert_false(judge(&world, 9, word(0, MTLB_FLOW_ESTABLISHED), &flow));
	assert_false(judge(&world, 40, word(0, MTLB_FLOW_ESTABLISHED), &flow));
	/* of a service that is gone, of a member that has none */
	world.services[SERVICE].used = 0;
	assert_false(judge(&world, BUCKET, word(0, MTLB_FLOW_ESTABLISHED), &flow));
	world.members[MEMBER].service = 77;
	assert_false(judge(&world, BUCKET, word(0, MTLB_FLOW_ESTABLISHED), &flow));
}

static void test_names(void **state)
{
	char text[VIEW_TEXT_MAX];
	struct world world;

	(void)state;
	make(&world);
	world.names[MEMBER].address.word[2] = 0xffff0000U;
	assert_string_equal(view_tenant_name(&world.view, 0), "-");
	assert_string_equal(view_tenant_name(&world.view, ACME), "acme");
	assert_null(view_tenant_name(&world.view, 3));
	assert_null(view_tenant_name(&world.view, 4000000000U));
	assert_int_equal(view_find_tenant(&world.view, "acme"), ACME);
	assert_int_equal(view_find_tenant(&world.view, "acm"), 0);
	assert_string_equal(view_service_text(&world.view, SERVICE, text), "acme/web");
	assert_null(view_service_text(&world.view, 0, text));
	assert_string_equal(view_member_text(&world.view, MEMBER, text), "acme/web/0.0.0.0");
	assert_null(view_member_text(&world.view, 1, text));
	assert_null(view_member_text(&world.view, 8, text));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_live),
		cmocka_unit_test(test_none),
		cmocka_unit_test(test_strangers),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
