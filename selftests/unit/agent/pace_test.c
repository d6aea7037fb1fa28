// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "../../../userspace/agent/pace.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#define S UINT64_C(1000000000)

static void burst_then_rate(void **state)
{
	struct pace pace = {};
	uint64_t now = 7 * S;

	(void)state;
	for (int i = 0; i < 10; i++)
		assert_int_equal(pace_take(&pace, "acme", 2, 10, now), 0);
	assert_int_equal(pace_take(&pace, "acme", 2, 10, now), S / 2);
	/* Being refused costs nothing. */
	assert_int_equal(pace_take(&pace, "acme", 2, 10, now + S / 4), S / 4);
	assert_int_equal(pace_take(&pace, "acme", 2, 10, now + S / 2), 0);
	assert_int_equal(pace_take(&pace, "acme", 2, 10, now + S / 2), S / 2);
	pace_fini(&pace);
}

static void each_name_has_its_own(void **state)
{
	struct pace pace = {};

	(void)state;
	assert_int_equal(pace_take(&pace, "acme", 1, 1, 0), 0);
	assert_int_equal(pace_take(&pace, "acme", 1, 1, 0), S);
	assert_int_equal(pace_take(&pace, "globex", 1, 1, 0), 0);
	pace_fini(&pace);
}

static void rests_to_full_and_no_more(void **state)
{
	struct pace pace = {};
	int taken = 0;

	(void)state;
	while (!pace_take(&pace, "acme", 5, 50, 0))
		taken++;
	assert_int_equal(taken, 50);
	while (!pace_take(&pace, "acme", 5, 50, 3600 * S))
		taken++;
	assert_int_equal(taken, 100);
	pace_fini(&pace);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(burst_then_rate),
		cmocka_unit_test(each_name_has_its_own),
		cmocka_unit_test(rests_to_full_and_no_more),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("pace", tests, NULL, NULL);
}
