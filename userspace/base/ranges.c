// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "ranges.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static bool bit(const uint64_t *bits, uint32_t i)
{
	return bits[i / 64] >> (i % 64) & 1;
}

static void set_bit(uint64_t *bits, uint32_t i, bool on)
{
	if (on)
		bits[i / 64] |= 1ULL << (i % 64);
	else
		bits[i / 64] &= ~(1ULL << (i % 64));
}

static size_t words(const struct ranges *ranges)
{
	return ((size_t)ranges->limit + 63) / 64;
}

int ranges_init(struct ranges *ranges, uint32_t limit)
{
	*ranges = (struct ranges){.limit = limit};
	ranges->used = calloc(words(ranges) + 1, sizeof(uint64_t));
	ranges->resting = calloc(words(ranges) + 1, sizeof(uint64_t));
	if (!ranges->used || !ranges->resting) {
		ranges_fini(ranges);
		return -ENOMEM;
	}
	ranges_mark(ranges, 0, 1);
	ranges->hint = 1;
	return 0;
}

void ranges_fini(struct ranges *ranges)
{
	free(ranges->used);
	free(ranges->resting);
	*ranges = (struct ranges){};
}

/* The first free run of count at or after from and ending before to; 0 when there is none. */
static uint32_t find(const struct ranges *ranges, uint32_t from, uint32_t to, uint32_t count)
{
	uint32_t run = 0;

	for (uint32_t i = from; i < to; i++) {
		if (i % 64 == 0 && !run) {
			/* skip whole words that have nothing free */
			while (i + 64 <= to && !~(ranges->used[i / 64] | ranges->resting[i / 64]))
				i += 64;
			if (i >= to)
				break;
		}
		run = bit(ranges->used, i) || bit(ranges->resting, i) ? 0 : run + 1;
		if (run == count)
			return i + 1 - count;
	}
	return 0;
}

uint32_t ranges_take(struct ranges *ranges, uint32_t count)
{
	uint32_t first;

	if (!count || count > ranges->limit)
		return 0;
	first = find(ranges, ranges->hint, ranges->limit, count);
	if (!first)
		first = find(ranges, 1, ranges->limit, count);
	if (!first)
		return 0;
	ranges_mark(ranges, first, count);
	ranges->hint = first + count < ranges->limit ? first + count : 1;
	return first;
}

void ranges_mark(struct ranges *ranges, uint32_t first, uint32_t count)
{
	for (uint32_t i = first; i < first + count && i < ranges->limit; i++) {
		if (bit(ranges->used, i))
			continue;
		if (bit(ranges->resting, i)) {
			set_bit(ranges->resting, i, false);
			ranges->at_rest--;
		}
		set_bit(ranges->used, i, true);
		ranges->in_use++;
	}
}

void ranges_give_back(struct ranges *ranges, uint32_t first, uint32_t count)
{
	for (uint32_t i = first; i < first + count && i < ranges->limit; i++) {
		if (!i || !bit(ranges->used, i))
			continue;
		set_bit(ranges->used, i, false);
		set_bit(ranges->resting, i, true);
		ranges->in_use--;
		ranges->at_rest++;
	}
}

void ranges_settle(struct ranges *ranges)
{
	memset(ranges->resting, 0, words(ranges) * sizeof(uint64_t));
	ranges->at_rest = 0;
}

uint32_t ranges_free(const struct ranges *ranges)
{
	return ranges->limit - ranges->in_use - ranges->at_rest;
}

bool ranges_has(const struct ranges *ranges, uint32_t i)
{
	return bit(ranges->used, i);
}
