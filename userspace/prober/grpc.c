// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * grpc: the method Check of grpc.health.v1.Health, over HTTP/2 without TLS ("prior knowledge",
 * RFC 9113, 3.3). nghttp2 speaks the protocol; what the messages say is wire/grpc_health.c's.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <nghttp2/nghttp2.h>

#include "../wire/grpc_health.h"
#include "connection.h"
#include "kinds.h"

struct call {
	struct connection connection;
	struct loop_fd fd; /* of the connection, once it is made */
	nghttp2_session *session;
	uint8_t request[GRPC_HEALTH_REQUEST_MAX], answer[GRPC_HEALTH_ANSWER_MAX];
	size_t request_length, request_sent, answer_length;
	int http_status, grpc_status; /* -1: none came */
	bool closed, too_long;
};

static void end(struct attempt *attempt)
{
	const struct call *call = attempt->own;
	const char *status;

	if (call->http_status < 0)
		attempt_fail(attempt, "the stream was closed without an answer");
	else if (call->http_status != 200)
		attempt_fail(attempt, "HTTP status %d, which no gRPC server answers with",
			     call->http_status);
	else if (call->grpc_status > 0)
		attempt_fail(attempt, "gRPC status %d (%s)", call->grpc_status,
			     grpc_health_code_name((unsigned)call->grpc_status));
	else if (call->too_long)
		attempt_fail(attempt, "a longer answer than grpc.health.v1 has");
	else if (grpc_health_read(call->answer, call->answer_length, &status))
		attempt_fail(attempt, "the answer is none of grpc.health.v1");
	else if (strcmp(status, "SERVING") != 0)
		attempt_fail(attempt, "it says %s", status);
	else
		attempt_pass(attempt);
}

/* nghttp2's callbacks: nothing of the attempt may end in them */

static int take_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
		       size_t name_length, const uint8_t *value, size_t value_length, uint8_t flags,
		       void *context)
{
	struct call *call = context;
	char number[8];

	(void)session;
	(void)frame;
	(void)flags;
	snprintf(number, sizeof(number), "%.*s", (int)(value_length < 7 ? value_length : 7),
		 (const char *)value);
	if (name_length == 7 && memcmp(name, ":status", 7) == 0)
		call->http_status = atoi(number);
	else if (name_length == 11 && memcmp(name, "grpc-status", 11) == 0)
		call->grpc_status = atoi(number);
	return 0;
}

static int take_data(nghttp2_session *session, uint8_t flags, int32_t stream, const uint8_t *bytes,
		     size_t length, void *context)
{
	struct call *call = context;

	(void)session;
	(void)flags;
	(void)stream;
	if (length > sizeof(call->answer) - call->answer_length) {
		call->too_long = call->closed = true;
		return 0;
	}
	memcpy(call->answer + call->answer_length, bytes, length);
	call->answer_length += length;
	return 0;
}

static int take_close(nghttp2_session *session, int32_t stream, uint32_t error, void *context)
{
	struct call *call = context;

	(void)session;
	(void)stream;
	(void)error;
	call->closed = true;
	return 0;
}

static ssize_t give_request(nghttp2_session *session, int32_t stream, uint8_t *to, size_t room,
			    uint32_t *flags, nghttp2_data_source *source, void *context)
{
	struct call *call = context;
	size_t left = call->request_length - call->request_sent;

	(void)session;
	(void)stream;
	(void)source;
	if (room > left)
		room = left;
	memcpy(to, call->request + call->request_sent, room);
	call->request_sent += room;
	if (call->request_sent == call->request_length)
		*flags |= NGHTTP2_DATA_FLAG_EOF;
	return (ssize_t)room;
}

/* the connection */

/* What there is to be sent, in one piece: a few hundred bytes into a fresh socket. */
static int send_all(struct attempt *attempt)
{
	struct call *call = attempt->own;
	const uint8_t *bytes;
	uint8_t all[4096];
	size_t used = 0;
	ssize_t length;

	while ((length = nghttp2_session_mem_send(call->session, &bytes)) > 0) {
		if ((size_t)length > sizeof(all) - used)
			return -ENOBUFS;
		memcpy(all + used, bytes, (size_t)length);
		used += (size_t)length;
	}
	if (length < 0)
		return -EPROTO;
	if (!used)
		return 0;
	length = send(call->fd.fd, all, used, MSG_NOSIGNAL);
	if (length < 0 && errno == EPIPE)
		return 0; /* it has hung up, and what it said last is still to be read */
	return length < 0 ? -errno : (size_t)length < used ? -ENOBUFS : 0;
}

