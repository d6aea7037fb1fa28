/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* metrics.def as rows and as text: which metrics there are, and what they say. Pure. */
#ifndef MTLB_MODEL_METRICS_H
#define MTLB_MODEL_METRICS_H

#include <stdio.h>

enum metric {
#define METRIC(name, type, scope, label, sentence) METRIC_##name,
#include "metrics.def"
	METRICS
};

enum metric_type {
	METRIC_COUNTER,
	METRIC_GAUGE,
	METRIC_HISTOGRAM, /* of seconds; its label is that of the buckets */
};

/* Whose it is. */
enum metric_scope {
	METRIC_NODE,
	METRIC_TENANT,
	METRIC_SERVICE,
	METRIC_MEMBER,
	METRIC_SCOPES,
};

struct metric_row {
	const char *name; /* with "mtlb_" */
	enum metric_type type;
	enum metric_scope scope;
	const char *label; /* beside those of the scope; NULL: none */
	const char *sentence;
};

extern const struct metric_row metric_rows[METRICS];

const char *metric_type_name(enum metric_type type);

/* docs/metrics.md */
void metrics_print_reference(FILE *file);

#endif
