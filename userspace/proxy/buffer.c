// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "buffer.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define PREPARED 4096 /* bytes: most heads fit */
#define MANY	 3    /* times what is kept: of more, the system has most of the memory back */

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

static struct buffer *pop(struct buffer **list)
{
	struct buffer *buffer = *list;

	if (buffer)
		*list = buffer->next;
	return buffer;
}

static void push(struct buffer **list, struct buffer *buffer)
{
	buffer->next = *list;
	*list = buffer;
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
	while (buffers->begun < ready && buffers->begun < count) {
		struct buffer *buffer = begin_one(buffers);

		memset(buffer->bytes, 0, PREPARED);
		push(&buffers->free, buffer);
		buffers->free_count++;
	}
}

struct buffer *buffer_take(struct buffers *buffers)
{
	struct buffer *buffer = pop(&buffers->free);

	if (buffer)
		buffers->free_count--;
	else if (!(buffer = pop(&buffers->cold)) && !(buffer = begin_one(buffers)))
		return NULL;
	buffers->used++;
	buffer->start = buffer->end = 0;
	return buffer;
}

/* All of it but its first page, which says which is the next one. */
static void make_cold(struct buffers *buffers, struct buffer *buffer)
{
	madvise((char *)buffer + PREPARED, BUFFER_ALL - PREPARED, MADV_REMOVE);
	push(&buffers->cold, buffer);
}

void buffer_drop(struct buffers *buffers, struct buffer **buffer)
{
	struct buffer *dropped = *buffer;

	if (!dropped)
		return;
	*buffer = NULL;
	buffers->used--;
	if (is_in_memory(buffers, dropped) && buffers->free_count >= MANY * buffers->keep) {
		make_cold(buffers, dropped);
		return;
	}
	/* those that do not outlive the worker go before those that do */
	if (!is_in_memory(buffers, dropped) &&
	    (buffers->in_memory || buffers->free_count >= buffers->keep)) {
		free(dropped);
		return;
	}
	push(&buffers->free, dropped);
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
