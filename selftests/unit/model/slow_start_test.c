// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "userspace/model/slow_start.h"

static void test_steps(void **state)
{
	const uint64_t minute = 60000000000ULL;

	(void)state;
	assert_int_equal(slow_start_step(0, 0), SLOW_START_STEPS);
	assert_int_equal(slow_start_step(0, minute), 1);
	assert_int_equal(slow_start_step(minute / 2, minute), 8);
	assert_int_equal(slow_start_step(minute - 1, minute), 16);
	assert_int_equal(slow_start_step(minute, minute), 16);
	assert_int_equal(slow_start_step(UINT64_MAX, minute), 16);
	assert_int_equal(slow_start_step(0, 1), 1);
}

static void test_never_falls(void **state)
{
	uint32_t before = 0;

	(void)state;
	for (uint64_t age = 0; age <= 1000; age++) {
		uint32_t step = slow_start_step(age, 1000);

		assert_true(step >= before && step - before <= 1 && step <= SLOW_START_STEPS);
		before = step;
	}
	assert_int_equal(before, SLOW_START_STEPS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_steps),
		cmocka_unit_test(test_never_falls),
	};

	return cmocka_run_group_tests_name("slow_start", tests, NULL, NULL);
}
