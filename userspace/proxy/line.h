/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A line of the access log as it is written: members of a JSON object (RFC 8259). What clients sent
 * may be any bytes at all, and the line is JSON in ASCII all the same: what is no printable ASCII
 * is written as \u00XX, a byte at a time. What does not fit leaves the line as it was. Pure.
 */
#ifndef MTLB_PROXY_LINE_H
#define MTLB_PROXY_LINE_H

#include <stddef.h>
#include <stdint.h>

struct line {
	char *at;
	size_t used, size;
};

/* ,"key":"text", no more than most bytes of it. Without a comma where the line is empty or begins
 * with it. */
void line_text(struct line *line, const char *key, const char *text, size_t length, size_t most);
void line_number(struct line *line, const char *key, uint64_t number);
/* Seconds, to the microsecond. */
void line_seconds(struct line *line, const char *key, uint64_t ns);
void line_null(struct line *line, const char *key);
/* As it is. */
void line_raw(struct line *line, const char *text, size_t length);

#endif
