/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Where scripts are: whether anybody but root could have put there what is about to be run. Asked
 * anew each time, so that what an operator mends holds at once.
 */
#ifndef MTLB_PROBER_SCRIPT_PLACE_H
#define MTLB_PROBER_SCRIPT_PLACE_H

#include <limits.h>
#include <stddef.h>

struct script_place {
	char directory[PATH_MAX]; /* absolute */
};

/* 0 or a negative errno. */
int script_place_init(struct script_place *place, const char *directory);

/* May this script be run, by whoever asks? 0; or -EPERM and why, in words. */
int script_place_check(const struct script_place *place, const char *name, char *why, size_t size);

#endif
