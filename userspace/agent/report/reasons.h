/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* reasons.def as text. */
#ifndef MTLB_AGENT_REPORT_REASONS_H
#define MTLB_AGENT_REPORT_REASONS_H

#include <jansson.h>
#include <stdint.h>

#include "../../../bpf/abi/reason.h"

struct agent;

const char *reason_name(enum mtlb_reason reason);
const char *reason_sentence(enum mtlb_reason reason);
enum mtlb_verdict reason_verdict(enum mtlb_reason reason);
const char *reason_verdict_name(enum mtlb_verdict verdict);

/* The reasons with packets of one tenant, as a list of objects. */
json_t *report_reasons(const struct agent *agent, uint32_t tenant, const char *tenant_name);

#endif
