// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* userspace/proxy/balance.c: shares by weight, and who is left out. */
#include "proxy_fixture.h"

#define MEMBERS 4
#define PICKS	8000

static const unsigned weights[MEMBERS] = {1, 2, 5, 4}; /* the last one is drained */
static enum image_scheduler scheduler;
static uint32_t pool, counts[MEMBERS];

static void add_members(struct build *build, uint32_t tenant)
{
	const struct build_pool settings = {
		.tenant = tenant, .name = "many", .scheduler = scheduler, .eject_after = 2};

	pool = build_pool(build, &settings);
	for (unsigned i = 0; i < MEMBERS; i++) {
		struct build_member member = {.port = (uint16_t)(9000 + i),
					      .weight = weights[i],
					      .state = i == MEMBERS - 1 ? IMAGE_DRAIN
									: IMAGE_ACTIVE};

		assert_int_equal(addr_parse("127.0.0.1", &member.address), 0);
		build_member(build, &member);
	}
}

static uint32_t pick(const struct balance_tried *tried)
{
	const struct balance_request request = {
		.now = 1, .random = worker_random(&worker), .tried = tried};
	uint32_t found = balance_pick(worker.routing, pool, &request);

	assert_true(found != IMAGE_NONE);
	return found - worker.routing->image.pools[pool].members.first;
}

/* load: each stays busy in proportion to what it got. */
static void play(enum image_scheduler by, bool load)
{
	const struct balance_tried none = {};

	scheduler = by;
	use_image(NULL, add_members);
	memset(counts, 0, sizeof(counts));
	for (int i = 0; i < PICKS; i++) {
		uint32_t found = pick(&none);

		counts[found]++;
		if (load)
			routing_member(worker.routing,
				       worker.routing->image.pools[pool].members.first + found)
				->requests++;
	}
	assert_int_equal(counts[3], 0);
}

static void test_round_robin(void **state)
{
	(void)state;
	play(IMAGE_ROUND_ROBIN, false);
	for (int i = 0; i < 3; i++)
		assert_int_equal(counts[i], PICKS / 8 * weights[i]);
}

static void test_least_request(void **state)
{
	(void)state;
	play(IMAGE_LEAST_REQUEST, true);
	for (int i = 0; i < 3; i++)
		assert_in_range(counts[i], PICKS / 8 * weights[i] - 5, PICKS / 8 * weights[i] + 5);
}

/* By weight, or by less load per weight: never less than nothing, and never all to one. */
static void test_random2(void **state)
{
	(void)state;
	play(IMAGE_RANDOM2, true);
	for (int i = 0; i < 3; i++)
		assert_in_range(counts[i], PICKS / 8 * weights[i] - 100,
				PICKS / 8 * weights[i] + 100);
}

static void test_who_is_left_out(void **state)
{
	struct balance_tried tried = {};
	struct upstream_member *third;

	(void)state;
	play(IMAGE_ROUND_ROBIN, false);
	third = worker.routing->members[worker.routing->image.pools[pool].members.first + 2];
	balance_failed(worker.routing, pool, third, 1);
	assert_int_equal(third->ejected_until, 0);
	balance_failed(worker.routing, pool, third, 1);
	for (int i = 0; i < 100; i++)
		assert_true(pick(&tried) < 2);
	tried.keys[tried.count++] =
		worker.routing->image.members[worker.routing->image.pools[pool].members.first].key;
	for (int i = 0; i < 100; i++)
		assert_int_equal(pick(&tried), 1);
	tried.keys[tried.count++] =
		worker.routing->image.members[worker.routing->image.pools[pool].members.first + 1]
			.key;
	for (int i = 0; i < 100; i++) /* better one that failed than none */
		assert_int_equal(pick(&tried), 2);
	balance_succeeded(worker.routing, third, 1, 1);
	assert_int_equal(third->ejected_until, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		proxy_test(test_round_robin),
		proxy_test(test_least_request),
		proxy_test(test_random2),
		proxy_test(test_who_is_left_out),
	};

	return cmocka_run_group_tests_name("balance", tests, NULL, NULL);
}
