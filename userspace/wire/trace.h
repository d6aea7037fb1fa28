/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * traceparent (W3C Trace Context, level 1, 3.2): which trace a request is part of. Its other half,
 * tracestate, is never looked into. Pure.
 */
#ifndef MTLB_WIRE_TRACE_H
#define MTLB_WIRE_TRACE_H

#include <stdbool.h>
#include <stdint.h>

#include "h1.h"

#define TRACE_ID_LENGTH	    32
#define TRACE_PARENT_LENGTH 55

/* The trace that this value is of; false: it is none, and as good as none. */
bool trace_parse(struct h1_text value, char ret_id[TRACE_ID_LENGTH], uint8_t *ret_flags);
/* A new one. random: of its two halves. */
void trace_begin(const uint64_t random[2], char ret_id[TRACE_ID_LENGTH]);
/* What goes on: with this span as the parent of what the backend does. */
void trace_format(const char id[TRACE_ID_LENGTH], uint64_t span, uint8_t flags,
		  char ret_text[TRACE_PARENT_LENGTH + 1]);

#endif
