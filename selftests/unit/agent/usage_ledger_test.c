// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The ledger's files: what was booked is there once, whenever the agent was killed, wherever a file
 * was cut short or damaged, and however the clock was set.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "userspace/agent/usage/ledger.h"
#include "userspace/base/log.h"

#define NOON 1769860800ULL /* 2026-01-31T12:00:00Z */
#define HOUR (NOON / USAGE_HOUR)
#define ACME 11
#define BOB  22
#define KEEP 100

static char folder[64];
static struct ledger *ledger;

static void start(uint64_t now)
{
	struct err err = {};

	if (ledger_open(folder, now, &ledger, &err))
		fail_msg("%s", err.text);
}

/* As a kill does: nothing is written any more. */
static void stop(void)
{
	ledger_close(ledger);
	ledger = NULL;
}

static int setup(void **state)
{
	(void)state;
	log_set_level(LOG_LEVEL_ERROR);
	strcpy(folder, "/tmp/usage-ledger-XXXXXX");
	assert_non_null(mkdtemp(folder));
	start(NOON);
	return 0;
}

static int teardown(void **state)
{
	char command[128];

	(void)state;
	if (ledger)
		stop();
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command);
}

static const char *path_of(const char *name)
{
	static char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return path;
}

/* All jobs there are. */
static int work(uint64_t now)
{
	struct ledger_job *job;
	struct err err = {};

	while ((job = ledger_job(ledger, now / USAGE_HOUR, KEEP, &err))) {
		ledger_run(job);
		if (ledger_done(ledger, job, &err))
			return -1;
	}
	return 0;
}

/* What the counters of a tenant say at a time. */
static bool read_counters(uint64_t now, uint64_t id, uint64_t bytes)
{
	struct usage_place place = usage_place(ledger_state(ledger)->read_at, now);
	struct usage usage = {};
	bool whole;

	usage.value[USAGE_bytes_in] = bytes;
	ledger_begin(ledger, now, &place);
	whole = ledger_book(ledger, id, id == ACME ? "acme" : "bob", &usage, false);
	ledger_end(ledger, false);
	return whole;
}

static void count(uint64_t now, uint64_t id, uint64_t bytes)
{
	assert_true(read_counters(now, id, bytes));
	assert_int_equal(work(now), 0);
}

struct rows {
	size_t count;
	struct usage_row row[256];
};

static void keep_row(void *context, const struct usage_row *row)
{
	struct rows *rows = context;

	assert_true(rows->count < 256);
	rows->row[rows->count++] = *row;
}

static struct rows ask(const struct ledger_query *query)
{
	struct rows rows = {};
	size_t damaged;
	bool more;

	assert_int_equal(ledger_query(ledger, query, keep_row, &rows, &more, &damaged), 0);
	assert_false(more);
	assert_int_equal(damaged, 0);
	return rows;
}

static uint64_t sum(const char *tenant)
{
	struct ledger_query query = {.tenant = tenant, .to = UINT64_MAX / 24, .limit = 256};
	struct rows rows = ask(&query);
	uint64_t sum = 0;

	for (size_t i = 0; i < rows.count; i++)
		sum += rows.row[i].usage.value[USAGE_bytes_in];
	return sum;
}

static void assert_row(const struct usage_row *row, uint64_t hour, const char *tenant,
		       uint64_t bytes)
{
	assert_int_equal(row->key.hour, hour);
	assert_string_equal(row->key.tenant, tenant);
	assert_int_equal(row->usage.value[USAGE_bytes_in], bytes);
}

/* Counters live on in the kernel: the next agent books what they grew by. */
static void a_kill_loses_nothing(void **state)
{
	(void)state;
	assert_true(ledger_state(ledger)->fresh);
	count(NOON, ACME, 100);
	count(NOON + 10, ACME, 150);
	/* booked, and killed before it was written */
	read_counters(NOON + 20, ACME, 170);
	stop();
	start(NOON + 25);
	assert_false(ledger_state(ledger)->fresh);
	assert_int_equal(ledger_state(ledger)->read_at, NOON + 10);
	assert_int_equal(sum("acme"), 150);
	count(NOON + 30, ACME, 180);
	assert_int_equal(sum("acme"), 180);
	/* handed to the kernel is enough for a kill */
	read_counters(NOON + 40, ACME, 190);
	assert_int_equal(ledger_hand_over(ledger, &(struct err){}), 0);
	stop();
	start(NOON + 50);
	assert_int_equal(sum("acme"), 190);
	count(NOON + 60, ACME, 190);
	assert_int_equal(sum("acme"), 190);
}

