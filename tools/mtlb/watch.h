/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Verbs that go on until they are stopped: a line for each thing the agent tells. */
#ifndef MTLB_TOOLS_WATCH_H
#define MTLB_TOOLS_WATCH_H

#include "noun.h"

/*
 * `watch [KEYWORD VALUE]...`: the noun's filters that have a query are asked of the agent. print
 * prints a line for a person; with -j each is its JSON. Ends with an error when the agent goes.
 */
int watch_run(const struct call *call, void (*print)(const struct options *, const json_t *line));

#endif
