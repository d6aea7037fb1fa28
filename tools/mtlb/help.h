/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Help at every level, from the tables of nouns, verbs and options. */
#ifndef MTLB_TOOLS_HELP_H
#define MTLB_TOOLS_HELP_H

#include <stdio.h>

#include "noun.h"

/* What nouns and verbs are, in two lines. */
extern const char help_grammar[];

/* No wider than the terminal. */
void help_print(FILE *out, const struct options *options);
void help_print_noun(FILE *out, const struct options *options, const struct noun *noun);

/* "mtlb backend list [tenant NAME] ..."; verb NULL: the noun alone. No newline. */
void help_print_usage(FILE *out, const struct noun *noun, const struct verb *verb);

#endif