/* Rows of counters that are somebody else's, or of another dataplane, have another id. */
static void rows_that_begin_anew(void **state)
{
	(void)state;
	count(NOON, ACME, 100);
	ledger_forget(ledger);
	count(NOON + 10, BOB, 40);
	ledger_forget(ledger);
	assert_int_equal(ledger_state(ledger)->accounts, 1);
	assert_int_equal(sum("acme"), 100);
	assert_int_equal(sum("bob"), 40);
	/* the same row, and fewer than were booked: somebody reset it behind our back */
	assert_false(read_counters(NOON + 20, BOB, 30));
	assert_int_equal(work(NOON + 20), 0);
	assert_int_equal(sum("bob"), 70);
	stop();
	start(NOON + 30);
	count(NOON + 40, BOB, 35);
	assert_int_equal(sum("bob"), 75);
	assert_int_equal(sum("acme"), 100);
}

static void what_was_before_is_skipped(void **state)
{
	struct usage_place place = {.hour = HOUR};
	struct usage usage = {};

	(void)state;
	usage.value[USAGE_bytes_in] = 5000;
	ledger_begin(ledger, NOON, &place);
	assert_true(ledger_book(ledger, ACME, "acme", &usage, true));
	ledger_end(ledger, false);
	count(NOON + 10, ACME, 5100);
	assert_int_equal(sum("acme"), 100);
	stop();
	start(NOON + 20);
	count(NOON + 30, ACME, 5150);
	assert_int_equal(sum("acme"), 150);
}

static void hours_become_days(void **state)
{
	struct ledger_query query = {.from = HOUR - 13, .to = HOUR + 25, .limit = 256};
	struct rows rows;

	(void)state;
	for (uint64_t hour = 0; hour < 14; hour++) {
		count(NOON + hour * USAGE_HOUR + 10, ACME, (hour + 1) * 100);
		count(NOON + hour * USAGE_HOUR + 20, BOB, hour + 1);
		if (hour == 5) {
			stop();
			start(NOON + hour * USAGE_HOUR + 25);
		}
	}
	assert_int_equal(access(path_of("2026-01-31.usage"), F_OK), 0);
	rows = ask(&query);
	assert_int_equal(rows.count, 28);
	for (uint64_t i = 0; i < 12; i++) {
		assert_row(&rows.row[i], HOUR + i, "acme", 100);
		assert_row(&rows.row[12 + i], HOUR + i, "bob", 1);
	}
	assert_row(&rows.row[24], HOUR + 12, "acme", 100);
	assert_row(&rows.row[27], HOUR + 13, "bob", 1);
	query.by_day = true;
	rows = ask(&query);
	assert_int_equal(rows.count, 4);
	assert_row(&rows.row[0], HOUR - 12, "acme", 1200);
	assert_row(&rows.row[1], HOUR - 12, "bob", 12);
	assert_row(&rows.row[2], HOUR + 12, "acme", 200);
	assert_row(&rows.row[3], HOUR + 12, "bob", 2);
	query = (struct ledger_query){
		.tenant = "bob", .from = HOUR + 3, .to = HOUR + 5, .limit = 256};
	rows = ask(&query);
	assert_int_equal(rows.count, 2);
	assert_row(&rows.row[0], HOUR + 3, "bob", 1);
}

