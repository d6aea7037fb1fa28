// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* From the first byte of a request to its route. */
#include <errno.h>
#include <string.h>

#include "../model/l7/route.h"
#include "../wire/uri.h"
#include "conn.h"
#include "forward.h"
#include "pending.h"
#include "session.h"
#include "tls_channel.h"

_Static_assert((int)ROUTE_TRACE == (int)H1_METHOD_TRACE && (int)ROUTE_METHODS == (int)H1_METHODS,
	       "methods have the same numbers");

static struct route_text route_text(struct h1_text text)
{
	return (struct route_text){text.at, text.length};
}

static unsigned header(const void *context, const char *name, struct route_text *ret_value)
{
	const struct h1_head *head = context;
	const struct h1_header *first = h1_find_other(head, name);
	size_t length = strlen(name);
	unsigned count = 0;

	if (!first)
		return 0;
	*ret_value = route_text(h1_value(first));
	for (const struct h1_header *at = first; at < head->headers + head->count; at++)
		count += at->name_length == length && !strncasecmp(at->name, name, length);
	return count;
}

/* Whoever had no TLS named no server. */
static struct route_text server_name(const struct conn *conn)
{
	const struct tls *tls = conn->down.tls;

	return tls ? (struct route_text){tls->name, tls->name_length} : (struct route_text){};
}

static int find_route(struct conn *conn, const struct h1_request *request)
{
	struct exchange *exchange = &conn->exchange;
	const struct route_request wanted = {
		.listener = conn_listener(conn),
		.peer = &conn->peer,
		.sni = server_name(conn),
		.host = route_text(request->host),
		.method = (enum route_method)request->method,
		.path = route_text(request->path),
		.query = route_text(request->query),
		.header = header,
		.head = &request->head,
	};
	const struct tls *tls = conn->down.tls;
	struct route_found found;
	int error = route_find(&exchange->routing->image, &wanted, &found);

	exchange->tenant = found.tenant;
	exchange->route = found.route;
	exchange->matched = found.matched;
	if (!error && tls && !tls_client_fits(tls, &exchange->routing->image, wanted.host))
		error = -ROUTE_ERROR_misdirected;
	return error;
}

static void note(struct conn *conn, const struct h1_request *request)
{
	struct exchange *exchange = &conn->exchange;

	*exchange = (struct exchange){
		.routing = routing_hold(conn->worker->routing),
		.listener = conn_listener(conn),
		.tenant = IMAGE_NONE,
		.route = IMAGE_NONE,
		.member = IMAGE_NONE,
		.pinned = IMAGE_NONE,
		.method = (uint8_t)request->method,
		.minor = request->head.minor,
		.body = (uint8_t)request->head.body,
		.content_length = request->head.content_length,
		.keep_alive = request->head.keep_alive && !worker_goes(conn->worker),
		.asked_to_close = !request->head.keep_alive,
		.replayable = true,
		.head_length = request->head.length,
		.began = loop_now(conn->worker->loop),
	};
	conn->waiting = false;
	conn->worker->counts.requests++;
}

/* STEP_WAIT: the route has none. */
static enum step redirect(struct conn *conn, const struct h1_request *request)
{
	struct exchange *exchange = &conn->exchange;
	const struct forward forward = {
		.image = &exchange->routing->image,
		.route = exchange->route,
		.matched = exchange->matched,
		.tls = conn->down.tls,
	};
	bool keep_alive = exchange->keep_alive && exchange->body == H1_BODY_NONE;
	struct buffer *out = channel_out(&conn->down, CONN_HEAD_MAX);
	struct h1_writer writer = {.buffer = out ? out->bytes + out->end : NULL,
				   .size = out ? buffer_room(out) : 0};
	int length = forward_redirect(&forward, request, keep_alive, &writer);

	if (!length)
		return STEP_WAIT;
	if (length < 0)
		return conn_refuse(conn, 500, "The redirect is too long.");
	exchange->keep_alive = keep_alive;
	out->end += (uint32_t)length;
	return conn_own_answer(conn, forward_redirect_status(&forward));
}

/* With backends that hang, one tenant leaves the others half of what there is. */
static bool has_room(struct conn *conn)
{
	struct exchange *exchange = &conn->exchange;
	unsigned *requests = &exchange->routing->requests[exchange->tenant];
	const struct image_tenant *tenant = &exchange->routing->image.tenants[exchange->tenant];
	unsigned most =
		tenant->max_requests ? tenant->max_requests : conn->worker->limits.conns / 2;

	if (*requests >= most)
		return false;
	(*requests)++;
	exchange->counted = true;
	return true;
}

/* Whom a session names, or what it goes by. False: the route has no backend. */
static bool choose_pool(struct conn *conn, const struct h1_request *request)
{
	struct exchange *exchange = &conn->exchange;
	struct image *image = &exchange->routing->image;
	const struct image_route *route = &image->routes[exchange->route];
	const struct image_pool *pool;
	uint32_t backend, draw = (uint32_t)worker_random(conn->worker);

	if (route->session == IMAGE_SESSION_COOKIE &&
	    session_find(exchange->routing, exchange->route, &request->head, &exchange->pool,
			 &exchange->pinned))
		return true;
	exchange->by_hash = route->session > IMAGE_SESSION_COOKIE;
	if (exchange->by_hash) {
		exchange->hash =
			session_hash(image,
				     route->session == IMAGE_SESSION_HEADER ? IMAGE_HASH_HEADER
									    : IMAGE_HASH_SOURCE,
				     route->session_name, &request->head, &conn->peer);
		draw = (uint32_t)exchange->hash;
	}
	backend = route_backend(image, exchange->route, draw);
	if (backend == IMAGE_NONE)
		return false;
	exchange->pool = image->backends[backend].pool;
	pool = &image->pools[exchange->pool];
	if (!exchange->by_hash && pool->scheduler == IMAGE_MAGLEV)
		exchange->hash = session_hash(image, pool->hash_by, pool->hash_name, &request->head,
					      &conn->peer);
	return true;
}

