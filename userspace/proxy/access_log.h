/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Lines of the access log on their way to mtlbd: gathered, and written a batch at a time into a
 * pipe that never makes the worker wait. When whoever reads is slow, lines are lost, and counted;
 * whose, is decided by how much of the room is his: one tenant has at most as much of it as is
 * free, so that a flood of one's lines leaves half of it to the others (dynamic thresholds,
 * Choudhury and Hahne, 1998).
 */
#ifndef MTLB_PROXY_ACCESS_LOG_H
#define MTLB_PROXY_ACCESS_LOG_H

#include <stdbool.h>

#include "../sys/loop.h"

#define ACCESS_LOG_ROOM 262144 /* twice: one is written while the other one fills */

struct access_share {
	uint32_t batch, bytes; /* of it */
};

struct access_log {
	struct loop *loop;
	struct loop_fd pipe; /* fd -1: there is no log */
	struct loop_timer timer;
	uint32_t sample; /* one of so many requests */
	bool query;	 /* of targets, as well */
	uint64_t seen;	 /* requests, for the sample */
	char *filling, *writing;
	size_t filled, left, at; /* of writing: to be written, and from where */
	uint32_t batch;		 /* that fills */
	struct access_share *shares;
	uint32_t share_count;
};

void access_log_init(struct access_log *log, struct loop *loop);
/* Takes fd, the writing end of a pipe that does not block; -1: no log any more. sharers: numbers of
 * tenants are below this. 0 or a negative errno, and then fd is closed. */
int access_log_open(struct access_log *log, int fd, uint32_t sample, bool query, uint32_t sharers);
void access_log_close(struct access_log *log);

static inline bool access_log_on(const struct access_log *log)
{
	return log->pipe.fd >= 0;
}

/* Whether this request is one of the sample. */
bool access_log_picks(struct access_log *log);
/* A line, with its end. False: it is lost. */
bool access_log_put(struct access_log *log, uint32_t sharer, const char *line, size_t length);

#endif
