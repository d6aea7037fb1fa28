/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Who may translate to which ports (bpf/abi/nat.h): ranges of a tenant, and the records by which
 * replies to the source addresses find their flows. A tenant's range lies within one pair of
 * sources, and which pair that is decides which addresses its members see.
 */
#ifndef MTLB_AGENT_NAT_H
#define MTLB_AGENT_NAT_H

#include "members.h"

/* How many more buckets there are for tenants, in all pairs that have an address. */
uint32_t nat_free(const struct registry *registry, const struct members *members);

/*
 * Gives a tenant so many ports, or none (0): its services' records, members and flows follow. What
 * it had translated before ends, since a flow's place is its port; the log tells how many flows
 * that were. -ENOSPC: no pair of sources has so many left in a row.
 */
int nat_set_ports(struct members *members, struct registry_tenant *tenant, uint32_t ports);

/* Before tenants get ranges: replies to every address of members->nat find their way. */
int nat_publish_sources(struct registry *registry, const struct members *members);
/* Afterwards: tenants leave pairs that are no longer configured, then those are withdrawn. */
int nat_withdraw_sources(struct members *members);

#endif
