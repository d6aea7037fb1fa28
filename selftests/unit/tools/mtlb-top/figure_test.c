// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "selftests/unit/tools/mtlb-top/top.h"

#include <math.h>
#include <string.h>

#include "tools/mtlb-top/cpu.h"
#include "tools/mtlb-top/figure.h"

static void numbers_are_short(void **state)
{
	static const struct {
		double value;
		const char *text;
	} cases[] = {
		{NAN, "-"},	  {-1, "-"},	      {0, "0"},		 {0.04, "0.0"},
		{0.5, "0.5"},	  {7, "7"},	      {9.96, "10"},	 {999, "999"},
		{999.4, "999"},	  {999.5, "1.00k"},   {1000, "1.00k"},	 {1250, "1.25k"},
		{12500, "12.5k"}, {125000, "125k"},   {999499, "999k"},	 {999500, "1.00M"},
		{8.4e9, "8.40G"}, {9.996e9, "10.0G"}, {99.96e3, "100k"}, {1e18, "1.00E"},
		{1e21, "999E"},	  {INFINITY, "999E"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		char text[FIGURE_MAX];

		assert_string_equal(figure_number(text, cases[i].value), cases[i].text);
		assert_true(strlen(text) <= 5);
	}
}

static void shares_are_shorter(void **state)
{
	static const struct {
		double share;
		const char *text;
	} cases[] = {
		{NAN, "-"},	  {-0.1, "-"},	  {0, "0%"},	  {0.0001, "<.1%"}, {0.005, "0.5%"},
		{0.0094, "0.9%"}, {0.0096, "1%"}, {0.424, "42%"}, {0.996, "100%"},  {1, "100%"},
		{9.99, "999%"},	  {10, "1k%"},	  {1000, "9k%"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		char text[FIGURE_MAX];

		assert_string_equal(figure_share(text, cases[i].share), cases[i].text);
		assert_true(strlen(text) <= 4);
	}
}

static void sparks(void **state)
{
	static const float rising[] = {0, 1, 2, 3, 4, 5, 6, 7}, still[] = {0, 0, 0};
	static const float small[] = {0.001F, 1000, NAN};
	char text[FIGURE_PICTURE(8)];

	(void)state;
	figure_spark(text, rising, 8, 8, true);
	assert_string_equal(text, " ▂▃▄▅▆▇█");
	figure_spark(text, rising, 8, 8, false);
	assert_string_equal(text, " :-=+*#@");
	figure_spark(text, rising, 8, 3, false);
	assert_string_equal(text, "*#@"); /* the newest ones */
	figure_spark(text, still, 3, 5, true);
	assert_string_equal(text, "     ");
	figure_spark(text, small, 3, 4, false);
	assert_string_equal(text, " .@ ");
	figure_spark(text, NULL, 0, 2, true);
	assert_string_equal(text, "  ");
}

static void bars(void **state)
{
	char text[FIGURE_PICTURE(8)];

	(void)state;
	figure_bar(text, 0.5, 4, true);
	assert_string_equal(text, "██  ");
	figure_bar(text, 0.5 + 1 / 32.0, 4, true);
	assert_string_equal(text, "██▏ ");
	figure_bar(text, 1.5, 4, false);
	assert_string_equal(text, "####");
	figure_bar(text, 0.5, 4, false);
	assert_string_equal(text, "##..");
	figure_bar(text, 0.0001, 4, false);
	assert_string_equal(text, "#..."); /* not nothing */
	figure_bar(text, 0, 4, false);
	assert_string_equal(text, "....");
	figure_bar(text, NAN, 4, true);
	assert_string_equal(text, "    ");
}

static void clocks(void **state)
{
	char text[FIGURE_MAX];

	(void)state;
	assert_string_equal(figure_clock(text, 1764201600123), "00:00:00");
	assert_string_equal(figure_clock(text, 1764201600123 + 3723000), "01:02:03");
	assert_true(strlen(figure_clock(text, UINT64_MAX)) > 0);
}

static void lines_of_proc_stat(void **state)
{
	uint64_t value[3];
	char name[16];

	(void)state;
	assert_int_equal(cpu_parse("cpu0 10 1 20 300 40 5 60 7 0 0\n", name, value), 0);
	assert_string_equal(name, "cpu0");
	assert_int_equal(value[CPU_TICKS], 443);
	assert_int_equal(value[CPU_BUSY], 103);
	assert_int_equal(value[CPU_SOFTIRQ], 60);
	assert_int_not_equal(cpu_parse("cpu  10 1 20 300 40 5 60 7 0 0\n", name, value), 0);
	assert_int_not_equal(cpu_parse("cpu1 10 1 20\n", name, value), 0);
	assert_int_not_equal(cpu_parse("intr 10 1 20 300 40 5 60 7 0 0\n", name, value), 0);
	assert_int_not_equal(cpu_parse("cpux 10 1 20 300 40 5 60 7 0 0\n", name, value), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_are_short),
		cmocka_unit_test(shares_are_shorter),
		cmocka_unit_test(sparks),
		cmocka_unit_test(bars),
		cmocka_unit_test(clocks),
		cmocka_unit_test(lines_of_proc_stat),
	};

	return cmocka_run_group_tests_name("figure", tests, NULL, NULL);
}
