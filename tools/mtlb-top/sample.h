/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the node was like at one time: rows of the kinds of records.def, and which kinds were asked
 * for. Texts are words of words.h. Pure.
 */
#ifndef MTLB_TOP_SAMPLE_H
#define MTLB_TOP_SAMPLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum record_kind {
#define RECORD(kind, ...) RECORD_##kind,
#include "records.def"
#undef RECORD
	RECORD_KINDS,
};

#define RECORD_TEXTS  4
#define RECORD_VALUES 8

struct record_shape {
	const char *word;
	unsigned keys, texts, counters, values; /* values: counters and gauges */
};

extern const struct record_shape record_shapes[RECORD_KINDS];

/* Places among the values of TENANT, SERVICE and MEMBER; DROP has the first. */
enum {
	VALUE_PACKETS,
	VALUE_BYTES,
	VALUE_NEW_FLOWS,
	VALUE_GAUGES
};
/* Of TENANT, from VALUE_GAUGES. */
enum {
	TENANT_ACTIVE = VALUE_GAUGES,
	TENANT_QUOTA,
	TENANT_LIMITS
};
/* Of SERVICE, and of MEMBER. */
enum {
	SERVICE_UP = VALUE_GAUGES,
	SERVICE_DOWN,
	SERVICE_DRAIN,
	SERVICE_GONE
};
enum {
	MEMBER_WEIGHT = VALUE_GAUGES,
	MEMBER_PERMILLE
};
/* Of ROUTE. */
enum {
	ROUTE_REQUESTS,
	ROUTE_5XX,
	ROUTE_4XX,
	ROUTE_P50_US,
	ROUTE_P99_US
};
enum {
	CPU_TICKS,
	CPU_BUSY,
	CPU_SOFTIRQ
};
enum {
	FILL_USED,
	FILL_MAX
};

struct row {
	const char *text[RECORD_TEXTS];
	uint64_t value[RECORD_VALUES];
};

struct rows {
	struct row *row;
	size_t count, room;
};

struct sample {
	uint64_t at_ms; /* of the wall's clock when it was begun; never goes back */
	unsigned kinds; /* a bit for each that was asked for */
	struct rows rows[RECORD_KINDS];
};

static inline bool sample_has(const struct sample *sample, enum record_kind kind)
{
	return sample->kinds >> kind & 1;
}

/* An empty row at the end, NULL: no memory. */
struct row *sample_add(struct sample *sample, enum record_kind kind);
/* Empties it, and keeps its memory. */
void sample_clear(struct sample *sample);
void sample_fini(struct sample *sample);

#endif
