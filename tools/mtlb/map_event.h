/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The records of a ring buffer as they come, for a person or a program: a line each. */
#ifndef MTLB_TOOLS_MAP_EVENT_H
#define MTLB_TOOLS_MAP_EVENT_H

#include "map_print.h"

/* count: of records, after which it ends; 0: it does not. An exit code. */
int map_event_run(struct map_reading *reading, uint64_t count);

#endif
