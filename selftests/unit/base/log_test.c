// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * userspace/base/log.c: the form of a line, on a stderr that is a pipe for the time of a test.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "userspace/base/log.h"

static int terminal, pipe_end;
static char line[8192];

static int begin(void **state)
{
	int ends[2];

	(void)state;
	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK))
		return -1;
	terminal = dup(STDERR_FILENO);
	dup2(ends[1], STDERR_FILENO);
	close(ends[1]);
	pipe_end = ends[0];
	unsetenv("JOURNAL_STREAM");
	log_set_level(LOG_LEVEL_INFO);
	return 0;
}

static int end(void **state)
{
	(void)state;
	dup2(terminal, STDERR_FILENO);
	close(terminal);
	close(pipe_end);
	return 0;
}

/* What was written since, at most one line. */
static const char *written(void)
{
	ssize_t length = read(pipe_end, line, sizeof(line) - 1);

	line[length < 0 ? 0 : length] = 0;
	return line;
}

static void test_form(void **state)
{
	int year, month, day, hour, minute, second, ms, used = 0;

	(void)state;
	log_warn("health", "pool %s is %s", "acme/web", "down");
	written();
	assert_int_equal(sscanf(line, "%4d-%2d-%2dT%2d:%2d:%2d.%3dZ %n", &year, &month, &day, &hour,
				&minute, &second, &ms, &used),
			 7);
	assert_int_equal(used, 25);
	assert_true(year >= 2024 && month >= 1 && month <= 12 && hour < 24);
	assert_string_equal(line + used, "warn  health: pool acme/web is down\n");
	log_error("agent", "x");
	assert_string_equal(written() + 25, "error agent: x\n");
	log_info("agent", "x");
	assert_string_equal(written() + 25, "info  agent: x\n");
}

static void test_level(void **state)
{
	(void)state;
	log_debug("agent", "too much");
	assert_string_equal(written(), "");
	log_set_level(LOG_LEVEL_DEBUG);
	log_debug("agent", "just right");
	assert_string_equal(written() + 25, "debug agent: just right\n");
	log_set_level(LOG_LEVEL_ERROR);
	log_warn("agent", "too much");
	assert_string_equal(written(), "");
}

static void test_one_line(void **state)
{
	char long_text[4000];

	(void)state;
	log_info("agent", "a\nb\rc\td\033[31me\177");
	assert_string_equal(written() + 25, "info  agent: a b c d [31me \n");
	log_info("agent", "M\xc3\xbcnchen");
	assert_string_equal(written() + 25, "info  agent: M\xc3\xbcnchen\n");

	memset(long_text, 'x', sizeof(long_text) - 1);
	long_text[sizeof(long_text) - 1] = 0;
	log_info("agent", "%s", long_text);
	written();
	assert_int_equal(strlen(line), 2047);
	assert_int_equal(line[2046], '\n');
	log_info(long_text, "%s", "y");
	written();
	assert_int_equal(strlen(line), 2047);
	assert_int_equal(line[2046], '\n');
}

static void test_errno(void **state)
{
	(void)state;
	errno = ENOENT;
	log_info("agent", "%m");
	assert_int_equal(errno, ENOENT);
	assert_string_equal(written() + 25, "info  agent: No such file or directory\n");
	/* No reader: the write fails, and not loudly. */
	close(STDERR_FILENO);
	errno = ENOENT;
	log_info("agent", "x");
	assert_int_equal(errno, ENOENT);
}

static void test_journal(void **state)
{
	struct stat here;
	char stream[64];

	(void)state;
	assert_int_equal(fstat(STDERR_FILENO, &here), 0);
	snprintf(stream, sizeof(stream), "%llu:%llu", (unsigned long long)here.st_dev,
		 (unsigned long long)here.st_ino);
	setenv("JOURNAL_STREAM", stream, 1);
	log_warn("health", "down");
	assert_string_equal(written(), "<4>health: down\n");
	log_error("health", "down");
	assert_string_equal(written(), "<3>health: down\n");

	/* Inherited, but this stderr is another file. */
	setenv("JOURNAL_STREAM", "1:1", 1);
	log_warn("health", "down");
	assert_string_equal(written() + 25, "warn  health: down\n");
	unsetenv("JOURNAL_STREAM");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_form, begin, end),
		cmocka_unit_test_setup_teardown(test_level, begin, end),
		cmocka_unit_test_setup_teardown(test_one_line, begin, end),
		cmocka_unit_test_setup_teardown(test_errno, begin, end),
		cmocka_unit_test_setup_teardown(test_journal, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
