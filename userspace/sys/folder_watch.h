/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Which files of a folder may have changed, without looking at each: inotify(7), asked when it is
 * wanted to be known. Only for file systems whose changes all pass through this kernel; what it
 * does not see there either are writes through a mapping, through another hard link, and what a
 * symbolic link leads to.
 */
#ifndef MTLB_SYS_FOLDER_WATCH_H
#define MTLB_SYS_FOLDER_WATCH_H

#include <stdbool.h>
#include <stdint.h>

struct folder_watch;

/* From now on. 0 or a negative errno; -EOPNOTSUPP: changes may come from elsewhere here. */
int folder_watch_new(const char *path, struct folder_watch **ret_watch);
void folder_watch_free(struct folder_watch *watch);

/* Calls each with the name of every entry that came, went or may have changed since the last call,
 * some of them several times. False when that is not all: then the watch is of no more use.
 */
bool folder_watch_read(struct folder_watch *watch, void (*each)(void *context, const char *name),
		       void *context);

/* Is path still the folder that is watched? */
bool folder_watch_is(const struct folder_watch *watch, const char *path);

#endif
