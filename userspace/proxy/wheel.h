/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Time limits of connections: to set one, move it or take it back costs the same however many there
 * are, which a heap cannot say. They are late by up to WHEEL_TICK_NS, never early. No allocation.
 */
#ifndef MTLB_PROXY_WHEEL_H
#define MTLB_PROXY_WHEEL_H

#include "../sys/loop.h"

#define WHEEL_TICK_NS 50000000ULL
#define WHEEL_SLOTS   1024 /* a limit beyond 51 s is looked at once in each turn */

struct wheel_link {
	struct wheel_link *next, *previous;
};

struct wheel_timer {
	struct wheel_link link; /* the wheel's; next is NULL when it is not set */
	uint64_t due;
	void (*fire)(struct wheel_timer *self);
	void *context;
};

struct wheel {
	struct loop *loop;
	struct loop_timer tick;
	struct wheel_link slots[WHEEL_SLOTS];
	uint64_t at; /* the last tick that was looked at */
	size_t count;
};

void wheel_init(struct wheel *wheel, struct loop *loop);
void wheel_fini(struct wheel *wheel);

/* Fires once, no earlier than due (the loop's clock); one that is set already is moved. */
void wheel_set(struct wheel *wheel, struct wheel_timer *timer, uint64_t due);
void wheel_cancel(struct wheel *wheel, struct wheel_timer *timer);

#endif
