/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The terminal: ncurses draws what the view says, and only what has changed of it. */
#ifndef MTLB_TOP_SCREEN_H
#define MTLB_TOP_SCREEN_H

#include "options.h"
#include "record.h"
#include "source.h"

/* Until somebody quits. 0, or a negative errno and a sentence. */
int screen_run(const struct options *options, struct source *source, struct record *record,
	       struct err *err);

#endif
