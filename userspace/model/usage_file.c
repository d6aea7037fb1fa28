// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "usage_file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FRAME_MAX   (1U << 20)
#define BLOCK_HEAD  10 /* mark, checksum, bytes used */
#define NUMBER_MAX  10 /* bytes of a number */
#define ROW_MAX	    (STATE_NAME_MAX + 4 + (USAGE_KINDS + 1) * NUMBER_MAX)
#define APPROXIMATE 1

static const uint8_t block_mark[4] = {0xb5, 'u', 's', 'r'};
static const uint8_t day_mark[4] = {0xb5, 'u', 's', 'd'};

/* CRC-32C (Castagnoli), reflected, half a byte at a time. */
uint32_t usage_checksum(const uint8_t *data, size_t length)
{
	static const uint32_t of_half[16] = {
		0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1, 0x417b1dbc, 0x5125dad3,
		0x61c69362, 0x7198540d, 0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9,
		0xc38d26c4, 0xd3d3e1ab, 0xe330a81a, 0xf36e6f75,
	};
	uint32_t crc = UINT32_MAX;

	while (length--) {
		crc ^= *data++;
		crc = crc >> 4 ^ of_half[crc & 15];
		crc = crc >> 4 ^ of_half[crc & 15];
	}
	return ~crc;
}

static void put_32(uint8_t *to, uint32_t value)
{
	for (int i = 0; i < 4; i++)
		to[i] = (uint8_t)(value >> 8 * i);
}

static uint32_t get_32(const uint8_t *from)
{
	return from[0] | from[1] << 8 | from[2] << 16 | (uint32_t)from[3] << 24;
}

/* bytes of one item or row */

struct piece {
	uint8_t data[ROW_MAX + 4 * NUMBER_MAX];
	size_t length;
};

static void put_byte(struct piece *piece, uint8_t byte)
{
	piece->data[piece->length++] = byte;
}

static void put_number(struct piece *piece, uint64_t number)
{
	for (; number > 0x7f; number >>= 7)
		put_byte(piece, (uint8_t)(number | 0x80));
	put_byte(piece, (uint8_t)number);
}

static void put_name(struct piece *piece, const char *name)
{
	size_t length = strnlen(name, STATE_NAME_MAX - 1);

	put_byte(piece, (uint8_t)length);
	memcpy(piece->data + piece->length, name, length);
	piece->length += length;
}

/* Only what is not zero. */
static void put_usage(struct piece *piece, const struct usage *usage)
{
	uint64_t mask = 0;

	for (int i = 0; i < USAGE_KINDS; i++)
		mask |= (uint64_t)(usage->value[i] != 0) << i;
	put_number(piece, mask);
	for (int i = 0; i < USAGE_KINDS; i++)
		if (usage->value[i])
			put_number(piece, usage->value[i]);
}

struct source {
	const uint8_t *at, *end;
	bool bad;
};

static uint8_t get_byte(struct source *source)
{
	if (source->at == source->end) {
		source->bad = true;
		return 0;
	}
	return *source->at++;
}

static uint64_t get_number(struct source *source)
{
	uint64_t number = 0;

	for (int shift = 0; shift < 64; shift += 7) {
		uint8_t byte = get_byte(source);

		number |= (uint64_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80))
			return number;
	}
	source->bad = true;
	return 0;
}

static void get_name(struct source *source, char name[STATE_NAME_MAX])
{
	size_t length = get_byte(source);

	memset(name, 0, STATE_NAME_MAX);
	if (length >= STATE_NAME_MAX || length > (size_t)(source->end - source->at) ||
	    memchr(source->at, 0, length)) {
		source->bad = true;
		return;
	}
	memcpy(name, source->at, length);
	source->at += length;
}

/* Kinds that this version does not know are left out. */
static void get_usage(struct source *source, struct usage *usage)
{
	uint64_t mask = get_number(source);

	*usage = (struct usage){};
	if (mask >> 32)
		source->bad = true;
	for (int i = 0; i < 32 && !source->bad; i++) {
		uint64_t value = mask >> i & 1 ? get_number(source) : 0;

		if (i < USAGE_KINDS)
			usage->value[i] = value;
	}
}

/* journals */

