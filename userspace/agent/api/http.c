// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * A request is collected, bounded, parsed and handed to its route; the answer is one buffer, or a
 * stream (stream.c).
 * Clients that stall, die or flood cost a connection slot until the timeout and nothing else.
 */
#include "http.h"

#include <errno.h>
#include <inttypes.h>
#include <microhttpd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>

#include "../../base/log.h"
#include "listen.h"

/* A body that is too long is read to its end, so that the client gets to see the 413; up to here.
 */
#define DISCARD_MAX (16 * (size_t)HTTP_BODY_MAX)

struct http {
	struct loop *loop;
	struct MHD_Daemon *daemon;
	struct listen_socket socket;
	struct loop_fd fd; /* libmicrohttpd's epoll descriptor */
	struct loop_timer timer;
	const struct http_route *routes;
	size_t route_count;
	void *context;
};

/* A request that is being received. */
struct upload {
	char *data;
	size_t length, room; /* of data */
	size_t seen;	     /* bytes received, kept or not */
};

void http_problem(struct http_reply *reply, int status, const char *title, const char *detail)
{
	json_t *text = json_string(detail ? detail : "");

	/* A detail that quotes bytes which are not UTF-8 cannot be JSON. */
	if (!text)
		text = json_string("the explanation is not printable");
	json_decref(reply->body);
	reply->status = status;
	reply->problem = true;
	reply->body = json_pack("{s:s, s:s, s:i, s:o}", "type", "about:blank", "title", title,
				"status", status, "detail", text);
}

__attribute__((format(printf, 4, 5))) static void problem_format(struct http_reply *reply,
								 int status, const char *title,
								 const char *format, ...)
{
	char text[512];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	http_problem(reply, status, title, text);
}

const char *http_query(const struct http_request *request, const char *name)
{
	const char *value = NULL;

	if (MHD_lookup_connection_value_n(request->connection, MHD_GET_ARGUMENT_KIND, name,
					  strlen(name), &value, NULL) != MHD_YES)
		return NULL;
	return value ? value : "";
}

static void problem_too_big(struct http_reply *reply)
{
	problem_format(reply, MHD_HTTP_CONTENT_TOO_LARGE, "Content Too Large",
		       "the body is longer than %d bytes", HTTP_BODY_MAX);
}

static enum MHD_Result send_stream(struct http *http, struct MHD_Connection *connection,
				   struct stream *stream)
{
	struct MHD_Response *response =
		stream_respond(stream, http->loop, &http->timer, connection);
	enum MHD_Result result = MHD_NO;

	if (!response)
		return MHD_NO;
	if (MHD_add_response_header(response, "Content-Type", "application/x-ndjson") == MHD_YES)
		result = MHD_queue_response(connection, MHD_HTTP_OK, response);
	MHD_destroy_response(response);
	return result;
}

static enum MHD_Result send_reply(struct MHD_Connection *connection, struct http_reply *reply,
				  const char *allow)
{
	unsigned int status = reply->status ? reply->status : reply->body ? 200 : 204;
	char *text = reply->body ? json_dumps(reply->body, JSON_COMPACT) : NULL;
	struct MHD_Response *response;
	enum MHD_Result result = MHD_NO;

	/* An answer that could not be made must not look like an empty one. */
	if (!text && status != 204)
		status = MHD_HTTP_INTERNAL_SERVER_ERROR;
	json_decref(reply->body);
	response = MHD_create_response_from_buffer(text ? strlen(text) : 0, text,
						   MHD_RESPMEM_MUST_FREE);
	if (!response) {
		free(text);
		return MHD_NO;
	}
	if (text && MHD_add_response_header(response, "Content-Type",
					    reply->problem ? "application/problem+json"
							   : "application/json") != MHD_YES)
		goto release;
	if (allow && MHD_add_response_header(response, "Allow", allow) != MHD_YES)
		goto release;
	result = MHD_queue_response(connection, status, response);
release:
	MHD_destroy_response(response);
	return result;
}

