// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* userspace/proxy/journal.c: what is done with a connection, by what is noted of it and what the
 * kernel says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "userspace/proxy/buffer.h"
#include "userspace/proxy/journal.h"

#define FDS	100
#define BUFFERS 4
#define FD	7
#define GET	"GET / HTTP/1.1\r\n\r\n"
#define LENGTH	(sizeof(GET) - 1)

static struct journal *journal;
static struct journal_line *line;
static struct buffers buffers;
static struct buffer *buffer;
static const char *bytes;
static size_t length;

static int begin(void **state)
{
	const struct journal_line as = {
		.listener = 3, .port = 4711, .marks = {{.buffer = BUFFER_NONE}}};

	(void)state;
	if (journal_new(FDS, BUFFERS, &journal))
		return -1;
	buffers_init(&buffers, BUFFERS);
	buffers_prepare(&buffers, journal->memory, BUFFERS, 2);
	line = journal_open(journal, FD, &as);
	buffer = buffer_take(&buffers);
	return line && buffer ? 0 : -1;
}

static int end(void **state)
{
	(void)state;
	buffer_drop(&buffers, &buffer);
	buffers_fini(&buffers);
	journal_free(journal);
	return 0;
}

/* So much of a request has come. */
static void come(const char *text)
{
	if (!buffer->end)
		journal_reads_to(line, buffer_number(&buffers, buffer));
	memcpy(buffer->bytes + buffer->end, text, strlen(text));
	buffer->end += (uint32_t)strlen(text);
}

static enum journal_verdict judge(uint64_t read, uint64_t written)
{
	const struct journal_truth truth = {read, written};

	return journal_judge(journal, line, &truth, &bytes, &length);
}

static void expect_kept(uint64_t read, uint64_t written, const char *text)
{
	assert_int_equal(judge(read, written), JOURNAL_KEEP);
	assert_int_equal(length, strlen(text));
	if (length)
		assert_memory_equal(bytes, text, length);
}

static void a_new_one(void **state)
{
	(void)state;
	assert_int_equal(line->listener, 3);
	assert_int_equal(line->port, 4711);
	expect_kept(0, 0, "");
	/* who reads without saying where to has a reason */
	assert_int_equal(judge(1, 0), JOURNAL_LET);
}

static void a_request_is_asked_again(void **state)
{
	(void)state;
	come("GET / H");
	expect_kept(7, 0, "GET / H");
	come("TTP/1.1\r\n\r\n");
	expect_kept(LENGTH, 0, GET);
	/* as far as was read, whatever the worker noted */
	expect_kept(10, 0, "GET / HTTP");
}

static void not_what_must_not_be_asked_twice(void **state)
{
	(void)state;
	come(GET);
	journal_once(line);
	assert_int_equal(judge(LENGTH, 0), JOURNAL_LET);
	journal_next(line, LENGTH, 20, BUFFER_NONE, 0);
	expect_kept(LENGTH, 20, "");
}

static void not_what_is_gone(void **state)
{
	(void)state;
	come(GET);
	journal_gone(line);
	assert_int_equal(judge(LENGTH, 0), JOURNAL_LET);
}

static void not_for_the_third_time(void **state)
{
	(void)state;
	come(GET);
	journal_mark(line)->again = true;
	assert_int_equal(judge(LENGTH, 0), JOURNAL_LET);
	journal_answer(line, LENGTH, 20, false);
	expect_kept(LENGTH, 20, "");
	journal_next(line, LENGTH, 20, buffer_number(&buffers, buffer), 0);
	expect_kept(2 * LENGTH, 20, GET);
}

static void an_answer(void **state)
{
	(void)state;
	come(GET);
	journal_answer(line, LENGTH, 20, false);
	expect_kept(LENGTH, 0, GET);
	assert_int_equal(judge(LENGTH, 1), JOURNAL_CUT);
	assert_int_equal(judge(LENGTH, 19), JOURNAL_CUT);
	expect_kept(LENGTH, 20, "");
	assert_int_equal(judge(LENGTH, 21), JOURNAL_CUT);
	/* a part of the request is still to be read, and is no next one */
	assert_int_equal(judge(LENGTH - 1, 20), JOURNAL_CUT);
}

static void the_last_answer(void **state)
{
	(void)state;
	come(GET);
	journal_answer(line, LENGTH, 20, true);
	expect_kept(LENGTH, 0, GET);
	assert_int_equal(judge(LENGTH, 19), JOURNAL_CUT);
	assert_int_equal(judge(LENGTH, 20), JOURNAL_LET);
}

static void an_answer_of_unknown_length(void **state)
{
	(void)state;
	come(GET);
	journal_answer(line, LENGTH, 0, false);
	expect_kept(LENGTH, 0, GET);
	assert_int_equal(judge(LENGTH, 20), JOURNAL_CUT);
	journal_answer_ends(line, 20);
	expect_kept(LENGTH, 20, "");
}

static void the_next_request_in_the_same_buffer(void **state)
{
	(void)state;
	come(GET "HEAD");
	expect_kept(LENGTH + 4, 0, GET "HEAD");
	journal_answer(line, LENGTH, 20, false);
	expect_kept(LENGTH + 4, 20, "HEAD");
	journal_next(line, LENGTH, 20, buffer_number(&buffers, buffer), LENGTH);
	expect_kept(LENGTH + 4, 20, "HEAD");
	come(" / ");
	expect_kept(LENGTH + 7, 20, "HEAD / ");
	/* the time before that is over */
	assert_int_equal(judge(LENGTH, 19), JOURNAL_CUT);
	assert_int_equal(judge(LENGTH - 1, 20), JOURNAL_CUT);
}

