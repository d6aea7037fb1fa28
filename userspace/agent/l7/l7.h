/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The L7 tier as the configuration wants it: the image of all routes, where it listens, and the
 * workers, who exist while there is a listener.
 */
#ifndef MTLB_AGENT_L7_L7_H
#define MTLB_AGENT_L7_L7_H

#include "../../model/config.h"
#include "states.h"
#include "tallies.h"
#include "workers.h"

struct l7;

struct l7_events {
	/* Whether a member is to get no requests. */
	bool (*is_down)(void *context, const struct states_member *member);
	/* A worker gives it none for a while, since so many failed in a row. */
	void (*ejected)(void *context, const struct states_member *member, uint32_t failures);
	void *context;
};

/* directory: of the dataplane's pins. 0 or a negative errno. */
int l7_new(struct loop *loop, const char *directory, const struct l7_events *events,
	   struct l7 **ret_l7);
/* What workers counted stays. leave: they go on serving as they do, until another agent has some;
 * nobody reads what they count then. */
void l7_stop(struct l7 *l7, bool leave);
void l7_free(struct l7 *l7);

/* What did not change stays as it is; connections stay in any case. What is wrong with one address
 * keeps none of the others from being served. 0, or a negative errno and why. */
int l7_set(struct l7 *l7, const struct config *config, uint64_t generation, struct err *err);

/* Tells the workers. 1: it was down before; 0: it was not; -ENOENT: no route has such a member. */
int l7_set_state(struct l7 *l7, const struct states_member *member, bool down);
/* Asks for the state of each member of a pool anew. */
void l7_review(struct l7 *l7, const char *tenant, const char *pool);

/* NULL: there are no workers. */
const struct workers *l7_workers(const struct l7 *l7);
/* What they count, and others before them did. */
const struct tallies *l7_tallies(const struct l7 *l7);

#endif
