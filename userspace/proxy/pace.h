/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* So many of something in a second, and as many at once (GCRA). Pure. */
#ifndef MTLB_PROXY_PACE_H
#define MTLB_PROXY_PACE_H

#include <stdbool.h>
#include <stdint.h>

#define PACE_SECOND 1000000000ULL

/* *due: zero at first, and then its own. rate 0: any number. */
static inline bool pace_admit(uint64_t *due, uint32_t rate, uint64_t now)
{
	uint64_t interval, next;

	if (!rate)
		return true;
	interval = PACE_SECOND / rate;
	next = (*due > now ? *due : now) + interval;
	if (next > now + PACE_SECOND)
		return false;
	*due = next;
	return true;
}

#endif
