// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Where counters begin and end: rows that are given to somebody else, and what is carried over
 * before (abi/total.h). Each step leaves what the next agent can go on from, whenever this one is
 * killed.
 */
#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include "internal.h"
#include "words.h"

static void clear_tenant(struct dataplane *dataplane, uint32_t tenant)
{
	const struct mtlb_node *node = dataplane->view.node;

	for (uint32_t cpu = 0; cpu < node->cpus; cpu++) {
		size_t row = (size_t)cpu * node->tenants + tenant;

		memset(&dataplane->arrays.reason_counters[row * MTLB_REASONS_PER_TENANT], 0,
		       MTLB_REASONS_PER_TENANT * sizeof(struct mtlb_reason_counter));
		memset(&dataplane->arrays.tenant_counters[row], 0,
		       sizeof(struct mtlb_tenant_counter));
		memset(&dataplane->arrays.event_budgets[row], 0, sizeof(struct mtlb_event_budget));
	}
	memset(&dataplane->arrays.active[tenant], 0, sizeof(struct mtlb_active));
}

/* Nobody's while it is being cleared. */
int dataplane_reset_tenant_counters(struct dataplane *dataplane, uint32_t tenant)
{
	struct mtlb_total *total = &dataplane->arrays.totals[tenant];
	int error = gate(dataplane);
	uint64_t id = 0;

	while (!error && !id) {
		if (getrandom(&id, sizeof(id), 0) != sizeof(id))
			error = -EIO;
		id >>= 64 - 53; /* what every reader of JSON can hold */
	}
	if (error)
		return error;
	*(volatile __u64 *)&total->id = 0;
	barrier_release();
	clear_tenant(dataplane, tenant);
	memset(total, 0, sizeof(*total));
	barrier_release();
	*(volatile __u64 *)&total->id = id;
	return 0;
}

static void clear_member(struct dataplane *dataplane, uint32_t member)
{
	const struct mtlb_node *node = dataplane->view.node;

	for (uint32_t cpu = 0; cpu < node->cpus; cpu++)
		memset(&dataplane->arrays.member_counters[(size_t)cpu * node->members + member], 0,
		       sizeof(struct mtlb_member_counter));
	barrier_release();
}

int dataplane_reset_member_counters(struct dataplane *dataplane, uint32_t member, uint32_t tenant)
{
	int error = gate(dataplane);

	if (error)
		return error;
	clear_member(dataplane, member);
	dataplane->arrays.member_counters[member].owner = dataplane->arrays.totals[tenant].id;
	return 0;
}

/* From here on it may be done as often as it takes. */
static void finish_fold(struct dataplane *dataplane, struct mtlb_total *total)
{
	uint64_t member = total->folding;

	total->now = total->next;
	barrier_release();
	if (member < dataplane->view.node->members)
		clear_member(dataplane, (uint32_t)member);
	*(volatile __u64 *)&total->folding = 0;
}

int dataplane_fold_member(struct dataplane *dataplane, uint32_t member, uint32_t tenant)
{
	struct mtlb_total *total = &dataplane->arrays.totals[tenant];
	uint64_t owner = dataplane->arrays.member_counters[member].owner;
	struct mtlb_member_counter sum;
	int error = gate(dataplane);

	if (error)
		return error;
	if (!owner || owner != total->id) {
		clear_member(dataplane, member);
		return 0;
	}
	dataplane_sum_member(dataplane, member, &sum);
	total->next = (struct mtlb_amount){
		.packets = total->now.packets + sum.packets,
		.bytes = total->now.bytes + sum.bytes,
		.new_flows = total->now.new_flows + sum.new_flows,
		.reply_packets = total->now.reply_packets + sum.reply_packets,
		.reply_bytes = total->now.reply_bytes + sum.reply_bytes,
	};
	barrier_release();
	*(volatile __u64 *)&total->folding = member;
	barrier_release();
	finish_fold(dataplane, total);
	return 0;
}

int dataplane_resume_folds(struct dataplane *dataplane)
{
	const struct mtlb_node *node = dataplane->view.node;
	int error = gate(dataplane);

	for (uint32_t tenant = 0; !error && tenant < node->tenants; tenant++)
		if (dataplane->arrays.totals[tenant].folding)
			finish_fold(dataplane, &dataplane->arrays.totals[tenant]);
	return error;
}
