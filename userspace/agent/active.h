/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * How many flows of each tenant are active: estimated for quota and billing from the sketches that
 * packets leave (bpf/abi/active.h), whether flows are stored or not. A flow is active when a packet
 * of it came in the last window (node.flowWindow).
 *
 * A window has four quarters. At the end of each the sketches are taken from the maps, so that they
 * begin anew, and the last four together are the window. What was left in the maps when nobody
 * looked, before this agent or while it stood still, is of no known age: it is thrown away, and the
 * figures are of less than a window until there are four quarters again, and say so.
 */
#ifndef MTLB_AGENT_ACTIVE_H
#define MTLB_AGENT_ACTIVE_H

#include "../sys/loop.h"
#include "registry.h"

#define ACTIVE_QUARTERS 4

struct active_figure {
	double flows;	  /* estimated */
	double error;	  /* 95 times of 100 it is off by no more than this share of itself */
	double peak;	  /* the most there was at the end of a quarter, since the agent started */
	uint64_t peak_at; /* CLOCK_REALTIME, ns; 0: there was none */
};

struct active;

int active_new(struct registry *registry, struct loop *loop, struct active **ret_active);
void active_free(struct active *active);

/* The length of a window; the next quarter is the first one that has a fourth of it. */
void active_set_window(struct active *active, uint32_t seconds, uint64_t now);

/* Ends a quarter. */
void active_run(struct active *active, uint64_t now);

/* What time the figures are of: at most a window; 0: there are none yet. */
uint64_t active_ns(const struct active *active);
struct active_figure active_get(const struct active *active, const struct registry_tenant *tenant);
/* The most there was at the ends of quarters since this was last called; 0: none ended. */
double active_take_most(struct active *active, const struct registry_tenant *tenant);

#endif
