/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The counters: owns mtlb_member_counters, mtlb_reason_counters and mtlb_tenant_counters. */
#ifndef MTLB_STAGE_COUNT_H
#define MTLB_STAGE_COUNT_H

#include "knobs.bpf.h"
#include "../abi/counter.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct mtlb_member_counter);
} mtlb_member_counters SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct mtlb_reason_counter);
} mtlb_reason_counters SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct mtlb_tenant_counter);
} mtlb_tenant_counters SEC(".maps");

/*
 * A CPU writes only its own row, and XDP is not re-entered on a CPU: no atomics are needed. Returns
 * how many flows the member got on this CPU when the packet opened one of them, else 0.
 */
static __always_inline __u64 count_forwarded(const struct packet *p)
{
	__u32 at = bpf_get_smp_processor_id() * knob_members + p->member;
	struct mtlb_member_counter *counter = bpf_map_lookup_elem(&mtlb_member_counters, &at);

	if (unlikely(!counter))
		return 0;
	if (unlikely(p->reply)) {
		counter->reply_packets++;
		counter->reply_bytes += p->ip_bytes;
		return 0;
	}
	counter->packets++;
	counter->bytes += p->ip_bytes;
	return p->new_flow ? ++counter->new_flows : 0;
}

static __always_inline void count_reason(const struct packet *p, enum mtlb_reason reason)
{
	__u32 at =
		(bpf_get_smp_processor_id() * knob_tenants + p->tenant) * MTLB_REASONS_PER_TENANT +
		reason;
	struct mtlb_reason_counter *counter = bpf_map_lookup_elem(&mtlb_reason_counters, &at);

	if (unlikely(!counter))
		return;
	counter->packets++;
	counter->bytes += p->ip_bytes;
}

static __always_inline void count_tenant(__u32 tenant, enum mtlb_tenant_counter_name name)
{
	__u32 at = bpf_get_smp_processor_id() * knob_tenants + tenant;
	struct mtlb_tenant_counter *counter = bpf_map_lookup_elem(&mtlb_tenant_counters, &at);

	if (likely(counter))
		counter->value[name]++;
}

#endif
