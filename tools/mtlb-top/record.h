/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Writes samples down, as parse.h has them. */
#ifndef MTLB_TOP_RECORD_H
#define MTLB_TOP_RECORD_H

#include <stdio.h>

#include "../../userspace/base/err.h"
#include "sample.h"

struct record {
	FILE *file; /* NULL: nothing is written */
	const char *path;
	bool begun;
};

/* A file that is there already is not touched. path NULL: nothing is to be written. */
int record_open(struct record *record, const char *path, struct err *err);
int record_write(struct record *record, struct sample *sample, struct err *err);
int record_close(struct record *record, struct err *err);

#endif
