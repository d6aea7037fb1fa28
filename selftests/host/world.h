/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What a rig needs besides its own services for packets made by chance to find something to do:
 * pools that have changed, for both tenants, with members of every mode; and changes to come.
 */
#ifndef MTLB_HOST_WORLD_H
#define MTLB_HOST_WORLD_H

#include "dice.h"
#include "../bpf/rig.h"

/* The tracked ports, TCP and UDP, on each tenant's addresses. */
enum {
	WORLD_CHANGED = 8001,
	WORLD_LEARNING,
	WORLD_ALWAYS,
	WORLD_PORTS = 3,
};

#define WORLD_IDLE 16 /* stamps */

/* Adds the tracked services to a rig. */
void world_add(const struct rig *rig);
/* Changes a slot or a member of a tracked service; the same for the same throws. */
void world_shake(const struct rig *rig, struct dice *dice);

#endif
