/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Hands out ranges of numbers below a limit: indices, slots, buckets. What is given back rests
 * until ranges_settle(), so that nobody gets what a packet may still be using.
 */
#ifndef MTLB_BASE_RANGES_H
#define MTLB_BASE_RANGES_H

#include <stdbool.h>
#include <stdint.h>

struct ranges {
	uint64_t *used, *resting; /* one bit each; a resting one is not used */
	uint32_t limit, in_use, at_rest, hint;
};

/* 0 or -ENOMEM. Number 0 is taken from the start: it means "none" everywhere. */
int ranges_init(struct ranges *ranges, uint32_t limit);
void ranges_fini(struct ranges *ranges);

/* The first number of count adjacent free ones, now taken; 0 when there are none. */
uint32_t ranges_take(struct ranges *ranges, uint32_t count);
/* Marks what is found in use; taking a number twice is allowed (two records may name one range). */
void ranges_mark(struct ranges *ranges, uint32_t first, uint32_t count);
void ranges_give_back(struct ranges *ranges, uint32_t first, uint32_t count);
/* After a grace period: what rested is free. */
void ranges_settle(struct ranges *ranges);

bool ranges_has(const struct ranges *ranges, uint32_t i); /* taken? */
uint32_t ranges_free(const struct ranges *ranges);	  /* free now, without what rests */

#endif
