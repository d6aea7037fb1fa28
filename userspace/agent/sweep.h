/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What time does to the dataplane: learning slots switch, members that went down or were drained
 * let go of their flows, flags that are no longer needed are cleared, expired flows are freed,
 * members that are gone leave the maps, and what rested becomes free.
 */
#ifndef MTLB_AGENT_SWEEP_H
#define MTLB_AGENT_SWEEP_H

#include "members.h"

#define SWEEP_DEADLINES_NS 500000000ULL	  /* how often deadlines are looked at */
#define SWEEP_FLOWS_NS	   30000000000ULL /* how often the flow table is walked */

struct sweep {
	struct registry *registry;
	struct members *members;
	const struct state *settings; /* of the running configuration */
	uint64_t flows_swept_at;
	uint32_t *flow_counts; /* of each tenant, by index, at the last walk; NULL: nobody asks */
};

/* Call it every SWEEP_DEADLINES_NS. Services whose members let go become dirty. */
int sweep_run(struct sweep *sweep, uint64_t now);

/* The walk of the flow table alone: expiry, flags, members that are gone. */
int sweep_flows(struct sweep *sweep, uint64_t now);

#endif
