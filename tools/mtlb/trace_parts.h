/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the files that tell of a trace share. */
#ifndef MTLB_TOOLS_TRACE_PARTS_H
#define MTLB_TOOLS_TRACE_PARTS_H

#include "trace_tell.h"

/* Stages, in the order that a packet meets them. */
enum part {
	PART_PARSE,
	PART_CLASSIFY,
	PART_GUARD,
	PART_ADMIT,
	PART_PICK,
	PART_TRACK,
	PART_FORWARD,
};

struct parts {
	const struct telling *telling;
	const struct mtlb_trace *about;
	uint32_t reason; /* that it ends with */
	bool has_vip, ruled;
	struct mtlb_vip vip; /* the record it met */
	uint32_t rules;	     /* per CPU */
	json_t *steps;
};

/* Adds a step; it is the list's. */
json_t *trace_say(struct parts *parts, const char *step, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

void trace_tell_pick(struct parts *parts);
void trace_tell_flow(struct parts *parts);
/* Of a packet that has found a member. */
void trace_tell_forward(struct parts *parts);
/* What few packets meet when the straight way has ended. */
void trace_tell_detour(struct parts *parts);

#endif
