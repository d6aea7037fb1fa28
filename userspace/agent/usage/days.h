/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Usage of days that are over, or nearly: a file each (model/usage_file.h), replaced as a whole. A
 * file says up to which journal it holds what came, so that a merge that a crash interrupted can be
 * done again, and no row is counted in both.
 */
#ifndef MTLB_AGENT_USAGE_DAYS_H
#define MTLB_AGENT_USAGE_DAYS_H

#include "../../base/err.h"
#include "../../model/usage_file.h"

/* The days that there are files of, in order; to be freed. 0 or a negative errno. */
int days_list(const char *folder, uint64_t **ret_days, size_t *ret_count);

/* Number of the last journal that the day's file holds; 0: there is no such file. */
int days_merged(const char *folder, uint64_t day, uint64_t *ret_merged);

/* Adds rows, all of one day and sorted, that come from the journal of that number; when the file
 * has them already, it does nothing. A file with damage is kept as NAME.damaged, and what can be
 * read of it goes on; ret_damaged says so. On disk when it returns 0. */
int days_merge(const char *folder, uint64_t journal, const struct usage_row *rows, size_t count,
	       bool *ret_damaged, struct err *err);

/* Removes the oldest files until there are no more than that. */
int days_keep(const char *folder, size_t keep, struct err *err);

/* Calls each for the day's rows from that tenant on, in order, until it returns something else than
 * 0. ret_damaged: blocks that could not be read. */
int days_read(const char *folder, uint64_t day, const char *from,
	      int (*each)(void *context, const struct usage_row *row), void *context,
	      size_t *ret_damaged);

#endif
