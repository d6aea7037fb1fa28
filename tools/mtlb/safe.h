/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Text of others on a person's terminal: what could move the cursor, hide text or turn its
 * direction is shown as an escape.
 */
#ifndef MTLB_TOOLS_SAFE_H
#define MTLB_TOOLS_SAFE_H

#include <stddef.h>
#include <stdio.h>

void safe_print(FILE *out, const char *text);

/* How many characters a text has. */
size_t safe_width(const char *text);

#endif
