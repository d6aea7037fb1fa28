// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Rise and fall. It owns the rule by which results of checks become a state, and nothing else: no
 * clock, no sockets, no memory beyond struct health.
 */
#include "health.h"

static bool turn(struct health *health, enum health_state state)
{
	health->state = state;
	health->streak = 0;
	return true;
}

bool health_feed(struct health *health, bool good, uint32_t rise, uint32_t fall)
{
	enum health_state told = good ? HEALTH_UP : HEALTH_DOWN;

	if (health->state == HEALTH_UNKNOWN)
		return turn(health, told);
	if (health->state == told) {
		health->streak = 0;
		return false;
	}
	health->streak++;
	/* Not ==: a new configuration may have lowered the limit below the streak. */
	if (health->streak >= (good ? rise : fall))
		return turn(health, told);
	return false;
}

const char *health_state_name(enum health_state state)
{
	switch (state) {
	case HEALTH_UP:
		return "up";
	case HEALTH_DOWN:
		return "down";
	case HEALTH_UNKNOWN:
		break;
	}
	return "unknown";
}
