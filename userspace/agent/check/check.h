/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The health checks of all pools: one probe per {tenant, pool, backend}, never two at once for one
 * backend, made by a process of its own (prober.h). Knows nothing of maps; it calls back on change.
 */
#ifndef MTLB_AGENT_CHECK_H
#define MTLB_AGENT_CHECK_H

#include "../../base/addr.h"
#include "../../model/health.h"
#include "../../model/state.h"
#include "../../sys/loop.h"
#include "prober.h"

/* The way of a probe: through the dataplane to a VIP, as packets go, or to the backend itself. */
struct check_way {
	bool by_vip;
	bool barred;		 /* it is to go by a VIP and cannot: nothing is asked */
	uint32_t member;	 /* by VIP: its number in the dataplane */
	struct addr vip, source; /* by VIP; source: to ask from, zero: any */
	char why[256];		 /* it does not go by the VIP, although it might; else empty */
};

/* For whom a way is looked for. */
struct check_wish {
	const char *tenant, *service;
	uint8_t protocol; /* of the service */
	enum state_via via;
	struct addr vip; /* the service's first one; zero: none */
	struct addr address;
	uint16_t port;
};

struct check_result {
	enum health_state state;
	char error[128];    /* of the last failed probe: "connection refused", "timeout after 1s" */
	uint64_t since_ns;  /* CLOCK_MONOTONIC of the last change of state, 0 when never */
	uint64_t probes;    /* made so far */
	uint64_t last_ns;   /* how long the last successful probe took */
	uint64_t next_ns;   /* CLOCK_MONOTONIC of the next probe, 0 before the first one */
	uint64_t failures;  /* of probes */
	uint64_t failed_ns; /* CLOCK_MONOTONIC of the last failed one, 0 when none did */
};

/* For reports. */
struct check_status {
	const char *tenant, *pool;
	struct addr address;
	uint16_t port;	/* of the backend, 0: none of its own */
	uint16_t asked; /* the port that is asked */
	const struct state_health *settings;
	const struct check_result *result;
	const struct check_way *way;
	uint32_t streak;  /* results in a row that speak against the state */
	uint64_t held_ns; /* kept down for so long, since it went down too often */
	bool panic;	  /* its pool's states are not believed */
};

struct checks;

struct checks_events {
	/* A backend goes up or down. */
	void (*changed)(void *context, const char *tenant, const char *pool,
			const struct addr *address, uint16_t port,
			const struct check_result *result);
	/* So little of a pool is up that all of it is used; or no longer. May be NULL, and may
	 * change no checks.
	 */
	void (*panic)(void *context, const char *tenant, const char *pool, bool panics, size_t up,
		      size_t total);
	/* Which way a probe goes that might go by a VIP. ret_way is empty: directly. NULL: all do.
	 */
	void (*choose)(void *context, const struct check_wish *wish, struct check_way *ret_way);
	/* One that goes by a VIP had no answer: the kernel knows nothing of its packets, so nobody
	 * but this agent asks for the neighbour. May be NULL.
	 */
	void (*unanswered)(void *context, const struct addr *address);
	/* The prober went, and why; another one is started. May be NULL. */
	void (*lost)(void *context, const char *why);
	void *context;
};

int checks_new(struct loop *loop, const struct prober_options *options,
	       const struct checks_events *events, struct checks **ret_checks);
void checks_free(struct checks *checks);

/*
 * Checks of type script are made by a process of their own, started with these options, whose
 * scripts are not NULL. NULL: by none, and so they are not made. One that runs with just these
 * options goes on. 0 or -ENOMEM.
 */
int checks_set_scripts(struct checks *checks, const struct prober_options *options);

/*
 * Makes the set of probes that of state: new ones start (the first one within a tenth of their
 * interval), those no longer wanted stop, those that stay keep their history and take on new
 * settings. seed tells the last known state of a backend that has no probe yet (a restarted agent
 * knows it from the maps); it may be NULL. only: the tenants of it that may have changed; NULL:
 * all.
 */
int checks_set(struct checks *checks, const struct state *state, const struct state *only,
	       enum health_state (*seed)(void *context, const char *tenant, const char *pool,
					 const struct addr *address, uint16_t port));

/* Somebody who uses this backend met failures: as much as one failed probe. One that is not checked
 * is left alone. */
void checks_fail(struct checks *checks, const char *tenant, const char *pool,
		 const struct addr *address, uint16_t port, const char *why);

/* After a change of what is checked: pools may panic for other thresholds, or fewer members. */
void checks_judge(struct checks *checks);

/* Chooses all ways anew: addresses and routes of this node may have changed. 0 or -ENOMEM. */
int checks_choose(struct checks *checks);
/* Each way by a VIP. */
void checks_each_way(const struct checks *checks,
		     void (*each)(void *context, const struct check_way *way), void *context);

/* NULL when there is no such probe (no health check is configured). port is state_member.port. */
const struct check_result *checks_get(const struct checks *checks, const char *tenant,
				      const char *pool, const struct addr *address, uint16_t port);

/* Is that pool's health not believed? */
bool checks_panics(const struct checks *checks, const char *tenant, const char *pool);
/* By tenant, pool and address. */
void checks_each(struct checks *checks,
		 void (*each)(void *context, const struct check_status *status), void *context);

/* How many there are, and what came of all there have been. */
struct checks_totals {
	uint64_t checks, good, failed;
};
void checks_totals(const struct checks *checks, struct checks_totals *ret_totals);

void checks_prober(const struct checks *checks, struct prober_status *ret_status);
/* Of the one that runs scripts; false: there is none. */
bool checks_scripts_prober(const struct checks *checks, struct prober_status *ret_status);

#endif
