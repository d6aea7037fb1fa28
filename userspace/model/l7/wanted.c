// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "wanted.h"

#include <stdlib.h>
#include <string.h>

#define CHUNK_MIN 1024 /* most tenants have little; each next one is twice as large */
#define CHUNK_MAX 65536

struct wanted_chunk {
	struct wanted_chunk *next;
	size_t used, room;
	_Alignas(16) char bytes[];
};

struct wanted *wanted_new(void)
{
	return calloc(1, sizeof(struct wanted));
}

void wanted_free(struct wanted *wanted)
{
	struct wanted_chunk *chunk, *next;

	for (size_t i = 0; wanted && i < wanted->pool_count; i++)
		free(wanted->pools[i].health.question);
	for (chunk = wanted ? wanted->chunks : NULL; chunk; chunk = next) {
		next = chunk->next;
		free(chunk);
	}
	free(wanted);
}

static struct wanted_chunk *add_chunk(struct wanted *wanted, size_t size)
{
	size_t room = wanted->chunks ? wanted->chunks->room * 2 : CHUNK_MIN;
	struct wanted_chunk *chunk;

	if (room > CHUNK_MAX)
		room = CHUNK_MAX;
	while (room < size)
		room *= 2;
	chunk = calloc(1, sizeof(*chunk) + room);
	if (!chunk)
		return NULL;
	chunk->room = room;
	chunk->next = wanted->chunks;
	wanted->chunks = chunk;
	return chunk;
}

static void *take(struct wanted *wanted, size_t size)
{
	struct wanted_chunk *chunk = wanted->chunks;

	size = (size + 15) & ~(size_t)15;
	if (!chunk || chunk->room - chunk->used < size)
		chunk = add_chunk(wanted, size);
	if (!chunk)
		return NULL;
	chunk->used += size;
	return chunk->bytes + chunk->used - size;
}

void *wanted_take(struct wanted *wanted, size_t count, size_t size)
{
	return take(wanted, (count + !count) * size);
}

const char *wanted_text(struct wanted *wanted, const char *text)
{
	size_t length = strlen(text);
	char *copy = take(wanted, length + 1);

	if (copy)
		memcpy(copy, text, length);
	return copy;
}
