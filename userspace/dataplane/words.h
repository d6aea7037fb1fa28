/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* How verbs write what packets may be reading, and where each of them passes. */
#ifndef MTLB_DATAPLANE_WORDS_H
#define MTLB_DATAPLANE_WORDS_H

#include <errno.h>
#include <stdatomic.h>
#include <string.h>

#include "internal.h"

/* Each verb passes here once: the place where the fake fails. */
static inline int gate(struct dataplane *dataplane)
{
	return ++dataplane->verbs == dataplane->fail_at ? -EIO : 0;
}

/* Packets may be reading: whole words, in order. */
static inline void store_words(void *to, const void *from, size_t size)
{
	volatile uint64_t *word = to;
	uint64_t value;

	for (size_t i = 0; i < size / sizeof(value); i++) {
		memcpy(&value, (const char *)from + i * sizeof(value), sizeof(value));
		word[i] = value;
	}
}

static inline void barrier_release(void)
{
	atomic_thread_fence(memory_order_release);
}

/* An entry is in use when its first word is: cleared first when it goes, written last when it
 * comes. */
static inline void put_named(void *to, const void *from, size_t size)
{
	const uint32_t *used = from;

	if (!*used) {
		*(volatile uint32_t *)to = 0;
		return;
	}
	memcpy((char *)to + sizeof(*used), (const char *)from + sizeof(*used),
	       size - sizeof(*used));
	barrier_release();
	*(volatile uint32_t *)to = *used;
}

#endif
