// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "heavy.h"

#include <string.h>

static struct heavy_item *find(struct heavy *heavy, const uint8_t key[HEAVY_KEY])
{
	for (size_t i = 0; i < heavy->used; i++)
		if (!memcmp(heavy->item[i].key, key, HEAVY_KEY))
			return &heavy->item[i];
	return NULL;
}

static struct heavy_item *least(struct heavy *heavy)
{
	struct heavy_item *found = &heavy->item[0];

	for (size_t i = 1; i < heavy->used; i++)
		if (heavy->item[i].count < found->count)
			found = &heavy->item[i];
	return found;
}

/* A key that finds no room takes over the place and the count of the least: what it cannot have
 * been is its error.
 */
void heavy_add(struct heavy *heavy, const uint8_t key[HEAVY_KEY], uint64_t weight)
{
	struct heavy_item *item = find(heavy, key);

	heavy->total += weight;
	if (!item && heavy->used < HEAVY_ROOM) {
		item = &heavy->item[heavy->used++];
		*item = (struct heavy_item){};
		memcpy(item->key, key, HEAVY_KEY);
	} else if (!item) {
		item = least(heavy);
		item->error = item->count;
		memcpy(item->key, key, HEAVY_KEY);
	}
	item->count += weight;
}

static uint64_t sure(const struct heavy_item *item)
{
	return item->count - item->error;
}

size_t heavy_top(const struct heavy *heavy, struct heavy_item *ret, size_t max)
{
	size_t count = 0;

	for (size_t i = 0; i < heavy->used; i++) {
		size_t at = count;

		while (at && sure(&ret[at - 1]) < sure(&heavy->item[i]))
			at--;
		if (at == max)
			continue;
		if (count < max)
			count++;
		memmove(&ret[at + 1], &ret[at], (count - at - 1) * sizeof(*ret));
		ret[at] = heavy->item[i];
	}
	return count;
}
