/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The files that the API keeps, in api.d beside the configuration's own: each is replaced or
 * removed as a whole, and is on disk when that has been said. Knows nothing of what is in them.
 */
#ifndef MTLB_AGENT_STORE_H
#define MTLB_AGENT_STORE_H

#include "../base/err.h"

/* text NULL: the file is removed. 0 or a negative errno and a sentence; then all is as before. */
int store_write(const char *path, const char *text, struct err *err);

/* Makes the directory that path is in, if it is not there: for root alone. */
int store_make_folder(const char *path, struct err *err);
/* Has what a rename or a removal of path did be on disk. 0 or a negative errno. */
int store_sync_folder(const char *path);

#endif
