// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "grpc_call.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int take_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
		       size_t name_length, const uint8_t *value, size_t value_length, uint8_t flags,
		       void *context)
{
	struct grpc_call *call = context;
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
	struct grpc_call *call = context;

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
	struct grpc_call *call = context;

	(void)session;
	(void)stream;
	(void)error;
	call->closed = true;
	return 0;
}

static ssize_t give_request(nghttp2_session *session, int32_t stream, uint8_t *to, size_t room,
			    uint32_t *flags, nghttp2_data_source *source, void *context)
{
	struct grpc_call *call = context;
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

static int open_session(struct grpc_call *call)
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

static nghttp2_nv header(const char *name, const char *value)
{
	return (nghttp2_nv){.name = (uint8_t *)(uintptr_t)name,
			    .value = (uint8_t *)(uintptr_t)value,
			    .namelen = strlen(name),
			    .valuelen = strlen(value)};
}

int grpc_call_init(struct grpc_call *call, const char *authority, const char *service,
		   size_t service_length)
{
	nghttp2_data_provider body = {.read_callback = give_request};
	nghttp2_nv headers[] = {
		header(":method", "POST"),
		header(":scheme", "http"),
		header(":path", "/grpc.health.v1.Health/Check"),
		header(":authority", authority),
		header("te", "trailers"),
		header("content-type", "application/grpc"),
		header("user-agent", "mtlb-health"),
	};

	*call = (struct grpc_call){.http_status = -1, .grpc_status = -1};
	if (open_session(call))
		return -ENOMEM;
	call->request_length = grpc_health_write(service, service_length, call->request);
	if (nghttp2_submit_settings(call->session, NGHTTP2_FLAG_NONE, NULL, 0) ||
	    nghttp2_submit_request(call->session, NULL, headers,
				   sizeof(headers) / sizeof(headers[0]), &body, NULL) < 0)
		return -ENOMEM;
	return 0;
}

void grpc_call_fini(struct grpc_call *call)
{
	nghttp2_session_del(call->session);
	call->session = NULL;
}

ssize_t grpc_call_send(struct grpc_call *call, uint8_t *bytes, size_t room)
{
	const uint8_t *piece;
	size_t used = 0;
	ssize_t length;

	while ((length = nghttp2_session_mem_send(call->session, &piece)) > 0) {
		if ((size_t)length > room - used)
			return -ENOBUFS;
		memcpy(bytes + used, piece, (size_t)length);
		used += (size_t)length;
	}
	return length < 0 ? -EPROTO : (ssize_t)used;
}

static enum grpc_call_state judge(const struct grpc_call *call, char *why, size_t size)
{
	const char *status;

	if (call->http_status < 0)
		snprintf(why, size, "the stream was closed without an answer");
	else if (call->http_status != 200)
		snprintf(why, size, "HTTP status %d, which no gRPC server answers with",
			 call->http_status);
	else if (call->grpc_status > 0)
		snprintf(why, size, "gRPC status %d (%s)", call->grpc_status,
			 grpc_health_code_name((unsigned)call->grpc_status));
	else if (call->too_long)
		snprintf(why, size, "a longer answer than grpc.health.v1 has");
	else if (grpc_health_read(call->answer, call->answer_length, &status))
		snprintf(why, size, "the answer is none of grpc.health.v1");
	else if (strcmp(status, "SERVING") != 0)
		snprintf(why, size, "it says %s", status);
	else
		return GRPC_CALL_GOOD;
	return GRPC_CALL_BAD;
}

enum grpc_call_state grpc_call_take(struct grpc_call *call, const uint8_t *bytes, size_t length,
				    char *why, size_t size)
{
	if (nghttp2_session_mem_recv(call->session, bytes, length) < 0) {
		snprintf(why, size, "the answer is no HTTP/2");
		return GRPC_CALL_BAD;
	}
	if (call->closed)
		return judge(call, why, size);
	return GRPC_CALL_OPEN;
}