static bool reserve(struct usage_writer *writer, size_t more)
{
	size_t room = writer->room ?: 4096;
	uint8_t *data;

	while (room < writer->length + more)
		room *= 2;
	if (room == writer->room)
		return true;
	data = realloc(writer->data, room);
	if (!data)
		return false;
	writer->data = data;
	writer->room = room;
	return true;
}

void usage_frame_begin(struct usage_writer *writer)
{
	writer->frame = writer->length;
	writer->failed = !reserve(writer, USAGE_FRAME_HEAD);
	if (!writer->failed)
		writer->length += USAGE_FRAME_HEAD;
}

void usage_frame_put(struct usage_writer *writer, const struct usage_item *item)
{
	struct piece piece = {};

	put_byte(&piece, (uint8_t)item->kind);
	if (item->kind != USAGE_ITEM_TIME)
		put_number(&piece, item->number);
	if (item->kind == USAGE_ITEM_ACCOUNT) {
		put_number(&piece, item->id);
		put_name(&piece, item->tenant);
	}
	if (item->kind == USAGE_ITEM_TIME) {
		put_number(&piece, item->at);
		put_number(&piece, item->hour);
		put_byte(&piece, item->approximate ? APPROXIMATE : 0);
	}
	if (item->kind == USAGE_ITEM_ACCOUNT || item->kind == USAGE_ITEM_ENTRY)
		put_usage(&piece, &item->usage);
	writer->failed = writer->failed || !reserve(writer, piece.length);
	if (writer->failed)
		return;
	memcpy(writer->data + writer->length, piece.data, piece.length);
	writer->length += piece.length;
}

size_t usage_frame_size(const struct usage_writer *writer)
{
	return writer->length - writer->frame;
}

int usage_frame_end(struct usage_writer *writer)
{
	uint8_t *head = writer->data + writer->frame;
	size_t length = usage_frame_size(writer) - USAGE_FRAME_HEAD;

	if (writer->failed || length > FRAME_MAX) {
		writer->length = writer->frame;
		return -ENOMEM;
	}
	memcpy(head, USAGE_FRAME_MARK, 4);
	put_32(head + 4, (uint32_t)length);
	put_32(head + 8, usage_checksum(head + USAGE_FRAME_HEAD, length));
	return 0;
}

void usage_writer_fini(struct usage_writer *writer)
{
	free(writer->data);
	*writer = (struct usage_writer){};
}

static bool get_item(struct source *source, struct usage_item *item)
{
	*item = (struct usage_item){.kind = get_byte(source)};
	switch (item->kind) {
	case USAGE_ITEM_HEAD:
		item->number = get_number(source);
		break;
	case USAGE_ITEM_ACCOUNT:
		item->number = get_number(source);
		item->id = get_number(source);
		get_name(source, item->tenant);
		get_usage(source, &item->usage);
		break;
	case USAGE_ITEM_TIME:
		item->at = get_number(source);
		item->hour = get_number(source);
		item->approximate = get_byte(source) & APPROXIMATE;
		break;
	case USAGE_ITEM_ENTRY:
		item->number = get_number(source);
		get_usage(source, &item->usage);
		break;
	default:
		source->bad = true;
	}
	return !source->bad;
}

static bool is_well_formed(struct source source)
{
	struct usage_item item;

	while (source.at < source.end)
		if (!get_item(&source, &item))
			return false;
	return true;
}

/* A whole, good frame at data? */
static bool find_frame(const uint8_t *data, size_t left, struct source *ret_source)
{
	size_t length;

	if (left < USAGE_FRAME_HEAD || memcmp(data, USAGE_FRAME_MARK, 4) != 0)
		return false;
	length = get_32(data + 4);
	if (length > FRAME_MAX || length > left - USAGE_FRAME_HEAD ||
	    usage_checksum(data + USAGE_FRAME_HEAD, length) != get_32(data + 8))
		return false;
	*ret_source =
		(struct source){data + USAGE_FRAME_HEAD, data + USAGE_FRAME_HEAD + length, false};
	return is_well_formed(*ret_source);
}

int usage_read_journal(const uint8_t *data, size_t length,
		       int (*each)(void *context, const struct usage_item *item), void *context,
		       struct usage_damage *ret_damage)
{
	struct source source;
	struct usage_item item;
	size_t bad = 0;
	int error = 0;

