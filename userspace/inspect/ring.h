/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The records of a ring buffer (BPF_MAP_TYPE_RINGBUF) for whoever only looks. Its one reader is the
 * agent, and stays it: nothing is written here, so that each record is read there as well, at the
 * agent's pace. What the agent has taken may be overwritten at any time. Such records are counted,
 * and never given away half.
 */
#ifndef MTLB_INSPECT_RING_H
#define MTLB_INSPECT_RING_H

#include <stdint.h>

#include "pinned.h"

struct ring {
	const uint64_t *consumer, *producer; /* bytes since it was made: how far either has got */
	const uint8_t *data;		     /* size bytes, and the same ones again behind them */
	uint64_t size;			     /* a power of two */
	uint64_t at;			     /* next to be read */
	uint64_t overwritten;		     /* bytes, since the record before */
	void *map;
	size_t map_size;
};

bool pinned_is_ring(const struct pinned_map *map);

/* It begins with the first record that the agent has not taken yet. 0, or a negative errno and a
 * sentence. */
int ring_open(const char *directory, const char *name, struct ring *ret_ring, struct err *err);
void ring_close(struct ring *ring);

struct ring_record {
	size_t size; /* as its writer made it */
	/* About so many before it were overwritten unread: as many as have room where they were. */
	uint64_t missed;
};

/*
 * The next record, of which at most max bytes are copied. 1; 0: there is none yet, and nothing
 * wakes whoever waits for one but time; a negative errno: this is no ring.
 */
int ring_next(struct ring *ring, void *buffer, size_t max, struct ring_record *ret_record);

/* How much of it waits for the agent, from 0 to 1. */
double ring_waiting(const struct ring *ring);

#endif
