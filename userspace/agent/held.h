/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Fragments that came before the first one of their datagram. The dataplane hands them over; they
 * wait here until the first one has told where the datagram goes, and are put back, in the order
 * they came in, each once. What is not claimed within a second is dropped, and counted. It looks at
 * no frame. It also frees what the table of fragments remembers for longer than anything may last.
 */
#ifndef MTLB_AGENT_HELD_H
#define MTLB_AGENT_HELD_H

#include "../dataplane/dataplane.h"
#include "../sys/loop.h"

#define HELD_MAX	4096 /* frames: 8 MB */
#define HELD_TENANT_MAX 250
#define HELD_LIFE_NS	1000000000ULL
#define HELD_POLL_NS	1000000ULL     /* how often it looks, while it holds any */
#define HELD_SWEEP_NS	60000000000ULL /* how often old words are freed; they repeat in 36 min */

struct held_counters {
	uint64_t taken; /* handed over by the dataplane: each ends as one of the next four */
	uint64_t put_back;
	uint64_t unclaimed; /* the first one did not come */
	uint64_t crowded;   /* the tenant, or all together, had as many waiting as may be */
	uint64_t failed;    /* the kernel did not take it back: its interface is gone */
};

struct held;

/* It works by itself from now on. */
int held_new(struct dataplane *dataplane, struct loop *loop, struct held **ret_held);
/* What waits is dropped. */
void held_free(struct held *held);

const struct held_counters *held_counters(const struct held *held);
size_t held_waiting(const struct held *held);

/* What the loop calls: take over what there is, put back what can go, free old words. now:
 * CLOCK_MONOTONIC, ns.
 */
void held_take(struct held *held, uint64_t now);
void held_poll(struct held *held, uint64_t now);
void held_sweep(struct held *held, uint64_t now);

#endif
