// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "maglev.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FREE   UINT32_MAX
#define SPARSE 32 /* looking at so many members costs what a heap does for one turn */

static const uint32_t sizes[] = {509, 2039, 8191, 32749, 131071, 524287, 2097143};

static uint64_t mix(uint64_t x)
{
	/* the finaliser of SplitMix64 (Steele, Lea, Flood, OOPSLA 2014) */
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
	return x ^ (x >> 31);
}

void maglev_identify(struct maglev_member *member, const struct addr *address, uint16_t port)
{
	uint64_t half[2], h;

	memcpy(half, address->byte, sizeof(half));
	h = mix(half[0] + 0x9e3779b97f4a7c15ULL);
	h = mix((h ^ half[1]) + 0x9e3779b97f4a7c15ULL);
	h = mix((h ^ port) + 0x9e3779b97f4a7c15ULL);
	member->offset = h;
	member->skip = mix(h + 0x9e3779b97f4a7c15ULL);
}

static int by_identity(const void *a, const void *b)
{
	const struct maglev_member *x = a, *y = b;

	if (x->offset != y->offset)
		return x->offset < y->offset ? -1 : 1;
	return x->skip < y->skip ? -1 : x->skip > y->skip;
}

/* A member takes a turn whenever its weights so far add up to another greatest weight. */
struct walk {
	uint32_t at, skip;
	uint32_t credit;
};

static void take_slot(struct walk *w, uint32_t owner, uint32_t count, uint32_t *slots)
{
	while (slots[w->at] != FREE) {
		w->at += w->skip;
		if (w->at >= count)
			w->at -= count;
	}
	slots[w->at] = owner;
}

/* Round after round: for weights that let most members take most turns. */
static void fill_rounds(const struct maglev_member *members, struct walk *walks,
			size_t member_count, uint32_t greatest, uint32_t count, uint32_t *slots)
{
	for (uint32_t filled = 0; filled < count;) {
		for (size_t i = 0; i < member_count && filled < count; i++) {
			struct walk *w = &walks[i];

			w->credit += members[i].weight;
			if (w->credit < greatest)
				continue;
			w->credit -= greatest;
			take_slot(w, members[i].owner, count, slots);
			filled++;
		}
	}
}

/* The next turn of member i is in this many rounds, after which its credit is what is left. */
static uint32_t rounds_to_turn(const struct maglev_member *member, struct walk *w,
			       uint32_t greatest)
{
	uint32_t rounds = (greatest - w->credit + member->weight - 1) / member->weight;

	w->credit += rounds * member->weight - greatest;
	return rounds;
}

/* turns is a heap: the least is at 0. What is at i may be too great for its place. */
static void sift_down(uint64_t *turns, size_t count, size_t i)
{
	uint64_t moving = turns[i];

	for (size_t child = 2 * i + 1; child < count; child = 2 * i + 1) {
		child += child + 1 < count && turns[child + 1] < turns[child];
		if (moving <= turns[child])
			break;
		turns[i] = turns[child];
		i = child;
	}
	turns[i] = moving;
}

/*
 * The same table from turn to turn, for weights that let most members sit most rounds out. A turn
 * is its round, then the member's number, which is the order in which fill_rounds() meets them.
 */
static int fill_turns(const struct maglev_member *members, struct walk *walks, size_t member_count,
		      uint32_t greatest, uint32_t count, uint32_t *slots)
{
	uint64_t *turns = calloc(member_count, sizeof(*turns));

	if (!turns)
		return -ENOMEM;
	for (size_t i = 0; i < member_count; i++)
		turns[i] = (uint64_t)rounds_to_turn(&members[i], &walks[i], greatest) << 24 | i;
	for (size_t i = member_count / 2; i-- > 0;)
		sift_down(turns, member_count, i);
	for (uint32_t filled = 0; filled < count; filled++) {
		size_t i = turns[0] & 0xffffff;

		take_slot(&walks[i], members[i].owner, count, slots);
		turns[0] += (uint64_t)rounds_to_turn(&members[i], &walks[i], greatest) << 24;
		sift_down(turns, member_count, 0);
	}
	free(turns);
	return 0;
}

int maglev_fill(struct maglev_member *members, size_t member_count, uint32_t count,
		uint32_t *ret_slots)
{
	uint32_t greatest = 0;
	struct walk *walks;
	uint64_t sum = 0;
	int error = 0;

	if (!member_count || member_count > count || count < 3 || count > 1U << 24)
		return -EINVAL;
	for (size_t i = 0; i < member_count; i++) {
		if (!members[i].weight || members[i].weight > MAGLEV_WEIGHT_MAX)
			return -EINVAL;
		sum += members[i].weight;
		if (members[i].weight > greatest)
			greatest = members[i].weight;
	}
	walks = calloc(member_count, sizeof(*walks));
	if (!walks)
		return -ENOMEM;
	qsort(members, member_count, sizeof(*members), by_identity);
	for (size_t i = 0; i < member_count; i++) {
		walks[i].at = (uint32_t)(members[i].offset % count);
		walks[i].skip = (uint32_t)(members[i].skip % (count - 1)) + 1;
	}
	memset(ret_slots, 0xff, count * sizeof(*ret_slots));
	/* The turns of a round are sum / greatest of member_count. */
	if (sum * SPARSE >= (uint64_t)greatest * member_count)
		fill_rounds(members, walks, member_count, greatest, count, ret_slots);
	else
		error = fill_turns(members, walks, member_count, greatest, count, ret_slots);
	free(walks);
	return error;
}

uint32_t maglev_size(const uint32_t *weights, size_t member_count)
{
	uint64_t sum = 0, wanted;
	uint32_t least = UINT32_MAX;

	for (size_t i = 0; i < member_count; i++) {
		sum += weights[i];
		if (weights[i] < least)
			least = weights[i];
	}
	wanted = 100 * (uint64_t)member_count;
	if (member_count && least && 10 * sum / least > wanted)
		wanted = 10 * sum / least;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		if (sizes[i] >= wanted)
			return sizes[i];
	return sizes[6] >= 10 * (uint64_t)member_count ? sizes[6] : 0;
}
