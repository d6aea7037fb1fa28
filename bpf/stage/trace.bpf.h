/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What a run is about, for whoever asks `mtlb trace`: owns mtlb_trace. Included before all other
 * stages, whose lookups it listens to. No other program includes it.
 */
#ifndef MTLB_STAGE_TRACE_H
#define MTLB_STAGE_TRACE_H

#include "array.bpf.h"
#include "../abi/trace.h"

ARRAY_MAP(mtlb_trace, struct mtlb_trace);

/* The one member of the kernel's own that is looked at, wherever it lies there. */
struct bpf_map {
	__u32 id;
} __attribute__((preserve_access_index));

__attribute__((noinline)) int trace_miss(__u32 map, __u32 key)
{
	__u32 zero = 0, at;
	struct mtlb_trace *trace = bpf_map_lookup_elem(&mtlb_trace, &zero);

	if (!trace)
		return 0;
	at = trace->misses++;
	if (at >= MTLB_TRACE_MISSES)
		return 0;
	trace->miss[at].map = map;
	trace->miss[at].key = key;
	return 0;
}

static __always_inline void *trace_lookup(void *map, const void *key)
{
	void *found = bpf_map_lookup_elem(map, key);

	if (!found)
		trace_miss(((struct bpf_map *)map)->id, *(const __u32 *)key);
	return found;
}

#define bpf_map_lookup_elem trace_lookup

/* straight, reason: where the straight way ended, and where the detour did. */
static __always_inline void trace_note(const struct packet *p, __u32 straight, __u32 reason)
{
	__u32 zero = 0;
	struct mtlb_trace *trace = (bpf_map_lookup_elem)(&mtlb_trace, &zero);

	if (!trace)
		return;
	trace->straight = straight;
	trace->reason = reason;
	trace->cpu = bpf_get_smp_processor_id();
	trace->key = p->key;
	trace->source_port = p->source_port;
	trace->tcp_flags = p->tcp_flags;
	trace->protocol = p->protocol;
	trace->source = p->source;
	trace->tag[0] = p->tag[0];
	trace->tag[1] = p->tag[1];
	trace->ip_bytes = p->ip_bytes;
	trace->fragment_id = p->fragment_id;
	trace->fragment = p->fragment;
	trace->l3 = p->l3;
	trace->l4 = p->l4;
	trace->trouble = p->trouble;
	trace->ipv6 = p->ipv6;
	trace->related = p->related;
	trace->new_flow = p->new_flow;
	trace->reply = p->reply;
	trace->record = p->record;
	trace->tenant = p->tenant;
	trace->slot_hash = p->slot_hash;
	trace->slot = p->slot;
	trace->member = p->member;
	trace->nat = p->nat;
	trace->mtu = p->mtu;
	trace->ifindex = p->ifindex;
	trace->hash = p->hash;
}

#define PIPELINE_NOTE trace_note

#endif
