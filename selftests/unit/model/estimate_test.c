// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The estimate of active flows against chance that can be repeated: no bias, and just the error
 * that it states, from one flow to fifty million.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "bpf/abi/active.h"
#include "selftests/host/dice.h"
#include "userspace/model/estimate.h"

#define COLUMNS	 MTLB_ACTIVE_COLUMNS
#define BITS	 MTLB_ACTIVE_BITS
#define EVERYONE 0xffffffffU

/* As many flows fall in a column as chance has it; then each sets some bit. */
static void throw_flows(struct dice *dice, uint32_t flows, uint32_t ret_set[COLUMNS])
{
	struct mtlb_active active = {};

	for (uint32_t i = 0; i < flows; i++) {
		uint64_t high = dice_throw(dice, EVERYONE), hash = high << 32;
		uint32_t bit;

		hash |= dice_throw(dice, EVERYONE);
		bit = mtlb_active_bit(hash);
		active.column[mtlb_active_column(hash)][bit / 64] |= 1ULL << (bit % 64);
	}
	for (uint32_t i = 0; i < COLUMNS; i++) {
		ret_set[i] = 0;
		for (uint32_t j = 0; j < MTLB_ACTIVE_WORDS; j++)
			ret_set[i] += (uint32_t)__builtin_popcountll(
				active.column[mtlb_active_column_of_power(1U << i)][j]);
	}
}

/* Every hash has a column of its own kind, and half of all have the first one. */
static void columns(void **state)
{
	bool seen[COLUMNS] = {};

	(void)state;
	for (uint32_t i = 0; i < COLUMNS; i++) {
		uint32_t column = mtlb_active_column(1ULL << i);

		assert_in_range(column, 0, COLUMNS - 1);
		assert_false(seen[column]);
		seen[column] = true;
		assert_int_equal(column, mtlb_active_column_of_power(1U << i));
		/* what stands before the lowest bit does not matter */
		assert_int_equal(mtlb_active_column(~0ULL << i), column);
	}
	assert_int_equal(mtlb_active_column(0), mtlb_active_column_of_power(1U << (COLUMNS - 1)));
	assert_int_equal(mtlb_active_column(1ULL << COLUMNS),
			 mtlb_active_column_of_power(1U << (COLUMNS - 1)));
	assert_int_equal(mtlb_active_bit(~0ULL), BITS - 1);
}

static void chance(void **state)
{
	static const struct {
		uint32_t flows, trials;
		double most; /* of the standard deviation */
	} rows[] = {
		{1, 200, 0.002},     {10, 1000, 0.020},	  {100, 1000, 0.020},	{1000, 1000, 0.022},
		{10000, 400, 0.029}, {100000, 40, 0.036}, {1000000, 10, 0.050},
	};
	struct dice dice = {20};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		double sum = 0, squares = 0, stated = 0, deviation, n = rows[i].flows;

		for (uint32_t trial = 0; trial < rows[i].trials; trial++) {
			uint32_t set[COLUMNS];
			struct estimate estimate;

			throw_flows(&dice, rows[i].flows, set);
			estimate = estimate_flows(set, COLUMNS, BITS);
			sum += estimate.flows / n - 1;
			squares += (estimate.flows / n - 1) * (estimate.flows / n - 1);
			stated += estimate.error / rows[i].trials;
		}
		deviation = sqrt(squares / rows[i].trials);
		print_message("%9u flows: off by %.2f %% (standard deviation), stated %.2f %%\n",
			      rows[i].flows, deviation * 100, stated * 100);
		assert_true(deviation <= rows[i].most);
		assert_true(fabs(sum / rows[i].trials) <
			    0.002 + 4 * rows[i].most / sqrt(rows[i].trials));
		/* and it is as good as it says: a single flow cannot collide, and is better */
		if (rows[i].flows > 1 && rows[i].trials >= 400)
			assert_true(fabs(deviation / stated - 1) < 0.15);
	}
}

/* What n flows set on average, without chance: the estimate finds n again. */
static void expected(void **state)
{
	(void)state;
	for (double n = 1000; n < 60e6; n *= 1.7) {
		uint32_t set[COLUMNS];
		struct estimate estimate;

		for (uint32_t i = 0; i < COLUMNS; i++) {
			double share = ldexp(1, -(int)(i + 1 < COLUMNS ? i + 1 : i));

			set[i] = (uint32_t)lround(-BITS * expm1(-n * share / BITS));
		}
		estimate = estimate_flows(set, COLUMNS, BITS);
		assert_true(fabs(estimate.flows / n - 1) < 0.03);
		assert_true(estimate.error > 0.015 && estimate.error < 0.05);
	}
}

static void ends(void **state)
{
	uint32_t set[COLUMNS] = {};
	struct estimate estimate = estimate_flows(set, COLUMNS, BITS);

	(void)state;
	assert_true(estimate.flows == 0 && estimate.error == 0);
	for (uint32_t i = 0; i < COLUMNS; i++)
		set[i] = BITS;
	estimate = estimate_flows(set, COLUMNS, BITS);
	assert_true(isfinite(estimate.flows) && estimate.flows > 60e6);
	/* whatever the bits, it is a number */
	for (uint32_t i = 0; i < COLUMNS; i++) {
		memset(set, 0, sizeof(set));
		set[i] = BITS;
		estimate = estimate_flows(set, COLUMNS, BITS);
		assert_true(isfinite(estimate.flows) && estimate.flows > 0);
		assert_true(isfinite(estimate.error));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(columns),
		cmocka_unit_test(chance),
		cmocka_unit_test(expected),
		cmocka_unit_test(ends),
	};

	return cmocka_run_group_tests_name("estimate", tests, NULL, NULL);
}
