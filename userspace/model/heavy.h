/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Who sends most, in little memory: Space-Saving (Metwally, Agrawal and El Abbadi, "Efficient
 * computation of frequent and top-k elements in data streams", ICDT 2005). Of what was added:
 *
 * - a count is never less than a key's true weight, and at most its error more;
 * - an error is at most total / HEAVY_ROOM;
 * - a key with more than total / HEAVY_ROOM is surely there.
 */
#ifndef MTLB_MODEL_HEAVY_H
#define MTLB_MODEL_HEAVY_H

#include <stddef.h>
#include <stdint.h>

#define HEAVY_ROOM 64
#define HEAVY_KEY  20 /* bytes */

struct heavy_item {
	uint8_t key[HEAVY_KEY];
	uint64_t count, error; /* its weight is between count - error and count */
};

struct heavy {
	struct heavy_item item[HEAVY_ROOM];
	size_t used;
	uint64_t total;
};

/* {} is an empty one. */
void heavy_add(struct heavy *heavy, const uint8_t key[HEAVY_KEY], uint64_t weight);

/* The heaviest by what is sure of their weight, at most max of them; returns how many. */
size_t heavy_top(const struct heavy *heavy, struct heavy_item *ret, size_t max);

#endif
