// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The properties that the Maglev paper (Eisenbud et al., NSDI 2016, sections 3.4 and 5.3) promises
 * of a table, each measured on whole tables: balance, weights, and how little moves.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "userspace/model/maglev.h"

#define BIG	   65537U
#define MEMBER_MAX 1000

static const uint32_t ladder[] = {509, 2039, 8191, 32749, 131071, 524287, 2097143};
#define RUNGS (sizeof(ladder) / sizeof(ladder[0]))

/* Member number i (owner i + 1) is 10.0.x.y; base tells pools apart. */
static void name_member(struct maglev_member *member, uint32_t base, uint32_t i, uint32_t weight)
{
	struct addr address = {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, (uint8_t)base,
				(uint8_t)(i >> 8), (uint8_t)i}};

	*member = (struct maglev_member){.weight = weight, .owner = i + 1};
	maglev_identify(member, &address, 0);
}

static uint32_t *fill_named(const uint32_t *numbers, const uint32_t *weights, size_t count,
			    uint32_t base, uint32_t size)
{
	struct maglev_member members[MEMBER_MAX];
	uint32_t *slots = malloc(size * sizeof(*slots));

	assert_non_null(slots);
	for (size_t i = 0; i < count; i++)
		name_member(&members[i], base, numbers ? numbers[i] : (uint32_t)i,
			    weights ? weights[i] : 1);
	assert_int_equal(maglev_fill(members, count, size, slots), 0);
	return slots;
}

static uint32_t *fill_equal(size_t count, uint32_t base, uint32_t size)
{
	return fill_named(NULL, NULL, count, base, size);
}

/* How many slots each owner 1..count has; every slot must have one of them. */
static void count_slots(const uint32_t *slots, uint32_t size, size_t count, uint32_t *ret_shares)
{
	memset(ret_shares, 0, count * sizeof(*ret_shares));
	for (uint32_t i = 0; i < size; i++) {
		assert_in_range(slots[i], 1, count);
		ret_shares[slots[i] - 1]++;
	}
}

static void spread(const uint32_t *shares, size_t count, uint32_t *ret_least, uint32_t *ret_most)
{
	*ret_least = UINT32_MAX;
	*ret_most = 0;
	for (size_t i = 0; i < count; i++) {
		*ret_least = shares[i] < *ret_least ? shares[i] : *ret_least;
		*ret_most = shares[i] > *ret_most ? shares[i] : *ret_most;
	}
}

static void test_balance_of_the_paper(void **state)
{
	static const size_t pools[] = {1, 2, 3, 10, 100, 333, 655};
	uint32_t shares[MEMBER_MAX], least, most;

	(void)state;
	for (size_t i = 0; i < sizeof(pools) / sizeof(pools[0]); i++) {
		uint32_t *slots = fill_equal(pools[i], 1, BIG);

		count_slots(slots, BIG, pools[i], shares);
		spread(shares, pools[i], &least, &most);
		/* one turn each: never more than one slot apart, hence within 1 % up to M / 100 */
		assert_true(most - least <= 1);
		assert_true((most - least) * 100 <= most);
		free(slots);
	}
}

static void test_balance_on_every_size(void **state)
{
	uint32_t shares[MEMBER_MAX], least, most;

	(void)state;
	for (size_t rung = 0; rung < RUNGS; rung++) {
		size_t count = ladder[rung] / 100 < MEMBER_MAX ? ladder[rung] / 100 : MEMBER_MAX;
		uint32_t *slots = fill_equal(count, 2, ladder[rung]);

		count_slots(slots, ladder[rung], count, shares);
		spread(shares, count, &least, &most);
		assert_true(most - least <= 1);
		assert_true(least >= 100);
		free(slots);
	}
}

