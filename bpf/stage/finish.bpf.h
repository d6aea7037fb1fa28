/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The only exit: one counter, then the verdict that reasons.def gives the reason. */
#ifndef MTLB_STAGE_FINISH_H
#define MTLB_STAGE_FINISH_H

#include "count.bpf.h"

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

static __always_inline int finish(const struct packet *p, int reason)
{
	if (likely(reason == MTLB_REASON_sent)) {
		count_forwarded(p);
		return XDP_TX;
	}
	if (reason == MTLB_REASON_redirected) {
		count_forwarded(p);
		return bpf_redirect(p->ifindex, 0);
	}
	count_reason(p, reason);
	switch (finish_verdict(reason)) {
	case MTLB_VERDICT_PASS:
		return XDP_PASS;
	case MTLB_VERDICT_TX:
		return XDP_TX;
	default:
		return XDP_DROP;
	}
}

#endif
