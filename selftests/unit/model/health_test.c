// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * userspace/model/health.c: results as a row of + and -, states as a row of U, D and ?.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "userspace/model/health.h"

static const char letter[] = {[HEALTH_UNKNOWN] = '?', [HEALTH_UP] = 'U', [HEALTH_DOWN] = 'D'};

static void feed(struct health *health, uint32_t rise, uint32_t fall, const char *results,
		 const char *states)
{
	assert_int_equal(strlen(results), strlen(states));
	for (size_t i = 0; results[i]; i++) {
		enum health_state before = health->state;
		bool changed = health_feed(health, results[i] == '+', rise, fall);

		assert_int_equal(letter[health->state], states[i]);
		assert_int_equal(changed, before != health->state);
	}
}

static void test_first_decides(void **state)
{
	struct health health = {.state = HEALTH_UNKNOWN};

	(void)state;
	feed(&health, 3, 3, "+", "U");
	health = (struct health){.state = HEALTH_UNKNOWN};
	feed(&health, 3, 3, "-", "D");
}

static void test_fall_and_rise(void **state)
{
	struct health health = {.state = HEALTH_UNKNOWN};

	(void)state;
	feed(&health, 2, 3, "+--+---+-++", "UUUUUUDDDDU");
	health = (struct health){.state = HEALTH_UNKNOWN};
	feed(&health, 1, 1, "+-+-+--++", "UDUDUDDUU");
}

/* A node that restarts knows states and no streaks. */
static void test_seeded(void **state)
{
	struct health health = {.state = HEALTH_DOWN};

	(void)state;
	feed(&health, 2, 3, "-++", "DDU");
	health = (struct health){.state = HEALTH_UP};
	feed(&health, 2, 3, "---", "UUD");
}

static void test_limits_change(void **state)
{
	struct health health = {.state = HEALTH_UP};

	(void)state;
	feed(&health, 2, 10, "-----", "UUUUU");
	feed(&health, 2, 3, "-", "D");
	feed(&health, 10, 3, "+++", "DDD");
	feed(&health, 2, 3, "+", "U");
}

static void test_names(void **state)
{
	(void)state;
	assert_string_equal(health_state_name(HEALTH_UNKNOWN), "unknown");
	assert_string_equal(health_state_name(HEALTH_UP), "up");
	assert_string_equal(health_state_name(HEALTH_DOWN), "down");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_first_decides), cmocka_unit_test(test_fall_and_rise),
		cmocka_unit_test(test_seeded),	      cmocka_unit_test(test_limits_change),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
