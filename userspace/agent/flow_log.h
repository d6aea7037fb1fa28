/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Reads the logs of new flows often enough that they seldom overflow, and says so when they did. A
 * listing reads them once more (flows.c), so what it shows is never older than it.
 */
#ifndef MTLB_AGENT_FLOW_LOG_H
#define MTLB_AGENT_FLOW_LOG_H

#include <stdint.h>

struct dataplane;

#define FLOW_LOG_INTERVAL_NS  100000000ULL /* 80,000 new flows a second for each CPU */
#define FLOW_LOG_COMPLAINT_NS 60000000000ULL

struct flow_log {
	struct dataplane *dataplane;
	uint64_t lost; /* so many were told of */
	uint64_t told_at;
};

/* What was lost while no agent ran is not this one's to tell. */
void flow_log_init(struct flow_log *flow_log, struct dataplane *dataplane, uint64_t now);

/* Call it every FLOW_LOG_INTERVAL_NS. Returns how many flows it told of in the log. */
uint64_t flow_log_run(struct flow_log *flow_log, uint64_t now);

#endif
