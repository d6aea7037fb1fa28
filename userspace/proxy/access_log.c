// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "access_log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#define WAIT_NS	 100000000ULL /* a line is on its way after this */
#define BATCH_AT 32768	      /* or when there are so many bytes */

static void turn_over(struct access_log *log)
{
	char *written = log->writing;

	log->writing = log->filling;
	log->filling = written;
	log->left = log->filled;
	log->at = log->filled = 0;
	log->batch++;
}

/* As much as the pipe takes. Who reads is gone: there is no log until mtlbd says so again. */
static void flush(struct access_log *log)
{
	for (;;) {
		ssize_t n;

		if (!log->left && !log->filled)
			return;
		if (!log->left)
			turn_over(log);
		n = write(log->pipe.fd, log->writing + log->at, log->left);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN) {
			loop_fd_set(log->loop, &log->pipe, EPOLLOUT);
			return;
		}
		if (n < 0) {
			access_log_close(log);
			return;
		}
		log->at += (size_t)n;
		log->left -= (size_t)n;
	}
}

static void ready(struct loop_fd *fd, uint32_t events)
{
	struct access_log *log = fd->context;

	loop_fd_set(log->loop, fd, 0);
	if (events & EPOLLERR)
		access_log_close(log);
	else
		flush(log);
}

static void due(struct loop_timer *timer)
{
	flush(timer->context);
}

void access_log_init(struct access_log *log, struct loop *loop)
{
	*log = (struct access_log){.loop = loop};
	log->pipe = (struct loop_fd){.fd = -1, .ready = ready, .context = log};
	log->timer = (struct loop_timer){.fire = due, .context = log};
}

int access_log_open(struct access_log *log, int fd, uint32_t sample, bool query, uint32_t sharers)
{
	int error;

	access_log_close(log);
	if (fd < 0)
		return 0;
	log->sample = sample ? sample : 1;
	log->query = query;
	log->share_count = sharers;
	log->filling = malloc(ACCESS_LOG_ROOM);
	log->writing = malloc(ACCESS_LOG_ROOM);
	log->shares = calloc(sharers, sizeof(*log->shares));
	log->pipe.fd = fd;
	log->batch = 1;
	error = log->filling && log->writing && log->shares ? 0 : -ENOMEM;
	error = error ?: loop_fd_set(log->loop, &log->pipe, 0);
	if (error)
		access_log_close(log);
	return error;
}

void access_log_close(struct access_log *log)
{
	if (log->pipe.fd < 0)
		return;
	loop_timer_cancel(log->loop, &log->timer);
	loop_fd_remove(log->loop, &log->pipe);
	close(log->pipe.fd);
	free(log->filling);
	free(log->writing);
	free(log->shares);
	access_log_init(log, log->loop);
}

bool access_log_picks(struct access_log *log)
{
	return access_log_on(log) && log->seen++ % log->sample == 0;
}

/* No more of the batch than is free. */
static bool has_room(struct access_log *log, uint32_t sharer, size_t length)
{
	struct access_share *share = &log->shares[sharer];

	if (share->batch != log->batch)
		*share = (struct access_share){.batch = log->batch};
	if (share->bytes + length > ACCESS_LOG_ROOM - log->filled)
		return false;
	share->bytes += (uint32_t)length;
	return true;
}

bool access_log_put(struct access_log *log, uint32_t sharer, const char *line, size_t length)
{
	if (!access_log_on(log) || sharer >= log->share_count || !has_room(log, sharer, length))
		return false;
	if (!log->filled)
		loop_timer_set(log->loop, &log->timer, WAIT_NS);
	memcpy(log->filling + log->filled, line, length);
	log->filled += length;
	if (log->filled >= BATCH_AT && !log->left)
		flush(log);
	return true;
}
