// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * grpc: the method Check of grpc.health.v1.Health, over HTTP/2 without TLS ("prior knowledge",
 * RFC 9113, 3.3). What is said is grpc_call.c's; here is the connection.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "connection.h"
#include "grpc_call.h"
#include "kinds.h"

struct grpc {
	struct connection connection;
	struct loop_fd fd; /* of the connection, once it is made */
	struct grpc_call call;
};

/* In one piece: a few hundred bytes into a fresh socket. */
static int send_all(struct grpc *grpc)
{
	uint8_t all[4096];
	ssize_t used = grpc_call_send(&grpc->call, all, sizeof(all)), length;

	if (used <= 0)
		return (int)used;
	length = send(grpc->fd.fd, all, (size_t)used, MSG_NOSIGNAL);
	if (length < 0 && errno == EPIPE)
		return 0; /* it has hung up, and what it said last is still to be read */
	return length < 0 ? -errno : length < used ? -ENOBUFS : 0;
}

static void take(struct attempt *attempt, const uint8_t *bytes, size_t length)
{
	struct grpc *grpc = attempt->own;
	char why[PROBES_ERROR_MAX];
	int error;

	switch (grpc_call_take(&grpc->call, bytes, length, why, sizeof(why))) {
	case GRPC_CALL_GOOD:
		attempt_pass(attempt);
		return;
	case GRPC_CALL_BAD:
		attempt_fail(attempt, "%s", why);
		return;
	case GRPC_CALL_OPEN:
		break;
	}
	error = send_all(grpc);
	if (error)
		attempt_fail_errno(attempt, error);
	else if (!nghttp2_session_want_read(grpc->call.session)) /* it has taken offence */
		attempt_fail(attempt, "the answer is no HTTP/2");
}

static void ready(struct loop_fd *fd, uint32_t events)
{
	struct attempt *attempt = fd->context;
	uint8_t bytes[4096];
	ssize_t length = recv(fd->fd, bytes, sizeof(bytes), MSG_DONTWAIT);

	(void)events;
	if (length > 0)
		take(attempt, bytes, (size_t)length);
	else if (!length)
		attempt_fail(attempt, "the connection was closed without an answer");
	else if (errno != EAGAIN && errno != EINTR)
		attempt_fail_errno(attempt, -errno);
}

static int begin(struct attempt *attempt)
{
	const struct probe_question *question = &attempt->probe->question;
	struct grpc *grpc = attempt->own;
	char address[ADDR_TEXT_MAX];
	const char *authority = question->length[PROBE_TEXT_HOST]
					? question->text[PROBE_TEXT_HOST]
					: addr_format_endpoint(&attempt->probe->address,
							       attempt->probe->port, address);
	int error = grpc_call_init(&grpc->call, authority, question->text[PROBE_TEXT_SERVICE],
				   question->length[PROBE_TEXT_SERVICE]);

	return error ?: send_all(grpc);
}

static void made(struct attempt *attempt, int error)
{
	struct grpc *grpc = attempt->own;

	if (!error) {
		attempt->phase = "without an answer";
		loop_fd_remove(attempt->loop, &grpc->connection.fd);
		grpc->fd = (struct loop_fd){
			.fd = grpc->connection.fd.fd, .ready = ready, .context = attempt};
		error = begin(attempt);
	}
	error = error ?: loop_fd_set(attempt->loop, &grpc->fd, EPOLLIN);
	if (error)
		attempt_fail_errno(attempt, error);
}

static int start(struct attempt *attempt)
{
	struct grpc *grpc = calloc(1, sizeof(*grpc));

	if (!grpc)
		return -ENOMEM;
	attempt->own = grpc;
	connection_open(&grpc->connection, attempt, made);
	return 0;
}

static void stop(struct attempt *attempt)
{
	struct grpc *grpc = attempt->own;

	loop_fd_remove(attempt->loop, &grpc->fd);
	grpc_call_fini(&grpc->call);
	connection_close(&grpc->connection);
	free(grpc);
}

const struct attempt_kind grpc_kind = {.start = start, .stop = stop};
