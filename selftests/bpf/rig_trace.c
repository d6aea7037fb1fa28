// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "rig_trace.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/* One at a time, as there is one rig at a time: loading it takes longer than all its runs. */
static struct trace *tracer;
static char of[64];

struct trace *rig_tracer(const struct rig *rig)
{
	struct err err = {};

	if (tracer && !strcmp(of, rig->directory))
		return tracer;
	rig_trace_close();
	strcpy(of, rig->directory);
	if (trace_open(of, &tracer, &err))
		fail_msg("%s", err.text);
	return tracer;
}

void rig_trace_close(void)
{
	if (tracer)
		trace_close(tracer);
	tracer = NULL;
}

struct trace_result rig_trace(const struct rig *rig, const struct frame *in, uint32_t ifindex,
			      struct frame *out)
{
	struct trace_result result;
	struct err err = {};

	if (trace_run(rig_tracer(rig), in->byte, in->length, ifindex ?: RIG_IFINDEX, &result, &err))
		fail_msg("%s", err.text);
	assert_in_range(result.length, 0, FRAME_MAX);
	out->length = result.length;
	memcpy(out->byte, result.frame, out->length);
	return result;
}

static uint32_t reason_of(const struct trace_result *is)
{
	if (is->about.reason == MTLB_REASON_redirected && is->verdict != XDP_REDIRECT)
		return MTLB_REASON_no_interface;
	return is->about.reason;
}

void rig_trace_check(const struct scenario *s, const struct trace_result *is,
		     const struct frame *out, const struct frame *expected)
{
	uint32_t reason = reason_of(is);

	if (is->verdict != s->verdict)
		print_error("%s: the trace says %d (%s)\n", s->name, is->verdict,
			    rig_reason_name(reason));
	assert_int_equal(is->verdict, s->verdict);
	if (s->member || s->reply) {
		assert_int_equal(is->about.member, s->member ?: s->reply);
		assert_int_equal(is->about.new_flow, s->new_flow);
	} else {
		assert_string_equal(rig_reason_name(reason), rig_reason_name(s->reason));
		assert_int_equal(is->about.tenant, s->tenant);
	}
	frame_assert_equal(out, expected, "the frame that the trace says would leave");
}