/* Within two slots of its part: one for the turn the fill ends in, one for the credit left over. */
static void expect_weighted(const uint32_t *weights, size_t count, uint32_t size)
{
	uint32_t *slots = fill_named(NULL, weights, count, 3, size);
	uint32_t shares[MEMBER_MAX];
	double sum = 0;

	for (size_t i = 0; i < count; i++)
		sum += weights[i];
	count_slots(slots, size, count, shares);
	for (size_t i = 0; i < count; i++) {
		double part = size * (weights[i] / sum);

		assert_true(shares[i] <= part + 2 && shares[i] >= part - 2);
	}
	free(slots);
}

static void test_weights_are_honoured(void **state)
{
	uint32_t weights[200], size;

	(void)state;
	expect_weighted((uint32_t[]){1, 256}, 2, BIG);
	expect_weighted((uint32_t[]){256, 1}, 2, 8191);
	expect_weighted((uint32_t[]){1, 2, 3}, 3, 509);
	expect_weighted((uint32_t[]){7, 7, 7, 7}, 4, 509);
	expect_weighted((uint32_t[]){255, 256, 128, 64, 32, 16, 8, 4, 2, 1}, 10, 32749);
	srand(7);
	for (size_t i = 0; i < 200; i++)
		weights[i] = 1 + (uint32_t)rand() % 256;
	size = maglev_size(weights, 200);
	expect_weighted(weights, 200, size);
	expect_weighted(weights, 200, BIG);
}

/* The lightest member gets at least ten slots of a table of the size that is chosen for it. */
static void test_light_members_have_slots(void **state)
{
	uint32_t weights[50], shares[50], size, least, most;
	uint32_t *slots;

	(void)state;
	for (size_t i = 0; i < 50; i++)
		weights[i] = i == 17 ? 1 : 256;
	size = maglev_size(weights, 50);
	slots = fill_named(NULL, weights, 50, 4, size);
	count_slots(slots, size, 50, shares);
	spread(shares, 50, &least, &most);
	assert_int_equal(least, shares[17]);
	assert_true(least >= 9);
	free(slots);
}

/* Only ratios count: every node may scale as it likes. */
static void test_scaled_weights_give_the_same_table(void **state)
{
	uint32_t weights[200], scaled[200];
	uint32_t *plain, *fine;

	(void)state;
	srand(11);
	for (size_t i = 0; i < 200; i++) {
		weights[i] = 1 + (uint32_t)rand() % 256;
		scaled[i] = weights[i] * MAGLEV_WEIGHT_SCALE;
	}
	plain = fill_named(NULL, weights, 200, 10, 32749);
	fine = fill_named(NULL, scaled, 200, 10, 32749);
	assert_memory_equal(plain, fine, 32749 * sizeof(*plain));
	free(plain);
	free(fine);
}

/* The definition, word by word: a turn for each greatest weight that a member's weights add up to.
 * members are sorted.
 */
static void fill_by_definition(const struct maglev_member *members, size_t count, uint32_t size,
			       uint32_t *slots)
{
	uint64_t *sums = calloc(count, sizeof(*sums)), *steps = calloc(count, sizeof(*steps));
	uint32_t greatest = 0, filled = 0;

	assert_true(sums && steps);
	memset(slots, 0, size * sizeof(*slots));
	for (size_t i = 0; i < count; i++)
		greatest = members[i].weight > greatest ? members[i].weight : greatest;
	while (filled < size)
		for (size_t i = 0; i < count && filled < size; i++) {
			const struct maglev_member *m = &members[i];
			uint64_t turns = sums[i] / greatest, slot;

			sums[i] += m->weight;
			if (sums[i] / greatest == turns)
				continue;
			do
				slot = (m->offset % size +
					steps[i]++ * (m->skip % (size - 1) + 1)) %
				       size;
			while (slots[slot]);
			slots[slot] = m->owner;
			filled++;
		}
	free(sums);
	free(steps);
}

