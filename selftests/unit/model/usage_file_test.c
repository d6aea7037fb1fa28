// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* userspace/model/usage_file.c: journals that are cut short or damaged anywhere, and days. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "userspace/model/usage_file.h"

#define FRAMES 5

struct seen {
	size_t count;
	struct usage_item item[32];
};

static int see(void *context, const struct usage_item *item)
{
	struct seen *seen = context;

	assert_true(seen->count < 32);
	seen->item[seen->count++] = *item;
	return 0;
}

/* Each frame is one entry with its number and larger ones; end[i]: where it ends. */
static void write_frames(struct usage_writer *writer, size_t end[FRAMES])
{
	*writer = (struct usage_writer){};
	for (size_t i = 0; i < FRAMES; i++) {
		struct usage_item item = {.kind = USAGE_ITEM_ENTRY, .number = i};

		item.usage.value[USAGE_bytes_in] = UINT64_MAX - i;
		item.usage.value[USAGE_new_flows] = i;
		usage_frame_begin(writer);
		usage_frame_put(writer, &item);
		assert_int_equal(usage_frame_end(writer), 0);
		end[i] = writer->length;
	}
}

static void says_what_was_written(void **state)
{
	struct usage_item items[] = {
		{.kind = USAGE_ITEM_HEAD, .number = 300},
		{.kind = USAGE_ITEM_ACCOUNT, .number = 1, .id = UINT64_MAX, .tenant = "acme"},
		{.kind = USAGE_ITEM_TIME, .at = 1769860800, .hour = 491628, .approximate = true},
		{.kind = USAGE_ITEM_ENTRY, .number = 1},
	};
	struct usage_writer writer = {};
	struct usage_damage damage;
	struct seen seen = {};

	(void)state;
	memset(items[1].tenant, 'n', STATE_NAME_MAX - 1);
	for (int i = 0; i < USAGE_KINDS; i++)
		items[3].usage.value[i] = i ? 1ULL << (i * 9 % 64) : 0;
	items[1].usage.value[USAGE_packets_in] = UINT64_MAX;
	usage_frame_begin(&writer);
	for (size_t i = 0; i < 4; i++)
		usage_frame_put(&writer, &items[i]);
	assert_int_equal(usage_frame_end(&writer), 0);
	assert_int_equal(usage_read_journal(writer.data, writer.length, see, &seen, &damage), 0);
	assert_int_equal(seen.count, 4);
	assert_int_equal(damage.torn + damage.broken, 0);
	for (size_t i = 0; i < 4; i++)
		assert_memory_equal(&seen.item[i], &items[i], sizeof(items[i]));
	usage_writer_fini(&writer);
}

/* Wherever a crash cuts it off: whole frames are there, and the rest is told. */
static void a_torn_end(void **state)
{
	struct usage_writer writer;
	size_t end[FRAMES];

	(void)state;
	write_frames(&writer, end);
	for (size_t cut = 0; cut <= writer.length; cut++) {
		struct usage_damage damage;
		struct seen seen = {};
		size_t whole = 0;

		while (whole < FRAMES && end[whole] <= cut)
			whole++;
		assert_int_equal(usage_read_journal(writer.data, cut, see, &seen, &damage), 0);
		assert_int_equal(seen.count, whole);
		assert_int_equal(damage.broken, 0);
		assert_int_equal(damage.torn, cut - (whole ? end[whole - 1] : 0));
	}
	usage_writer_fini(&writer);
}

