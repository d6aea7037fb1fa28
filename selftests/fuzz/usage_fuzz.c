// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The ledger's files: whatever is in them, reading ends, no name runs over, all bytes are told of,
 * and what was read can be written and read again. The fuzzer cannot guess checksums, so what it
 * makes is put into good frames and blocks as well.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "userspace/model/usage_file.h"

#define REQUIRE(condition)        \
	do {                      \
		if (!(condition)) \
			abort();  \
	} while (0)

struct copy {
	struct usage_writer writer;
	size_t items;
};

static int copy_item(void *context, const struct usage_item *item)
{
	struct copy *copy = context;

	REQUIRE(memchr(item->tenant, 0, sizeof(item->tenant)));
	usage_frame_begin(&copy->writer);
	usage_frame_put(&copy->writer, item);
	REQUIRE(!usage_frame_end(&copy->writer));
	copy->items++;
	return 0;
}

static int count_item(void *context, const struct usage_item *item)
{
	(void)item;
	++*(size_t *)context;
	return 0;
}

static void read_journal(const uint8_t *bytes, size_t length)
{
	struct usage_damage damage;
	struct copy copy = {};
	size_t again = 0;

	REQUIRE(!usage_read_journal(bytes, length, copy_item, &copy, &damage));
	REQUIRE(damage.torn + damage.broken <= length);
	REQUIRE(!usage_read_journal(copy.writer.data, copy.writer.length, count_item, &again,
				    &damage));
	REQUIRE(again == copy.items && !damage.torn && !damage.broken);
	usage_writer_fini(&copy.writer);
}

static int check_row(void *context, const struct usage_row *row)
{
	struct usage_block *block = context;

	REQUIRE(row->key.tenant[0] && memchr(row->key.tenant, 0, sizeof(row->key.tenant)));
	REQUIRE(row->key.hour / 24 == 20000);
	/* numbers may have been written longer than they need to be, never shorter; but a name may
	 * be said again */
	return usage_block_put(block, row) == -ENOSPC;
}

static void read_block(const uint8_t block[USAGE_BLOCK])
{
	struct usage_block copy;
	struct usage_day day;
	int r;

	usage_block_begin(&copy);
	r = usage_read_block(block, 20000, check_row, &copy);
	REQUIRE(r == 0 || r == 1 || r == -EBADMSG);
	r = usage_read_day(block, &day);
	REQUIRE(r == 0 || r == -EBADMSG);
}

/* The same bytes where a checksum says that they are meant so. */
static void read_sealed(const uint8_t *bytes, size_t length)
{
	struct usage_block block;

	usage_block_begin(&block);
	if (length > USAGE_BLOCK - block.used)
		length = USAGE_BLOCK - block.used;
	memcpy(block.data + block.used, bytes, length);
	block.used += length;
	usage_block_end(&block);
	read_block(block.data);
}

static void put_32(uint8_t *to, uint32_t value)
{
	for (int i = 0; i < 4; i++)
		to[i] = (uint8_t)(value >> 8 * i);
}

static void read_framed(const uint8_t *bytes, size_t length)
{
	uint8_t *frame = malloc(USAGE_FRAME_HEAD + length);

	REQUIRE(frame);
	memcpy(frame, USAGE_FRAME_MARK, 4);
	put_32(frame + 4, (uint32_t)length);
	put_32(frame + 8, usage_checksum(bytes, length));
	memcpy(frame + USAGE_FRAME_HEAD, bytes, length);
	read_journal(frame, USAGE_FRAME_HEAD + length);
	free(frame);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	uint8_t block[USAGE_BLOCK] = {};

	memcpy(block, bytes, length < USAGE_BLOCK ? length : USAGE_BLOCK);
	read_journal(bytes, length);
	read_block(block);
	read_sealed(bytes, length);
	read_framed(bytes, length);
	return 0;
}
