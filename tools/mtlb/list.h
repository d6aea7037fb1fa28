/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The verbs that most nouns share: ask for the items, keep those wanted, print them. */
#ifndef MTLB_TOOLS_LIST_H
#define MTLB_TOOLS_LIST_H

#include <stdbool.h>
#include <stdio.h>

#include "../../userspace/base/addr.h"
#include "noun.h"

#define LIST_FILTERS_MAX 16
#define LIST_TARGET_MAX	 1024

/* What `list [KEYWORD VALUE]...` is to show: of each filter of the noun the value, NULL: any. */
struct list_wanted {
	const char *value[LIST_FILTERS_MAX];
	char texts[LIST_FILTERS_MAX][ADDR_TEXT_MAX];
	char target[LIST_TARGET_MAX]; /* of the request */
	size_t count;		      /* filters that the noun has */
};

/* 0, or EXIT_ERROR after a sentence. */
int list_parse(const struct call *call, struct list_wanted *ret_wanted);
/* Whether a value can be one of the filter's: 0, or an error and what was expected. */
int list_check_value(const struct filter *filter, const char *typed, struct err *err);
/* Asks for them and prints them. */
int list_run_wanted(const struct call *call, const struct list_wanted *wanted);

/* Whoever names an agent of his own must name its maps as well, or they would be another one's. */
bool list_may_read_maps(const struct options *options);

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
