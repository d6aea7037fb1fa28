// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* userspace/model/flood.c: when a flood of SYNs begins and ends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "userspace/model/flood.h"

#define S     1000000000ULL
#define LIMIT 1000

static struct flood flood;
static uint64_t now;

static int begin(void **state)
{
	(void)state;
	now = 1000 * S;
	flood_init(&flood, now, false);
	return 0;
}

/* A look's time goes by, in which SYNs came at this rate. */
static enum flood_turn look(uint64_t rate)
{
	now += FLOOD_LOOK_NS;
	return flood_look(&flood, now, rate / 4, LIMIT);
}

static void flooded(void)
{
	assert_int_equal(look(40000), FLOOD_SAME);
	assert_int_equal(look(40000), FLOOD_BEGINS);
}

static void begins_within_a_second(void **state)
{
	(void)state;
	assert_int_equal(look(LIMIT), FLOOD_SAME);
	assert_int_equal(look(1004), FLOOD_SAME);
	assert_false(flood.on);
	assert_int_equal(look(8000), FLOOD_BEGINS);
	assert_true(flood.on);
	assert_int_equal(flood.rate, 8000);
	assert_int_equal(flood.peak, 8000);
	assert_true((FLOOD_LOOKS + 1) * FLOOD_LOOK_NS < S);
}

/* Of one look, however large: a burst, or clients that come back after a fault. */
static void a_burst_is_none(void **state)
{
	(void)state;
	for (int i = 0; i < 50; i++) {
		assert_int_equal(look(1000000), FLOOD_SAME);
		assert_int_equal(look(LIMIT), FLOOD_SAME);
	}
}

/* A look that comes early does not make much of little, one that comes late not little of much. */
static void the_rate_is_by_time(void **state)
{
	(void)state;
	now += 1000;
	assert_int_equal(flood_look(&flood, now, 250, LIMIT), FLOOD_SAME);
	assert_int_equal(flood.rate, LIMIT);
	now += 10 * S;
	assert_int_equal(flood_look(&flood, now, 10000, LIMIT), FLOOD_SAME);
	assert_int_equal(flood.above, 0);
	now += 10 * S;
	assert_int_equal(flood_look(&flood, now, 10010, LIMIT), FLOOD_SAME);
	assert_int_equal(flood.above, 1);
}

static void ends_after_half_a_minute(void **state)
{
	uint64_t quiet;

	(void)state;
	flooded();
	quiet = now;
	while (now - quiet < FLOOD_QUIET_NS - FLOOD_LOOK_NS)
		assert_int_equal(look(496), FLOOD_SAME);
	assert_int_equal(look(496), FLOOD_ENDS);
	assert_false(flood.on);
	assert_int_equal(flood.peak, 40000);
}

/* At half of the limit it is not over, and one such look begins the time anew. */
static void no_to_and_fro(void **state)
{
	(void)state;
	flooded();
	for (int i = 0; i < 1000; i++)
		assert_int_equal(look(i % 100 ? 0 : 500), FLOOD_SAME);
	assert_true(flood.on);
	/* and what ended begins only over the whole limit */
	for (int i = 0; i < 121; i++)
		look(0);
	assert_false(flood.on);
	for (int i = 0; i < 1000; i++)
		assert_int_equal(look(LIMIT), FLOOD_SAME);
}

static void begins_again_with_a_new_peak(void **state)
{
	(void)state;
	flooded();
	while (flood.on)
		look(0);
	assert_int_equal(look(2000), FLOOD_SAME);
	assert_int_equal(look(3000), FLOOD_BEGINS);
	assert_int_equal(flood.peak, 3000);
}

/* An agent that starts again goes on with what it found. */
static void goes_on(void **state)
{
	(void)state;
	flood_init(&flood, now, true);
	assert_int_equal(look(40000), FLOOD_SAME);
	for (uint64_t quiet = now; now - quiet < FLOOD_QUIET_NS - FLOOD_LOOK_NS;)
		assert_int_equal(look(0), FLOOD_SAME);
	assert_int_equal(look(0), FLOOD_ENDS);
}

static void without_a_limit(void **state)
{
	(void)state;
	for (int i = 0; i < 10; i++) {
		now += FLOOD_LOOK_NS;
		assert_int_equal(flood_look(&flood, now, 1000000, 0), FLOOD_SAME);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(begins_within_a_second, begin),
		cmocka_unit_test_setup(a_burst_is_none, begin),
		cmocka_unit_test_setup(the_rate_is_by_time, begin),
		cmocka_unit_test_setup(ends_after_half_a_minute, begin),
		cmocka_unit_test_setup(no_to_and_fro, begin),
		cmocka_unit_test_setup(begins_again_with_a_new_peak, begin),
		cmocka_unit_test_setup(goes_on, begin),
		cmocka_unit_test_setup(without_a_limit, begin),
	};

	return cmocka_run_group_tests_name("flood", tests, NULL, NULL);
}
