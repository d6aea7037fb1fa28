/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Samples of what the dataplane drops (bpf/abi/event.h): takes them out of the ring as they come,
 * tells those who watch drops, and has attacks.c look at them. Keeps none.
 */
#ifndef MTLB_AGENT_SAMPLES_H
#define MTLB_AGENT_SAMPLES_H

#include "../sys/loop.h"
#include "attacks.h"
#include "watchers.h"

struct samples;

/* It works by itself from now on. */
int samples_new(const struct registry *registry, struct loop *loop, struct watchers *watchers,
		struct attacks *attacks, struct samples **ret_samples);
void samples_free(struct samples *samples);

/* What the loop calls. now: CLOCK_MONOTONIC, ns. */
void samples_take(struct samples *samples, uint64_t now);

#endif
