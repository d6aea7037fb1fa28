/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Which columns of a table a terminal has room for, and how wide each may be. Prints nothing. */
#ifndef MTLB_TOOLS_FIT_H
#define MTLB_TOOLS_FIT_H

#include "noun.h"

#define FIT_GAP 2 /* blanks between columns */

/*
 * widths is what each of count columns would need; what does not fit into room characters is made
 * narrower or 0, which is left out. Columns go first that spare names, in its order (NULL: none).
 * The text of the last column is counted as what a few words need: it can go on in the next line.
 */
void fit_columns(const struct column *columns, size_t count, const char *const *spare, size_t room,
		 size_t *widths);

/* How much of a text stands in its first line of so many characters, in bytes; with words, it
 * ends at a blank where there is one.
 */
size_t fit_line(const char *text, size_t width, bool words);

#endif
