// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * userspace/proxy/balance.c: the schedulers' shares, by weight and by zone. Draws come from a fixed
 * seed; what is allowed for is five times the standard deviation of so many draws.
 */
#include "proxy_fixture.h"

#define MEMBERS 6
#define PICKS	20000

static const unsigned weights[MEMBERS] = {1, 2, 5, 4, 3, 1};
static enum image_scheduler scheduler;
static unsigned local_count; /* the first ones are in the node's own zone */
static uint32_t pool, counts[MEMBERS];
static struct balance_tried none;

static void add_members(struct build *build, uint32_t tenant)
{
	const struct build_pool settings = {
		.tenant = tenant, .name = "many", .scheduler = scheduler, .eject_after = 1};

	pool = build_pool(build, &settings);
	for (unsigned i = 0; i < MEMBERS; i++) {
		struct build_member member = {.port = (uint16_t)(9000 + i),
					      .weight = weights[i],
					      .local = i < local_count,
					      .state = IMAGE_ACTIVE};

		assert_int_equal(addr_parse("127.0.0.1", &member.address), 0);
		build_member(build, &member);
	}
}

static struct upstream_member *member(unsigned number)
{
	return routing_member(worker.routing,
			      worker.routing->image.pools[pool].members.first + number);
}

static uint32_t pick(uint64_t now, uint64_t hash)
{
	const struct balance_request request = {
		.now = now, .random = worker_random(&worker), .hash = hash, .tried = &none};
	uint32_t found = balance_pick(worker.routing, pool, &request);

	assert_true(found != IMAGE_NONE);
	return found - worker.routing->image.pools[pool].members.first;
}

static void open_pool(enum image_scheduler by, unsigned local)
{
	scheduler = by;
	local_count = local;
	worker.random = 20261127;
	use_image(NULL, add_members);
	for (unsigned m = 0; m < MEMBERS; m++) /* what is known of one outlives an image */
		member(m)->cost = (struct ewma){};
}

static void play(void)
{
	memset(counts, 0, sizeof(counts));
	for (int i = 0; i < PICKS; i++)
		counts[pick(1, worker_random(&worker))]++;
}

/* Those from first to last share so much of all, by their weights. */
static void assert_shares(unsigned first, unsigned last, double of_all)
{
	unsigned total = 0;

	for (unsigned i = first; i <= last; i++)
		total += weights[i];
	for (unsigned i = first; i <= last; i++) {
		double p = of_all * weights[i] / total, mean = PICKS * p;
		double allowed = 5 * sqrt(PICKS * p * (1 - p)) + 1;

		if (fabs(counts[i] - mean) > allowed)
			fail_msg("member %u got %u of %d, not %.0f within %.0f", i, counts[i],
				 PICKS, mean, allowed);
	}
}

/* Nobody is busy: whatever else a scheduler looks at is the same for all. */
static void test_weights_hold(void **state)
{
	static const enum image_scheduler all[] = {IMAGE_ROUND_ROBIN, IMAGE_LEAST_REQUEST,
						   IMAGE_RANDOM2, IMAGE_EWMA};

	(void)state;
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		open_pool(all[i], 0);
		for (unsigned m = 0; m < MEMBERS; m++)
			balance_succeeded(worker.routing, member(m), 1, 5 * MS);
		play();
		assert_shares(0, MEMBERS - 1, 1);
	}
}

/* A table's shares are exact but for one slot in a hundred, which the draws cannot see. */
static void test_maglev_weights(void **state)
{
	(void)state;
	open_pool(IMAGE_MAGLEV, 0);
	play();
	assert_shares(0, MEMBERS - 1, 1);
}

static void test_maglev_keeps(void **state)
{
	static uint32_t before[PICKS];
	unsigned moved = 0;

	(void)state;
	open_pool(IMAGE_MAGLEV, 0);
	for (uint64_t i = 0; i < PICKS; i++)
		before[i] = pick(1, i * 0x9e3779b97f4a7c15ULL);
	balance_failed(worker.routing, pool, member(2), 1);
	for (uint64_t i = 0; i < PICKS; i++) {
		uint32_t now = pick(1, i * 0x9e3779b97f4a7c15ULL);

		assert_true(now != 2);
		if (before[i] != 2)
			assert_int_equal(now, before[i]);
		else
			moved++;
	}
	assert_true(moved > 0);
	balance_succeeded(worker.routing, member(2), 1, 1);
	for (uint64_t i = 0; i < PICKS; i++)
		assert_int_equal(pick(1, i * 0x9e3779b97f4a7c15ULL), before[i]);
}

/* One answers ten times as slowly: it is drawn as often, and then loses nearly always. */
static void test_ewma_leaves_the_slow_one(void **state)
{
	(void)state;
	open_pool(IMAGE_EWMA, 0);
	for (unsigned m = 0; m < MEMBERS; m++)
		balance_succeeded(worker.routing, member(m), 1, m == 2 ? 50 * MS : 5 * MS);
	play();
	/* only when both draws are for it */
	assert_in_range(counts[2], 0, PICKS * (5.0 / 16 * 5 / 16) * 1.2);
	/* a slow answer counts at once, a quick one after it only a little */
	balance_succeeded(worker.routing, member(3), 2, 500 * MS);
	balance_succeeded(worker.routing, member(3), 3, 1 * MS);
	assert_true(ewma_now(&member(3)->cost, 3) > 400 * MS);
	/* and it is forgotten */
	assert_true(ewma_now(&member(3)->cost, 60000 * MS) < 2 * MS);
}

