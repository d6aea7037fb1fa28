// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "buffer.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define PREPARED 4096 /* bytes: most heads fit */

void buffers_init(struct buffers *buffers, size_t keep)
{
	*buffers = (struct buffers){.keep = keep};
}

static bool is_in_memory(const struct buffers *buffers, const struct buffer *buffer)
{
	return buffer_number(buffers, buffer) != BUFFER_NONE;
}

void buffers_fini(struct buffers *buffers)
{
	while (buffers->free) {
		struct buffer *buffer = buffers->free;

		buffers->free = buffer->next;
		if (!is_in_memory(buffers, buffer))
			free(buffer);
	}
	buffers->free_count = 0;
}

void buffers_prepare(struct buffers *buffers, char *memory, uint32_t count)
{
	buffers->memory = memory;
	buffers->in_memory = count;
	while (count) {
		struct buffer *buffer = (void *)(memory + (size_t)--count * BUFFER_ALL);

		buffer->next = buffers->free;
		memset(buffer->bytes, 0, PREPARED);
		buffers->free = buffer;
		buffers->free_count++;
	}
}

struct buffer *buffer_take(struct buffers *buffers)
{
	struct buffer *buffer = buffers->free;

	if (buffer) {
		buffers->free = buffer->next;
		buffers->free_count--;
	} else {
		buffer = malloc(BUFFER_ALL);
		if (!buffer)
			return NULL;
	}
	buffers->used++;
	buffer->start = buffer->end = 0;
	return buffer;
}

void buffer_drop(struct buffers *buffers, struct buffer **buffer)
{
	struct buffer *dropped = *buffer;

	if (!dropped)
		return;
	*buffer = NULL;
	buffers->used--;
	if (buffers->free_count >= buffers->keep && !is_in_memory(buffers, dropped)) {
		free(dropped);
		return;
	}
	dropped->next = buffers->free;
	buffers->free = dropped;
	buffers->free_count++;
}

void buffer_pack(struct buffer *buffer)
{
	size_t length = buffer_length(buffer);

	if (!buffer->start)
		return;
	memmove(buffer->bytes, buffer_at(buffer), length);
	buffer->start = 0;
	buffer->end = (uint32_t)length;
}
