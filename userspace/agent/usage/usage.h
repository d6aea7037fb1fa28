/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What tenants use, recorded: reads the counters at an interval and as each hour ends, a
 * millisecond's worth at a time, and books what they grew by in the ledger. Files are written by a
 * thread of its own.
 *
 * A tenant that goes is booked for the last time after no packet can be counted for it any more,
 * and at the latest before its row of counters is given to another one.
 */
#ifndef MTLB_AGENT_USAGE_USAGE_H
#define MTLB_AGENT_USAGE_USAGE_H

#include "../../model/config.h"
#include "../../sys/loop.h"
#include "../active.h"
#include "../l7/tallies.h"
#include "ledger.h"

struct usage_part; /* of the agent */

struct usage_status {
	const char *directory;
	const struct ledger_state *ledger; /* NULL: it could not be opened */
	const char *error;	    /* what went wrong last, and still does; empty: nothing */
	uint64_t flushes, flush_ns; /* how many there were; the loop's time for the last one */
	uint64_t slice_ns;	    /* the longest the loop was held up at a time */
	uint64_t sync_ns;	    /* how long the last write took, on disk */
};

/* Opens the ledger, before anything is changed in the maps. What is wrong with it is logged, and
 * keeps nothing else from running. 0 or -ENOMEM. */
int usage_start(struct registry *registry, struct active *active, struct loop *loop,
		const struct config_usage *config, struct usage_part **ret_usage);
/* Intervals; the directory stays. */
void usage_set(struct usage_part *usage, const struct config_usage *config);
/* What the L7 tier counts is booked as well, until usage_stop(). */
void usage_add_l7(struct usage_part *usage, const struct tallies *tallies);
/* Books all and has it be on disk. */
void usage_stop(struct usage_part *usage);

struct usage_status usage_status(struct usage_part *usage);
/* NULL: nothing is recorded. */
const struct ledger *usage_ledger(const struct usage_part *usage);

/* What a row of counters says of a tenant: sums only. */
struct usage usage_read(const struct registry *registry, uint32_t tenant);

#endif
