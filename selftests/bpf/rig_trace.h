/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Every scenario of the rig is traced before it is run: what the trace says must come true. */
#ifndef MTLB_SELFTESTS_RIG_TRACE_H
#define MTLB_SELFTESTS_RIG_TRACE_H

#include "rig.h"
#include "../../userspace/inspect/trace.h"

/* What the packet would meet; the frame as it would leave. Fails the test if it cannot be told. */
struct trace_result rig_trace(const struct rig *rig, const struct frame *in, uint32_t ifindex,
			      struct frame *out);
/* The program that tells, and what it holds of the last run. */
struct trace *rig_tracer(const struct rig *rig);
void rig_trace_close(void);

/* Fails unless it says what the scenario expects. out: as it is expected. */
void rig_trace_check(const struct scenario *scenario, const struct trace_result *is,
		     const struct frame *out, const struct frame *expected);

#endif
