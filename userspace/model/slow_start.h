/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Slow start: a member that came up gets its share in sixteen even steps, so that cold caches and
 * connection pools fill before all of its traffic comes. Pure.
 */
#ifndef MTLB_MODEL_SLOW_START_H
#define MTLB_MODEL_SLOW_START_H

#include <stdint.h>

#define SLOW_START_STEPS 16U

/* How many sixteenths of its weight a member gets, 1 to SLOW_START_STEPS, that came up age ns ago;
 * duration 0: there is no slow start.
 */
static inline uint32_t slow_start_step(uint64_t age, uint64_t duration)
{
	if (age >= duration)
		return SLOW_START_STEPS;
	return 1 + (uint32_t)(age / (duration / SLOW_START_STEPS + 1));
}

#endif