/* Weights of every skew: where few members take most turns the table is filled another way. */
static void test_skewed_weights_give_the_table_of_the_definition(void **state)
{
	static const struct {
		size_t count;
		uint32_t heavy,
			weight; /* so many have the greatest weight, the others up to this */
	} rows[] = {{2, 1, 1},	  {50, 1, 1},  {50, 1, 64},   {50, 3, 700},
		    {50, 4, 100}, {50, 50, 1}, {50, 25, 256}, {1, 1, 1}};
	struct maglev_member members[50];
	uint32_t expected[8191], slots[8191];

	(void)state;
	srand(12);
	for (size_t row = 0; row < sizeof(rows) / sizeof(rows[0]); row++) {
		for (uint32_t i = 0; i < rows[row].count; i++)
			name_member(&members[i], 12, i,
				    i < rows[row].heavy ? MAGLEV_WEIGHT_MAX
							: 1 + (uint32_t)rand() % rows[row].weight);
		assert_int_equal(maglev_fill(members, rows[row].count, 8191, slots), 0);
		fill_by_definition(members, rows[row].count, 8191, expected);
		assert_memory_equal(slots, expected, sizeof(slots));
	}
}

/* A member comes up and grows to its share in 64 steps: at each of them everyone has what is due,
 * within 1 % (two slots where that is less), and hardly a slot moves but to it.
 */
static void test_slow_start(void **state)
{
	uint32_t weights[100], shares[100], *before = NULL;
	uint64_t sum = 0;

	(void)state;
	for (size_t i = 0; i < 100; i++) {
		weights[i] = (1 + (uint32_t)i % 4) * MAGLEV_WEIGHT_SCALE;
		sum += i == 42 ? 0 : weights[i];
	}
	for (uint32_t step = 1; step <= MAGLEV_WEIGHT_SCALE; step++) {
		uint32_t taken = 0, moved = 0, *now;

		weights[42] = (1 + 42 % 4) * step;
		now = fill_named(NULL, weights, 100, 13, BIG);
		count_slots(now, BIG, 100, shares);
		for (size_t i = 0; i < 100; i++) {
			double part = (double)BIG * weights[i] / (double)(sum + weights[42]);
			double slack = part < 200 ? 2 : part / 100;

			assert_true(shares[i] <= part + slack && shares[i] >= part - slack);
		}
		for (uint32_t i = 0; before && i < BIG; i++) {
			taken += now[i] == 43 && before[i] != 43;
			moved += now[i] != before[i];
		}
		assert_true(moved <= taken + BIG / 200);
		free(before);
		before = now;
	}
	free(before);
}

static uint32_t *fill_by_number(const uint32_t *numbers, const uint32_t *weights)
{
	return fill_named(numbers, weights, 100, 5, 32749);
}

static void test_order_does_not_matter(void **state)
{
	uint32_t numbers[100], weights[100];
	uint32_t *expected, *mixed;

	(void)state;
	srand(3);
	for (uint32_t i = 0; i < 100; i++) {
		numbers[i] = i;
		weights[i] = 1 + i % 5;
	}
	expected = fill_by_number(numbers, weights);
	for (int round = 0; round < 5; round++) {
		for (uint32_t i = 99; i > 0; i--) {
			uint32_t j = (uint32_t)rand() % (i + 1);
			uint32_t number = numbers[i], weight = weights[i];

			numbers[i] = numbers[j];
			weights[i] = weights[j];
			numbers[j] = number;
			weights[j] = weight;
		}
		mixed = fill_by_number(numbers, weights);
		assert_memory_equal(expected, mixed, 32749 * sizeof(*mixed));
		free(mixed);
	}
	free(expected);
}

