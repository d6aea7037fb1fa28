// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "maglev_table.h"

#include <stdlib.h>

#include "../model/maglev.h"

#define DRAWS 32 /* other places to look at before all of them are */

struct maglev_table {
	uint32_t size;
	uint32_t slots[]; /* indexes into image->members */
};

static uint32_t size_for(const struct image *image, const struct image_pool *pool)
{
	const struct image_range *range = &pool->members;
	uint32_t *weights = calloc(range->count, sizeof(*weights));
	uint32_t size = 0;

	for (uint32_t i = 0; weights && i < range->count; i++)
		weights[i] = image->members[range->first + i].weight;
	if (weights)
		size = maglev_size(weights, range->count);
	free(weights);
	return size;
}

/* Those that are drained are left out; what becomes of members later is for accepts() to say. */
static size_t list_members(const struct image *image, const struct image_pool *pool,
			   struct maglev_member *members)
{
	const struct image_range *range = &pool->members;
	size_t count = 0;

	for (uint32_t i = range->first; i < range->first + range->count; i++) {
		const struct image_member *member = &image->members[i];
		struct addr address;
		uint16_t port;

		if (member->state != IMAGE_ACTIVE)
			continue;
		upstream_address_of(&member->address.any, &address, &port);
		maglev_identify(&members[count], &address, port);
		members[count].weight = member->weight;
		members[count++].owner = i;
	}
	return count;
}

static struct maglev_table *make(const struct image *image, const struct image_pool *pool)
{
	uint32_t size = pool->members.count ? size_for(image, pool) : 0;
	struct maglev_member *members = calloc(pool->members.count + 1, sizeof(*members));
	struct maglev_table *table = malloc(sizeof(*table) + size * sizeof(*table->slots));
	size_t count = members && size ? list_members(image, pool, members) : 0;

	if (table)
		table->size = size;
	if (!table || !count || maglev_fill(members, count, size, table->slots)) {
		free(table);
		table = NULL;
	}
	free(members);
	return table;
}

static uint64_t mix(uint64_t hash)
{
	hash = (hash ^ hash >> 30) * 0xbf58476d1ce4e5b9ULL;
	hash = (hash ^ hash >> 27) * 0x94d049bb133111ebULL;
	return hash ^ hash >> 31;
}

static uint32_t first_of_all(const struct image_range *range, uint64_t hash,
			     bool (*accepts)(void *context, uint32_t index), void *context)
{
	for (uint32_t i = 0; i < range->count; i++) {
		uint32_t index = range->first + (uint32_t)((hash + i) % range->count);

		if (accepts(context, index))
			return index;
	}
	return IMAGE_NONE;
}

uint32_t maglev_table_find(struct routing *routing, const struct image_pool *pool, uint64_t hash,
			   bool (*accepts)(void *context, uint32_t index), void *context)
{
	struct maglev_table **table = &routing->tables[pool - routing->image.pools];

	if (!*table)
		*table = make(&routing->image, pool);
	for (unsigned i = 0; *table && i < DRAWS; i++) {
		uint32_t index = (*table)->slots[(hash >> 32) * (*table)->size >> 32];

		if (accepts(context, index))
			return index;
		hash = mix(hash + 0x9e3779b97f4a7c15ULL);
	}
	return first_of_all(&pool->members, hash, accepts, context);
}

void maglev_table_free(struct maglev_table *table)
{
	free(table);
}
