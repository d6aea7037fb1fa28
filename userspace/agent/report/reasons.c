// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "reasons.h"

static const struct {
	const char *name, *sentence;
	enum mtlb_verdict verdict;
} reasons[] = {
#define REASON(name, verdict, sentence) {#name, sentence, MTLB_VERDICT_##verdict},
#include "../../../bpf/abi/reasons.def"
#undef REASON
};

const char *reason_name(enum mtlb_reason reason)
{
	return reasons[reason].name;
}

const char *reason_sentence(enum mtlb_reason reason)
{
	return reasons[reason].sentence;
}

enum mtlb_verdict reason_verdict(enum mtlb_reason reason)
{
	return reasons[reason].verdict;
}

const char *reason_verdict_name(enum mtlb_verdict verdict)
{
	static const char *const names[] = {
		[MTLB_VERDICT_GO] = "go",
		[MTLB_VERDICT_PASS] = "pass",
		[MTLB_VERDICT_DROP] = "drop",
		[MTLB_VERDICT_TX] = "tx",
		[MTLB_VERDICT_REDIRECT] = "redirect",
	};

	return names[verdict];
}
