/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Tables on stdout, one after the other. */
#ifndef MTLB_TOP_BATCH_H
#define MTLB_TOP_BATCH_H

#include "options.h"
#include "record.h"
#include "source.h"

/*
 * The first sample is only what rates are counted from. 0 at the end of a recording or after the
 * tables that were asked for; else a negative errno and a sentence.
 */
int batch_run(const struct options *options, struct source *source, struct record *record,
	      struct err *err);

#endif
