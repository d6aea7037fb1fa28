// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * udp: a datagram is sent, and the first one that comes back decides. A closed port is told by ICMP
 * (RFC 1122, 4.1.3.1), a lost datagram by the time limit alone.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "connection.h"
#include "kinds.h"

#define ANSWER_MAX 65536

static void take_answer(struct attempt *attempt, const char *answer, size_t length)
{
	const struct probe_question *question = &attempt->probe->question;
	size_t wanted = question->length[PROBE_TEXT_EXPECT];

	if (!wanted || memmem(answer, length, question->text[PROBE_TEXT_EXPECT], wanted))
		attempt_pass(attempt);
	else
		attempt_fail(attempt, "an answer of %zu bytes without what is expected", length);
}

struct datagram {
	struct loop_fd fd;
	struct way way;
};

static void ready(struct loop_fd *fd, uint32_t events)
{
	static char answer[ANSWER_MAX]; /* one thread, one at a time */
	struct attempt *attempt = fd->context;
	ssize_t length = recv(fd->fd, answer, sizeof(answer), MSG_DONTWAIT);

	(void)events;
	if (length >= 0)
		take_answer(attempt, answer, (size_t)length);
	else if (errno != EAGAIN && errno != EINTR)
		attempt_fail_errno(attempt, -errno);
}

static int ask(struct attempt *attempt, struct loop_fd *fd)
{
	const struct probe_question *question = &attempt->probe->question;
	struct sockaddr_storage there;
	socklen_t length = addr_to_sockaddr(&attempt->probe->address, attempt->probe->port, &there);

	if (connect(fd->fd, (struct sockaddr *)&there, length) ||
	    send(fd->fd, question->text[PROBE_TEXT_SEND], question->length[PROBE_TEXT_SEND], 0) < 0)
		return -errno;
	return loop_fd_set(attempt->loop, fd, EPOLLIN);
}

static int start(struct attempt *attempt)
{
	struct datagram *datagram = calloc(1, sizeof(*datagram));
	struct loop_fd *fd;
	int error;

	if (!datagram)
		return -ENOMEM;
	attempt->own = datagram;
	fd = &datagram->fd;
	*fd = (struct loop_fd){.ready = ready, .context = attempt};
	fd->fd = connection_socket(attempt->probe, SOCK_DGRAM, &datagram->way);
	attempt->phase = "without an answer";
	error = fd->fd < 0 ? fd->fd : ask(attempt, fd);
	if (error)
		attempt_fail_errno(attempt, error);
	return 0;
}

static void stop(struct attempt *attempt)
{
	struct datagram *datagram = attempt->own;

	if (datagram->fd.fd >= 0) {
		loop_fd_remove(attempt->loop, &datagram->fd);
		close(datagram->fd.fd);
	}
	way_release(&datagram->way);
	free(datagram);
}

const struct attempt_kind udp_kind = {.start = start, .stop = stop};
