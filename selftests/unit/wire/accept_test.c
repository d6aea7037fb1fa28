// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Which form of an answer a client wants. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "userspace/wire/accept.h"

enum {
	TEXT,
	OPEN,
	OLD
};

static const struct accept_offer offers[] = {
	[TEXT] = {"text/plain", "0.0.4"},
	[OPEN] = {"application/openmetrics-text", "1.0.0"},
	[OLD] = {"application/openmetrics-text", "0.0.1"},
};

static int choose(const char *field)
{
	return accept_choose(field, offers, 3);
}

/* What clients send: curl, browsers, versions of Prometheus. */
static void test_clients(void **state)
{
	(void)state;
	assert_int_equal(choose(NULL), TEXT);
	assert_int_equal(choose("*/*"), TEXT);
	assert_int_equal(choose("text/html,application/xhtml+xml,application/xml;q=0.9,"
				"image/avif,image/webp,*/*;q=0.8"),
			 TEXT);
	assert_int_equal(choose("application/openmetrics-text;version=1.0.0,"
				"application/openmetrics-text;version=0.0.1;q=0.75,"
				"text/plain;version=0.0.4;q=0.5,*/*;q=0.1"),
			 OPEN);
	assert_int_equal(choose("application/openmetrics-text; version=0.0.1,"
				"text/plain;version=0.0.4;q=0.5,*/*;q=0.1"),
			 OLD);
	assert_int_equal(choose("text/plain;version=0.0.4;q=1,*/*;q=0.1"), TEXT);
	assert_int_equal(choose("application/openmetrics-text"), OPEN);
}

/* The most precise range counts, whatever stands before it. */
static void test_precise(void **state)
{
	(void)state;
	assert_int_equal(choose("text/*;q=0.1, */*;q=0.9"), OPEN);
	assert_int_equal(choose("*/*;q=0.9, text/*;q=0.1"), OPEN);
	assert_int_equal(choose("text/plain;q=0.2, text/plain;version=0.0.4;q=0.8, */*;q=0.5"),
			 TEXT);
	assert_int_equal(choose("*/*, text/plain;q=0"), OPEN);
	assert_int_equal(choose("*/*;q=0.001"), TEXT);
	assert_int_equal(choose("application/openmetrics-text;version=\"1.0.0\""), OPEN);
	assert_int_equal(choose("Application/OpenMetrics-Text;Version=0.0.1"), OLD);
	assert_int_equal(choose("text/plain;charset=\"a,b;c\\\"d\";q=0.4,"
				"application/openmetrics-text;q=0.3"),
			 TEXT);
}

static void test_none(void **state)
{
	(void)state;
	assert_int_equal(choose(""), -1);
	assert_int_equal(choose("application/json"), -1);
	assert_int_equal(choose("text/plain;version=0.0.3"), -1);
	assert_int_equal(choose("*/*;q=0"), -1);
	assert_int_equal(choose("*/plain"), -1);
	assert_int_equal(choose("text"), -1);
	assert_int_equal(choose("text/"), -1);
	assert_int_equal(choose("text/plain/x"), -1);
}

/* What is wrong is of nothing, and what stands beside it counts. */
static void test_wrong(void **state)
{
	static const char *const weights[] = {"q=",   "q=2",   "q=1.001", "q=0.1234", "q=-1",
					      "q=.5", "q=0,5", "q=a",	  "q"};
	char field[96];

	(void)state;
	for (size_t i = 0; i < sizeof(weights) / sizeof(weights[0]); i++) {
		strcpy(field, "text/plain;");
		strcat(field, weights[i]);
		/* a comma ends the range: 5 is another one */
		if (strcmp(weights[i], "q=0,5") != 0)
			assert_int_equal(choose(field), -1);
		strcpy(field, "application/openmetrics-text;q=0.5, text/plain;");
		strcat(field, weights[i]);
		assert_int_equal(choose(field), OPEN);
	}
	assert_int_equal(choose(",, ;,text/plain ; ; q=1.000 ,"), TEXT);
	assert_int_equal(choose("text/plain;version=\"0.0.4"), TEXT);
	assert_int_equal(choose("text/plain;x=\"\\"), TEXT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_clients),
		cmocka_unit_test(test_precise),
		cmocka_unit_test(test_none),
		cmocka_unit_test(test_wrong),
	};

	return cmocka_run_group_tests_name("wire/accept", tests, NULL, NULL);
}
