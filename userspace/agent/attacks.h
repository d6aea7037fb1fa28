/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Which tenants are attacked, where, and from where. Looks once a second at those of whose packets
 * samples came (the others have lost none), by their counters and the samples; what an attack is
 * decides model/attack.h. Each begins and ends with an event and a line of the log.
 */
#ifndef MTLB_AGENT_ATTACKS_H
#define MTLB_AGENT_ATTACKS_H

#include "events.h"
#include "registry.h"

/* Packets of a tenant's dropped a second, above which it is an attack: far more than clients lose
 * by mistakes and scans, far fewer than a flood that is worth its sender's while.
 */
#define ATTACKS_THRESHOLD 1000

struct attacks;

int attacks_new(const struct registry *registry, struct events *events,
		struct attacks **ret_attacks);
void attacks_free(struct attacks *attacks);

/* now: CLOCK_MONOTONIC, ns */
void attacks_take(struct attacks *attacks, const struct mtlb_event *sample, uint64_t now);
/* Call it every ATTACK_LOOK_NS. Returns how many tenants it keeps an eye on: at 0 there is nothing
 * to look at until a sample comes.
 */
size_t attacks_look(struct attacks *attacks, uint64_t now);

#endif
