/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What must hold after any packet whatever, told from the packet and the maps alone and without the
 * program's own parser: one fate and one counter, nothing of another tenant's touched, what passes
 * unchanged, what leaves well formed.
 */
#ifndef MTLB_HOST_JUDGE_H
#define MTLB_HOST_JUDGE_H

#include "host.h"
#include "../bpf/rig.h"

/* What there was before the packet, of a rig in the fake dataplane: it has one row per counter. */
struct judge {
	const struct rig *rig;
	struct mtlb_member_counter members[RIG_MEMBERS];
	struct mtlb_reason_counter reasons[RIG_TENANTS * MTLB_REASONS_PER_TENANT];
	struct mtlb_tenant_counter tenants[RIG_TENANTS];
	struct mtlb_flow_bucket flows[RIG_BUCKETS];
	struct mtlb_flow_facts facts[RIG_BUCKETS * MTLB_FLOWS_PER_BUCKET];
};

void judge_before(struct judge *judge, const struct rig *rig);
/* The law that was broken, or NULL. */
const char *judge_after(const struct judge *judge, const struct frame *in,
			const struct host_arrival *arrival, const struct host_departure *departure);

#endif
