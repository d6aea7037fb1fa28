/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Which tenants are attacked, where, and from where: by more packets dropped, or more flows opened,
 * than the operator takes for usual. Looks once a second at those of whose packets samples came, by
 * their counters and the samples; what an attack is decides model/attack.h. Each begins and ends
 * with an event and a line of the log.
 */
#ifndef MTLB_AGENT_ATTACKS_H
#define MTLB_AGENT_ATTACKS_H

#include "../model/config.h"
#include "events.h"
#include "registry.h"

struct attacks;

/* As many new flows as come in this time after the agent's start are taken as usual: it does not
 * know what came before, and whom it would have to wake up at every restart.
 */
#define ATTACKS_START_NS 5000000000ULL

/* now: CLOCK_MONOTONIC, ns; nothing is an attack before thresholds are set */
int attacks_new(const struct registry *registry, struct events *events, uint64_t now,
		struct attacks **ret_attacks);
void attacks_free(struct attacks *attacks);
void attacks_set(struct attacks *attacks, const struct config_attacks *thresholds);

void attacks_take(struct attacks *attacks, const struct mtlb_event *sample, uint64_t now);
/* Call it every ATTACK_LOOK_NS. Returns how many tenants it keeps an eye on: at 0 there is nothing
 * to look at until a sample comes.
 */
size_t attacks_look(struct attacks *attacks, uint64_t now);

#endif
