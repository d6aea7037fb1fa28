// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "flood.h"

void flood_init(struct flood *flood, uint64_t now, bool on)
{
	*flood = (struct flood){.on = on, .looked_at = now};
}

static enum flood_turn look_for_begin(struct flood *flood, uint64_t limit)
{
	if (!limit || flood->rate <= limit) {
		flood->above = 0;
		return FLOOD_SAME;
	}
	if (!flood->above++ || flood->rate > flood->peak)
		flood->peak = flood->rate;
	if (flood->above < FLOOD_LOOKS)
		return FLOOD_SAME;
	flood->on = true;
	flood->quiet_since = 0;
	return FLOOD_BEGINS;
}

static enum flood_turn look_for_end(struct flood *flood, uint64_t before, uint64_t now,
				    uint64_t limit)
{
	if (flood->rate > flood->peak)
		flood->peak = flood->rate;
	if (limit && flood->rate >= limit / 2 + limit % 2) {
		flood->quiet_since = 0;
		return FLOOD_SAME;
	}
	if (!flood->quiet_since)
		flood->quiet_since = before;
	if (now - flood->quiet_since < FLOOD_QUIET_NS)
		return FLOOD_SAME;
	flood->on = false;
	flood->above = 0;
	return FLOOD_ENDS;
}

enum flood_turn flood_look(struct flood *flood, uint64_t now, uint64_t syns, uint64_t limit)
{
	uint64_t before = flood->looked_at, elapsed = now - before;

	if (elapsed < FLOOD_LOOK_NS)
		elapsed = FLOOD_LOOK_NS;
	flood->looked_at = now;
	flood->rate = (uint64_t)((double)syns * 1e9 / (double)elapsed);
	return flood->on ? look_for_end(flood, before, now, limit) : look_for_begin(flood, limit);
}
