/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Manual pages, in the man macros: text in which nothing is taken for a request or an escape. */
#ifndef MTLB_TOOLS_ROFF_H
#define MTLB_TOOLS_ROFF_H

#include <stdio.h>

/* "NAME" 8 "what it is": title and the section NAME. */
void roff_begin(FILE *out, const char *name, int section, const char *what);
void roff_section(FILE *out, const char *title);
void roff_subsection(FILE *out, const char *title);
void roff_paragraph(FILE *out);

/* Lines of text; `words` between backquotes are bold, [words](#of links) are just words. */
void roff_text(FILE *out, const char *text);

/* A term of a list, bold; what is in capitals in it is in italics. Its text follows. */
void roff_term(FILE *out, const char *term);

#endif
