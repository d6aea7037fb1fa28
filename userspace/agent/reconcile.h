/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Turns a plan into verbs, in its order. Each step leaves the dataplane whole: traffic flows
 * before, between and after them, and a run that is cut off is finished by the next one, which
 * reads back how far it got.
 */
#ifndef MTLB_AGENT_RECONCILE_H
#define MTLB_AGENT_RECONCILE_H

#include "../base/err.h"
#include "../model/diff.h"
#include "members.h"

struct reconcile {
	struct registry *registry;
	struct members *members;
	const struct state *wanted;
	uint64_t now;	/* CLOCK_MONOTONIC ns */
	uint64_t began; /* this change, likewise: set by reconcile_apply() */
	bool in_step;	/* the change before this one was made whole: nothing is left to tidy up */
};

/* Are there indices, slots and buckets enough? Asked before the first operation. -ENOSPC with
 * words. */
int reconcile_check_room(const struct registry *registry, const struct plan *plan, struct err *err);

/* 0, or a negative errno with words naming the operation that failed. */
int reconcile_apply(struct reconcile *reconcile, const struct plan *plan, struct err *err);

/* Publishes what became dirty. Slots of UDP services learn first, unless the change is urgent. */
int reconcile_publish_dirty(struct reconcile *reconcile, struct err *err);

#endif
