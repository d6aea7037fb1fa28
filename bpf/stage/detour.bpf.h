/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What a few packets in a million meet when the straight way ended without a member: later
 * fragments look for their first one, replies for their translated flow, a ping for its answer,
 * what is too big for a word to its sender. Owns no map.
 */
#ifndef MTLB_STAGE_DETOUR_H
#define MTLB_STAGE_DETOUR_H

#include "active.bpf.h"
#include "admit.bpf.h"
#include "answer.bpf.h"
#include "cookie.bpf.h"
#include "fragment.bpf.h"
#include "guard.bpf.h"
#include "nat_reply.bpf.h"

static __always_inline int detour(struct xdp_md *ctx, struct packet *p, int reason)
{
	const struct mtlb_vip *vip;

	if (likely(reason == MTLB_REASON_sent || reason == MTLB_REASON_redirected))
		return reason;
	if (!p->record)
		return reason;
	/* what is not inlined leaves a pointer in p that the verifier does not trust */
	vip = bpf_map_lookup_elem(&mtlb_vip_records, &p->record);
	if (!vip)
		return reason;
	switch (reason) {
	case MTLB_REASON_fragment:
		return guard_rare(ctx, p, vip->flags) ?: admit(ctx, p, vip) ?: fragment_follow(ctx, p);
	case MTLB_REASON_local:
		if (p->fragment)
			fragment_remember(ctx, p, MTLB_FRAGMENT_LOCAL);
		reason = cookie(ctx, p);
		if (reason == MTLB_REASON_local)
			active_mark(p);
		return reason;
	case MTLB_REASON_too_big:
		return answer(ctx, p, reason);
	case MTLB_REASON_not_vip:
		if (!(vip->flags & MTLB_VIP_NAT_SOURCE))
			return reason;
		reason = nat_reply(ctx, p);
		if (p->fragment)
			nat_remember(p);
		return reason;
	case MTLB_REASON_icmp:
		return guard_rare(ctx, p, vip->flags) ?: admit(ctx, p, vip) ?: answer_echo(ctx, p, vip);
	default:
		return reason;
	}
}

#endif
