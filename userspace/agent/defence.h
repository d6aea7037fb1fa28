/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * SYN cookies of tenants that have services with forward: local: whether a tenant is under attack
 * is decided here, by how many SYNs its packets' counters say; packets do the rest. Owns
 * mtlb_defences: an agent that starts again finds there who was under attack.
 */
#ifndef MTLB_AGENT_DEFENCE_H
#define MTLB_AGENT_DEFENCE_H

#include "events.h"
#include "registry.h"
#include "../sys/loop.h"

struct defence;

int defence_new(const struct registry *registry, struct loop *loop, struct events *events,
		struct defence **ret_defence);
void defence_free(struct defence *defence);

/* Whom to look at from now on: after each change of the configuration. Warns when the kernel will
 * not make the cookies that somebody wants. */
int defence_set(struct defence *defence, const struct state *state, uint64_t now);
/* Every FLOOD_LOOK_NS; the loop calls it. */
void defence_look(struct defence *defence, uint64_t now);

/* What a tenant is sold. fresh: its place was another's, whose state is not its own. */
int defence_put(const struct registry *registry, uint32_t tenant,
		const struct state_cookies *cookies, bool fresh);
struct state_cookies defence_read(const struct registry *registry, uint32_t tenant);

/* For the API: mode, state, since when, and the counters. */
json_t *defence_json(const struct registry *registry, uint32_t tenant);

#endif