/* A page begins behind the last row of the one before, in a day's file and beyond. */
static void pages(void **state)
{
	struct ledger_query query = {.to = HOUR + 48};
	size_t damaged;
	bool more;

	(void)state;
	for (uint64_t hour = 0; hour < 15; hour++) {
		count(NOON + hour * USAGE_HOUR + 10, ACME, (hour + 1) * 100);
		count(NOON + hour * USAGE_HOUR + 20, BOB, hour + 1);
	}
	for (int by_day = 0; by_day < 2; by_day++) {
		struct rows whole, rows;

		query.by_day = by_day;
		query.after = (struct usage_key){};
		query.limit = 256;
		whole = ask(&query);
		for (query.limit = 1; query.limit < 8; query.limit++) {
			query.after = (struct usage_key){};
			rows = (struct rows){};
			do {
				assert_int_equal(ledger_query(ledger, &query, keep_row, &rows,
							      &more, &damaged),
						 0);
				query.after = rows.row[rows.count - 1].key;
			} while (more);
			assert_int_equal(rows.count, whole.count);
			for (size_t i = 0; i < whole.count; i++)
				assert_int_equal(usage_compare(&rows.row[i].key, &whole.row[i].key),
						 0);
		}
	}
}

static void copy_file(const char *from, const char *to)
{
	char command[2 * PATH_MAX + 8], source[PATH_MAX];

	strcpy(source, path_of(from));
	snprintf(command, sizeof(command), "cp %s %s", source, path_of(to));
	assert_int_equal(system(command), 0);
}

/* The days' files were written, the new journal was not: the rows are in both. */
static void a_merge_that_was_cut_short(void **state)
{
	const uint64_t end = NOON + USAGE_HOUR;
	struct ledger_job *job;
	struct err err = {};

	(void)state;
	count(NOON + 10, ACME, 100);
	count(NOON + 20, BOB, 7);
	read_counters(end, ACME, 130);
	job = ledger_job(ledger, end / USAGE_HOUR, KEEP, &err);
	ledger_run(job);
	assert_int_equal(ledger_done(ledger, job, &err), 0);
	copy_file("journal", "before");
	assert_int_equal(work(end), 0);
	assert_int_equal(ledger_state(ledger)->rows, 0);
	stop();
	copy_file("before", "journal");
	start(end + 5);
	assert_true(ledger_state(ledger)->merging);
	assert_int_equal(sum("acme"), 130);
	assert_int_equal(sum("bob"), 7);
	assert_int_equal(work(end + 5), 0);
	assert_false(ledger_state(ledger)->merging);
	assert_int_equal(ledger_state(ledger)->rows, 0);
	assert_int_equal(sum("acme"), 130);
	count(end + 10, ACME, 131);
	count(end + 10, BOB, 9);
	assert_int_equal(sum("acme"), 131);
	assert_int_equal(sum("bob"), 9);
}

/* Wherever a crash cuts the journal off: in the end what the counters say is what was booked. */
static void a_journal_that_is_cut_short(void **state)
{
	struct stat whole;

	(void)state;
	for (uint64_t i = 0; i < 6; i++) {
		count(NOON + 10 * i, ACME, 100 * i + 3);
		count(NOON + 10 * i, BOB, 7 * i + 1);
	}
	stop();
	copy_file("journal", "whole");
	assert_int_equal(stat(path_of("whole"), &whole), 0);
	for (off_t length = whole.st_size; length > 20; length--) {
		copy_file("whole", "journal");
		assert_int_equal(truncate(path_of("journal"), length), 0);
		start(NOON + 70);
		assert_false(ledger_state(ledger)->fresh);
		assert_int_equal(ledger_state(ledger)->broken, 0);
		count(NOON + 80, ACME, 1000);
		count(NOON + 80, BOB, 100);
		assert_int_equal(sum("acme"), 1000);
		assert_int_equal(sum("bob"), 100);
		stop();
		/* and what was appended behind the cut is found */
		start(NOON + 90);
		assert_int_equal(ledger_state(ledger)->torn, 0);
		count(NOON + 100, ACME, 1001);
		assert_int_equal(sum("acme"), 1001);
		stop();
	}
	start(NOON + 200);
}

static void what_is_no_journal_is_set_aside(void **state)
{
	int fd;

	(void)state;
	stop();
	fd = open(path_of("journal"), O_WRONLY | O_TRUNC);
	assert_int_equal(write(fd, "something else", 14), 14);
	close(fd);
	start(NOON + 77);
	assert_true(ledger_state(ledger)->fresh);
	assert_int_equal(access(path_of("journal.damaged-1769860877"), F_OK), 0);
	count(NOON + 80, ACME, 5);
	assert_int_equal(sum("acme"), 5);
}

