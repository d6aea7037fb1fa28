// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Walks what is pinned: some thousand elements at a time, so that memory stays as it is. */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "pinned.h"

#define WINDOW_BYTES ((size_t)256 << 10)
/* More than any bucket of a hash has, or the kernel refuses. */
#define KEYS_AT_A_TIME 1024

int pinned_read(const struct pinned_map *map, uint32_t first, uint32_t count, void *ret_values)
{
	uint32_t keys[KEYS_AT_A_TIME], next;
	char *values = ret_values;

	if ((uint64_t)first + count > map->info.max_entries)
		return -ERANGE;
	while (count) {
		uint32_t got = count < KEYS_AT_A_TIME ? count : KEYS_AT_A_TIME, before = first - 1;
		int error = bpf_map_lookup_batch(map->fd, first ? &before : NULL, &next, keys,
						 values, &got, NULL);

		if (error && (error != -ENOENT || !got)) /* which is the end */
			return error;
		values += (size_t)got * map->info.value_size;
		first += got;
		count -= got < count ? got : count;
	}
	return 0;
}

static bool is_empty(const void *bytes, size_t size)
{
	const char *byte = bytes;

	return !size || (!byte[0] && !memcmp(byte, byte + 1, size - 1));
}

struct walk {
	bool (*each)(void *context, const void *key, const void *values);
	void *context;
	bool empty_too;
};

static int each_in_array(const struct pinned_map *map, const struct walk *walk)
{
	uint32_t size = map->info.value_size, rest = map->info.max_entries, key = 0;
	uint32_t step = size < WINDOW_BYTES ? (uint32_t)(WINDOW_BYTES / size) : 1;
	char *values = malloc((size_t)step * size);
	int error = values ? 0 : -ENOMEM;
	bool more = true;

	while (!error && more && rest) {
		uint32_t count = rest < step ? rest : step;

		error = pinned_read(map, key, count, values);
		for (uint32_t i = 0; !error && more && i < count; i++, key++)
			if (walk->empty_too || !is_empty(values + (size_t)i * size, size))
				more = walk->each(walk->context, &key, values + (size_t)i * size);
		rest -= count;
	}
	free(values);
	return error;
}

/* One system call for each: it has a value for each CPU. */
static int each_by_index(const struct pinned_map *map, const struct walk *walk)
{
	size_t size = pinned_value_size(map) * map->cpus;
	void *values = malloc(size);
	int error = values ? 0 : -ENOMEM;

	for (uint32_t key = 0; !error && key < map->info.max_entries; key++) {
		error = pinned_lookup(map, &key, values);
		if (!error && (walk->empty_too || !is_empty(values, size)) &&
		    !walk->each(walk->context, &key, values))
			break;
	}
	free(values);
	return error;
}

/* A key that goes away while it is read is passed over; its successor is asked for by it. */
static int each_by_key(const struct pinned_map *map, const struct walk *walk)
{
	size_t size = pinned_value_size(map) * map->cpus;
	char *key = malloc(map->info.key_size), *next = malloc(map->info.key_size);
	char *values = malloc(size), *swap;
	uint64_t left = 2 * (uint64_t)map->info.max_entries; /* under churn it may begin anew */
	bool more = key && next && values && !bpf_map_get_next_key(map->fd, NULL, next);
	int error = key && next && values ? 0 : -ENOMEM;

	while (more && left--) {
		swap = key;
		key = next;
		next = swap;
		if (!pinned_lookup(map, key, values) && !walk->each(walk->context, key, values))
			break;
		more = !bpf_map_get_next_key(map->fd, key, next);
	}
	free(key);
	free(next);
	free(values);
	return error;
}

/* Many at a time. -ENOTSUP and nothing was called: the kernel does not do that with this map. */
static int each_in_batches(const struct pinned_map *map, const struct walk *walk)
{
	size_t key_size = map->info.key_size, size = pinned_value_size(map) * map->cpus;
	char *keys = malloc(KEYS_AT_A_TIME * key_size), *values = malloc(KEYS_AT_A_TIME * size);
	void *place = malloc(key_size > 8 ? key_size : 8), *from = NULL;
	int error = keys && values && place ? 0 : -ENOMEM;
	bool more = true;

	while (!error && more) {
		uint32_t count = KEYS_AT_A_TIME;

		error = bpf_map_lookup_batch(map->fd, from, place, keys, values, &count, NULL);
		if (error && error != -ENOENT) { /* which is the end */
			error = from ? error : -ENOTSUP;
			break;
		}
		for (uint32_t i = 0; more && i < count; i++)
			more = walk->each(walk->context, keys + i * key_size, values + i * size);
		from = place;
	}
	free(keys);
	free(values);
	free(place);
	return error == -ENOENT ? 0 : error;
}

int pinned_each(const struct pinned_map *map, bool empty_too,
		bool (*each)(void *context, const void *key, const void *values), void *context)
{
	struct walk walk = {each, context, empty_too};
	int error;

	if (pinned_is_array(map))
		return map->cpus == 1 ? each_in_array(map, &walk) : each_by_index(map, &walk);
	if (!pinned_is_hash(map))
		return -ENOTSUP;
	error = each_in_batches(map, &walk);
	return error == -ENOTSUP ? each_by_key(map, &walk) : error;
}

static bool count_one(void *context, const void *key, const void *values)
{
	(void)key;
	(void)values;
	++*(int64_t *)context;
	return true;
}

int64_t pinned_used(const struct pinned_map *map)
{
	int64_t count = 0;

	return pinned_each(map, false, count_one, &count) ? -1 : count;
}
