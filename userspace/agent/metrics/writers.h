/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A writer for each row of metrics.def: the lines of one object. A row without one does not link.
 */
#ifndef MTLB_AGENT_METRICS_WRITERS_H
#define MTLB_AGENT_METRICS_WRITERS_H

#include "../agent.h"
#include "gather.h"
#include "page.h"

/* Of the page's object number i, by the scope of the row; of the node there is one. */
#define METRIC(name, type, scope, label, sentence) void write_##name(struct page *page, size_t i);
#include "../../model/metrics.def"

/* A line for each class of answers. */
void write_classes(struct page *page, size_t labels, const uint64_t answers[TALLY_STATUSES]);

#endif