/* Set forward by years and back again: nothing is lost, and days that were merged are merged into
 * once more. */
static void a_clock_that_is_set(void **state)
{
	static const int64_t at[] = {10,     20,     3610,	   90000, 90010, 30,  40,
				     -86400, -86390, 400 * 86400L, 50,	  3700,	 3710};
	uint64_t bytes = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(at) / sizeof(at[0]); i++) {
		bytes += 10 + i;
		count(NOON + (uint64_t)at[i], ACME, bytes);
		assert_int_equal(sum("acme"), bytes);
		if (i % 3 == 2) {
			stop();
			start(NOON + (uint64_t)at[i]);
			assert_int_equal(sum("acme"), bytes);
		}
	}
}

static void old_days_go(void **state)
{
	struct ledger_job *job;
	struct err err = {};

	(void)state;
	for (uint64_t day = 0; day < 10; day++) {
		read_counters(NOON + day * USAGE_DAY, ACME, (day + 1) * 10);
		while ((job = ledger_job(ledger, HOUR + day * 24, 4, &err))) {
			ledger_run(job);
			assert_int_equal(ledger_done(ledger, job, &err), 0);
		}
	}
	/* four, and the one that is not merged yet */
	assert_in_range(sum("acme"), 40, 50);
	assert_int_not_equal(access(path_of("2026-02-01.usage"), F_OK), 0);
}

static void a_damaged_day(void **state)
{
	struct ledger_query query = {.to = HOUR + 48, .limit = 256};
	struct rows rows = {};
	size_t damaged;
	bool more;
	int fd;

	(void)state;
	count(NOON + 10, ACME, 100);
	count(NOON + USAGE_HOUR + 10, ACME, 110);
	fd = open(path_of("2026-01-31.usage"), O_WRONLY);
	assert_int_equal(pwrite(fd, "x", 1, USAGE_BLOCK + 40), 1);
	close(fd);
	assert_int_equal(ledger_query(ledger, &query, keep_row, &rows, &more, &damaged), 0);
	assert_int_equal(damaged, 1);
	count(NOON + 2 * USAGE_HOUR + 10, ACME, 120);
	assert_int_equal(access(path_of("2026-01-31.usage.damaged"), F_OK), 0);
	rows = ask(&query);
	assert_true(rows.count > 0);
}

static void a_full_disk(void **state)
{
	struct rlimit before, small;
	struct stat journal;

	(void)state;
	count(NOON, ACME, 100);
	assert_int_equal(stat(path_of("journal"), &journal), 0);
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	small = (struct rlimit){(rlim_t)journal.st_size + 5, before.rlim_max};
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	read_counters(NOON + 10, ACME, 120);
	assert_int_equal(work(NOON + 10), -1);
	assert_true(ledger_state(ledger)->retry);
	read_counters(NOON + 20, ACME, 130);
	assert_int_not_equal(ledger_hand_over(ledger, &(struct err){}), 0);
	/* no half of a frame is left there */
	assert_int_equal(stat(path_of("journal"), &journal), 0);
	assert_int_equal((rlim_t)journal.st_size + 5, small.rlim_cur);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_int_equal(work(NOON + 30), 0);
	assert_int_equal(sum("acme"), 130);
	stop();
	start(NOON + 40);
	assert_int_equal(ledger_state(ledger)->broken + ledger_state(ledger)->torn, 0);
	assert_int_equal(sum("acme"), 130);
}

static void one_at_a_time(void **state)
{
	struct ledger *second;
	struct err err = {};

	(void)state;
	assert_int_equal(ledger_open(folder, NOON, &second, &err), -EBUSY);
	assert_non_null(strstr(err.text, "another mtlbd"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_kill_loses_nothing),
		TEST(rows_that_begin_anew),
		TEST(what_was_before_is_skipped),
		TEST(hours_become_days),
		TEST(pages),
		TEST(a_merge_that_was_cut_short),
		TEST(a_journal_that_is_cut_short),
		TEST(what_is_no_journal_is_set_aside),
		TEST(a_clock_that_is_set),
		TEST(old_days_go),
		TEST(a_damaged_day),
		TEST(a_full_disk),
		TEST(one_at_a_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
