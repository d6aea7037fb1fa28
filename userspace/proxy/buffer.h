/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Buffers of one size from a list of free ones: a connection has one only while there are bytes in
 * it, so idle connections cost none. The one that was used last is handed out first, as it is in
 * the CPU's cache.
 */
#ifndef MTLB_PROXY_BUFFER_H
#define MTLB_PROXY_BUFFER_H

#include <stddef.h>
#include <stdint.h>

/* A head of HEAD_LIMIT with what is added to it, or trailers, always fits. */
#define BUFFER_ALL  32768
#define BUFFER_SIZE (BUFFER_ALL - sizeof(struct buffer))

struct buffer {
	struct buffer *next;
	uint32_t start, end; /* what is in it */
	char bytes[];
};

#define BUFFER_NONE UINT32_MAX

struct buffers {
	struct buffer *free;
	struct buffer *cold;	       /* in memory, without most of their pages: taken last */
	size_t free_count, used, keep; /* keep: more free ones go back to the system */
	char *memory;		       /* of the first ones, one behind the other; NULL: none */
	uint32_t in_memory, begun;     /* how many, and how many of them were ever used */
};

void buffers_init(struct buffers *buffers, size_t keep);
void buffers_fini(struct buffers *buffers);

/* Before the first one is taken: the first ones are in this memory of BUFFER_ALL each, which is
 * shared, zero and the caller's. Of so many that are ready the system gives the part that most
 * need: a page of memory that is new costs as much as some system calls, in a virtual machine as
 * much as a connection. */
void buffers_prepare(struct buffers *buffers, char *memory, uint32_t count, uint32_t ready);

/* An empty one, or NULL. */
struct buffer *buffer_take(struct buffers *buffers);
/* Gives it back, if there is one, and forgets it. */
void buffer_drop(struct buffers *buffers, struct buffer **buffer);

/* Its place in that memory; BUFFER_NONE: there is none, or it is not in it. */
static inline uint32_t buffer_number(const struct buffers *buffers, const struct buffer *buffer)
{
	size_t offset = (size_t)((uintptr_t)buffer - (uintptr_t)buffers->memory);

	return buffer && offset / BUFFER_ALL < buffers->in_memory ? (uint32_t)(offset / BUFFER_ALL)
								  : BUFFER_NONE;
}

static inline size_t buffer_length(const struct buffer *buffer)
{
	return buffer ? buffer->end - buffer->start : 0;
}

static inline size_t buffer_room(const struct buffer *buffer)
{
	return BUFFER_SIZE - buffer->end;
}

static inline char *buffer_at(struct buffer *buffer)
{
	return buffer->bytes + buffer->start;
}

/* These bytes are done with. */
static inline void buffer_consume(struct buffer *buffer, size_t length)
{
	buffer->start += (uint32_t)length;
	if (buffer->start == buffer->end)
		buffer->start = buffer->end = 0;
}

/* All room behind what is in it. */
void buffer_pack(struct buffer *buffer);

#endif
