// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The file of the access log: whole lines, whoever dies, and whatever becomes of the file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "userspace/agent/l7/scribe.h"

#define DEADLINE_MS 20000

static char folder[] = "/tmp/scribe.XXXXXX", path[PATH_MAX], old[PATH_MAX];
static char text[1 << 20];

static void pause_a_moment(void)
{
	const struct timespec moment = {.tv_nsec = 5000000};

	nanosleep(&moment, NULL);
}

static const char *content(const char *from)
{
	FILE *file = fopen(from, "re");
	size_t length = file ? fread(text, 1, sizeof(text) - 1, file) : 0;

	if (file)
		fclose(file);
	text[length] = 0;
	return text;
}

static void wait_for(const char *from, const char *what)
{
	for (int i = 0; i < DEADLINE_MS / 5; i++) {
		if (strstr(content(from), what))
			return;
		pause_a_moment();
	}
	fail_msg("%s has no \"%s\"", from, what);
}

static void put(int fd, const char *what)
{
	assert_int_equal(write(fd, what, strlen(what)), strlen(what));
}

static void lines_stay_whole(void **state)
{
	struct scribe *scribe;
	int one, two;

	(void)state;
	assert_int_equal(scribe_new(path, &scribe), 0);
	one = scribe_pipe(scribe);
	two = scribe_pipe(scribe);
	assert_true(one >= 0 && two >= 0);
	put(one, "first\nsec");
	wait_for(path, "first\n");
	put(two, "other\n");
	wait_for(path, "other\n");
	put(one, "ond\nhalf of");
	wait_for(path, "second\n");
	close(one);
	wait_for(path, "half of\n");
	close(two);
	scribe_free(scribe);
	assert_string_equal(content(path), "first\nother\nsecond\nhalf of\n");
	unlink(path);
}

static void what_is_on_its_way_is_written_at_the_end(void **state)
{
	struct scribe *scribe;
	int fd;

	(void)state;
	assert_int_equal(scribe_new(path, &scribe), 0);
	fd = scribe_pipe(scribe);
	for (int i = 0; i < 5000; i++)
		put(fd, "a line that is one of five thousand\n");
	close(fd);
	scribe_free(scribe);
	assert_int_equal(strlen(content(path)),
			 5000 * strlen("a line that is one of five thousand\n"));
	unlink(path);
}

static void a_file_that_was_renamed_is_made_anew(void **state)
{
	struct scribe *scribe;
	int fd;

	(void)state;
	assert_int_equal(scribe_new(path, &scribe), 0);
	fd = scribe_pipe(scribe);
	put(fd, "before\n");
	wait_for(path, "before\n");
	assert_int_equal(rename(path, old), 0);
	for (int i = 0; access(path, F_OK) && i < DEADLINE_MS / 5; i++)
		pause_a_moment();
	put(fd, "after\n");
	wait_for(path, "after\n");
	assert_null(strstr(content(path), "before"));
	assert_null(strstr(content(old), "after"));
	/* another one */
	scribe_use(scribe, old);
	for (int i = 0; !strstr(content(old), "there") && i < DEADLINE_MS / 5; i++) {
		put(fd, "there\n");
		pause_a_moment();
	}
	wait_for(old, "there\n");
	close(fd);
	scribe_free(scribe);
	unlink(path);
	unlink(old);
}

/* No end of a line: it is given one, and the rest is the next line. */
static void endless_lines_end(void **state)
{
	static char much[70000];
	struct scribe *scribe;
	int fd;

	(void)state;
	memset(much, 'x', sizeof(much) - 1);
	assert_int_equal(scribe_new(path, &scribe), 0);
	fd = scribe_pipe(scribe);
	put(fd, much);
	put(fd, "\nnext\n");
	close(fd);
	scribe_free(scribe);
	content(path);
	assert_non_null(strstr(text, "x\nnext\n"));
	assert_int_equal(strchr(text, '\n') - text, 65536);
	unlink(path);
}

static int begin(void **state)
{
	(void)state;
	if (!mkdtemp(folder))
		return -1;
	snprintf(path, sizeof(path), "%s/access.log", folder);
	snprintf(old, sizeof(old), "%s/access.log.1", folder);
	return 0;
}

static int end(void **state)
{
	(void)state;
	return rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_stay_whole),
		cmocka_unit_test(what_is_on_its_way_is_written_at_the_end),
		cmocka_unit_test(a_file_that_was_renamed_is_made_anew),
		cmocka_unit_test(endless_lines_end),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
