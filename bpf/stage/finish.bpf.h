/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The only exit: one counter, then the verdict that reasons.def gives the reason, and a sample of
 * what is dropped or opens a flow. Owns mtlb_interfaces: those by which packets may leave, so that
 * none is lost to one that is gone.
 */
#ifndef MTLB_STAGE_FINISH_H
#define MTLB_STAGE_FINISH_H

#include "count.bpf.h"
#include "event.bpf.h"

struct {
	__uint(type, BPF_MAP_TYPE_DEVMAP_HASH);
	__uint(max_entries, 64);
	__type(key, __u32);   /* ifindex */
	__type(value, __u32); /* the same */
} mtlb_interfaces SEC(".maps");

static __always_inline enum mtlb_verdict finish_verdict(enum mtlb_reason reason)
{
	switch (reason) {
#define REASON(name, verdict, sentence) \
	case MTLB_REASON_##name:        \
		return MTLB_VERDICT_##verdict;
#include "../abi/reasons.def"
#undef REASON
	default:
		return MTLB_VERDICT_DROP;
	}
}

static __always_inline void finish_forwarded(struct xdp_md *ctx, struct packet *p, __u32 reason)
{
	__u64 opened = count_forwarded(p);

	if (unlikely(opened) && unlikely(opened % MTLB_EVENT_OPENED_EVERY == 0))
		event_opened(ctx, p, reason);
}

static __always_inline int finish(struct xdp_md *ctx, struct packet *p, int reason)
{
	if (likely(reason == MTLB_REASON_sent)) {
		finish_forwarded(ctx, p, reason);
		return XDP_TX;
	}
	if (reason == MTLB_REASON_redirected) {
		if (likely(bpf_redirect_map(&mtlb_interfaces, p->ifindex, 0) == XDP_REDIRECT)) {
			finish_forwarded(ctx, p, reason);
			return XDP_REDIRECT;
		}
		reason = MTLB_REASON_no_interface;
	}
	count_reason(p, reason);
	switch (finish_verdict(reason)) {
	case MTLB_VERDICT_PASS:
		return XDP_PASS;
	case MTLB_VERDICT_TX:
		return XDP_TX;
	default:
		event_drop(ctx, p, reason);
		return XDP_DROP;
	}
}

#endif
