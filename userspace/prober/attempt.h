/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * One attempt at a probe, of whatever kind: its time limit, and its end. What is asked, and how, is
 * a kind's own file.
 */
#ifndef MTLB_PROBER_ATTEMPT_H
#define MTLB_PROBER_ATTEMPT_H

#include "../sys/loop.h"
#include "../wire/probes.h"

struct attempt {
	/* The attempt is over by then; it may be started anew or freed. error is empty when the
	 * outcome is good. May be called before attempt_start() returns.
	 */
	void (*done)(struct attempt *self, enum probes_outcome outcome, const char *error);
	void *context;
	uint64_t took_ns; /* set before done */

	/* For the kind. */
	struct loop *loop;
	const struct probes_probe *probe; /* stays as it is while the attempt runs */
	void *own;			  /* the kind's; it frees it when it stops */
	const char *phase; /* what it waits for, in the error of a time-out; NULL: nothing to say */

	/* The rest is attempt.c's. */
	struct loop_timer timer;
	const struct attempt_kind *kind;
	uint64_t started_ns;
	uint32_t extended_ms;
	bool second_look;
	bool running;
};

struct attempt_kind {
	/* 0, or a negative errno when nothing was started. Instead of waiting it may say at once
	 * how it ends.
	 */
	int (*start)(struct attempt *attempt);
	void (*stop)(struct attempt *attempt);
	/* The time is over: is something else to be told than that? Then it has been. May be NULL.
	 */
	bool (*excuse)(struct attempt *attempt);
};

void attempt_start(struct attempt *attempt, struct loop *loop, const struct probes_probe *probe);
/* Without calling done. Harmless when none runs. */
void attempt_stop(struct attempt *attempt);

/* For the kinds: how it ended. Nothing of the attempt may be touched after it. */
void attempt_pass(struct attempt *attempt);
void attempt_fail(struct attempt *attempt, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* This node cannot ask: nothing is known of the backend. */
void attempt_fault(struct attempt *attempt, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* By a negative errno, which may as well be this node's own fault. */
void attempt_fail_errno(struct attempt *attempt, int error);

#endif
