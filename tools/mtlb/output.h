/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Items of the API in columns. In a pipe all of them; on a terminal what it has room for, in
 * colours.
 */
#ifndef MTLB_TOOLS_OUTPUT_H
#define MTLB_TOOLS_OUTPUT_H

#include "noun.h"

/* 0 or -ENOMEM. items is an array; columns ends with an empty row. */
int output_table(const struct options *options, const struct column *columns, const json_t *items);

/* The same; on a narrow terminal the columns with the titles of spare go first, in its order. */
int output_sheet(const struct options *options, const struct column *columns,
		 const char *const *spare, const json_t *items);

/*
 * The same of a table that may be longer than memory: its first thousand rows, as texts in the
 * order of the columns, say how wide the columns are. NULL: no memory.
 */
struct output_rows;

struct output_rows *output_rows_open(const struct options *options, const struct column *columns,
				     const char *const *spare);
/* 0 or -ENOMEM. */
int output_rows_add(struct output_rows *rows, char *const *cells);
void output_rows_close(struct output_rows *rows);

/* One item, a line for each column: the title, then the value. 0 or -ENOMEM. */
int output_fields(const struct options *options, const struct column *columns, const json_t *item);

/* Words within a line: one in the colour of its state, if it has one; and a value of the API. Both
 * made harmless; a value that is no text is "-".
 */
void output_state(const struct options *options, const char *text);
void output_text(const json_t *value);

/* JSON as -j and -p want it. */
void output_json(const struct options *options, const json_t *value);

/* Lines of a plan: + - ~ in their colours. */
void output_changes(const struct options *options, const json_t *changes);

#endif
