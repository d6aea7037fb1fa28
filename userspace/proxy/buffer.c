// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "buffer.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define PREPARED 4096 /* bytes: most heads fit */
#define MANY	 3    /* times what is kept: of more, the system has the memory back */

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

static struct buffer *begin_one(struct buffers *buffers)
{
	if (buffers->begun == buffers->in_memory)
		return malloc(BUFFER_ALL);
	return (void *)(buffers->memory + (size_t)buffers->begun++ * BUFFER_ALL);
}

void buffers_prepare(struct buffers *buffers, char *memory, uint32_t count, uint32_t ready)
{
	buffers->memory = memory;
	buffers->in_memory = count;
	while (buffers->begun < ready) {
		struct buffer *buffer = begin_one(buffers);

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
		buffer = begin_one(buffers);
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
	/* but for the page that the next line writes to; what this finds impossible stays */
	if (buffers->free_count >= MANY * buffers->keep)
		madvise(dropped, BUFFER_ALL, MADV_REMOVE);
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
