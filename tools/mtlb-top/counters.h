/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The answer of GET /v1/counters to rows of a sample. It is JSON, but always written in the same
 * way, without blanks and escapes, and it is read as that: with ten thousand tenants a tree of JSON
 * values would take longer than all else. What is not just so is refused. Pure.
 */
#ifndef MTLB_TOP_COUNTERS_H
#define MTLB_TOP_COUNTERS_H

#include <uthash.h>

#include "sample.h"

#define COUNTERS_LIMITS	     4
#define COUNTERS_REASONS_MAX 256

/* A tenant's quota and limits, which change with the configuration alone. */
struct limits {
	const char *name;
	uint64_t value[COUNTERS_LIMITS];
	UT_hash_handle hh;
};

struct counters {
	struct limits *limits; /* by name */
	uint64_t generation;   /* of which they are */
	bool known;	       /* there are limits of that generation */
	uint64_t now;	       /* the generation of the last answer */
};

/*
 * Adds TENANT and DROP rows. An answer that has limits replaces those that are known. 0, -ENOMEM,
 * -EPROTO when it is not of the expected form; -ESTALE: it has no limits, and those that are known
 * are of another generation.
 */
int counters_parse(struct counters *counters, const char *text, size_t length,
		   struct sample *sample);

void counters_forget(struct counters *counters);

#endif
