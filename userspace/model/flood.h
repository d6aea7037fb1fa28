/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * When is a tenant flooded with SYNs? When more than a given rate of them come, at two looks in a
 * row; it is over when fewer than half of that came at every look for a while. So a rate near the
 * limit changes nothing to and fro. Pure: time is told.
 */
#ifndef MTLB_MODEL_FLOOD_H
#define MTLB_MODEL_FLOOD_H

#include <stdbool.h>
#include <stdint.h>

#define FLOOD_LOOKS    2
#define FLOOD_LOOK_NS  250000000ULL /* between looks; rates are not taken of less */
#define FLOOD_QUIET_NS 30000000000ULL

enum flood_turn {
	FLOOD_SAME,
	FLOOD_BEGINS,
	FLOOD_ENDS,
};

struct flood {
	bool on;
	uint32_t above;	      /* looks in a row over the limit */
	uint64_t looked_at;   /* ns */
	uint64_t quiet_since; /* 0: the last look was not below half of it */
	uint64_t rate, peak;  /* SYNs a second: at the last look, and at most while it is on */
};

/* on: what was found, of one who looked before. */
void flood_init(struct flood *flood, uint64_t now, bool on);
/* syns: since the last look. limit: SYNs a second; 0: none is too many. */
enum flood_turn flood_look(struct flood *flood, uint64_t now, uint64_t syns, uint64_t limit);

#endif