/* Written down once: nodes of a cluster and versions of the program must agree on every slot. */
static void test_golden(void **state)
{
	static const struct {
		uint32_t slot, owner;
	} golden[] = {
		{0, 2},	  {36, 3},  {72, 3},  {108, 2}, {144, 3}, {180, 1}, {216, 5}, {252, 4},
		{288, 2}, {324, 4}, {360, 3}, {396, 4}, {432, 2}, {468, 2}, {504, 4},
	};
	struct maglev_member members[5];
	uint32_t slots[509];

	(void)state;
	for (uint32_t i = 0; i < 5; i++)
		name_member(&members[i], 6, i, 1 + i % 2);
	assert_int_equal(maglev_fill(members, 5, 509, slots), 0);
	for (size_t i = 0; i < sizeof(golden) / sizeof(golden[0]); i++)
		assert_int_equal(slots[golden[i].slot], golden[i].owner);
}

static void test_port_is_part_of_identity(void **state)
{
	struct addr address = {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 0, 0, 1}};
	struct maglev_member a = {}, b = {}, c = {};

	(void)state;
	maglev_identify(&a, &address, 80);
	maglev_identify(&b, &address, 81);
	maglev_identify(&c, &address, 80);
	assert_true(a.offset != b.offset && a.skip != b.skip);
	assert_true(a.offset == c.offset && a.skip == c.skip);
}

/* Slots that neither lost their owner nor kept it, per mille of those whose owner stayed. */
static uint32_t moved_per_mille(const uint32_t *before, const uint32_t *after, uint32_t size,
				uint32_t gone_from)
{
	uint32_t kept = 0, moved = 0;

	for (uint32_t i = 0; i < size; i++) {
		if (before[i] >= gone_from)
			continue;
		kept++;
		moved += before[i] != after[i];
	}
	return kept ? (uint32_t)((uint64_t)moved * 1000 / kept) : 0;
}

/* Members 100, 99, ... fail: what the others lose to each other. */
static void test_failures_move_little(void **state)
{
	static const struct {
		uint32_t failures, bound; /* per mille of the surviving members' slots */
	} expected[] = {{1, 10},  {2, 12},  {5, 15},  {10, 20},
			{25, 20}, {50, 20}, {75, 15}, {95, 10}};
	uint32_t *before = fill_equal(100, 7, BIG);

	(void)state;
	for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
		uint32_t left = 100 - expected[i].failures;
		uint32_t *after = fill_equal(left, 7, BIG);

		assert_in_range(moved_per_mille(before, after, BIG, left + 1), 0,
				expected[i].bound);
		free(after);
	}
	free(before);
}

static void test_any_single_failure_moves_little(void **state)
{
	uint32_t *before = fill_equal(100, 7, BIG);
	uint64_t sum = 0;

	(void)state;
	for (uint32_t failed = 0; failed < 100; failed++) {
		uint32_t numbers[99], moved = 0, kept = 0;
		uint32_t *after;

		for (uint32_t i = 0; i < 99; i++)
			numbers[i] = i + (i >= failed);
		after = fill_named(numbers, NULL, 99, 7, BIG);
		for (uint32_t i = 0; i < BIG; i++) {
			assert_int_not_equal(after[i], failed + 1);
			kept += before[i] != failed + 1;
			moved += before[i] != failed + 1 && before[i] != after[i];
		}
		assert_true(moved * 1000ULL <= kept * 10ULL);
		sum += moved * 1000ULL / kept;
		free(after);
	}
	assert_true(sum / 100 <= 6);
	free(before);
}

static void test_addition_moves_its_share(void **state)
{
	static const uint32_t pools[] = {2, 10, 50, 100, 300};

	(void)state;
	for (size_t i = 0; i < sizeof(pools) / sizeof(pools[0]); i++) {
		uint32_t n = pools[i], moved = 0, taken = 0;
		uint32_t *before = fill_equal(n, 8, BIG), *after = fill_equal(n + 1, 8, BIG);

		for (uint32_t slot = 0; slot < BIG; slot++) {
			taken += after[slot] == n + 1;
			moved += after[slot] != before[slot];
		}
		assert_true(moved >= taken);
		assert_in_range(taken, BIG / (n + 1), BIG / (n + 1) + 1);
		/* the newcomer's part, and up to one in a hundred that the others swap */
		assert_in_range(moved, taken, taken + BIG / 100);
		free(before);
		free(after);
	}
}