static void a_header_of_a_proxy(void **state)
{
	const struct addr told = {.byte = {[15] = 1}}, local = {.byte = {[15] = 2}};

	(void)state;
	journal_tell(line, 40, &told, 5, &local, 80);
	assert_true(journal_mark(line)->told);
	expect_kept(40, 0, "");
	come(GET);
	expect_kept(40 + LENGTH, 0, GET);
	journal_answer(line, LENGTH, 20, false);
	expect_kept(40 + LENGTH, 20, "");
	journal_next(line, LENGTH, 20, BUFFER_NONE, 0);
	assert_true(journal_mark(line)->told);
	expect_kept(40 + LENGTH, 20, "");
}

/* A worker that was taken over may have written what it likes. */
static void nothing_outside_is_looked_at(void **state)
{
	unsigned seed = 5;

	(void)state;
	for (int i = 0; i < 200000; i++) {
		const struct journal_truth truth = {(uint64_t)rand_r(&seed) % 70000,
						    (uint64_t)rand_r(&seed) % 3};

		for (int mark = 0; mark < 2; mark++)
			line->marks[mark] = (struct journal_mark){
				.read = (uint64_t)rand_r(&seed) % 70000,
				.written = (uint64_t)rand_r(&seed) % 3,
				.read_end = (uint64_t)rand_r(&seed) % 70000,
				.answer_end = (uint64_t)rand_r(&seed) % 3,
				.buffer = (uint32_t)rand_r(&seed) % (BUFFERS + 2) - 1,
				.start = (uint32_t)rand_r(&seed) % 40000,
			};
		line->at = (uint8_t)rand_r(&seed);
		if (journal_judge(journal, line, &truth, &bytes, &length) != JOURNAL_KEEP ||
		    !length)
			continue;
		assert_true(bytes >= journal->memory);
		assert_true(bytes + length <= (char *)journal->shared + journal->size);
		assert_true(length <= BUFFER_SIZE);
	}
}

static void no_line(void **state)
{
	const struct journal_line as = {};
	const struct addr peer = {};

	(void)state;
	assert_null(journal_open(NULL, FD, &as));
	assert_null(journal_open(journal, FDS, &as));
	assert_null(journal_open(journal, -1, &as));
	journal_next(NULL, 1, 1, 0, 0);
	journal_tell(NULL, 1, &peer, 1, &peer, 1);
	journal_close(NULL);
	journal_close(line);
	assert_false(line->open);
}

static void buffers_beyond_the_memory(void **state)
{
	struct buffer *taken[BUFFERS];
	bool seen[BUFFERS] = {};

	(void)state;
	seen[buffer_number(&buffers, buffer)] = true;
	for (int i = 0; i < BUFFERS; i++) {
		uint32_t number;

		taken[i] = buffer_take(&buffers);
		assert_non_null(taken[i]);
		number = buffer_number(&buffers, taken[i]);
		assert_int_equal(number == BUFFER_NONE, i == BUFFERS - 1);
		if (number == BUFFER_NONE)
			continue;
		assert_false(seen[number]);
		seen[number] = true;
	}
	for (int i = 0; i < BUFFERS; i++)
		buffer_drop(&buffers, &taken[i]);
	assert_int_equal(buffers.used, 1);
}

static unsigned pages_of(const struct buffer *of)
{
	unsigned char in[BUFFER_ALL / 4096];
	unsigned count = 0;

	assert_int_equal(mincore((void *)(uintptr_t)of, BUFFER_ALL, in), 0);
	for (size_t i = 0; i < sizeof(in); i++)
		count += in[i] & 1;
	return count;
}

/* Of more than are needed again soon, the system has the memory back; they are taken last. */
static void what_is_many_is_cold(void **state)
{
	struct buffer *taken[BUFFERS], *cold;

	(void)state;
	buffer_drop(&buffers, &buffer);
	buffers.keep = 1;
	for (int i = 0; i < BUFFERS; i++) {
		taken[i] = buffer_take(&buffers);
		memset(taken[i]->bytes, 'x', BUFFER_SIZE);
	}
	cold = taken[BUFFERS - 1];
	for (int i = 0; i < BUFFERS; i++)
		buffer_drop(&buffers, &taken[i]);
	assert_int_equal(buffers.free_count, 3);
	assert_ptr_equal(buffers.cold, cold);
	assert_int_equal(pages_of(cold), 1);
	for (int i = 0; i < BUFFERS; i++) {
		taken[i] = buffer_take(&buffers);
		assert_int_equal(taken[i] == cold, i == BUFFERS - 1);
		assert_int_equal(buffer_number(&buffers, taken[i]) == BUFFER_NONE, false);
	}
	for (int i = 0; i < BUFFERS; i++)
		buffer_drop(&buffers, &taken[i]);
}

#define journal_case(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		journal_case(a_new_one),
		journal_case(a_request_is_asked_again),
		journal_case(not_what_must_not_be_asked_twice),
		journal_case(not_what_is_gone),
		journal_case(not_for_the_third_time),
		journal_case(an_answer),
		journal_case(the_last_answer),
		journal_case(an_answer_of_unknown_length),
		journal_case(the_next_request_in_the_same_buffer),
		journal_case(a_header_of_a_proxy),
		journal_case(nothing_outside_is_looked_at),
		journal_case(no_line),
		journal_case(buffers_beyond_the_memory),
		journal_case(what_is_many_is_cold),
	};

	return cmocka_run_group_tests_name("journal", tests, NULL, NULL);
}
