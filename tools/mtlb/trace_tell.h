/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What a trace found, step by step, in words and as JSON. */
#ifndef MTLB_TOOLS_TRACE_TELL_H
#define MTLB_TOOLS_TRACE_TELL_H

#include <jansson.h>

#include "../../userspace/inspect/trace.h"
#include "../../userspace/inspect/view.h"

struct telling {
	const struct view *view;
	const struct trace *trace;
	const struct trace_result *result;
	const char *in; /* the interface it comes in by */
};

/*
 * {"verdict", "reason", "sentence", "remedy", "steps": [{"step", "sentence", ...}], ...}: a step
 * holds what its sentence says, as numbers and names. NULL: no memory.
 */
json_t *trace_tell(const struct telling *telling);

/* NULL: there is nothing to be done about it. */
const char *trace_remedy(uint32_t reason);

#endif
