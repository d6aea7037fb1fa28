// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "userspace/model/units.h"

struct row {
	const char *text;
	int result;
	uint64_t value;
};

static void durations(void **state)
{
	static const struct row rows[] = {
		{"500ms", 0, 500},
		{"0s", 0, 0},
		{"2s", 0, 2000},
		{"5m", 0, 300000},
		{"1h", 0, 3600000},
		{"007s", 0, 7000},
		{"5124095576030h", 0, 18446744073708000000u},
		{"5124095576031h", -ERANGE, 0},
		{"99999999999999999999ms", -ERANGE, 0},
		{"99999999999999999999x", -EINVAL, 0},
		{"", -EINVAL, 0},
		{"2", -EINVAL, 0},
		{"s", -EINVAL, 0},
		{"-1s", -EINVAL, 0},
		{"+1s", -EINVAL, 0},
		{" 1s", -EINVAL, 0},
		{"1 s", -EINVAL, 0},
		{"1s ", -EINVAL, 0},
		{"1.5s", -EINVAL, 0},
		{"1h30m", -EINVAL, 0},
		{"2S", -EINVAL, 0},
		{"0x10s", -EINVAL, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		uint64_t value = 0;

		assert_int_equal(units_parse_duration(rows[i].text, &value), rows[i].result);
		assert_int_equal(value, rows[i].value);
	}
}

static void counts(void **state)
{
	static const struct row rows[] = {
		{"0", 0, 0},
		{"64", 0, 64},
		{"20k", 0, 20000},
		{"4M", 0, 4000000},
		{"1G", 0, 1000000000},
		{"18446744073709551615", 0, UINT64_MAX},
		{"18446744073709551616", -ERANGE, 0},
		{"18446744073709551615k", -ERANGE, 0},
		{"", -EINVAL, 0},
		{"k", -EINVAL, 0},
		{"4m", -EINVAL, 0},
		{"4MB", -EINVAL, 0},
		{"1_000", -EINVAL, 0},
		{"1e3", -EINVAL, 0},
	};
	uint64_t value;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		value = 0;
		assert_int_equal(units_parse_count(rows[i].text, &value), rows[i].result);
		assert_int_equal(value, rows[i].value);
	}
	assert_int_equal(units_parse_number("20k", &value), -EINVAL);
	assert_int_equal(units_parse_number("20", &value), 0);
	assert_int_equal(value, 20);
}

static void rates(void **state)
{
	static const struct row rows[] = {
		{"0/s", 0, 0},
		{"300/s", 0, 300},
		{"20k/s", 0, 20000},
		{"50M/s", 0, 50000000},
		{"5G/s", 0, 5000000000},
		{"1000G/s", 0, 1000000000000},
		{"18446744073709551615/s", 0, UINT64_MAX},
		{"18446744073709551616/s", -ERANGE, 0},
		{"18446744073709551615k/s", -ERANGE, 0},
		{"99999999999999999999/m", -EINVAL, 0},
		{"", -EINVAL, 0},
		{"300", -EINVAL, 0},
		{"20k", -EINVAL, 0},
		{"/s", -EINVAL, 0},
		{"k/s", -EINVAL, 0},
		{"20k/", -EINVAL, 0},
		{"20k/S", -EINVAL, 0},
		{"20K/s", -EINVAL, 0},
		{"20k/ms", -EINVAL, 0},
		{"20k/s/s", -EINVAL, 0},
		{"20k /s", -EINVAL, 0},
		{"20k/s ", -EINVAL, 0},
		{"1T/s", -EINVAL, 0},
		{"5Mbit/s", -EINVAL, 0},
		{"-1/s", -EINVAL, 0},
		{"1.5k/s", -EINVAL, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		uint64_t value = 0;

		assert_int_equal(units_parse_rate(rows[i].text, &value), rows[i].result);
		assert_int_equal(value, rows[i].value);
	}
}

static void text_of_values(void **state)
{
	char text[UNITS_TEXT_MAX];

	(void)state;
	assert_string_equal(units_format_duration(0, text), "0s");
	assert_string_equal(units_format_duration(1, text), "1ms");
	assert_string_equal(units_format_duration(1500, text), "1500ms");
	assert_string_equal(units_format_duration(90000, text), "90s");
	assert_string_equal(units_format_duration(900000, text), "15m");
	assert_string_equal(units_format_duration(7200000, text), "2h");
	assert_string_equal(units_format_count(0, text), "0");
	assert_string_equal(units_format_count(4096, text), "4096");
	assert_string_equal(units_format_count(20000, text), "20k");
	assert_string_equal(units_format_count(4000000, text), "4M");
	assert_string_equal(units_format_count(UINT64_MAX, text), "18446744073709551615");
	assert_string_equal(units_format_rate(0, text), "0/s");
	assert_string_equal(units_format_rate(1, text), "1/s");
	assert_string_equal(units_format_rate(1500, text), "1500/s");
	assert_string_equal(units_format_rate(20000, text), "20k/s");
	assert_string_equal(units_format_rate(50000000, text), "50M/s");
	assert_string_equal(units_format_rate(1000000000000, text), "1000G/s");
	assert_string_equal(units_format_rate(UINT64_MAX, text), "18446744073709551615/s");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(durations),
		cmocka_unit_test(counts),
		cmocka_unit_test(rates),
		cmocka_unit_test(text_of_values),
	};

	return cmocka_run_group_tests_name("units", tests, NULL, NULL);
}
