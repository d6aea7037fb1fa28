/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What is served at GET /metrics: made when it is asked for, in slices between which the loop does
 * all else, and given to all who asked meanwhile. Each counts from when it was made.
 */
#ifndef MTLB_AGENT_METRICS_H
#define MTLB_AGENT_METRICS_H

#include <stdint.h>

#include "../../base/err.h"
#include "gather.h"

#define METRICS_SLICE_NS 1000000ULL    /* after this, others have their turn */
#define METRICS_FRESH_NS 1000000000ULL /* what is younger is served once more */

struct metrics;
struct text;

/* Begins to count: what is in the maps is read from the loop, in slices as well. */
int metrics_new(struct agent *agent, struct metrics **ret_metrics);
void metrics_free(struct metrics *metrics);

/* For whoever asks; it comes later. NULL: no memory. */
struct text *metrics_ask(struct metrics *metrics, enum page_format format);
/* Before the API's server ends: whoever waits is cut off. */
void metrics_end(struct metrics *metrics);
/* The address of its own, as the running configuration says (node.metrics.listen). 1: it was
 * opened; 0: it is as it was, or closed; or a negative errno and a sentence.
 */
int metrics_listen(struct metrics *metrics, struct err *err);

/* for the writers */
struct metrics_cost {
	uint64_t cpu_ns, slice_ns; /* of all slices of the time before; the longest one */
};
const struct metrics_cost *metrics_cost(const struct metrics *metrics);
const struct gather_totals *metrics_totals(const struct metrics *metrics);

#endif
