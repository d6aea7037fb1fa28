/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The health of one backend as a state machine over check results: fall failures in a row take it
 * down, rise successes in a row bring it up. The very first result decides alone.
 *
 * Damping: one that goes down again and again is kept down until it has been quiet for a while.
 * Each time it goes down counts one, and what was counted halves in HEALTH_HALF_LIFE_NS; at
 * HEALTH_SUPPRESS it is held, until HEALTH_REUSE (the scheme of RFC 2439). Pure: time is told.
 */
#ifndef MTLB_MODEL_HEALTH_H
#define MTLB_MODEL_HEALTH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HEALTH_HALF_LIFE_NS 30000000000ULL
#define HEALTH_SUPPRESS	    4.0
#define HEALTH_REUSE	    2.0
#define HEALTH_PENALTY_MAX  8.0 /* so that none is held for more than two half-lives */

enum health_state {
	HEALTH_UNKNOWN, /* not checked yet: taken to be up */
	HEALTH_UP,
	HEALTH_DOWN,
};

struct health {
	enum health_state state;
	uint32_t streak; /* results in a row that speak against state */
	double penalty;	 /* as of penalty_ns */
	uint64_t penalty_ns;
	bool held; /* it is down, and stays so whatever results say */
};

struct health_limits {
	uint32_t rise, fall; /* at least 1 */
	bool damped;
};

/* Feeds one result, at a time of CLOCK_MONOTONIC. Returns true when state changed. */
bool health_feed(struct health *health, bool good, const struct health_limits *limits,
		 uint64_t now);
/* How long it is still held, in ns; 0 when it is not. */
uint64_t health_held_ns(const struct health *health, uint64_t now);

/* Is so little of a pool up that its states are better not believed? threshold: percent of the pool
 * that must be up; 0: never.
 */
bool health_panics(size_t total, size_t down, uint32_t threshold);

const char *health_state_name(enum health_state state); /* "unknown", "up", "down" */

#endif
