// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* userspace/model/usage.c: amounts, hours by a clock that may be set, and books. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "userspace/model/usage.h"

#define NOON (1769860800ULL) /* 2026-01-31T12:00:00Z */
#define HOUR (NOON / USAGE_HOUR)

static void adds_sums_and_keeps_the_most(void **state)
{
	struct usage sum = {}, one = {}, two = {};

	(void)state;
	one.value[USAGE_bytes_in] = 40;
	one.value[USAGE_peak_active_flows] = 9;
	two.value[USAGE_bytes_in] = 2;
	two.value[USAGE_peak_active_flows] = 7;
	assert_true(usage_is_none(&sum));
	usage_add(&sum, &one);
	usage_add(&sum, &two);
	assert_int_equal(sum.value[USAGE_bytes_in], 42);
	assert_int_equal(sum.value[USAGE_peak_active_flows], 9);
	assert_false(usage_is_none(&sum));
}

static void counters_that_grew(void **state)
{
	struct usage before = {}, now = {}, since;

	(void)state;
	before.value[USAGE_packets_in] = 100;
	before.value[USAGE_peak_active_flows] = 50;
	now.value[USAGE_packets_in] = 130;
	now.value[USAGE_peak_active_flows] = 3;
	assert_true(usage_since(&before, &now, &since));
	assert_int_equal(since.value[USAGE_packets_in], 30);
	assert_int_equal(since.value[USAGE_peak_active_flows], 3);
}

/* One that fell says that all began anew: what is larger is not what it grew by. */
static void counters_that_began_anew(void **state)
{
	struct usage before = {}, now = {}, since;

	(void)state;
	before.value[USAGE_packets_in] = 100;
	before.value[USAGE_bytes_in] = 1000;
	now.value[USAGE_packets_in] = 99;
	now.value[USAGE_bytes_in] = 2000;
	assert_false(usage_since(&before, &now, &since));
	assert_int_equal(since.value[USAGE_packets_in], 99);
	assert_int_equal(since.value[USAGE_bytes_in], 2000);
}

static void assert_place(uint64_t last, uint64_t now, uint64_t hour, bool approximate)
{
	struct usage_place place = usage_place(last, now);

	assert_int_equal(place.hour, hour);
	assert_int_equal(place.approximate, approximate);
}

static void finds_the_hour(void **state)
{
	(void)state;
	assert_place(NOON + 10, NOON + 20, HOUR, false);
	assert_place(0, NOON + 20, HOUR, false);
	/* the reading as the hour ends, and one that missed it */
	assert_place(NOON - 10, NOON, HOUR - 1, false);
	assert_place(NOON - 10, NOON + 1, HOUR - 1, false);
	assert_place(NOON - 10, NOON + 5, HOUR, true);
	/* nobody looked for hours */
	assert_place(NOON - 3 * USAGE_HOUR, NOON, HOUR, true);
}

static void a_clock_that_is_set(void **state)
{
	(void)state;
	assert_place(NOON + 10, NOON + 10 + 5 * USAGE_HOUR, HOUR + 5, true);
	assert_place(NOON + 10, NOON + 10 - 5 * USAGE_HOUR, HOUR - 5, true);
	assert_place(NOON + 10, NOON + 5, HOUR, false);
	assert_place(NOON, NOON - 1, HOUR - 1, true);
	assert_place(NOON + 400 * USAGE_DAY, NOON + 10, HOUR, true);
}

static void waits_until_the_hour_ends(void **state)
{
	const uint64_t s = 1000000000ULL;

	(void)state;
	assert_int_equal(usage_wait_ns(NOON * s, 10), 10 * s);
	assert_int_equal(usage_wait_ns((NOON - 3) * s, 10), 3 * s);
	assert_int_equal(usage_wait_ns((NOON - 1) * s + 1, 10), s - 1);
	assert_int_equal(usage_wait_ns(NOON * s + 5, 86400), USAGE_HOUR * s - 5);
}

static void reads_times(void **state)
{
	static const char *const wrong[] = {
		"",
		"noon",
		"2026-02-31",
		"2026-13-01",
		"2026-01-31T12",
		"1960-01-01",
		"2026-01-31 ",
		"2026-01-31T12:00:00",
		"2026-01-31T25:00:00Z",
	};
	char text[USAGE_TIME_MAX];
	uint64_t seconds = 0;

	(void)state;
	assert_int_equal(usage_parse_time("2026-01-31T12:00:00Z", &seconds), 0);
	assert_int_equal(seconds, NOON);
	assert_string_equal(usage_format_time(seconds, text), "2026-01-31T12:00:00Z");
	assert_int_equal(usage_parse_time("2026-01-31T12:30Z", &seconds), 0);
	assert_int_equal(seconds, NOON + 1800);
	assert_int_equal(usage_parse_time("2026-01-31", &seconds), 0);
	assert_int_equal(seconds, NOON - 12 * USAGE_HOUR);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_int_equal(usage_parse_time(wrong[i], &seconds), -EINVAL);
}

static void book(struct usage_book *book, uint64_t hour, const char *tenant, uint64_t bytes,
		 bool approximate)
{
	struct usage_key key = {.hour = hour};
	struct usage usage = {};

	/* what follows the name must not matter */
	memset(key.tenant, 'x', sizeof(key.tenant));
	strcpy(key.tenant, tenant);
	usage.value[USAGE_bytes_in] = bytes;
	assert_int_equal(usage_book_add(book, &key, &usage, approximate), 0);
}

static void assert_row(const struct usage_row *row, uint64_t hour, const char *tenant,
		       uint64_t bytes, bool approximate)
{
	assert_int_equal(row->key.hour, hour);
	assert_string_equal(row->key.tenant, tenant);
	assert_int_equal(row->usage.value[USAGE_bytes_in], bytes);
	assert_int_equal(row->approximate, approximate);
}

static bool is_globex(void *context, const struct usage_row *row)
{
	return !strcmp(row->key.tenant, context);
}

static void keeps_a_book(void **state)
{
	struct usage_book all = {};
	const struct usage_row **sorted;
	size_t count = 1;

	(void)state;
	assert_int_equal(usage_book_sort(&all, NULL, NULL, &sorted, &count), 0);
	assert_int_equal(count, 0);
	free(sorted);
	book(&all, 25, "acme", 1, false);
	book(&all, 24, "globex", 2, false);
	book(&all, 24, "acme", 3, false);
	book(&all, 23, "globex", 4, false);
	book(&all, 24, "acme", 5, true);
	assert_int_equal(usage_book_sort(&all, NULL, NULL, &sorted, &count), 0);
	assert_int_equal(count, 4);
	assert_row(sorted[0], 23, "globex", 4, false);
	assert_row(sorted[1], 24, "acme", 8, true);
	assert_row(sorted[2], 25, "acme", 1, false);
	assert_row(sorted[3], 24, "globex", 2, false);
	free(sorted);
	assert_int_equal(usage_book_sort(&all, is_globex, "globex", &sorted, &count), 0);
	assert_int_equal(count, 2);
	assert_row(sorted[1], 24, "globex", 2, false);
	free(sorted);
	usage_book_fini(&all);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(adds_sums_and_keeps_the_most),
		cmocka_unit_test(counters_that_grew),
		cmocka_unit_test(counters_that_began_anew),
		cmocka_unit_test(finds_the_hour),
		cmocka_unit_test(a_clock_that_is_set),
		cmocka_unit_test(waits_until_the_hour_ends),
		cmocka_unit_test(reads_times),
		cmocka_unit_test(keeps_a_book),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
