/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What somebody else wrote into the pinned maps, by bpftool or otherwise: found a little at a time,
 * told by an event and in the log, put right when the node's configuration or an operator says so.
 */
#ifndef MTLB_AGENT_DRIFT_H
#define MTLB_AGENT_DRIFT_H

#include "events.h"
#include "registry.h"

#define DRIFT_INTERVAL_NS 500000000ULL
#define DRIFT_PASS	  10  /* intervals in which all is looked at */
#define DRIFT_LINES	  100 /* that are told of one pass; the others are counted */

struct drift_lines {
	char **line;
	size_t count, all; /* of those that are told, and all */
	int error;	   /* of a repair that failed; the first one */
};

struct drift {
	struct registry *registry;
	struct events *events;
	bool repair;			/* node.drift */
	struct dataplane_cursor next;	/* of the pass that runs */
	size_t step;			/* bytes of an interval */
	struct drift_lines found, told; /* in this pass, in the one before */
	uint64_t entries, repaired;	/* since the agent started */
};

/* From now on the maps ought to hold what they hold now and what verbs write. */
int drift_init(struct drift *drift, struct registry *registry, struct events *events);
void drift_fini(struct drift *drift);

/* Call it every DRIFT_INTERVAL_NS. 0 or a negative errno. */
int drift_run(struct drift *drift);
/* The ways to members: before they are asked for anew, which would put them right in silence. */
int drift_look_at_members(struct drift *drift);
/* All at once: to be told, or put right. ret_lines are "~ tenant acme: limits" and the like. */
int drift_look(struct drift *drift, bool repair, struct drift_lines *ret_lines);
void drift_lines_fini(struct drift_lines *lines);

#endif
