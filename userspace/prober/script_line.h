/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The first line with something in it of what a script says, however much that is. Pure. */
#ifndef MTLB_PROBER_SCRIPT_LINE_H
#define MTLB_PROBER_SCRIPT_LINE_H

#include <stdbool.h>
#include <stddef.h>

#define SCRIPT_LINE_MAX 104 /* with its NUL; an error has room for it and an exit code */

struct script_line {
	char text[SCRIPT_LINE_MAX]; /* printable, a text at any time */
	size_t length;
	bool ended;
};

void script_line_take(struct script_line *line, const char *bytes, size_t length);

#endif
