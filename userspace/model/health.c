// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Rise, fall and damping. It owns the rule by which results of checks become a state, and nothing
 * else: no clock, no sockets, no memory beyond struct health.
 */
#include "health.h"

#include <math.h>

static double penalty_at(const struct health *health, uint64_t now)
{
	double age = now > health->penalty_ns ? (double)(now - health->penalty_ns) : 0;

	return health->penalty * exp2(-age / (double)HEALTH_HALF_LIFE_NS);
}

static bool turn(struct health *health, enum health_state state)
{
	health->state = state;
	health->streak = 0;
	return true;
}

static void punish(struct health *health, uint64_t now)
{
	health->penalty = fmin(penalty_at(health, now) + 1, HEALTH_PENALTY_MAX);
	health->penalty_ns = now;
	health->held |= health->penalty >= HEALTH_SUPPRESS;
}

static bool is_held(struct health *health, bool damped, uint64_t now)
{
	if (!damped || penalty_at(health, now) < HEALTH_REUSE)
		health->held = false;
	return health->held;
}

bool health_feed(struct health *health, bool good, const struct health_limits *limits, uint64_t now)
{
	enum health_state told = good ? HEALTH_UP : HEALTH_DOWN;

	if (health->state == HEALTH_UNKNOWN)
		return turn(health, told);
	if (health->state == told) {
		health->streak = 0;
		return false;
	}
	if (health->streak < UINT32_MAX)
		health->streak++;
	/* Not ==: a new configuration may have lowered the limit below the streak. */
	if (health->streak < (good ? limits->rise : limits->fall))
		return false;
	if (!good)
		punish(health, now);
	else if (is_held(health, limits->damped, now))
		return false;
	return turn(health, told);
}

uint64_t health_held_ns(const struct health *health, uint64_t now)
{
	double penalty = penalty_at(health, now);

	if (!health->held || penalty <= HEALTH_REUSE)
		return 0;
	return (uint64_t)(log2(penalty / HEALTH_REUSE) * (double)HEALTH_HALF_LIFE_NS);
}

bool health_panics(size_t total, size_t down, uint32_t threshold)
{
	return threshold && down && (total - down) * 100 < total * threshold;
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
