/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The enum of every fate of a packet, from reasons.def. */
#ifndef MTLB_ABI_REASON_H
#define MTLB_ABI_REASON_H

enum mtlb_reason {
#define REASON(name, verdict, sentence) MTLB_REASON_##name,
#include "reasons.def"
#undef REASON
	MTLB_REASON_COUNT,
};

enum mtlb_verdict {
	MTLB_VERDICT_GO,
	MTLB_VERDICT_PASS,
	MTLB_VERDICT_DROP,
	MTLB_VERDICT_TX,
	MTLB_VERDICT_REDIRECT,
};

/* The row of a tenant in mtlb_reason_counters: room for reasons to come without moving the rows. */
#define MTLB_REASONS_PER_TENANT 64

#endif
