/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What a user wrote, made fit for one line of an error: in quotation marks, cut after forty
 * characters, control characters spelled out so that no file can drive the reader's terminal.
 */
#ifndef MTLB_MODEL_QUOTE_H
#define MTLB_MODEL_QUOTE_H

#define QUOTE_CHARACTERS 40

/* By value, so that several fit into one printf: quote(text).text. */
struct quote {
	char text[QUOTE_CHARACTERS * 4 + 8];
};

struct quote quote(const char *text);

#endif
