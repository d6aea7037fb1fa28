/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Lines of help that are wider than the terminal go on below, under what they are about. */
#ifndef MTLB_TOOLS_FOLD_H
#define MTLB_TOOLS_FOLD_H

#include <stddef.h>
#include <stdio.h>

/* width 0: they stay as they are. Breaks at blanks, within brackets only if it must. */
void fold_print(FILE *out, const char *text, size_t width);

#endif