/* Whichever bit is wrong: the frame that it is in is not taken, all others are. */
static void a_broken_bit(void **state)
{
	struct usage_writer writer;
	size_t end[FRAMES];

	(void)state;
	write_frames(&writer, end);
	for (size_t bit = 0; bit < writer.length * 8; bit++) {
		struct usage_damage damage;
		struct seen seen = {};
		size_t hit = 0;

		while (end[hit] <= bit / 8)
			hit++;
		writer.data[bit / 8] ^= (uint8_t)(1U << bit % 8);
		assert_int_equal(
			usage_read_journal(writer.data, writer.length, see, &seen, &damage), 0);
		writer.data[bit / 8] ^= (uint8_t)(1U << bit % 8);
		assert_int_equal(seen.count, FRAMES - 1);
		for (size_t i = 0; i < seen.count; i++)
			assert_int_equal(seen.item[i].number, i + (i >= hit));
		assert_int_equal(damage.broken + damage.torn, end[hit] - (hit ? end[hit - 1] : 0));
		assert_int_equal(damage.torn != 0, hit == FRAMES - 1);
	}
	usage_writer_fini(&writer);
}

static int refuse(void *context, const struct usage_item *item)
{
	(void)item;
	++*(int *)context;
	return -ENOMEM;
}

static void a_reader_that_stops(void **state)
{
	struct usage_writer writer;
	struct usage_damage damage;
	size_t end[FRAMES];
	int calls = 0;

	(void)state;
	write_frames(&writer, end);
	assert_int_equal(usage_read_journal(writer.data, writer.length, refuse, &calls, &damage),
			 -ENOMEM);
	assert_int_equal(calls, 1);
	usage_writer_fini(&writer);
}

#define DAY 20484

struct rows {
	size_t count;
	struct usage_row row[512];
};

static int keep_row(void *context, const struct usage_row *row)
{
	struct rows *rows = context;

	assert_true(rows->count < 512);
	rows->row[rows->count++] = *row;
	return 0;
}

static struct usage_row make_row(size_t i)
{
	struct usage_row row = {.key = {.hour = DAY * 24 + i % 24}, .approximate = i % 5 == 0};

	snprintf(row.key.tenant, sizeof(row.key.tenant), "tenant-%05zu", i / 24);
	row.usage.value[USAGE_bytes_in] = i * 1000003;
	row.usage.value[USAGE_peak_active_flows] = i;
	return row;
}

static void a_block_is_full_at_some_time(void **state)
{
	struct usage_block block;
	struct rows rows = {};
	size_t count = 0;

	(void)state;
	usage_block_begin(&block);
	for (struct usage_row row = make_row(0); !usage_block_put(&block, &row);
	     row = make_row(++count))
		;
	usage_block_end(&block);
	assert_in_range(count, 100, 500);
	assert_int_equal(usage_read_block(block.data, DAY, keep_row, &rows), 0);
	assert_int_equal(rows.count, count);
	for (size_t i = 0; i < count; i++) {
		struct usage_row row = make_row(i);

		assert_memory_equal(&rows.row[i].key, &row.key, sizeof(row.key));
		assert_memory_equal(&rows.row[i].usage, &row.usage, sizeof(row.usage));
		assert_int_equal(rows.row[i].approximate, row.approximate);
	}
	for (size_t bit = 0; bit < sizeof(block.data) * 8; bit += 37) {
		block.data[bit / 8] ^= (uint8_t)(1U << bit % 8);
		assert_int_equal(usage_read_block(block.data, DAY, keep_row, &rows), -EBADMSG);
		block.data[bit / 8] ^= (uint8_t)(1U << bit % 8);
	}
	assert_int_equal(rows.count, count);
}

static void the_head_of_a_day(void **state)
{
	struct usage_day day = {.day = DAY, .merged = 77, .blocks = 1800}, read = {};
	uint8_t block[USAGE_BLOCK];
	struct rows rows = {};

	(void)state;
	usage_write_day(&day, block);
	assert_int_equal(usage_read_day(block, &read), 0);
	assert_memory_equal(&read, &day, sizeof(day));
	assert_int_equal(usage_read_block(block, DAY, keep_row, &rows), -EBADMSG);
	block[20] ^= 1;
	assert_int_equal(usage_read_day(block, &read), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(says_what_was_written),
		cmocka_unit_test(a_torn_end),
		cmocka_unit_test(a_broken_bit),
		cmocka_unit_test(a_reader_that_stops),
		cmocka_unit_test(a_block_is_full_at_some_time),
		cmocka_unit_test(the_head_of_a_day),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
