/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The tenant that must not be hurt: its traffic, of flows that stay open, of flows that open and
 * close, and of UDP, at a rate that its CPU can carry; and the one that attacks it, in as far as
 * both have a configuration.
 */
#ifndef MTLB_BENCH_ISOLATION_VICTIM_H
#define MTLB_BENCH_ISOLATION_VICTIM_H

#include "../lib/node.h"
#include "../lib/traffic.h"

enum victim_stream {
	VICTIM_OLD, /* flows that are open all the time */
	VICTIM_NEW, /* that open, and close after 32 packets */
	VICTIM_UDP,
	ATTACKER,
};

#define ATTACKER_CPU  0
#define VICTIM_CPU    1
#define ATTACKER_POOL 1
#define VICTIM_POOL   2

#define VICTIM_QUIET_MS	 700  /* before anything is done to it */
#define VICTIM_LEARNT_MS 1500 /* what is learnt in a second has then been switched over */

void victim_set(void);
void victim_on(void);
void victim_off(void);
struct traffic_result victim_result(void);
/* Until nothing is lost any more: mtlbd forwards all that comes. */
int victim_wait(void);

struct victim_config {
	/* `l4` of their tiers; of the victim none: both are one tenant, and have one */
	const char *attacker_l4, *victim_l4;
	const char *attacker_track;
	uint32_t variant; /* of the victim's pool */
};

/* Starts a node that is so, or applies it to the one that runs. */
int victim_configure(const struct victim_config *config, bool start);

#endif
