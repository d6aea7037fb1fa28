/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Verbs that go on until they are stopped: a line for each thing the agent tells. */
#ifndef MTLB_TOOLS_WATCH_H
#define MTLB_TOOLS_WATCH_H

#include <stdint.h>

#include "noun.h"

/* -n: of lines, after which it ends. */
extern const struct noun_option watch_options[];

/* The number that an option's argument is; 0 of NULL. 0, or EXIT_ERROR after a sentence. */
int watch_count(const struct call *call, const char *argument, uint64_t *ret_count);

/*
 * `watch [KEYWORD VALUE]...`: the noun's filters that have a query are asked of the agent. print
 * prints a line for a person; with -j each is its JSON. Ends with an error when the agent goes. The
 * noun's options are watch_options.
 */
int watch_run(const struct call *call, void (*print)(const struct options *, const json_t *line));

#endif
