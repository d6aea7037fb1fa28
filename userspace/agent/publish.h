/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * From a service's members to its Maglev table in the kernel: who is eligible, who owns which slot,
 * and the switch from the old table to the new one, which a packet sees whole or not at all.
 */
#ifndef MTLB_AGENT_PUBLISH_H
#define MTLB_AGENT_PUBLISH_H

#include "registry.h"

struct publish_times {
	uint64_t now;		/* CLOCK_MONOTONIC ns */
	uint64_t learn_ns;	/* how long newly changed slots of a UDP service learn first; 0 for
				 * a change that cannot wait (a member is down) */
	uint64_t slow_start_ns; /* a member that came up gets its full share after this */
};

/*
 * Builds and publishes the table if its owners differ from those in the kernel, or if the service
 * is dirty. 0, -ENOSPC (no slots left) or a negative errno; the old table then stays.
 */
int publish_table(struct registry *registry, struct registry_service *service,
		  const struct publish_times *times);
/* How many sixteenths of its weight a member gets now (model/slow_start.h). */
uint32_t publish_step(const struct registry *registry, uint32_t member, uint64_t slow_start_ns,
		      uint64_t now);

/* Rewrites the records of the service's VIPs with the table it has: idle time, flags, flow range.
 */
int publish_records(struct registry *registry, struct registry_service *service);

/* Adds a VIP to a service that has a table; last: of a range of ports, else 0. -EMLINK: the address
 * has as many ranges as it can.
 */
int publish_vip(struct registry *registry, struct registry_service *service,
		const struct mtlb_vip_key *key, uint16_t last);
/* Withdraws it, unless the key leads to another service by now. */
int publish_withdraw(struct registry *registry, struct registry_service *service,
		     struct registry_vip *vip);
/* Adds an address to a tenant, or changes whether it answers echo requests. */
int publish_address(struct registry *registry, struct registry_tenant *tenant,
		    const struct mtlb_vip_key *key, bool echo);
int publish_withdraw_address(struct registry *registry, struct registry_tenant *tenant,
			     struct registry_vip *vip);

/* Forgets the VIPs and addresses that another service or tenant took over in a change that was cut
 * short: registry_read_state() does not count them any more.
 */
void publish_forget_lost(struct registry *registry);

/* Ends the flags: learning slots switch (sweep calls it when their time is up). */
int publish_end_learning(struct registry *registry, struct registry_service *service);
/* Every slot's flag may go: keep[i] says which must stay. When all went, the old owners go too. */
int publish_clear_flags(struct registry *registry, struct registry_service *service,
			const bool *keep);

/* The table as it stands in the kernel, for reports and tests; free with table_fini(). */
struct table;
int publish_read_table(const struct registry *registry, const struct registry_service *service,
		       struct table *ret_table);

#endif