/* NULL when nobody answers; then ret_allow names the methods that would be, "" if none. */
static const struct http_route *find_route(const struct http *http, const char *method,
					   const char *path, char *ret_allow, size_t size)
{
	const char *wanted = strcmp(method, "HEAD") ? method : "GET";
	size_t i, length = 0;

	*ret_allow = 0;
	for (i = 0; i < http->route_count; i++) {
		const struct http_route *route = &http->routes[i];

		if (strcmp(route->path, path))
			continue;
		if (!strcmp(route->method, wanted))
			return route;
		if (length < size)
			length += snprintf(ret_allow + length, size - length, "%s%s%s",
					   length ? ", " : "", route->method,
					   strcmp(route->method, "GET") ? "" : ", HEAD");
	}
	return NULL;
}

/* False when the body is no JSON object; then the reply says so. */
static bool parse_body(const struct upload *upload, json_t **ret, struct http_reply *reply)
{
	json_error_t error;

	*ret = NULL;
	if (!upload->length)
		return true;
	*ret = json_loadb(upload->data, upload->length, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY,
			  &error);
	if (!*ret) {
		problem_format(reply, MHD_HTTP_BAD_REQUEST, "Bad Request",
			       "the body is not JSON: line %d, column %d: %s", error.line,
			       error.column, error.text);
		return false;
	}
	if (!json_is_object(*ret)) {
		http_problem(reply, MHD_HTTP_BAD_REQUEST, "Bad Request",
			     "the body is JSON, but not an object");
		return false;
	}
	return true;
}

static enum MHD_Result answer(struct http *http, struct MHD_Connection *connection,
			      const char *method, const char *path, const struct upload *upload)
{
	struct http_request request = {.method = method, .path = path, .connection = connection};
	const struct http_route *route;
	struct http_reply reply = {};
	enum MHD_Result result;
	char allow[128];
	int code;

	route = find_route(http, method, path, allow, sizeof(allow));
	if (!route && !*allow) {
		problem_format(&reply, MHD_HTTP_NOT_FOUND, "Not Found", "nothing is at %.200s",
			       path);
	} else if (!route) {
		problem_format(&reply, MHD_HTTP_METHOD_NOT_ALLOWED, "Method Not Allowed",
			       "%.200s answers %s, not %.32s", path, allow, method);
	} else if (upload->seen > HTTP_BODY_MAX) {
		problem_too_big(&reply);
	} else if (parse_body(upload, &request.body, &reply)) {
		code = route->handle(http->context, &request, &reply);
		if (code < 0 && !reply.body)
			http_problem(&reply, MHD_HTTP_INTERNAL_SERVER_ERROR,
				     "Internal Server Error", strerror(-code));
	}
	result = reply.stream ? send_stream(http, connection, reply.stream)
			      : send_reply(connection, &reply, !route && *allow ? allow : NULL);
	json_decref(request.body);
	return result;
}

static enum MHD_Result keep(struct upload *upload, const char *data, size_t size)
{
	upload->seen += size;
	if (upload->seen > DISCARD_MAX)
		return MHD_NO;
	if (upload->seen > HTTP_BODY_MAX)
		return MHD_YES;
	if (upload->length + size > upload->room) {
		size_t room = 2 * (upload->length + size);
		char *larger = realloc(upload->data, room);

		if (!larger)
			return MHD_NO;
		upload->data = larger;
		upload->room = room;
	}
	memcpy(upload->data + upload->length, data, size);
	upload->length += size;
	return MHD_YES;
}

/* A client that asks before it sends a long body is told no at once. */
static bool asks_too_much(struct MHD_Connection *connection)
{
	const char *expect = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Expect");
	const char *length =
		MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Content-Length");

	return expect && length && !strcasecmp(expect, "100-continue") &&
	       strtoumax(length, NULL, 10) > HTTP_BODY_MAX;
}

/* Called with the head alone, then with each piece of the body, then without a piece. */
static enum MHD_Result handle(void *context, struct MHD_Connection *connection, const char *url,
			      const char *method, const char *version, const char *piece,
			      size_t *piece_size, void **state)
{
	struct upload *upload = *state;
	struct http_reply reply = {};

	(void)version;
	if (!upload) {
		*state = calloc(1, sizeof(*upload));
		if (!*state)
			return MHD_NO;
		if (!asks_too_much(connection))
			return MHD_YES;
		problem_too_big(&reply);
		return send_reply(connection, &reply, NULL);
	}
	if (*piece_size) {
		size_t size = *piece_size;

		*piece_size = 0;
		return keep(upload, piece, size);
	}
	return answer(context, connection, method, url, upload);
}