static void test_ewma_counts_those_that_wait(void **state)
{
	(void)state;
	open_pool(IMAGE_EWMA, 0);
	for (unsigned m = 0; m < MEMBERS; m++)
		balance_succeeded(worker.routing, member(m), 1, 5 * MS);
	member(2)->requests = 100;
	play();
	assert_in_range(counts[2], 0, PICKS * (5.0 / 16 * 5 / 16) * 1.2);
}

/* 1, 2 and 5 are here. All of it works: nobody else gets anything. */
static void test_own_zone(void **state)
{
	static const enum image_scheduler all[] = {IMAGE_ROUND_ROBIN, IMAGE_LEAST_REQUEST,
						   IMAGE_RANDOM2, IMAGE_EWMA, IMAGE_MAGLEV};

	(void)state;
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		open_pool(all[i], 3);
		for (unsigned m = 0; m < MEMBERS; m++)
			balance_succeeded(worker.routing, member(m), 1, 5 * MS);
		play();
		assert_shares(0, 2, 1);
		/* 6 of 8 is still enough */
		balance_failed(worker.routing, pool, member(1), 1);
		play();
		assert_int_equal(counts[0] + counts[2], PICKS);
		balance_succeeded(worker.routing, member(1), 1, 5 * MS);
	}
}

static void test_zone_spills_over(void **state)
{
	double own = 3.0 / 8 / 0.7, allowed = 5 * sqrt(PICKS * own * (1 - own)) + 1;

	(void)state;
	open_pool(IMAGE_RANDOM2, 3);
	balance_failed(worker.routing, pool, member(2), 1); /* 3 of 8 are left */
	play();
	assert_int_equal(counts[2], 0);
	assert_in_range(counts[0] + counts[1], PICKS * own - allowed, PICKS * own + allowed);
	assert_shares(3, 5, 1 - own);
	balance_failed(worker.routing, pool, member(1), 1);
	balance_failed(worker.routing, pool, member(0), 1);
	play();
	assert_int_equal(counts[0] + counts[1] + counts[2], 0);
	assert_shares(3, 5, 1);
}

/* ejection */

static void test_trial(void **state)
{
	struct upstream_member *third;
	struct upstream *up;
	uint64_t now = 1, out = 10000 * MS;

	(void)state;
	open_pool(IMAGE_ROUND_ROBIN, 0);
	third = member(2);
	for (int i = 0; i < 7; i++) {
		balance_failed(worker.routing, pool, third, now);
		assert_int_equal(third->ejected_until - now, out);
		for (int j = 0; j < 100; j++)
			assert_true(pick(now + out - 1, 0) != 2);
		now += out;
		/* one request, and while it is on its way no other one */
		while (pick(now, 0) != 2)
			;
		assert_int_equal(
			upstream_take(&worker.upstreams, third, NULL, NULL, &up, true, &up), 0);
		for (int j = 0; j < 100; j++)
			assert_true(pick(now, 0) != 2);
		upstream_close(up);
		out = out * 2 > 300000 * MS ? 300000 * MS : out * 2;
	}
	/* given up without an end, it is no longer on trial */
	assert_false(third->on_trial);
	balance_succeeded(worker.routing, third, now, 1);
	assert_int_equal(third->ejected_until, 0);
	/* it was good for as long as it was out: all is forgotten */
	now += 2 * out;
	balance_failed(worker.routing, pool, third, now);
	assert_int_equal(third->ejected_until - now, 10000 * MS);
}

static void test_half_at_most(void **state)
{
	unsigned out = 0;

	(void)state;
	open_pool(IMAGE_ROUND_ROBIN, 0);
	for (unsigned i = 0; i < MEMBERS; i++)
		balance_failed(worker.routing, pool, member(i), 1);
	for (unsigned i = 0; i < MEMBERS; i++)
		out += member(i)->ejected_until != 0;
	assert_int_equal(out, MEMBERS / 2);
}

static unsigned told_of;

static void note(void *context, const struct upstream_member *of)
{
	assert_ptr_equal(context, &told_of);
	assert_int_equal(of->key, member(1)->key);
	told_of++;
}

static void test_it_is_told(void **state)
{
	(void)state;
	open_pool(IMAGE_ROUND_ROBIN, 0);
	told_of = 0;
	worker.upstreams.ejected = note;
	worker.upstreams.ejected_context = &told_of;
	balance_failed(worker.routing, pool, member(1), 1);
	balance_failed(worker.routing, pool, member(1), 1);
	balance_succeeded(worker.routing, member(1), 2, 1);
	balance_succeeded(worker.routing, member(1), 2, 1);
	assert_int_equal(told_of, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		proxy_test(test_weights_hold),
		proxy_test(test_maglev_weights),
		proxy_test(test_maglev_keeps),
		proxy_test(test_ewma_leaves_the_slow_one),
		proxy_test(test_ewma_counts_those_that_wait),
		proxy_test(test_own_zone),
		proxy_test(test_zone_spills_over),
		proxy_test(test_trial),
		proxy_test(test_half_at_most),
		proxy_test(test_it_is_told),
	};

	return cmocka_run_group_tests_name("schedulers", tests, NULL, NULL);
}
