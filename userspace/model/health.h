/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The health of one backend as a state machine over check results: fall failures in a row take it
 * down, rise successes in a row bring it up. The very first result decides alone. Pure.
 */
#ifndef MTLB_MODEL_HEALTH_H
#define MTLB_MODEL_HEALTH_H

#include <stdbool.h>
#include <stdint.h>

enum health_state {
	HEALTH_UNKNOWN, /* not checked yet: taken to be up */
	HEALTH_UP,
	HEALTH_DOWN,
};

struct health {
	enum health_state state;
	uint32_t streak; /* results in a row that speak against state */
};

/* Feeds one result. rise and fall are at least 1. Returns true when state changed. */
bool health_feed(struct health *health, bool good, uint32_t rise, uint32_t fall);

const char *health_state_name(enum health_state state); /* "unknown", "up", "down" */

#endif
