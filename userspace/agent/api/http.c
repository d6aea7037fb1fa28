// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * A request is collected, bounded, parsed and handed to its route; the answer is one buffer, or a
 * stream (stream.c), or a text that comes later (text.c).
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
#include <unistd.h>

#include "../../base/log.h"
#include "access.h"
#include "credentials.h"
#include "listen.h"
#include "route.h"
#include "tls.h"

/* A body that is too long is read to its end, so that the client gets to see the 413; up to here.
 */
#define DISCARD_MAX (16 * (size_t)HTTP_BODY_MAX)

/* A way in: each has a libmicrohttpd of its own. */
struct door {
	struct http *http;
	struct MHD_Daemon *daemon; /* NULL: closed */
	struct loop_fd fd;	   /* libmicrohttpd's epoll descriptor */
	struct loop_timer timer;
	struct tls tls;	     /* of a remote one */
	struct addr address; /* of a remote one */
	uint16_t port;
	struct door *next;
};

struct http {
	struct loop *loop;
	struct listen_socket socket;
	struct door local;
	struct door *remote;  /* NULL: none */
	struct door *retired; /* remote ones that let nobody in any more */
	const struct http_route *routes;
	size_t route_count;
	void *context;
	const struct http_gate *gate; /* NULL: it is open */
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

const char *http_tenant(const struct http_request *request)
{
	if (request->caller->role == HTTP_ROLE_TENANT)
		return request->caller->tenant;
	return http_query(request, "tenant");
}

static void problem_too_big(struct http_reply *reply)
{
	problem_format(reply, MHD_HTTP_CONTENT_TOO_LARGE, "Content Too Large",
		       "the body is longer than %d bytes", HTTP_BODY_MAX);
}

/* What does not come at once: a stream or a text. */
static enum MHD_Result send_later(struct door *door, struct MHD_Connection *connection,
				  const struct http_reply *reply)
{
	struct loop *loop = door->http->loop;
	struct MHD_Response *response =
		reply->text ? text_respond(reply->text, loop, &door->timer, connection)
			    : stream_respond(reply->stream, loop, &door->timer, connection);
	enum MHD_Result result = MHD_NO;

	if (!response)
		return MHD_NO;
	if (MHD_add_response_header(response, "Content-Type",
				    reply->type ?: "application/x-ndjson") == MHD_YES &&
	    (!reply->type || MHD_add_response_header(response, "Vary", "Accept") == MHD_YES))
		result = MHD_queue_response(connection, MHD_HTTP_OK, response);
	MHD_destroy_response(response);
	return result;
}

static enum MHD_Result send_reply(struct MHD_Connection *connection, struct http_reply *reply,
				  const char *allow)
{
	unsigned int status = reply->status ?: reply->body || reply->made ? 200 : 204;
	char *text = reply->body ? json_dumps(reply->body, JSON_COMPACT) : reply->made;
	struct MHD_Response *response;
	enum MHD_Result result = MHD_NO;
	char wait[16];

	/* An answer that could not be made must not look like an empty one. */
	if (!text && status != 204 && status != MHD_HTTP_NOT_MODIFIED)
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
	if (reply->etag[0] && MHD_add_response_header(response, "ETag", reply->etag) != MHD_YES)
		goto release;
	if (status == MHD_HTTP_UNAUTHORIZED &&
	    MHD_add_response_header(response, "WWW-Authenticate", "Bearer") != MHD_YES)
		goto release;
	snprintf(wait, sizeof(wait), "%u", reply->wait_s);
	if (reply->wait_s && MHD_add_response_header(response, "Retry-After", wait) != MHD_YES)
		goto release;
	result = MHD_queue_response(connection, status, response);
release:
	MHD_destroy_response(response);
	return result;
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

/* Its own items are all that a tenant gets, whatever the handler gave; and with ?tenant= anybody.
 */
static void keep_own(const struct http_route *route, const char *tenant, struct http_reply *reply)
{
	json_t *items = json_object_get(reply->body, "items");

	for (size_t i = json_array_size(items); i-- > 0;) {
		const char *owner =
			json_string_value(json_object_get(json_array_get(items, i), route->owner));

		if (!owner || strcmp(owner, tenant) != 0)
			json_array_remove(items, i);
	}
}

/* False when the caller may not use the route; then the reply says so. */
static bool may_pass(const struct http_route *route, const struct http_request *request,
		     struct http_reply *reply)
{
	const struct http_caller *caller = request->caller;
	const char *only;

	switch (access_check(route, request)) {
	case ACCESS_WHO:
		http_problem(reply, MHD_HTTP_UNAUTHORIZED, "Unauthorized",
			     "say who you are: \"Authorization: Bearer TOKEN\", with a token of "
			     "api.tokensFile");
		return false;
	case ACCESS_HIDDEN:
		problem_format(reply, MHD_HTTP_NOT_FOUND, "Not Found", "nothing is at %.200s",
			       request->path);
		return false;
	case ACCESS_DENIED:
		problem_format(reply, MHD_HTTP_FORBIDDEN, "Forbidden",
			       "%s has the role \"%s\", which may not do this", caller->name,
			       http_role_name(caller->role));
		return false;
	default:
		break;
	}
	only = http_query(request, "tenant");
	if (caller->role != HTTP_ROLE_TENANT || !only || !strcmp(only, caller->tenant))
		return true;
	http_problem(reply, MHD_HTTP_NOT_FOUND, "No such tenant", only);
	return false;
}

static bool is_read(const char *method)
{
	return !strcmp(method, "GET") || !strcmp(method, "HEAD");
}

/* What changes something is written down, before and after. */
static bool is_booked(const struct http *http, const struct http_route *route)
{
	return http->gate && http->gate->before &&
	       (route->need == HTTP_NEED_OPERATOR || route->need == HTTP_NEED_TENANT_WRITES);
}

/* May what is asked for be changed, and now? False: the reply says why not. */
static bool may_change(struct http *http, const struct http_request *request,
		       struct http_reply *reply)
{
	struct err err = {};

	reply->wait_s = http->gate->wait ? http->gate->wait(http->context, request) : 0;
	if (reply->wait_s) {
		problem_format(reply, MHD_HTTP_TOO_MANY_REQUESTS, "Too Many Requests",
			       "%s has changed more than it may in so short a time "
			       "(api.tenantWrites); again in %u s",
			       request->caller->name, reply->wait_s);
		return false;
	}
	if (!http->gate->before(http->context, request, &err))
		return true;
	http_problem(reply, MHD_HTTP_SERVICE_UNAVAILABLE, "Service Unavailable", err.text);
	return false;
}

/* Calls the route's handler, once it is sure that the caller may and that it is written down. */
static void call(struct http *http, const struct http_route *route, struct http_request *request,
		 const struct upload *upload, struct http_reply *reply)
{
	bool booked = is_booked(http, route);
	int code;

	if (!may_pass(route, request, reply)) {
		if (booked && http->gate->refused)
			http->gate->refused(http->context, request, reply->status);
		return;
	}
	if (booked && !may_change(http, request, reply))
		return;
	if (route->schema || parse_body(upload, &request->body, reply)) {
		code = route->handle(http->context, request, reply);
		if (code < 0 && !reply->body)
			http_problem(reply, MHD_HTTP_INTERNAL_SERVER_ERROR, "Internal Server Error",
				     strerror(-code));
		if (route->owner && http_tenant(request))
			keep_own(route, http_tenant(request), reply);
	}
	if (booked)
		http->gate->after(http->context, request,
				  reply->status
					  ?: reply->body ? MHD_HTTP_OK
							 : MHD_HTTP_NO_CONTENT);
}

/* A representation that the client has already. */
static bool is_known(const struct http_request *request, const struct http_reply *reply)
{
	return reply->etag[0] && !reply->problem && is_read(request->method) &&
	       request->if_none_match && !strcmp(request->if_none_match, reply->etag);
}

static enum MHD_Result answer(struct door *door, struct MHD_Connection *connection,
			      const char *method, const char *path, const struct upload *upload)
{
	struct http_caller caller = {.role = HTTP_ROLE_OPERATOR, .name = "somebody"};
	struct http *http = door->http;
	struct http_credentials credentials;
	struct http_request request = {
		.method = method,
		.path = path,
		.text = upload->data ?: "",
		.length = upload->length,
		.caller = &caller,
		.connection = connection,
	};
	const struct http_route *route;
	struct http_reply reply = {};
	enum MHD_Result result;
	char allow[128];

	request.if_match = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "If-Match");
	request.if_none_match =
		MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "If-None-Match");
	request.accept = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Accept");
	if (http->gate && http->gate->identify) {
		credentials_read(connection, &credentials);
		http->gate->identify(http->context, &credentials, &caller);
	}
	route = route_match(http->routes, http->route_count, &request, allow, sizeof(allow));
	if (!route && !*allow)
		problem_format(&reply, MHD_HTTP_NOT_FOUND, "Not Found", "nothing is at %.200s",
			       path);
	else if (!route)
		problem_format(&reply, MHD_HTTP_METHOD_NOT_ALLOWED, "Method Not Allowed",
			       "%.200s answers %s, not %.32s", path, allow, method);
	else if (upload->seen > HTTP_BODY_MAX)
		problem_too_big(&reply);
	else {
		request.route = route;
		call(http, route, &request, upload, &reply);
	}
	if (is_known(&request, &reply)) {
		json_decref(reply.body);
		reply.body = NULL;
		reply.status = MHD_HTTP_NOT_MODIFIED;
	}
	result = reply.stream || reply.text
			 ? send_later(door, connection, &reply)
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

static void pump(struct door *door)
{
	struct loop *loop = door->http->loop;
	MHD_UNSIGNED_LONG_LONG ms;

	MHD_run(door->daemon);
	if (MHD_get_timeout(door->daemon, &ms) != MHD_YES)
		loop_timer_cancel(loop, &door->timer);
	else if (loop_timer_set(loop, &door->timer, ms * UINT64_C(1000000)))
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

static void prepare(struct door *door, struct http *http)
{
	*door = (struct door){
		.http = http,
		.fd = {.fd = -1, .ready = on_ready, .context = door},
		.timer = {.fire = on_timer, .context = door},
	};
}

/* fd is libmicrohttpd's from now on, whatever comes of it. */
static int open_door(struct door *door, int fd, const struct tls *tls, const char *where,
		     struct err *err)
{
	struct MHD_OptionItem secure[] = {
		{MHD_OPTION_HTTPS_MEM_CERT, 0, tls ? tls->cert : NULL},
		{MHD_OPTION_HTTPS_MEM_KEY, 0, tls ? tls->key : NULL},
		{MHD_OPTION_HTTPS_PRIORITIES, 0, TLS_PRIORITIES},
		{tls && tls->client_ca ? MHD_OPTION_HTTPS_MEM_TRUST : MHD_OPTION_END, 0,
		 tls ? tls->client_ca : NULL},
		{MHD_OPTION_END, 0, NULL},
	};
	unsigned int flags = MHD_USE_EPOLL | MHD_USE_ERROR_LOG | MHD_ALLOW_SUSPEND_RESUME;
	const union MHD_DaemonInfo *info;
	int code;

	if (!tls)
		secure[0].option = MHD_OPTION_END;
	else
		flags |= MHD_USE_TLS;
	door->daemon = MHD_start_daemon(
		flags, 0, NULL, NULL, handle, door, MHD_OPTION_EXTERNAL_LOGGER, log_daemon, NULL,
		MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_LIMIT,
		(unsigned int)HTTP_CONNECTIONS_MAX, MHD_OPTION_CONNECTION_TIMEOUT,
		(unsigned int)HTTP_TIMEOUT_S, MHD_OPTION_NOTIFY_COMPLETED, request_over, NULL,
		MHD_OPTION_ARRAY, secure, MHD_OPTION_END);
	/* Whether the socket was closed then depends on how far it got: leaving it open is safer
	 * than to close a number twice.
	 */
	if (!door->daemon)
		return err_set(err, -EINVAL, "cannot serve HTTP on %s%s", where,
			       tls ? ": do the key and the certificate belong together?" : "");
	info = MHD_get_daemon_info(door->daemon, MHD_DAEMON_INFO_EPOLL_FD);
	if (!info)
		return err_set(err, -ENOTSUP, "libmicrohttpd was built without epoll");
	door->fd.fd = info->epoll_fd;
	code = loop_fd_set(door->http->loop, &door->fd, EPOLLIN);
	if (code) {
		door->fd.fd = -1;
		err_set(err, code, "cannot watch %s: %s", where, strerror(-code));
	}
	return code;
}

static void close_door(struct door *door)
{
	if (!door->daemon)
		return;
	if (door->fd.fd >= 0) {
		MHD_run(door->daemon); /* the ends of streams go out */
		loop_timer_cancel(door->http->loop, &door->timer);
		loop_fd_remove(door->http->loop, &door->fd);
	}
	MHD_stop_daemon(door->daemon);
	door->daemon = NULL;
	door->fd.fd = -1;
}

static void free_door(struct door *door)
{
	close_door(door);
	tls_fini(&door->tls);
	free(door);
}

/* Retired doors that nobody is in any more. */
static void sweep_doors(struct http *http)
{
	struct door **at = &http->retired;

	while (*at) {
		const union MHD_DaemonInfo *info =
			MHD_get_daemon_info((*at)->daemon, MHD_DAEMON_INFO_CURRENT_CONNECTIONS);
		struct door *door = *at;

		if (info && info->num_connections) {
			at = &door->next;
			continue;
		}
		*at = door->next;
		free_door(door);
	}
}

/* Whoever is in it, watching perhaps, stays; nobody else gets in. */
static void retire_remote(struct http *http)
{
	struct door *door = http->remote;
	int fd;

	if (!door)
		return;
	fd = MHD_quiesce_daemon(door->daemon);
	if (fd >= 0)
		close(fd);
	http->remote = NULL;
	door->next = http->retired;
	http->retired = door;
	sweep_doors(http);
}

static bool same_tls(const struct tls *a, const struct tls *b)
{
	return a->cert && !strcmp(a->cert, b->cert) && !strcmp(a->key, b->key) &&
	       !strcmp(a->client_ca ?: "", b->client_ca ?: "");
}

static bool same_door(const struct door *door, const struct http_remote *remote,
		      const struct tls *tls)
{
	return door && remote->port == door->port &&
	       !addr_compare(&remote->address, &door->address) && same_tls(&door->tls, tls);
}

/* Takes tls. */
static int open_remote(struct http *http, const struct http_remote *remote, struct tls *tls,
		       struct err *err)
{
	struct door *door = malloc(sizeof(*door));
	char where[ADDR_TEXT_MAX];
	int fd, code;

	fd = door ? listen_remote(&remote->address, remote->port, err) : -ENOMEM;
	if (fd < 0) {
		tls_fini(tls);
		free(door);
		return fd;
	}
	prepare(door, http);
	door->tls = *tls;
	door->address = remote->address;
	door->port = remote->port;
	addr_format_endpoint(&remote->address, remote->port, where);
	code = open_door(door, fd, &door->tls, where, err);
	if (code) {
		free_door(door);
		return code;
	}
	retire_remote(http);
	http->remote = door;
	return 0;
}

int http_listen(struct http *http, const struct http_remote *remote, struct err *err)
{
	struct tls tls;
	int code;

	sweep_doors(http);
	if (!remote || !remote->port) {
		retire_remote(http);
		return 0;
	}
	code = tls_read(&tls, remote->cert, remote->key, remote->client_ca, err);
	if (code)
		return code;
	if (!same_door(http->remote, remote, &tls))
		return open_remote(http, remote, &tls, err);
	tls_fini(&tls);
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
	prepare(&http->local, http);

	code = listen_open(&http->socket, socket_path, err);
	if (code)
		goto release;
	code = open_door(&http->local, http->socket.fd, NULL, socket_path, err);
	if (code)
		goto stop;
	*ret = http;
	return 0;

stop:
	listen_unlink(&http->socket);
	close_door(&http->local);
release:
	free(http);
	return code;
}

void http_set_gate(struct http *http, const struct http_gate *gate)
{
	http->gate = gate;
}

void http_free(struct http *http)
{
	if (!http)
		return;
	listen_unlink(&http->socket);
	close_door(&http->local);
	retire_remote(http);
	while (http->retired) {
		struct door *door = http->retired;

		http->retired = door->next;
		free_door(door);
	}
	free(http);
}
