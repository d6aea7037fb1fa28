// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "balance.h"

#define EJECT_NS 10000000000ULL

struct choice {
	struct routing *routing;
	const struct image_pool *pool;
	const struct balance_tried *tried;
	uint64_t now;
	bool ejected_too, tried_too;
};

static bool was_tried(const struct balance_tried *tried, uint64_t key)
{
	for (unsigned i = 0; i < tried->count; i++)
		if (tried->keys[i] == key)
			return true;
	return false;
}

/* NULL: it is not to be taken. */
static struct upstream_member *candidate(const struct choice *choice, uint32_t index)
{
	const struct image_member *member = &choice->routing->image.members[index];
	struct upstream_member *known;

	if (member->state != IMAGE_ACTIVE || routing_is_down(choice->routing, index) ||
	    (!choice->tried_too && was_tried(choice->tried, member->key)))
		return NULL;
	known = routing_member(choice->routing, index);
	if (!known || (!choice->ejected_too && known->ejected_until > choice->now))
		return NULL;
	return known;
}

/* Each gains its weight; who has most is taken and pays for all: even, and never in bursts. */
static uint32_t round_robin(const struct choice *choice)
{
	const struct image_range *range = &choice->pool->members;
	struct upstream_member *best = NULL;
	uint32_t found = IMAGE_NONE;
	int64_t total = 0;

	for (uint32_t i = range->first; i < range->first + range->count; i++) {
		struct upstream_member *known = candidate(choice, i);

		if (!known)
			continue;
		known->credit += choice->routing->image.members[i].weight;
		total += choice->routing->image.members[i].weight;
		if (!best || known->credit > best->credit) {
			best = known;
			found = i;
		}
	}
	if (best)
		best->credit -= total;
	return found;
}

static bool less_loaded(const struct choice *choice, uint32_t a, uint32_t b)
{
	const struct image_member *members = choice->routing->image.members;
	uint64_t load_a = choice->routing->members[a]->requests + 1;
	uint64_t load_b = choice->routing->members[b]->requests + 1;

	return load_a * members[b].weight < load_b * members[a].weight;
}

/* From a random one on, so that the first of many that are idle is not always the same. */
static uint32_t least_request(const struct choice *choice, uint64_t random)
{
	const struct image_range *range = &choice->pool->members;
	uint32_t found = IMAGE_NONE;

	for (uint32_t i = 0; i < range->count; i++) {
		uint32_t index = range->first + (uint32_t)((random + i) % range->count);

		if (candidate(choice, index) &&
		    (found == IMAGE_NONE || less_loaded(choice, index, found)))
			found = index;
	}
	return found;
}

static uint32_t weighted(const struct choice *choice, uint32_t random)
{
	const struct image_range *range = &choice->pool->members;
	const struct image_member *members = choice->routing->image.members;
	uint64_t total = 0, place;

	for (uint32_t i = range->first; i < range->first + range->count; i++)
		if (candidate(choice, i))
			total += members[i].weight;
	place = random * total >> 32;
	for (uint32_t i = range->first; i < range->first + range->count; i++) {
		if (!candidate(choice, i))
			continue;
		if (place < members[i].weight)
			return i;
		place -= members[i].weight;
	}
	return IMAGE_NONE;
}

static uint32_t random2(const struct choice *choice, uint64_t random)
{
	uint32_t a = weighted(choice, (uint32_t)random);
	uint32_t b = weighted(choice, (uint32_t)(random >> 32));

	return a != b && less_loaded(choice, b, a) ? b : a;
}

static uint32_t pick(const struct choice *choice, uint64_t random)
{
	switch (choice->pool->scheduler) {
	case IMAGE_ROUND_ROBIN:
		return round_robin(choice);
	case IMAGE_RANDOM2:
		return random2(choice, random);
	default:
		return least_request(choice, random);
	}
}

uint32_t balance_pick(struct routing *routing, uint32_t pool, uint64_t now, uint64_t random,
		      const struct balance_tried *tried)
{
	struct choice choice = {
		.routing = routing,
		.pool = &routing->image.pools[pool],
		.tried = tried,
		.now = now,
	};
	uint32_t found = pick(&choice, random);

	if (found == IMAGE_NONE) {
		choice.ejected_too = true;
		found = pick(&choice, random);
	}
	if (found == IMAGE_NONE && tried->count) {
		choice.tried_too = true;
		found = pick(&choice, random);
	}
	return found;
}

void balance_failed(const struct routing *routing, uint32_t pool, struct upstream_member *member,
		    uint64_t now)
{
	unsigned most = routing->image.pools[pool].eject_after;
	const struct upstreams *upstreams = routing->upstreams;
	bool ejected = member->ejected_until > now;

	member->failures++;
	if (!most || member->failures < most)
		return;
	member->ejected_until = now + EJECT_NS;
	if (ejected)
		return;
	tally_one(&member->tally->ejections);
	if (upstreams->ejected)
		upstreams->ejected(upstreams->ejected_context, member);
}

void balance_succeeded(struct upstream_member *member)
{
	member->failures = 0;
	member->ejected_until = 0;
}