	*ret_damage = (struct usage_damage){};
	for (size_t at = 0; at < length;) {
		if (!find_frame(data + at, length - at, &source)) {
			bad++;
			at++;
			continue;
		}
		ret_damage->broken += bad;
		bad = 0;
		while (!error && source.at < source.end && get_item(&source, &item))
			error = each(context, &item);
		if (error)
			return error;
		at = (size_t)(source.end - data);
	}
	ret_damage->torn = bad;
	return 0;
}

/* days */

static void seal(uint8_t block[USAGE_BLOCK], const uint8_t mark[4], size_t used)
{
	memcpy(block, mark, 4);
	block[8] = (uint8_t)used;
	block[9] = (uint8_t)(used >> 8);
	put_32(block + 4, usage_checksum(block + 8, USAGE_BLOCK - 8));
}

static bool unseal(const uint8_t block[USAGE_BLOCK], const uint8_t mark[4],
		   struct source *ret_source)
{
	size_t used = block[8] | (size_t)block[9] << 8;

	if (memcmp(block, mark, 4) != 0 || used < BLOCK_HEAD || used > USAGE_BLOCK ||
	    usage_checksum(block + 8, USAGE_BLOCK - 8) != get_32(block + 4))
		return false;
	*ret_source = (struct source){block + BLOCK_HEAD, block + used, false};
	return true;
}

void usage_write_day(const struct usage_day *day, uint8_t ret_block[USAGE_BLOCK])
{
	struct piece piece = {};

	put_number(&piece, day->day);
	put_number(&piece, day->merged);
	put_number(&piece, day->blocks);
	memset(ret_block, 0, USAGE_BLOCK);
	memcpy(ret_block + BLOCK_HEAD, piece.data, piece.length);
	seal(ret_block, day_mark, BLOCK_HEAD + piece.length);
}

int usage_read_day(const uint8_t block[USAGE_BLOCK], struct usage_day *ret_day)
{
	struct source source;

	if (!unseal(block, day_mark, &source))
		return -EBADMSG;
	ret_day->day = get_number(&source);
	ret_day->merged = get_number(&source);
	ret_day->blocks = get_number(&source);
	return source.bad ? -EBADMSG : 0;
}

void usage_block_begin(struct usage_block *block)
{
	*block = (struct usage_block){.used = BLOCK_HEAD};
}

/* The name of the row before is not said again. */
int usage_block_put(struct usage_block *block, const struct usage_row *row)
{
	bool again = block->used > BLOCK_HEAD && !strcmp(block->tenant, row->key.tenant);
	struct piece piece = {};

	put_name(&piece, again ? "" : row->key.tenant);
	put_byte(&piece, (uint8_t)(row->key.hour % 24));
	put_byte(&piece, row->approximate ? APPROXIMATE : 0);
	put_usage(&piece, &row->usage);
	if (piece.length > USAGE_BLOCK - block->used)
		return -ENOSPC;
	memcpy(block->data + block->used, piece.data, piece.length);
	block->used += piece.length;
	memcpy(block->tenant, row->key.tenant, sizeof(block->tenant));
	return 0;
}

void usage_block_end(struct usage_block *block)
{
	seal(block->data, block_mark, block->used);
}

static bool get_row(struct source *source, uint64_t day, struct usage_row *row)
{
	char tenant[STATE_NAME_MAX];
	uint8_t hour;

	get_name(source, tenant);
	if (tenant[0])
		memcpy(row->key.tenant, tenant, sizeof(tenant));
	hour = get_byte(source);
	row->key.hour = day * 24 + hour;
	row->approximate = get_byte(source) & APPROXIMATE;
	get_usage(source, &row->usage);
	return !source->bad && hour < 24 && row->key.tenant[0];
}

int usage_read_block(const uint8_t block[USAGE_BLOCK], uint64_t day,
		     int (*each)(void *context, const struct usage_row *row), void *context)
{
	struct usage_row row = {};
	struct source source, look;
	int stop = 0;

	if (!unseal(block, block_mark, &source))
		return -EBADMSG;
	for (look = source; look.at < look.end;)
		if (!get_row(&look, day, &row))
			return -EBADMSG;
	row = (struct usage_row){};
	while (!stop && source.at < source.end && get_row(&source, day, &row))
		stop = each(context, &row);
	return stop;
}
