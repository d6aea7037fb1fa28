// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* userspace/model/heavy.c: its promises, held against exact counts of random streams. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "userspace/model/heavy.h"

#define KEYS 4096

static void key_of(uint32_t number, uint8_t key[HEAVY_KEY])
{
	memset(key, 0, HEAVY_KEY);
	memcpy(key, &number, sizeof(number));
}

static uint32_t number_of(const uint8_t key[HEAVY_KEY])
{
	uint32_t number;

	memcpy(&number, key, sizeof(number));
	return number;
}

static void add(struct heavy *heavy, uint32_t number, uint64_t weight)
{
	uint8_t key[HEAVY_KEY];

	key_of(number, key);
	heavy_add(heavy, key, weight);
}

static void few_are_counted_exactly(void **state)
{
	struct heavy heavy = {};
	struct heavy_item top[3];

	(void)state;
	assert_int_equal(heavy_top(&heavy, top, 3), 0);
	for (uint32_t turn = 0; turn < 10; turn++)
		for (uint32_t number = 1; number <= HEAVY_ROOM; number++)
			add(&heavy, number, number);
	assert_int_equal(heavy.total, 10 * HEAVY_ROOM * (HEAVY_ROOM + 1) / 2);
	assert_int_equal(heavy_top(&heavy, top, 3), 3);
	for (uint32_t i = 0; i < 3; i++) {
		assert_int_equal(number_of(top[i].key), HEAVY_ROOM - i);
		assert_int_equal(top[i].count, 10 * (HEAVY_ROOM - i));
		assert_int_equal(top[i].error, 0);
	}
}

static void fewer_than_asked_for(void **state)
{
	struct heavy heavy = {};
	struct heavy_item top[5];

	(void)state;
	add(&heavy, 7, 1);
	add(&heavy, 9, 2);
	assert_int_equal(heavy_top(&heavy, top, 5), 2);
	assert_int_equal(number_of(top[0].key), 9);
	assert_int_equal(number_of(top[1].key), 7);
}

/* The smaller of two numbers comes more often than the larger: some keys are heavy. */
static uint32_t skewed(void)
{
	uint32_t a = (uint32_t)rand() % KEYS;

	for (int i = 0; i < 6; i++) {
		uint32_t b = (uint32_t)rand() % KEYS;

		a = b < a ? b : a;
	}
	return a;
}

static void promises_hold(void **state)
{
	static uint64_t exact[KEYS];

	(void)state;
	for (unsigned int seed = 1; seed <= 20; seed++) {
		struct heavy heavy = {};
		uint64_t total = 0, found = 0;

		memset(exact, 0, sizeof(exact));
		srand(seed);
		for (int i = 0; i < 20000; i++) {
			uint32_t number = seed % 4 ? skewed() / (seed % 4 * 8) : skewed();
			uint64_t weight = seed % 2 ? 1 : 1 + (uint64_t)rand() % 1000;

			add(&heavy, number, weight);
			exact[number] += weight;
			total += weight;
		}
		assert_int_equal(heavy.total, total);
		for (size_t i = 0; i < heavy.used; i++) {
			const struct heavy_item *item = &heavy.item[i];
			uint64_t is = exact[number_of(item->key)];

			assert_true(item->count >= is);
			assert_true(item->count - item->error <= is);
			assert_true(item->error <= total / HEAVY_ROOM);
			found += is > total / HEAVY_ROOM;
		}
		for (uint32_t number = 0; number < KEYS; number++)
			found -= exact[number] > total / HEAVY_ROOM;
		assert_int_equal(found, 0); /* all that must be there are */
	}
}

/* What came late and small must not stand before what is surely large. */
static void ordered_by_what_is_sure(void **state)
{
	struct heavy heavy = {};
	struct heavy_item top[1];

	(void)state;
	for (uint32_t number = 0; number < HEAVY_ROOM - 1; number++)
		add(&heavy, number, 100);
	add(&heavy, 1000, 90);
	add(&heavy, 2000, 15); /* takes over 90 and is counted as 105 */
	assert_int_equal(heavy_top(&heavy, top, 1), 1);
	assert_int_equal(top[0].count - top[0].error, 100);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(few_are_counted_exactly),
		cmocka_unit_test(fewer_than_asked_for),
		cmocka_unit_test(promises_hold),
		cmocka_unit_test(ordered_by_what_is_sure),
	};

	return cmocka_run_group_tests_name("heavy", tests, NULL, NULL);
}
