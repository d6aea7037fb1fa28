/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What a tier's limits are in the dataplane: bpf/abi/meter.h. */
#ifndef MTLB_AGENT_METERS_H
#define MTLB_AGENT_METERS_H

#include "registry.h"
#include "../model/state.h"

/*
 * Bursts are at least what makes a meter useful: 16 packets, the largest IP packet, one flow. A
 * CPU's batch is a tenth of a millisecond's worth, and at most a quarter of the burst.
 */
struct mtlb_meter meters_make(const struct state_limits *limits);

/* Writes it where packets look. */
int meters_put(const struct registry *registry, uint32_t tenant, const struct state_limits *limits);

/* The flags that the tenant's records must carry: those of struct mtlb_vip. */
uint32_t meters_flags(const struct mtlb_meter *meter);

/* What runs; unfinished where an address of the tenant has not got its flags yet. */
struct state_limits meters_read(const struct registry *registry,
				const struct registry_tenant *tenant);

/* The same of the node. */
struct mtlb_share meters_share(const struct state_node *node);
struct state_node meters_read_node(const struct registry *registry);

#endif
