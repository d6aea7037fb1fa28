// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "maglev.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FREE UINT32_MAX

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

struct walk {
	uint32_t at, skip;
	uint32_t credit;
};

/* A member takes a turn whenever its weights so far add up to another greatest weight. */
static void fill(const struct maglev_member *members, struct walk *walks, size_t member_count,
		 uint32_t greatest, uint32_t count, uint32_t *slots)
{
	for (uint32_t filled = 0; filled < count;) {
		for (size_t i = 0; i < member_count && filled < count; i++) {
			struct walk *w = &walks[i];

			w->credit += members[i].weight;
			if (w->credit < greatest)
				continue;
			w->credit -= greatest;
			while (slots[w->at] != FREE) {
				w->at += w->skip;
				if (w->at >= count)
					w->at -= count;
			}
			slots[w->at] = members[i].owner;
			filled++;
		}
	}
}

int maglev_fill(struct maglev_member *members, size_t member_count, uint32_t count,
		uint32_t *ret_slots)
{
	uint32_t greatest = 0;
	struct walk *walks;

	if (!member_count || member_count > count || count < 3)
		return -EINVAL;
	for (size_t i = 0; i < member_count; i++) {
		if (!members[i].weight || members[i].weight > MAGLEV_WEIGHT_MAX)
			return -EINVAL;
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
	fill(members, walks, member_count, greatest, count, ret_slots);
	free(walks);
	return 0;
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
