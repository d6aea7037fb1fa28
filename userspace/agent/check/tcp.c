// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * One TCP probe. It owns its socket and its timeout, both gone before done is called, so that ten
 * thousand probes leave neither descriptors nor TIME_WAIT sockets behind.
 */
#include "tcp.h"

#include <ctype.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static uint64_t clock_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

void tcp_probe_stop(struct tcp_probe *probe)
{
	if (!probe->running)
		return;
	probe->running = false;
	loop_timer_cancel(probe->loop, &probe->timer);
	if (probe->fd.fd < 0)
		return;
	loop_fd_remove(probe->loop, &probe->fd);
	close(probe->fd.fd);
	probe->fd.fd = -1;
}

static void finish(struct tcp_probe *probe, int error)
{
	probe->took_ns = clock_now() - probe->started_ns;
	tcp_probe_stop(probe);
	probe->done(probe, error);
}

/* A closed port of this very node can be answered by the probe itself: when connect() picks the
 * target as source port, TCP's simultaneous open makes a connection with one end.
 */
static bool is_self(int fd)
{
	struct sockaddr_storage here, there;
	socklen_t here_length = sizeof(here), there_length = sizeof(there);

	memset(&here, 0, sizeof(here));
	memset(&there, 0, sizeof(there));
	return getsockname(fd, (struct sockaddr *)&here, &here_length) == 0 &&
	       getpeername(fd, (struct sockaddr *)&there, &there_length) == 0 &&
	       here_length == there_length && memcmp(&here, &there, here_length) == 0;
}

/* The socket says it is connected or has failed: which? */
static int outcome(int fd)
{
	socklen_t length = sizeof(int);
	int error;

	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length))
		return -errno;
	if (!error && is_self(fd))
		error = ECONNREFUSED;
	return -error;
}

static void ready(struct loop_fd *fd, uint32_t events)
{
	struct tcp_probe *probe = fd->context;

	(void)events;
	finish(probe, outcome(fd->fd));
}

static void expire(struct loop_timer *timer)
{
	struct tcp_probe *probe = timer->context;
	struct pollfd answer = {.fd = probe->fd.fd, .events = POLLOUT};

	if (probe->has_early)
		finish(probe, probe->early);
	else if (poll(&answer, 1, 0) == 1) /* it came while this process was busy elsewhere */
		finish(probe, outcome(probe->fd.fd));
	else
		finish(probe, -ETIMEDOUT);
}

/* 1 when connected, 0 when under way, else a negative errno. */
static int open_and_connect(struct tcp_probe *probe, const struct addr *address, uint16_t port)
{
	static const struct linger reset_on_close = {.l_onoff = 1};
	struct sockaddr_storage there;
	socklen_t length = addr_to_sockaddr(address, port, &there);
	int fd;

	fd = socket(there.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	probe->fd.fd = fd;
	if (setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset_on_close, sizeof(reset_on_close)))
		return -errno;
	if (connect(fd, (struct sockaddr *)&there, length) == 0)
		return 1;
	/* Interrupted, connect() goes on in the background all the same. */
	if (errno != EINPROGRESS && errno != EINTR)
		return -errno;
	return loop_fd_set(probe->loop, &probe->fd, EPOLLOUT);
}

int tcp_probe_start(struct tcp_probe *probe, struct loop *loop, const struct addr *address,
		    uint16_t port, uint32_t timeout_ms)
{
	int ret;

	tcp_probe_stop(probe);
	probe->loop = loop;
	probe->fd = (struct loop_fd){.fd = -1, .ready = ready, .context = probe};
	probe->timer = (struct loop_timer){.fire = expire, .context = probe};
	probe->started_ns = clock_now();
	probe->has_early = false;
	probe->running = true;

	ret = open_and_connect(probe, address, port);
	if (ret) {
		probe->has_early = true;
		probe->early = ret > 0 ? outcome(probe->fd.fd) : ret;
	}
	ret = loop_timer_set(loop, &probe->timer,
			     probe->has_early ? 0 : (uint64_t)timeout_ms * 1000000);
	if (ret)
		tcp_probe_stop(probe);
	return ret;
}

bool tcp_error_is_ours(int error)
{
	switch (-error) {
	case EMFILE:
	case ENFILE:
	case ENOMEM:
	case ENOBUFS:
	case ENOSPC: /* epoll's max_user_watches */
	case EAGAIN:
	case EADDRNOTAVAIL:
		return true;
	}
	return false;
}

char *tcp_error_text(int error, uint32_t timeout_ms, char *text, size_t size)
{
	switch (-error) {
	case ETIMEDOUT:
		if (timeout_ms % 1000)
			snprintf(text, size, "timeout after %ums", timeout_ms);
		else
			snprintf(text, size, "timeout after %us", timeout_ms / 1000);
		return text;
	case ENETUNREACH:
		snprintf(text, size, "network unreachable");
		return text;
	case EMFILE:
	case ENFILE:
		snprintf(text, size, "out of file descriptors");
		return text;
	case ENOMEM:
	case ENOBUFS:
		snprintf(text, size, "out of memory");
		return text;
	case EAGAIN:
	case EADDRNOTAVAIL:
		snprintf(text, size, "out of local ports");
		return text;
	case EPERM:
	case EACCES:
		snprintf(text, size, "refused by this node's own firewall or routes");
		return text;
	}
	/* The C library's words, as the middle of a sentence. */
	snprintf(text, size, "%s", strerror(-error));
	if (size && isupper((unsigned char)text[0]) && islower((unsigned char)text[1]))
		text[0] = (char)tolower((unsigned char)text[0]);
	return text;
}
