/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The verbs that most nouns share: ask for the items, keep those wanted, print them. */
#ifndef MTLB_TOOLS_LIST_H
#define MTLB_TOOLS_LIST_H

#include <stdio.h>

#include "noun.h"

/* `list [KEYWORD VALUE]...` */
int list_run(const struct call *call);

/* `show [NAME]` */
int list_run_show(const struct call *call);

/* "[tenant NAME] [pool NAME]" */
void list_print_usage(FILE *out, const struct noun *noun);

/* The errors of a problem document, a line each on stderr. */
void list_print_errors(const json_t *problem);

/*
 * Asks the agent; when it refuses or cannot be reached, prints why. Returns NULL or the answer, to
 * be released.
 */
json_t *list_ask(const struct call *call, const char *target, const json_t *body);

#endif
