/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The rival of just-enough tracking: every flow is remembered in its tenant's LRU_HASH, as public
 * XDP balancers do. A known flow skips the Maglev table; a SYN is stored without being looked up.
 * Owns flow_lru and flow_lru_tenants. Part of the benchmark only.
 */
#ifndef MTLB_BENCH_TRACK_LRU_H
#define MTLB_BENCH_TRACK_LRU_H

#include "../../bpf/stage/track.bpf.h"

struct track_lru_key {
	struct mtlb_address source;
	struct mtlb_address destination;
	__be16 source_port;
	__be16 destination_port;
	__u32 protocol;
};

struct track_lru_flow {
	__u32 member;
	__u32 spare;
};

struct track_lru_map {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1);
	__type(key, struct track_lru_key);
	__type(value, struct track_lru_flow);
} flow_lru SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, FLOW_TENANT + 1);
	__type(key, __u32);
	__array(values, struct track_lru_map);
} flow_lru_tenants SEC(".maps") = {
	.values = {[FLOW_TENANT] = (void *)&flow_lru},
};

static __always_inline int track_lru(struct xdp_md *ctx, struct packet *p)
{
	struct track_lru_key key = {
		.source = p->source,
		.destination = p->key.address,
		.source_port = p->source_port,
		.destination_port = p->key.port,
		.protocol = p->key.protocol,
	};
	struct track_lru_flow flow = {}, *known;
	__u32 tenant = p->vip->tenant;
	void *flows = bpf_map_lookup_elem(&flow_lru_tenants, &tenant);
	int reason;

	if (unlikely(!flows))
		return MTLB_REASON_no_record;
	p->new_flow = packet_opens(p);
	if (!p->new_flow) {
		known = bpf_map_lookup_elem(flows, &key);
		if (likely(known && track_usable(p->vip, known->member))) {
			p->member = known->member;
			return 0;
		}
	}
	reason = pick(ctx, p);
	if (unlikely(reason))
		return reason;
	p->member = p->slot & MTLB_SLOT_MEMBER;
	flow.member = p->member;
	if (unlikely(bpf_map_update_elem(flows, &key, &flow, BPF_ANY)))
		count_tenant(p->vip->tenant, MTLB_COUNTER_flows_unstored);
	else
		count_tenant(p->vip->tenant, MTLB_COUNTER_flows_stored);
	return 0;
}

#endif
