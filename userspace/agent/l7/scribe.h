/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Writes the access log: what workers say into their pipes goes into a file, whole lines of one
 * after whole lines of another. A thread of its own waits for the disk, so that nobody else does.
 * It does not look into lines. A file that was renamed or removed is made anew within a second, by
 * its name: whoever rotates it needs to tell nobody.
 */
#ifndef MTLB_AGENT_L7_SCRIBE_H
#define MTLB_AGENT_L7_SCRIBE_H

#include <stdint.h>

struct scribe;

int scribe_new(const char *path, struct scribe **ret_scribe);
/* Writes what was said by now; who goes on writing is told that nobody reads. */
void scribe_free(struct scribe *scribe);

/* Another file from here on. */
void scribe_use(struct scribe *scribe, const char *path);
/* The writing end of a pipe, which does not block and is the caller's; or a negative errno. */
int scribe_pipe(struct scribe *scribe);

#endif
