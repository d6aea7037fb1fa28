// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * userspace/base/err.c: sentences, prefixes, cutting, and arguments that point into the sentence.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "userspace/base/err.h"

static void test_set(void **state)
{
	struct err err;

	(void)state;
	assert_int_equal(err_set(&err, -ENOENT, "%s: line %d", "a.yaml", 7), -ENOENT);
	assert_string_equal(err.text, "a.yaml: line 7");
	assert_int_equal(err_set(NULL, -EINVAL, "nobody reads this"), -EINVAL);
}

static void test_prefix(void **state)
{
	struct err err;

	(void)state;
	err_set(&err, -EINVAL, "bad port");
	err_prefix(&err, "service %s", "web");
	err_prefix(&err, "tenant %s", "acme");
	assert_string_equal(err.text, "tenant acme: service web: bad port");
	err_prefix(NULL, "nobody");
}

static void test_arguments_inside(void **state)
{
	struct err err;

	(void)state;
	err_set(&err, -EINVAL, "bad port");
	assert_int_equal(err_set(&err, -EIO, "eth0: %s (was it?)", err.text), -EIO);
	assert_string_equal(err.text, "eth0: bad port (was it?)");
	err_prefix(&err, "%s", err.text + 6);
	assert_string_equal(err.text, "bad port (was it?): eth0: bad port (was it?)");
}

static void test_cut(void **state)
{
	char long_text[2 * sizeof(((struct err *)0)->text)];
	struct err err;

	(void)state;
	memset(long_text, 'x', sizeof(long_text) - 1);
	long_text[sizeof(long_text) - 1] = 0;
	err_set(&err, -EINVAL, "%s", long_text);
	assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
	err_prefix(&err, "acme");
	assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
	assert_memory_equal(err.text, "acme: xx", 8);
	err_prefix(&err, "%s", long_text);
	assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
	assert_memory_equal(err.text, "xxxxxxxx", 8);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_set),
		cmocka_unit_test(test_prefix),
		cmocka_unit_test(test_arguments_inside),
		cmocka_unit_test(test_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
