// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "balance.h"

#include "eject.h"
#include "maglev_table.h"

#define ENOUGH	       0.7	     /* of the weight of the node's own zone */
#define FAILED_COST_NS 1000000000ULL /* a failure that came quickly is no quick answer */

enum zone {
	ZONE_ANY,
	ZONE_OWN,
	ZONE_OTHER,
};

struct choice {
	struct routing *routing;
	const struct image_pool *pool;
	const struct balance_request *request;
	enum zone zone;
	bool ejected_too, tried_too;
};

static bool was_tried(const struct balance_tried *tried, uint64_t key)
{
	for (unsigned i = 0; i < tried->count; i++)
		if (tried->keys[i] == key)
			return true;
	return false;
}

static bool in_zone(const struct choice *choice, const struct image_member *member)
{
	return choice->zone == ZONE_ANY || member->local == (choice->zone == ZONE_OWN);
}

/* NULL: it is not to be taken. */
static struct upstream_member *candidate(const struct choice *choice, uint32_t index)
{
	const struct image_member *member = &choice->routing->image.members[index];
	struct upstream_member *known;

	if (member->state != IMAGE_ACTIVE || !in_zone(choice, member) ||
	    routing_is_down(choice->routing, index) ||
	    (!choice->tried_too && was_tried(choice->request->tried, member->key)))
		return NULL;
	known = routing_member(choice->routing, index);
	if (!known || (!choice->ejected_too && eject_holds(known, choice->request->now)))
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

/* Below 0: a has fewer requests for its weight than b. */
static int compare_load(const struct choice *choice, uint32_t a, uint32_t b)
{
	const struct image_member *members = choice->routing->image.members;
	uint64_t load_a = (uint64_t)choice->routing->members[a]->requests * members[b].weight;
	uint64_t load_b = (uint64_t)choice->routing->members[b]->requests * members[a].weight;

	return load_a < load_b ? -1 : load_a > load_b;
}

/* Of those that are equal, one that is drawn by weight: so weights hold of a pool that is idle. */
static uint32_t least_request(const struct choice *choice)
{
	const struct image_range *range = &choice->pool->members;
	const struct image_member *members = choice->routing->image.members;
	uint64_t random = choice->request->random, total = 0;
	uint32_t found = IMAGE_NONE;

	for (uint32_t i = range->first; i < range->first + range->count; i++) {
		int order;

		if (!candidate(choice, i))
			continue;
		order = found == IMAGE_NONE ? -1 : compare_load(choice, i, found);
		if (order > 0)
			continue;
		total = order < 0 ? members[i].weight : total + members[i].weight;
		random = random * 6364136223846793005ULL + 1442695040888963407ULL;
		if (order < 0 || (random >> 32) * total >> 32 < members[i].weight)
			found = i;
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

/* How long one more request might take: what it costs, times those that are waited for. */
static double burden(const struct choice *choice, uint32_t index, double mean_weight)
{
	const struct upstream_member *known = choice->routing->members[index];
	double ahead = known->requests * mean_weight / choice->routing->image.members[index].weight;

	/* one that has not answered yet gets one request to do so */
	if (!known->cost.at)
		return known->requests ? HUGE_VAL : 0;
	return ewma_now(&known->cost, choice->request->now) * (ahead + 1);
}

static bool is_slower(const struct choice *choice, uint32_t a, uint32_t b)
{
	const struct image_member *members = choice->routing->image.members;
	double mean = (members[a].weight + members[b].weight) / 2.0;
	double burden_a = burden(choice, a, mean), burden_b = burden(choice, b, mean);

	if (isinf(burden_a) && isinf(burden_b))
		return compare_load(choice, a, b) > 0;
	return burden_a > burden_b;
}

/* Two are drawn by weight; the first is kept unless the second is better. */
static uint32_t one_of_two(const struct choice *choice)
{
	uint32_t a = weighted(choice, (uint32_t)choice->request->random);
	uint32_t b = weighted(choice, (uint32_t)(choice->request->random >> 32));
	bool second;

	if (a == b)
		return a;
	second = choice->pool->scheduler == IMAGE_EWMA ? is_slower(choice, a, b)
						       : compare_load(choice, a, b) > 0;
	return second ? b : a;
}

static bool accepts(void *context, uint32_t index)
{
	return candidate(context, index);
}

static uint32_t pick_one(struct choice *choice)
{
	if (choice->pool->scheduler == IMAGE_MAGLEV || choice->request->by_hash)
		return maglev_table_find(choice->routing, choice->pool, choice->request->hash,
					 accepts, choice);
	switch (choice->pool->scheduler) {
	case IMAGE_LEAST_REQUEST:
		return least_request(choice);
	case IMAGE_RANDOM2:
	case IMAGE_EWMA:
		return one_of_two(choice);
	default:
		return round_robin(choice);
	}
}

/* How much of the weight of the node's own zone can be used; -1: there is no choice of zones. */
static double own_share(struct choice *choice)
{
	const struct image_range *range = &choice->pool->members;
	const struct image_member *members = choice->routing->image.members;
	uint64_t all = 0, usable = 0;
	bool others = false;

	choice->zone = ZONE_OWN;
	for (uint32_t i = range->first; i < range->first + range->count; i++) {
		if (members[i].state != IMAGE_ACTIVE)
			continue;
		others |= !members[i].local;
		all += members[i].local ? members[i].weight : 0;
		usable += members[i].local && candidate(choice, i) ? members[i].weight : 0;
	}
	choice->zone = ZONE_ANY;
	if (!all || !others)
		return -1;
	return (double)usable / (double)all;
}

/* The same draw decides it for the same hash, so that zones do not part what belongs together. */
static void choose_zone(struct choice *choice)
{
	double share = own_share(choice);
	bool by_hash = choice->pool->scheduler == IMAGE_MAGLEV || choice->request->by_hash;
	uint64_t draw = by_hash ? choice->request->hash : choice->request->random;

	if (share < 0)
		return;
	draw = draw * 0x9e3779b97f4a7c15ULL;
	choice->zone =
		(double)(draw >> 11) / 9007199254740992.0 * ENOUGH < share ? ZONE_OWN : ZONE_OTHER;
}

static uint32_t pick(struct choice *choice)
{
	uint32_t found;

	choose_zone(choice);
	found = pick_one(choice);
	if (found == IMAGE_NONE && choice->zone != ZONE_ANY) {
		choice->zone = ZONE_ANY;
		found = pick_one(choice);
	}
	return found;
}

uint32_t balance_pick(struct routing *routing, uint32_t pool, const struct balance_request *request)
{
	struct choice choice = {
		.routing = routing,
		.pool = &routing->image.pools[pool],
		.request = request,
	};
	uint32_t found = pick(&choice);

	if (found == IMAGE_NONE) {
		choice.ejected_too = true;
		found = pick(&choice);
	}
	if (found == IMAGE_NONE && request->tried->count) {
		choice.tried_too = true;
		found = pick(&choice);
	}
	return found;
}

bool balance_may_take(struct routing *routing, uint32_t index,
		      const struct balance_request *request)
{
	struct upstream_member *known = routing_member(routing, index);

	return known && !routing_is_down(routing, index) && !eject_holds(known, request->now) &&
	       !was_tried(request->tried, routing->image.members[index].key);
}

void balance_failed(const struct routing *routing, uint32_t pool, struct upstream_member *member,
		    uint64_t now)
{
	ewma_add(&member->cost, now, FAILED_COST_NS);
	eject_failed(routing, pool, member, now);
}

void balance_succeeded(const struct routing *routing, struct upstream_member *member, uint64_t now,
		       uint64_t took)
{
	ewma_add(&member->cost, now, took);
	eject_succeeded(routing, member, now);
}
