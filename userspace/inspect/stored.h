/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The flow table as it is pinned, read while packets use it, some hundred buckets at a time: memory
 * does not grow with the number of flows. The same flows that the agent lists are there: none that
 * is expired, none in the middle of a change.
 */
#ifndef MTLB_INSPECT_STORED_H
#define MTLB_INSPECT_STORED_H

#include <stdbool.h>
#include <stdint.h>

#include "view.h"

struct stored_flow {
	uint32_t tenant, service, member; /* as the view has them */
	uint32_t state;			  /* enum mtlb_flow_state */
	uint64_t idle_s, age_s;
	const struct mtlb_flow_facts *facts; /* NULL: they were lost; there is no age then */
};

/* What must be so of a flow; a tenant of 0 is anybody, and the address of a flow without facts is
 * none. */
struct stored_filter {
	uint32_t tenant;
	const char *service; /* NULL: any */
	int state;	     /* -1: any */
	bool by_client, by_destination, by_member;
	struct mtlb_address client, destination, member;
	__be16 client_port, destination_port, member_port; /* 0: any */
	uint64_t least_idle_s, least_age_s;
};

/* Calls each until it returns false. 0, or a negative errno and a sentence. */
int stored_each(const struct view *view, const struct stored_filter *filter,
		bool (*each)(void *context, const struct stored_flow *flow), void *context,
		struct err *err);

/* Of one word and its hash, as they stand in a bucket: false when there is no such flow. Pure. */
bool stored_judge(const struct view *view, uint32_t now, uint32_t bucket, uint64_t word,
		  uint64_t hash, struct stored_flow *ret_flow);

#endif
