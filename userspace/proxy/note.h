/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What is noted of a request for the access log: its head is gone by the time its answer is. And
 * the trace that it is part of, which is continued for whom the listener trusts, and begun anew for
 * all others, as the W3C's Trace Context (level 1, 4.3) lets who guards a border do: else anybody
 * could choose the ids that backends file their records under. Only while there is an access log:
 * who takes no part in traces passes their headers on as they are.
 */
#ifndef MTLB_PROXY_NOTE_H
#define MTLB_PROXY_NOTE_H

#include "../wire/trace.h"

struct conn;
struct routing;

struct seen_note {
	struct routing *routing; /* held: names of what the request met are in it */
	char traceparent[TRACE_PARENT_LENGTH + 1];
	bool begun;  /* the trace, here */
	bool picked; /* it gets a line */
	uint32_t length;
	char text[]; /* of the line: what is known from the head */
};

/* The request is over: writes its line, if it gets one, and forgets the note. */
void note_write(struct conn *conn, uint64_t took);

#endif
