/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Samples of what is dropped and of the flows that are opened, for whoever watches: abi/event.h. A
 * packet of a flood costs one line of its CPU's own: the clock is looked at for one in sixteen.
 * Owns mtlb_events and mtlb_event_budgets.
 */
#ifndef MTLB_STAGE_EVENT_H
#define MTLB_STAGE_EVENT_H

#include "classify.bpf.h"
#include "../abi/event.h"

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 20);
} mtlb_events SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct mtlb_event_budget);
} mtlb_event_budgets SEC(".maps");

/*
 * Nobody calls it, and none of it is loaded. But types (BTF) have what functions are given, and so
 * tell whoever looks into the ring what its records are.
 */
int event_record(const struct mtlb_event *record);
int event_record(const struct mtlb_event *record)
{
	return !record;
}

#define EVENT_SKIP_MAX 16 /* packets without a look at the clock */

static __always_inline struct mtlb_event_budget *event_budget(const struct packet *p)
{
	__u32 at = bpf_get_smp_processor_id() * knob_tenants + p->tenant;

	return bpf_map_lookup_elem(&mtlb_event_budgets, &at);
}

/* Rate and burst are those of a meter (abi/meter.h), of which every CPU has its own. */
static __always_inline bool event_is_due(struct mtlb_event_budget *budget, __u64 now)
{
	__s64 ahead = (__s64)(budget->due - now);

	if (bpf_ringbuf_query(&mtlb_events, BPF_RB_AVAIL_DATA) >
	    bpf_ringbuf_query(&mtlb_events, BPF_RB_RING_SIZE) / 2) {
		if (ahead > -(__s64)MTLB_EVENT_PATIENCE_NS) {
			budget->crowded++;
			return false;
		}
	} else if (ahead > (__s64)((MTLB_EVENT_BURST - 1) * MTLB_EVENT_INTERVAL_NS)) {
		return false;
	}
	budget->due = (ahead > 0 ? budget->due : now) + MTLB_EVENT_INTERVAL_NS;
	return true;
}

/* Its record may have been given to another tenant since. */
static __always_inline __u32 event_service(const struct packet *p)
{
	__u32 at = p->record;
	const struct mtlb_vip *vip = at ? bpf_map_lookup_elem(&mtlb_vip_records, &at) : NULL;

	return vip && vip->tenant == p->tenant ? vip->service : 0;
}

static __always_inline bool event_write(const struct xdp_md *ctx, const struct packet *p,
					__u32 reason, __u64 now, __u64 packets)
{
	struct mtlb_event *event = bpf_ringbuf_reserve(&mtlb_events, sizeof(*event), 0);

	if (!event)
		return false;
	event->at = now;
	event->packets = packets;
	event->source = p->source;
	event->destination = p->key.address;
	event->tenant = p->tenant;
	event->service = event_service(p);
	event->length = p->ip_bytes;
	event->ifindex = ctx->ingress_ifindex;
	event->source_port = p->source_port;
	event->destination_port = p->key.port;
	event->protocol = p->protocol;
	event->tcp_flags = p->protocol == IPPROTO_TCP ? p->tcp_flags : 0;
	event->reason = (__u8)reason;
	event->related = p->related;
	event->spare[0] = event->spare[1] = 0;
	bpf_ringbuf_submit(event, 0);
	return true;
}

/* Out of line for the verifier's sake. */
__attribute__((noinline)) int event_sample(struct xdp_md *ctx, struct packet *p, __u32 reason)
{
	struct mtlb_event_budget *budget = p ? event_budget(p) : NULL;
	__u64 now, skip;

	if (!budget)
		return 0;
	now = bpf_ktime_get_coarse_ns();
	if (event_is_due(budget, now)) {
		if (event_write(ctx, p, reason, now, budget->waiting)) {
			budget->waiting = budget->look = 0;
			return 0;
		}
		budget->crowded++;
	}
	/* as many as came since it was looked at before, so that only a flood is skipped */
	skip = budget->waiting > EVENT_SKIP_MAX ? EVENT_SKIP_MAX : budget->waiting;
	budget->look = budget->waiting + skip;
	return 0;
}

/* For one of many packets that opened a flow: without limits, a flood of them is forwarded. */
__attribute__((noinline)) int event_opened(struct xdp_md *ctx, struct packet *p, __u32 reason)
{
	struct mtlb_event_budget *budget = p && p->tenant ? event_budget(p) : NULL;
	__u64 now;

	if (!budget)
		return 0;
	now = bpf_ktime_get_coarse_ns();
	if (event_is_due(budget, now) && !event_write(ctx, p, reason, now, MTLB_EVENT_OPENED_EVERY))
		budget->crowded++;
	return 0;
}

/* For what ends here. A CPU writes only its own line, and XDP is not re-entered. */
static __always_inline void event_drop(struct xdp_md *ctx, struct packet *p, __u32 reason)
{
	struct mtlb_event_budget *budget;

	if (!p->tenant || reason == MTLB_REASON_fragment_held)
		return;
	budget = event_budget(p);
	if (unlikely(!budget))
		return;
	if (likely(++budget->waiting < budget->look))
		return;
	event_sample(ctx, p, reason);
}

#endif
