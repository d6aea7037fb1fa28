/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Chance that can be repeated: the same seed, the same throws. SplitMix64 (Steele, Lea, Flood,
 * "Fast splittable pseudorandom number generators", OOPSLA 2014).
 */
#ifndef MTLB_HOST_DICE_H
#define MTLB_HOST_DICE_H

#include <stdbool.h>
#include <stdint.h>

struct dice {
	uint64_t state;
};

/* A number from 0 to below - 1. */
static inline uint32_t dice_throw(struct dice *dice, uint32_t below)
{
	uint64_t z = dice->state += 0x9e3779b97f4a7c15ULL;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return (uint32_t)(((z ^ (z >> 31)) >> 32) * below >> 32);
}

/* True in percent of a hundred throws. */
static inline bool dice_chance(struct dice *dice, uint32_t percent)
{
	return dice_throw(dice, 100) < percent;
}

#endif
