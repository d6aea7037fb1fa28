/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The text of a recording: one line after the other to samples, and samples to lines. A recording
 * comes from outside: a line that is not just as it must be is refused with a sentence. Pure.
 *
 *	mtlb-top recording 1
 *	at 1764201600123 node tenant drop	a sample begins; what was asked for
 *	tenant acme 1000 64000 7 31 65536 0 0 0	and all there was of it, as records.def has it
 *	end
 */
#ifndef MTLB_TOP_PARSE_H
#define MTLB_TOP_PARSE_H

#include <stdio.h>

#include "../../userspace/base/err.h"
#include "sample.h"

#define PARSE_TITLE    "mtlb-top recording 1"
#define PARSE_LINE_MAX 1024
#define PARSE_ROWS_MAX 4000000 /* of a sample: more are no recording of ours */

struct parse {
	bool titled; /* the first line was seen */
	bool begun;  /* within a sample */
	uint64_t at_ms;
	size_t rows;
	/* the last row of each kind: they must be in order, so that none is there twice */
	const char *last[RECORD_KINDS][RECORD_TEXTS];
};

/*
 * Takes a line without its end. 1: the sample is whole; 0: go on; else -EINVAL and a sentence, or
 * -ENOMEM. The sample is emptied when another one begins.
 */
int parse_line(struct parse *parse, const char *line, size_t length, struct sample *sample,
	       struct err *err);

/* No line follows: 0, or -EINVAL and a sentence when something is missing. */
int parse_end(const struct parse *parse, struct err *err);

/* Writes a sample, sorting its rows. title: it is the first one. 0 or a negative errno. */
int parse_write(FILE *file, struct sample *sample, bool title);

#endif