static void ready(struct loop_fd *fd, uint32_t events)
{
	struct attempt *attempt = fd->context;
	struct call *call = attempt->own;
	uint8_t bytes[4096];
	ssize_t length = recv(fd->fd, bytes, sizeof(bytes), MSG_DONTWAIT);
	int error;

	(void)events;
	if (length < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (length < 0) {
		attempt_fail_errno(attempt, -errno);
		return;
	}
	if (!length) {
		attempt_fail(attempt, "the connection was closed without an answer");
		return;
	}
	if (nghttp2_session_mem_recv(call->session, bytes, (size_t)length) < 0) {
		attempt_fail(attempt, "the answer is no HTTP/2");
		return;
	}
	if (call->closed) {
		end(attempt);
		return;
	}
	error = send_all(attempt);
	if (error)
		attempt_fail_errno(attempt, error);
	else if (!nghttp2_session_want_read(call->session)) /* it has taken offence */
		attempt_fail(attempt, "the answer is no HTTP/2");
}

static nghttp2_nv header(const char *name, const char *value)
{
	return (nghttp2_nv){.name = (uint8_t *)(uintptr_t)name,
			    .value = (uint8_t *)(uintptr_t)value,
			    .namelen = strlen(name),
			    .valuelen = strlen(value)};
}

static int submit(struct attempt *attempt)
{
	const struct probe_question *question = &attempt->probe->question;
	struct call *call = attempt->own;
	nghttp2_data_provider body = {.read_callback = give_request};
	char authority[ADDR_TEXT_MAX];
	nghttp2_nv headers[] = {
		header(":method", "POST"),
		header(":scheme", "http"),
		header(":path", "/grpc.health.v1.Health/Check"),
		header(":authority",
		       question->length[PROBE_TEXT_HOST]
			       ? question->text[PROBE_TEXT_HOST]
			       : addr_format_endpoint(&attempt->probe->address,
						      attempt->probe->port, authority)),
		header("te", "trailers"),
		header("content-type", "application/grpc"),
		header("user-agent", "mtlb-health"),
	};

	call->request_length =
		grpc_health_write(question->text[PROBE_TEXT_SERVICE],
				  question->length[PROBE_TEXT_SERVICE], call->request);
	if (nghttp2_submit_settings(call->session, NGHTTP2_FLAG_NONE, NULL, 0) ||
	    nghttp2_submit_request(call->session, NULL, headers,
				   sizeof(headers) / sizeof(headers[0]), &body, NULL) < 0)
		return -ENOMEM;
	return send_all(attempt);
}

static int open_session(struct call *call)
{
	nghttp2_session_callbacks *callbacks;
	int error;

	if (nghttp2_session_callbacks_new(&callbacks))
		return -ENOMEM;
	nghttp2_session_callbacks_set_on_header_callback(callbacks, take_header);
	nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, take_data);
	nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, take_close);
	error = nghttp2_session_client_new(&call->session, callbacks, call) ? -ENOMEM : 0;
	nghttp2_session_callbacks_del(callbacks);
	return error;
}

static void made(struct attempt *attempt, int error)
{
	struct call *call = attempt->own;

	if (!error) {
		attempt->phase = "without an answer";
		loop_fd_remove(attempt->loop, &call->connection.fd);
		call->fd = (struct loop_fd){
			.fd = call->connection.fd.fd, .ready = ready, .context = attempt};
		error = open_session(call) ?: submit(attempt);
	}
	error = error ?: loop_fd_set(attempt->loop, &call->fd, EPOLLIN);
	if (error)
		attempt_fail_errno(attempt, error);
}

static int start(struct attempt *attempt)
{
	struct call *call = calloc(1, sizeof(*call));

	if (!call)
		return -ENOMEM;
	attempt->own = call;
	call->http_status = call->grpc_status = -1;
	connection_open(&call->connection, attempt, made);
	return 0;
}

static void stop(struct attempt *attempt)
{
	struct call *call = attempt->own;

	loop_fd_remove(attempt->loop, &call->fd);
	nghttp2_session_del(call->session);
	connection_close(&call->connection);
	free(call);
}

const struct attempt_kind grpc_kind = {.start = start, .stop = stop};
