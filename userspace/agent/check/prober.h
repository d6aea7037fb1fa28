/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The process that makes the probes, as its supervisor sees it: starts mtlb-prober when there is
 * something to probe, tells it what, and starts another one when it dies or falls silent. Nothing
 * is queued for it: what has to be told is a set of numbers, and what to tell is asked for when
 * there is room, so that a prober that does not listen costs neither memory nor time.
 */
#ifndef MTLB_AGENT_CHECK_PROBER_H
#define MTLB_AGENT_CHECK_PROBER_H

#include <sys/types.h>

#include "../../sys/loop.h"
#include "../../wire/probes.h"

struct prober_options {
	const char *path; /* of the program; NULL: beside this one */
	const char *user; /* NULL: the prober's own choice */
	/* One that runs scripts, and does nothing else; NULL: one that asks by itself. */
	const char *scripts; /* the directory they are in */
	uint32_t scripts_at_once;
	int probes_fd; /* the table of abi/probe.h; 0: no probe goes through the dataplane */
};

struct prober_events {
	/* The probe of this number as it is now, false when there is none. */
	bool (*fill)(void *context, uint32_t id, struct probes_probe *ret_probe);
	/* May well end in prober_free(). */
	void (*result)(void *context, const struct probes_result *result);
	/* It went, and why in words: until another one answers nothing is known. */
	void (*lost)(void *context, const char *why);
	void *context;
};

struct prober_status {
	pid_t pid;	    /* 0: none runs */
	bool answers;	    /* it has said hello */
	uint64_t starts;    /* so far */
	uint64_t since_ns;  /* CLOCK_MONOTONIC of the last one */
	const char *reason; /* why the last one went; empty when none ever did */
};

struct prober;

int prober_new(struct loop *loop, const struct prober_options *options,
	       const struct prober_events *events, struct prober **ret_prober);
void prober_free(struct prober *prober);
/* Was it made with just these? */
bool prober_is(const struct prober *prober, const struct prober_options *options);

/* The probe of this number is new, or changed, or gone. 0 or -ENOMEM. */
int prober_mark(struct prober *prober, uint32_t id);

void prober_status(const struct prober *prober, struct prober_status *ret_status);

#endif
