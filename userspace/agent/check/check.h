/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Runs the health checks of all pools: one probe per {tenant, pool, backend}, each on its own timer
 * at 0.8 to 1 times their interval, never two at once for one backend. Knows nothing of maps; it
 * calls back on change.
 */
#ifndef MTLB_AGENT_CHECK_H
#define MTLB_AGENT_CHECK_H

#include "../../base/addr.h"
#include "../../model/health.h"
#include "../../model/state.h"
#include "../../sys/loop.h"

struct check_result {
	enum health_state state;
	char error[128];   /* of the last failed probe: "connection refused", "timeout after 1s" */
	uint64_t since_ns; /* CLOCK_MONOTONIC of the last change of state, 0 when never */
	uint64_t probes;   /* made so far */
	uint64_t last_ns;  /* how long the last successful probe took */
};

struct checks;

/* changed is called when a backend goes up or down. */
int checks_new(struct loop *loop,
	       void (*changed)(void *context, const char *tenant, const char *pool,
			       const struct addr *address, uint16_t port,
			       const struct check_result *result),
	       void *context, struct checks **ret_checks);
void checks_free(struct checks *checks);

/*
 * Makes the set of probes that of state: new ones start (the first one within a tenth of their
 * interval), those no longer wanted stop, those that stay keep their history and take on new
 * settings. seed tells the last known state of a backend that has no probe yet (a restarted agent
 * knows it from the maps); it may be NULL.
 */
int checks_set(struct checks *checks, const struct state *state,
	       enum health_state (*seed)(void *context, const char *tenant, const char *pool,
					 const struct addr *address, uint16_t port));

/* NULL when there is no such probe (no health check is configured). port is state_member.port. */
const struct check_result *checks_get(const struct checks *checks, const char *tenant,
				      const char *pool, const struct addr *address, uint16_t port);

#endif