/* This one is counted already. */
static bool has_connection(const struct conn *conn)
{
	const struct exchange *exchange = &conn->exchange;
	uint32_t most = exchange->routing->image.tenants[exchange->tenant].max_connections;

	/* a tenant without a row of its own is not counted */
	return !most || conn->seen.tenant == conn->worker->tally.tenants ||
	       conn->seen.tenant->connections_open <= most;
}

static bool is_too_long(const struct conn *conn)
{
	const struct exchange *exchange = &conn->exchange;
	uint64_t most = exchange->routing->image.routes[exchange->route].max_body;

	return most && exchange->body == H1_BODY_LENGTH &&
	       (uint64_t)exchange->content_length > most;
}

static const char *limit_of_pool(const struct conn *conn)
{
	const struct exchange *exchange = &conn->exchange;

	return exchange->routing->image.pools[exchange->pool].max_pending
		       ? "The pool has all the requests that may wait (circuitBreaker.maxPending)."
		       : "The pool has all the requests that it may have "
			 "(circuitBreaker.maxRequests).";
}

enum step conn_admit(struct conn *conn, const struct h1_request *request)
{
	unsigned held_s = conn->exchange.passthrough ? 0 : conn_held_s(conn);
	enum step next;

	if (!has_connection(conn)) {
		conn->exchange.keep_alive = false;
		return conn_refuse_as(conn, REFUSAL_tenant_limit, 503,
				      "This tenant has all the connections that it may have.");
	}
	if (held_s) {
		conn->exchange.keep_alive = false;
		return conn_refuse_for(
			conn, REFUSAL_held, 429,
			"Connections from this address were cut again and again, as it "
			"took nothing of its answers: it is not served for a minute.",
			held_s);
	}
	next = conn->exchange.passthrough ? STEP_WAIT : redirect(conn, request);
	if (next != STEP_WAIT)
		return next;
	if (is_too_long(conn))
		return conn_refuse(conn, 413, "The body is longer than its route allows.");
	if (!has_room(conn))
		return conn_refuse_as(conn, REFUSAL_tenant_limit, 503,
				      "Too many requests of this tenant are in flight.");
	if (conn_waits_for_body(conn, request))
		return conn_wait_for_body(conn);
	return conn_enter_pool(conn, request);
}

enum step conn_enter_pool(struct conn *conn, const struct h1_request *request)
{
	if (!choose_pool(conn, request))
		return conn_refuse(conn, 500, "The route has no backends.");
	switch (pending_enter(conn)) {
	case PENDING_ADMITTED:
		return conn_attempt(conn, request);
	case PENDING_WAITS:
		conn->state = CONN_PENDING;
		return STEP_WAIT;
	default:
		return conn_refuse_as(conn, REFUSAL_pool_limit, 503, limit_of_pool(conn));
	}
}

static enum step begin(struct conn *conn, const struct h1_request *request)
{
	int error;

	if (!conn->worker->routing || conn_listener(conn) == IMAGE_NONE)
		return conn_refuse_head(conn, 503, "This listener has no configuration.");
	note(conn, request);
	if (request->method == H1_METHOD_CONNECT) {
		seen_request(conn);
		seen_head(conn, request);
		/* what follows may be for the tunnel that was not granted: no request of ours */
		conn->exchange.keep_alive = false;
		return conn_refuse(conn, 405, "CONNECT is not allowed here.");
	}
	error = find_route(conn, request);
	seen_request(conn);
	seen_head(conn, request);
	if (error)
		return conn_refuse(conn, route_error_status(error), route_error_sentence(error));
	return conn_admit(conn, request);
}

static enum step refuse_head(struct conn *conn, int error)
{
	const char *path = uri_error_sentence(error);

	if (path)
		return conn_refuse_head(conn, 400, path);
	return conn_refuse_head(conn, h1_error_status(error), h1_error_sentence(error));
}

/* The path goes on as it was understood, so that a backend cannot take it for another one. */
int conn_parse(struct conn *conn, struct h1_request *request)
{
	static char path[H1_LINE_MAX];
	const struct buffer *in = conn->down.in;
	int error = h1_request_parse(in->bytes + in->start, buffer_length(in), CONN_HEAD_MAX,
				     &conn->scanned, request);

	if (error || request->form == H1_FORM_AUTHORITY)
		return error;
	return uri_path(request->path, path, sizeof(path), &request->path);
}

enum step conn_head(struct conn *conn)
{
	/* Large, and of use until the request has been passed on. */
	static struct h1_request request;
	struct channel *down = &conn->down;

	for (;;) {
		size_t length = buffer_length(down->in);
		ssize_t n;

		if (length) {
			int error = conn_parse(conn, &request);

			if (!error)
				return begin(conn, &request);
			if (error != -EAGAIN)
				return refuse_head(conn, error);
		}
		/* behind the largest head there is nothing to decide on: a relay moves it, or
		 * nobody wants it */
		n = channel_fill_most(down, CONN_HEAD_MAX - length);
		if (n == -EAGAIN) {
			if (conn->waiting && conn->worker->draining)
				return STEP_CLOSE;
			channel_rest(down);
			return STEP_WAIT;
		}
		if (n <= 0)
			return STEP_CLOSE;
		if (!length && conn->waiting) {
			conn->waiting = false;
			conn->head_at = loop_now(conn->worker->loop);
		}
	}
}
