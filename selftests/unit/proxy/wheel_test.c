// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* userspace/proxy/wheel.c: each fires once, not before it is due, and whoever is cancelled never.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include "userspace/proxy/wheel.h"

#define MS	1000000ULL
#define TIMERS	2000
#define SPAN_MS 900

static struct loop *loop;
static struct wheel wheel;
static struct wheel_timer *timers[TIMERS];
static unsigned fired[TIMERS], early, count;

static int begin(void **state)
{
	(void)state;
	early = count = 0;
	if (loop_new(&loop))
		return -1;
	wheel_init(&wheel, loop);
	return 0;
}

static int end(void **state)
{
	(void)state;
	wheel_fini(&wheel);
	loop_free(loop);
	return 0;
}

static void note(struct wheel_timer *timer)
{
	size_t number = (size_t)(uintptr_t)timer->context;

	early += loop_now(loop) < timer->due;
	fired[number]++;
	count++;
}

static void stop(struct wheel_timer *timer)
{
	(void)timer;
	loop_stop(loop);
}

static void make(size_t number, void (*fire)(struct wheel_timer *), uint64_t due)
{
	timers[number] = calloc(1, sizeof(struct wheel_timer));
	assert_non_null(timers[number]);
	timers[number]->fire = fire;
	timers[number]->context = (void *)(uintptr_t)number;
	fired[number] = 0;
	wheel_set(&wheel, timers[number], due);
}

static void release(size_t number)
{
	wheel_cancel(&wheel, timers[number]);
	free(timers[number]);
}

static void test_all_fire_once(void **state)
{
	uint64_t now = loop_now(loop);
	struct wheel_timer last = {.fire = stop};

	(void)state;
	for (size_t i = 0; i < TIMERS; i++)
		make(i, note, now + i * 7919 % SPAN_MS * MS);
	for (size_t i = 0; i < TIMERS; i += 3) /* moved, to a later time or an earlier one */
		wheel_set(&wheel, timers[i], now + i * 104729 % SPAN_MS * MS);
	for (size_t i = 1; i < TIMERS; i += 3)
		wheel_cancel(&wheel, timers[i]);
	wheel_set(&wheel, &last, now + (SPAN_MS + 100) * MS);
	assert_int_equal(loop_run(loop), 0);
	assert_int_equal(early, 0);
	for (size_t i = 0; i < TIMERS; i++) {
		assert_int_equal(fired[i], i % 3 != 1);
		release(i);
	}
	assert_int_equal(wheel.count, 0);
}

/* One turn of the wheel is no limit. */
static void test_far_away(void **state)
{
	uint64_t now = loop_now(loop);
	struct wheel_timer last = {.fire = stop};

	(void)state;
	make(0, note, now + WHEEL_SLOTS * WHEEL_TICK_NS + 10 * MS);
	make(1, note, now + 10 * MS);
	wheel_set(&wheel, &last, now + 200 * MS);
	assert_int_equal(loop_run(loop), 0);
	assert_int_equal(fired[0], 0);
	assert_int_equal(fired[1], 1);
	release(0);
	release(1);
}

/* Of one slot: the first to fire takes the others away, and itself, and sets another one. */
static void take_away(struct wheel_timer *timer)
{
	(void)timer;
	count++;
	for (size_t i = 0; i < 3; i++)
		release(i);
	make(3, stop, 0);
}

static void test_handlers_change_the_wheel(void **state)
{
	uint64_t due = loop_now(loop) + 20 * MS;

	(void)state;
	for (size_t i = 0; i < 3; i++)
		make(i, take_away, due);
	assert_int_equal(loop_run(loop), 0);
	assert_int_equal(count, 1);
	release(3);
	assert_int_equal(wheel.count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_all_fire_once, begin, end),
		cmocka_unit_test_setup_teardown(test_far_away, begin, end),
		cmocka_unit_test_setup_teardown(test_handlers_change_the_wheel, begin, end),
	};

	return cmocka_run_group_tests_name("wheel", tests, NULL, NULL);
}