static bool is_prime(uint32_t n)
{
	for (uint32_t i = 2; (uint64_t)i * i <= n; i++)
		if (n % i == 0)
			return false;
	return n > 1;
}

static uint32_t size_of(size_t count, uint32_t weight)
{
	uint32_t *weights = malloc((count + 1) * sizeof(*weights)), size;

	assert_non_null(weights);
	for (size_t i = 0; i < count; i++)
		weights[i] = weight;
	size = maglev_size(weights, count);
	free(weights);
	return size;
}

static void test_sizes(void **state)
{
	uint32_t last = 0;

	(void)state;
	for (size_t count = 0; count <= 21000; count += count < 100 ? 1 : 97) {
		uint32_t size = size_of(count, 1);

		assert_true(is_prime(size));
		assert_true(size >= last);
		if (count <= 20971)
			assert_true(size >= 100 * count);
		last = size;
	}
	/* where a pool's table grows */
	assert_int_equal(size_of(5, 1), 509);
	assert_int_equal(size_of(6, 1), 2039);
	assert_int_equal(size_of(20, 256), 2039);
	assert_int_equal(size_of(21, 1), 8191);
	/* beyond the last rung: fewer slots each, down to ten, then none */
	assert_int_equal(size_of(209714, 1), 2097143);
	assert_int_equal(size_of(209715, 1), 0);
	/* a light member calls for a larger table than the number of members does */
	assert_int_equal(maglev_size((uint32_t[]){1, 256}, 2), 8191);
	assert_int_equal(maglev_size((uint32_t[]){256, 256}, 2), 509);
}

static void test_bad_input(void **state)
{
	struct maglev_member members[510];
	uint32_t slots[509];

	(void)state;
	for (uint32_t i = 0; i < 510; i++)
		name_member(&members[i], 9, i, 1);
	assert_int_equal(maglev_fill(members, 0, 509, slots), -EINVAL);
	assert_int_equal(maglev_fill(members, 510, 509, slots), -EINVAL);
	assert_int_equal(maglev_fill(members, 1, 0, slots), -EINVAL);
	assert_int_equal(maglev_fill(members, 2, 2, slots), -EINVAL);
	members[1].weight = 0;
	assert_int_equal(maglev_fill(members, 2, 509, slots), -EINVAL);
	members[1].weight = MAGLEV_WEIGHT_MAX + 1;
	assert_int_equal(maglev_fill(members, 2, 509, slots), -EINVAL);
	members[1].weight = MAGLEV_WEIGHT_MAX;
	assert_int_equal(maglev_fill(members, 2, 509, slots), 0);
	/* as many members as slots: one each */
	for (uint32_t i = 0; i < 509; i++)
		name_member(&members[i], 9, i, 1);
	assert_int_equal(maglev_fill(members, 509, 509, slots), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_balance_of_the_paper),
		cmocka_unit_test(test_balance_on_every_size),
		cmocka_unit_test(test_weights_are_honoured),
		cmocka_unit_test(test_light_members_have_slots),
		cmocka_unit_test(test_scaled_weights_give_the_same_table),
		cmocka_unit_test(test_skewed_weights_give_the_table_of_the_definition),
		cmocka_unit_test(test_slow_start),
		cmocka_unit_test(test_order_does_not_matter),
		cmocka_unit_test(test_golden),
		cmocka_unit_test(test_port_is_part_of_identity),
		cmocka_unit_test(test_failures_move_little),
		cmocka_unit_test(test_any_single_failure_moves_little),
		cmocka_unit_test(test_addition_moves_its_share),
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_bad_input),
	};

	return cmocka_run_group_tests_name("maglev", tests, NULL, NULL);
}
