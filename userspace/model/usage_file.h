/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The two kinds of files that usage is kept in, as bytes. Whatever is in a file, reading it is
 * safe.
 *
 * A journal is what was read from the counters lately: frames, each with a checksum, that are
 * appended. A frame is taken whole or not at all; after one that is damaged, reading goes on with
 * the next one that is not. A last frame that is cut short is what a crash leaves.
 *
 * A day's file is blocks of one size, each with a checksum and by itself, whose rows are sorted by
 * tenant and hour, so that a tenant is found by bisection; the first block is about the file.
 *
 * Numbers are little-endian; most are of variable length, seven bits a byte.
 */
#ifndef MTLB_MODEL_USAGE_FILE_H
#define MTLB_MODEL_USAGE_FILE_H

#include "usage.h"

/* Of both: CRC-32C. */
uint32_t usage_checksum(const uint8_t *data, size_t length);

/* journals: a mark, length and checksum of what follows, then items */

#define USAGE_FRAME_HEAD 12
#define USAGE_FRAME_MARK "\xb5usg"

enum usage_item_kind {
	USAGE_ITEM_HEAD = 1, /* of the journal: its number */
	USAGE_ITEM_ACCOUNT,  /* a row of counters, and what of it was booked before */
	USAGE_ITEM_TIME,     /* when what follows, up to the frame's end, was read */
	USAGE_ITEM_ENTRY,    /* what an account's counters grew by */
};

struct usage_item {
	enum usage_item_kind kind;
	uint64_t number;	     /* of the journal, or of the account in it */
	uint64_t id;		     /* of the row of counters */
	char tenant[STATE_NAME_MAX]; /* whose it is */
	struct usage usage;
	uint64_t at, hour;
	bool approximate;
};

struct usage_writer {
	uint8_t *data;
	size_t length, room;
	size_t frame; /* where the one that is being written begins */
	bool failed;  /* there was no memory: the frame must not be used */
};

void usage_frame_begin(struct usage_writer *writer);
void usage_frame_put(struct usage_writer *writer, const struct usage_item *item);
size_t usage_frame_size(const struct usage_writer *writer);
/* 0 or -ENOMEM; then the frame is gone again. */
int usage_frame_end(struct usage_writer *writer);
void usage_writer_fini(struct usage_writer *writer);

struct usage_damage {
	size_t torn;   /* bytes at the end that are no whole frame */
	size_t broken; /* bytes before that are none */
};

/* Calls each for every item of every good frame until it returns an error, which is returned; else
 * 0. */
int usage_read_journal(const uint8_t *data, size_t length,
		       int (*each)(void *context, const struct usage_item *item), void *context,
		       struct usage_damage *ret_damage);

/* days */

#define USAGE_BLOCK 4096

struct usage_day {
	uint64_t day;	 /* counted from 1970 */
	uint64_t merged; /* number of the last journal that it holds the rows of */
	uint64_t blocks; /* after this one */
};

struct usage_block {
	uint8_t data[USAGE_BLOCK];
	size_t used;
	char tenant[STATE_NAME_MAX]; /* of the last row */
};

void usage_write_day(const struct usage_day *day, uint8_t ret_block[USAGE_BLOCK]);
int usage_read_day(const uint8_t block[USAGE_BLOCK], struct usage_day *ret_day); /* 0 or -EBADMSG */

void usage_block_begin(struct usage_block *block);
/* 0, or -ENOSPC: the next block has room. */
int usage_block_put(struct usage_block *block, const struct usage_row *row);
void usage_block_end(struct usage_block *block);
/* Calls each for every row until it returns something else than 0, which is returned. -EBADMSG: the
 * block is damaged; nothing was called. */
int usage_read_block(const uint8_t block[USAGE_BLOCK], uint64_t day,
		     int (*each)(void *context, const struct usage_row *row), void *context);

#endif
