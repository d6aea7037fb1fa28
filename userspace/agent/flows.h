/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Walks the flow table while packets use it: every word is read once and judged by that reading.
 */
#ifndef MTLB_AGENT_FLOWS_H
#define MTLB_AGENT_FLOWS_H

#include "registry.h"

struct flows_flow {
	uint64_t word, hash;
	uint32_t service;		     /* of its member */
	const struct mtlb_flow_facts *facts; /* NULL: they were lost, or are still to be read */
	uint32_t bucket, place;
	uint32_t idle_stamps; /* how long it has been silent */
};

/* So many seconds in stamps of the flow table, rounded up; the wrap of stamps bounds it. */
uint32_t flows_stamps(const struct mtlb_node *node, uint32_t seconds);

/* The flow table's clock, in stamps. */
uint32_t flows_now(const struct registry *registry);

/* Calls each for every flow of the tenant that is not expired and whose hash belongs to its word;
 * stops when each returns false.
 */
void flows_each(const struct registry *registry, uint32_t tenant,
		bool (*each)(void *context, const struct flows_flow *flow), void *context);

/* Of those only the translated ones, which stand in a range of their own (bpf/abi/nat.h). */
void flows_each_translated(const struct registry *registry, uint32_t tenant,
			   bool (*each)(void *context, const struct flows_flow *flow),
			   void *context);

/* Frees what expired, whosesoever; returns how many live flows there are. ret_counts: as of
 * flows_count(), or NULL.
 */
uint32_t flows_expire(struct registry *registry, uint32_t *ret_counts);

/* How many flows each tenant has, by index. 0 or -ENOMEM. */
int flows_count(const struct registry *registry, uint32_t *ret_counts);

/* keep[slot] = true for each slot of service where a live flow is with another member than the
 * slot's owner, or may be. Flows of members that were let go are freed.
 */
void flows_mark_foreign(const struct registry *registry, const struct registry_service *service,
			bool *keep);

/* Frees every flow of the service's tenant that names this member. */
void flows_forget_member(struct registry *registry, const struct registry_service *service,
			 uint32_t member);

/* Copies what lives in one range and is this tenant's into another, whatever their sizes; flows
 * already there stay. */
void flows_copy(struct registry *registry, uint32_t tenant, const struct mtlb_tenant *from,
		const struct mtlb_tenant *to);

/* Frees those of one tenant, of one service of its if that is not 0. In a range that others share
 * what is left behind would be taken for theirs once its members' numbers are used again. Call it
 * after a grace period. */
void flows_forget(struct registry *registry, const struct mtlb_tenant *range, uint32_t tenant,
		  uint32_t service);

#endif