static void request_over(void *context, struct MHD_Connection *connection, void **state,
			 enum MHD_RequestTerminationCode why)
{
	struct upload *upload = *state;

	(void)context;
	(void)connection;
	(void)why;
	if (upload)
		free(upload->data);
	free(upload);
	*state = NULL;
}

__attribute__((format(printf, 2, 0))) static void log_daemon(void *context, const char *format,
							     va_list args)
{
	char text[256];

	(void)context;
	vsnprintf(text, sizeof(text), format, args);
	text[strcspn(text, "\n")] = 0;
	log_debug("api", "%s", text);
}

static void pump(struct http *http)
{
	MHD_UNSIGNED_LONG_LONG ms;

	MHD_run(http->daemon);
	if (MHD_get_timeout(http->daemon, &ms) != MHD_YES)
		loop_timer_cancel(http->loop, &http->timer);
	else if (loop_timer_set(http->loop, &http->timer, ms * UINT64_C(1000000)))
		log_error("api", "no memory for a timer: a dead client may keep its connection");
}

static void on_ready(struct loop_fd *self, uint32_t events)
{
	(void)events;
	pump(self->context);
}

static void on_timer(struct loop_timer *self)
{
	pump(self->context);
}

static int start_daemon(struct http *http, const char *path, struct err *err)
{
	const union MHD_DaemonInfo *info;

	http->daemon = MHD_start_daemon(
		MHD_USE_EPOLL | MHD_USE_ERROR_LOG | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, handle,
		http, MHD_OPTION_EXTERNAL_LOGGER, log_daemon, NULL, MHD_OPTION_LISTEN_SOCKET,
		http->socket.fd, MHD_OPTION_CONNECTION_LIMIT, (unsigned int)HTTP_CONNECTIONS_MAX,
		MHD_OPTION_CONNECTION_TIMEOUT, (unsigned int)HTTP_TIMEOUT_S,
		MHD_OPTION_NOTIFY_COMPLETED, request_over, NULL, MHD_OPTION_END);
	/* Whether the socket was closed then depends on how far it got: leaving it open is safer
	 * than to close a number twice.
	 */
	if (!http->daemon)
		return err_set(err, -ENOMEM, "cannot serve HTTP on %s", path);
	info = MHD_get_daemon_info(http->daemon, MHD_DAEMON_INFO_EPOLL_FD);
	if (!info)
		return err_set(err, -ENOTSUP, "libmicrohttpd was built without epoll");
	http->fd.fd = info->epoll_fd;
	return 0;
}

int http_new(struct loop *loop, const char *socket_path, const struct http_route *routes,
	     size_t count, void *context, struct http **ret, struct err *err)
{
	struct http *http = calloc(1, sizeof(*http));
	int code;

	if (!http)
		return err_set(err, -ENOMEM, "no memory for the API");
	http->loop = loop;
	http->routes = routes;
	http->route_count = count;
	http->context = context;
	http->fd.ready = on_ready;
	http->fd.context = http;
	http->timer.fire = on_timer;
	http->timer.context = http;

	code = listen_open(&http->socket, socket_path, err);
	if (code)
		goto release;
	code = start_daemon(http, socket_path, err);
	if (code)
		goto stop;
	code = loop_fd_set(loop, &http->fd, EPOLLIN);
	if (code) {
		err_set(err, code, "cannot watch %s: %s", socket_path, strerror(-code));
		goto stop;
	}
	*ret = http;
	return 0;

stop:
	listen_unlink(&http->socket);
	if (http->daemon)
		MHD_stop_daemon(http->daemon);
release:
	free(http);
	return code;
}

void http_free(struct http *http)
{
	if (!http)
		return;
	MHD_run(http->daemon); /* the ends of streams go out */
	loop_timer_cancel(http->loop, &http->timer);
	loop_fd_remove(http->loop, &http->fd);
	listen_unlink(&http->socket);
	MHD_stop_daemon(http->daemon);
	free(http);
}
