// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * userspace/model/health.c: results as a row of + and -, states as a row of U, D and ?. A second
 * goes by from one result to the next.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "userspace/model/health.h"

static const char letter[] = {[HEALTH_UNKNOWN] = '?', [HEALTH_UP] = 'U', [HEALTH_DOWN] = 'D'};

#define S 1000000000ULL

static uint64_t now;

static void feed_to(struct health *health, const struct health_limits *limits, const char *results,
		    const char *states)
{
	assert_int_equal(strlen(results), strlen(states));
	for (size_t i = 0; results[i]; i++) {
		enum health_state before = health->state;
		bool changed = health_feed(health, results[i] == '+', limits, now += S);

		assert_int_equal(letter[health->state], states[i]);
		assert_int_equal(changed, before != health->state);
	}
}

static void feed(struct health *health, uint32_t rise, uint32_t fall, const char *results,
		 const char *states)
{
	const struct health_limits limits = {.rise = rise, .fall = fall};

	feed_to(health, &limits, results, states);
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

/* The fourth time it goes down in a row it is held; what is quiet for half a minute is let up. */
static void test_damping(void **state)
{
	const struct health_limits limits = {.rise = 1, .fall = 1, .damped = true};
	struct health health = {.state = HEALTH_UP};
	unsigned held = 0;

	(void)state;
	feed_to(&health, &limits, "-+-+-+-+", "DUDUDUDU"); /* nearly four: time has passed */
	assert_false(health.held);
	feed_to(&health, &limits, "-+-+", "DDDD");
	assert_true(health.held);
	while (!health_feed(&health, true, &limits, now += S)) {
		assert_true(held++ < 100);
		assert_in_range(health_held_ns(&health, now), 1, 61 * S);
	}
	assert_in_range(held, 28, 45);
	assert_int_equal(health.state, HEALTH_UP);
	assert_int_equal(health_held_ns(&health, now), 0);
	/* and it has not forgotten yet */
	feed_to(&health, &limits, "-+-+-+", "DUDUDD");
}

static void test_damping_has_an_end(void **state)
{
	const struct health_limits limits = {.rise = 1, .fall = 1, .damped = true},
				   off = {1, 1, false};
	struct health health = {.state = HEALTH_UP};

	(void)state;
	/* one that fails a thousand times is held no longer than two half-lives */
	for (int i = 0; i < 1000; i++) {
		health_feed(&health, false, &off, now += S / 100);
		health_feed(&health, true, &off, now += S / 100);
	}
	assert_int_equal(health.state, HEALTH_UP);
	health_feed(&health, false, &limits, now);
	assert_in_range(health_held_ns(&health, now), 59 * S, 60 * S);
	assert_false(health_feed(&health, true, &limits, now + 59 * S));
	assert_true(health_feed(&health, true, &limits, now += 61 * S));
	/* switched off, nobody is held */
	health_feed(&health, false, &limits, now);
	assert_true(health_feed(&health, true, &off, now));
	assert_false(health.held);
}

/* What goes down once a minute is not held. */
static void test_rare_failures(void **state)
{
	const struct health_limits limits = {.rise = 1, .fall = 1, .damped = true};
	struct health health = {.state = HEALTH_UP};

	(void)state;
	for (int i = 0; i < 100; i++) {
		now += 60 * S;
		feed_to(&health, &limits, "-+", "DU");
	}
}

static void test_panic(void **state)
{
	(void)state;
	assert_false(health_panics(4, 4, 0));
	assert_false(health_panics(4, 0, 100));
	assert_true(health_panics(4, 1, 100));
	assert_false(health_panics(4, 2, 50));
	assert_true(health_panics(4, 3, 50));
	assert_false(health_panics(3, 2, 33));
	assert_true(health_panics(3, 2, 34));
	assert_true(health_panics(1, 1, 1));
	assert_false(health_panics(0, 0, 50));
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
		cmocka_unit_test(test_damping),	      cmocka_unit_test(test_damping_has_an_end),
		cmocka_unit_test(test_rare_failures), cmocka_unit_test(test_panic),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
