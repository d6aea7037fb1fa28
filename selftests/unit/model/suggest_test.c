// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "userspace/model/suggest.h"

static void distances(void **state)
{
	static const struct {
		const char *a, *b;
		unsigned int distance;
	} rows[] = {
		{"", "", 0},
		{"", "abc", 3},
		{"pool", "pool", 0},
		{"pool", "POOL", 0},
		{"pool", "pol", 1},
		{"pool", "pooll", 1},
		{"pool", "poll", 1},
		{"pool", "opol", 1},
		{"drain", "drian", 1},
		{"interval", "intevral", 1},
		{"kitten", "sitting", 3},
		{"ca", "abc", 3},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		assert_int_equal(suggest_distance(rows[i].a, rows[i].b, 10), rows[i].distance);
		assert_int_equal(suggest_distance(rows[i].b, rows[i].a, 10), rows[i].distance);
		/* A limit changes nothing but where the search gives up. */
		for (unsigned int limit = 0; limit < 5; limit++)
			assert_int_equal(suggest_distance(rows[i].a, rows[i].b, limit),
					 rows[i].distance > limit ? limit + 1 : rows[i].distance);
	}
}

static void long_names_are_near_nothing(void **state)
{
	char name[200];

	(void)state;
	memset(name, 'a', sizeof(name));
	name[64] = 0;
	assert_int_equal(suggest_distance(name, name, 3), 4);
	name[63] = 0;
	assert_int_equal(suggest_distance(name, name, 3), 0);
}

static const char *nearest(const char *written, const char *const *names)
{
	static struct suggest_tail tail;
	struct suggest suggest;

	suggest_init(&suggest, written);
	for (; *names; names++)
		suggest_offer(&suggest, *names);
	tail = suggest_tail(&suggest);
	return tail.text;
}

static void picks_the_nearest(void **state)
{
	const char *const keys[] = {"name", "backends", "health", "drainDeadline", NULL};
	const char *const pair[] = {"web4", "web6", NULL};

	(void)state;
	assert_string_equal(nearest("nmae", keys), "; did you mean \"name\"?");
	assert_string_equal(nearest("backend", keys), "; did you mean \"backends\"?");
	assert_string_equal(nearest("draindeadlin", keys), "; did you mean \"drainDeadline\"?");
	assert_string_equal(nearest("web5", pair), "; did you mean \"web4\"?");
	assert_string_equal(nearest("colour", keys), "");
	assert_string_equal(nearest("", keys), "");
	assert_string_equal(nearest("x", (const char *const[]){NULL}), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(distances),
		cmocka_unit_test(long_names_are_near_nothing),
		cmocka_unit_test(picks_the_nearest),
	};

	return cmocka_run_group_tests_name("suggest", tests, NULL, NULL);
}
