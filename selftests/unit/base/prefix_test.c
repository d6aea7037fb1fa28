// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * userspace/base/prefix.c: what is read, what is refused, what a prefix without stray bits is, and
 * who is in it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "userspace/base/prefix.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void reads_and_prints(void **state)
{
	static const struct {
		const char *text, *printed;
		int length, result;
	} cases[] = {
		{"203.0.113.0/24", "203.0.113.0/24", 120, 0},
		{"203.0.113.7", "203.0.113.7", 128, 0},
		{"203.0.113.7/32", "203.0.113.7", 128, 0},
		{"0.0.0.0/0", "0.0.0.0/0", 96, 0},
		{"128.0.0.0/1", "128.0.0.0/1", 97, 0},
		{"2001:DB8::/32", "2001:db8::/32", 32, 0},
		{"2001:db8::1", "2001:db8::1", 128, 0},
		{"::/0", "::/0", 0, 0},
		{"fe00::/7", "fe00::/7", 7, 0},
		{"203.0.113.7/24", "203.0.113.0/24", 120, -EDOM},
		{"203.0.113.128/24", "203.0.113.0/24", 120, -EDOM},
		{"255.255.255.255/31", "255.255.255.254/31", 127, -EDOM},
		{"10.0.0.0/0", "0.0.0.0/0", 96, -EDOM},
		{"2001:db8::1/32", "2001:db8::/32", 32, -EDOM},
		{"ffff::/1", "8000::/1", 1, -EDOM},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		char text[PREFIX_TEXT_MAX];
		struct prefix prefix, again;

		assert_int_equal(prefix_parse(cases[i].text, &prefix), cases[i].result);
		assert_int_equal(prefix.length, cases[i].length);
		assert_string_equal(prefix_format(&prefix, text), cases[i].printed);
		assert_int_equal(prefix_parse(text, &again), 0);
		assert_int_equal(prefix_compare(&prefix, &again), 0);
	}
}

static void refuses(void **state)
{
	static const char *const texts[] = {
		"",
		"/",
		"/24",
		"203.0.113.0/",
		"203.0.113.0/33",
		"203.0.113.0/-1",
		"203.0.113.0/+8",
		"203.0.113.0/08",
		"203.0.113.0/ 8",
		"203.0.113.0/24 ",
		"203.0.113.0/24/24",
		"203.0.113.0/4294967320",
		"203.0.113/24",
		"2001:db8::/129",
		"2001:db8::/32x",
		"::ffff:203.0.113.0/120",
		"::ffff:203.0.113.1",
		"example.net",
		"any",
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/1",
	};
	struct prefix prefix;

	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++)
		assert_int_equal(prefix_parse(texts[i], &prefix), -EINVAL);
}

static void holds(void **state)
{
	static const struct {
		const char *prefix, *addr;
		bool in;
	} cases[] = {
		{"203.0.113.0/24", "203.0.113.0", true},
		{"203.0.113.0/24", "203.0.113.255", true},
		{"203.0.113.0/24", "203.0.112.255", false},
		{"203.0.113.0/24", "203.0.114.0", false},
		{"203.0.113.7", "203.0.113.7", true},
		{"203.0.113.7", "203.0.113.6", false},
		{"0.0.0.0/0", "255.0.0.1", true},
		{"0.0.0.0/0", "2001:db8::1", false},
		{"2001:db8::/33", "2001:db8:7fff::1", true},
		{"2001:db8::/33", "2001:db8:8000::", false},
		{"::/0", "2001:db8::1", true},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct prefix prefix;
		struct addr addr;

		assert_int_equal(prefix_parse(cases[i].prefix, &prefix), 0);
		assert_int_equal(addr_parse(cases[i].addr, &addr), 0);
		assert_int_equal(prefix_holds(&prefix, &addr), cases[i].in);
	}
}

static void the_shorter_one_first(void **state)
{
	static const char *const order[] = {"::/0",	    "0.0.0.0/0",    "0.0.0.0/8",
					    "0.0.0.0",	    "10.0.0.0/8",   "10.0.0.0/9",
					    "10.128.0.0/9", "2001:db8::/32"};

	(void)state;
	for (size_t i = 0; i < COUNT(order); i++)
		for (size_t j = 0; j < COUNT(order); j++) {
			struct prefix a, b;
			int got;

			assert_int_equal(prefix_parse(order[i], &a), 0);
			assert_int_equal(prefix_parse(order[j], &b), 0);
			got = prefix_compare(&a, &b);
			assert_int_equal((got > 0) - (got < 0), (i > j) - (i < j));
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_and_prints),
		cmocka_unit_test(refuses),
		cmocka_unit_test(holds),
		cmocka_unit_test(the_shorter_one_first),
	};

	return cmocka_run_group_tests_name("prefix", tests, NULL, NULL);
}
