// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * A request is given to a member of its pool, and to another one when that fails: always when no
 * connection could be made, since no byte of it was seen; else only when the route says so and to
 * do it twice is the same as once (RFC 9110, 9.2.2). How many are tried again is bounded by how
 * many there are, so that a pool that is down is not asked several times as often for it.
 */
#include <errno.h>
#include <sys/socket.h>

#include "../wire/proxy_header.h"
#include "conn.h"
#include "forward.h"
#include "mirror.h"
#include "tls_backend.h"
#include "tls_channel.h"

#define CONNECT_RETRIES 2 /* at most, when the route says nothing */
#define BUDGET_MOST	100.0F
#define BUDGET_SHARE	0.2F /* of requests */

static bool is_idempotent(const struct exchange *exchange)
{
	switch (exchange->method) {
	case H1_METHOD_GET:
	case H1_METHOD_HEAD:
	case H1_METHOD_PUT:
	case H1_METHOD_DELETE:
	case H1_METHOD_OPTIONS:
	case H1_METHOD_TRACE:
		return true;
	default:
		return false;
	}
}

/*
 * Nobody may be left to read what is sent; and what came while nobody was asked (a 408, say) would
 * be taken for the answer.
 */
static bool seems_alive(const struct conn *conn)
{
	const struct upstream *upstream = conn->up;
	char byte;

	/* What had come before this round has closed it, unless it was told of while the last
	 * request was in hand and nobody read so far. What cannot be asked twice is worth another
	 * look in any case. */
	if (loop_told_all(conn->worker->loop) && !upstream->channel.can_read &&
	    is_idempotent(&conn->exchange) && conn->exchange.body == H1_BODY_NONE)
		return true;
	return recv(upstream->channel.fd.fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 &&
	       errno == EAGAIN;
}

/* Of the PROXY protocol, to the pool at hand; 0: it wants none. */
static unsigned version_of(const struct conn *conn)
{
	const struct exchange *exchange = &conn->exchange;

	return exchange->routing->image.pools[exchange->pool].proxy_protocol;
}

struct tls_backend conn_backend_tls(struct worker *worker, const struct routing *routing,
				    uint32_t index)
{
	const struct image_pool *pool = &routing->image.pools[index];

	return (struct tls_backend){
		.key = pool->tls_key,
		.mode = (enum image_pool_tls)pool->tls,
		.name = image_string(&routing->image, pool->tls_name),
		.digest = pool->tls_digest,
		.vault = routing->vault,
		.shared = &worker->tls,
	};
}

static int take(struct conn *conn, struct upstream_member *member, bool fresh)
{
	struct upstream *const *kept = version_of(conn) ? &conn->kept : NULL;
	const struct tls_backend tls =
		conn_backend_tls(conn->worker, conn->exchange.routing, conn->exchange.pool);

	for (;;) {
		int error = upstream_take(&conn->worker->upstreams, member, kept,
					  tls.mode ? &tls : NULL, conn, fresh, &conn->up);

		if (error || !conn->up->reused || seems_alive(conn))
			return error;
		upstream_close(conn->up);
		conn->up = NULL;
	}
}

static const char *client_cert(const struct conn *conn, const struct image *image,
			       const struct h1_request *request)
{
	const struct route_text host = {request->host.at, request->host.length};

	return conn->down.tls ? tls_client_told(conn->down.tls, image, host) : NULL;
}

/* A new connection of a pool that wants to know says first whose it is. 0 or a negative errno. */
static int introduce(struct conn *conn, struct buffer *out)
{
	unsigned version = version_of(conn);
	int length;

	if (!version || conn->up->told)
		return 0;
	length = conn_write_preamble(conn, version, out->bytes + out->end, buffer_room(out));
	if (length < 0)
		return length;
	conn->up->told = true;
	/* before TLS, and not within it */
	if (conn->up->channel.tls)
		return tls_precede(&conn->up->channel, out->bytes + out->end, (size_t)length);
	out->end += (uint32_t)length;
	return 0;
}

/* The backend, for what is passed through: there is no head to be written. */
static enum step await(struct conn *conn)
{
	struct buffer *out = NULL;

	if (version_of(conn)) {
		out = channel_out(&conn->up->channel, PROXY_HEADER_MAX);
		if (!out || introduce(conn, out) < 0)
			return conn_refuse(conn, 500, NULL);
	}
	conn->exchange.attempt_began = loop_now(conn->worker->loop);
	conn->state = CONN_EXCHANGE;
	return STEP_AGAIN;
}

static enum step write_head(struct conn *conn, const struct h1_request *request)
{
	struct exchange *exchange = &conn->exchange;
	const struct image *image = &exchange->routing->image;
	const struct forward forward = {
		.image = image,
		.route = exchange->route,
		.matched = exchange->matched,
		.peer = &conn->peer,
		.tls = conn->down.tls,
		.client_cert = client_cert(conn, image, request),
		.trusted = image_trusts(image, exchange->listener, &conn->peer),
		.upgrade = forward_is_upgrade(request),
		.traceparent = seen_traceparent(conn),
		.trace_begun = seen_trace_begun(conn),
	};
	struct buffer *out = channel_out(&conn->up->channel, BUFFER_SIZE);
	struct h1_writer writer;
	int length = out ? introduce(conn, out) : -ENOBUFS;

	if (length >= 0) {
		writer = (struct h1_writer){.buffer = out->bytes + out->end,
					    .size = buffer_room(out)};
		length = forward_request(&forward, request, &writer);
	}
	if (length < 0)
		return conn_refuse(conn, 431, "The head is too large for what is added to it.");
	out->end += (uint32_t)length;
	exchange->upgrade = forward.upgrade;
	if (!is_idempotent(exchange) || exchange->body != H1_BODY_NONE || exchange->upgrade)
		journal_once(conn->down.line);
	if (conn->inherited)
		journal_again(conn->down.line);
	mirror_begin(conn, out->bytes + out->end - length, (size_t)length);
	exchange->attempt_began = loop_now(conn->worker->loop);
	conn->state = CONN_EXCHANGE;
	return STEP_AGAIN;
}

/* A session's, while it can take requests. */
static uint32_t pick(struct conn *conn, uint64_t now)
{
	struct exchange *exchange = &conn->exchange;
	const struct balance_request request = {
		.now = now,
		.random = worker_random(conn->worker),
		.hash = exchange->hash,
		.by_hash = exchange->by_hash,
		.tried = &exchange->tried,
	};

	if (exchange->pinned != IMAGE_NONE &&
	    balance_may_take(exchange->routing, exchange->pinned, &request))
		return exchange->pinned;
	return balance_pick(exchange->routing, exchange->pool, &request);
}

enum step conn_attempt(struct conn *conn, const struct h1_request *request)
{
	struct exchange *exchange = &conn->exchange;
	uint64_t now = loop_now(conn->worker->loop);
	uint32_t index = pick(conn, now);
	struct upstream_member *member;
	int error;

	if (index == IMAGE_NONE)
		return conn_refuse(conn, 503, "No backend can take requests.");
	exchange->member = index;
	member = exchange->routing->members[index];
	seen_attempt(conn, member);
	if (exchange->tried.count < BALANCE_TRIED_MAX)
		exchange->tried.keys[exchange->tried.count++] = member->key;
	error = take(conn, member, exchange->fresh);
	if (error) {
		/* of what is wrong here it knows nothing */
		if (error != -ENOKEY)
			balance_failed(exchange->routing, exchange->pool, member, now);
		return conn_connect_failed(conn, error);
	}
	return exchange->passthrough ? await(conn) : write_head(conn, request);
}

/* The head, if there is one, is where it was. */
static enum step attempt_again(struct conn *conn)
{
	static struct h1_request request;

	conn->scanned = 0;
	if (!conn->exchange.passthrough && conn_parse(conn, &request))
		return STEP_CLOSE;
	return conn_attempt(conn, &request);
}

static enum step attempt_anew(struct conn *conn)
{
	conn->worker->counts.retries++;
	seen_retry(conn);
	conn->exchange.attempts++;
	conn->exchange.scanned = 0;
	conn->exchange.sent = conn->exchange.broken = false;
	return attempt_again(conn);
}

/* Its turn has come. */
enum step conn_pending(struct conn *conn)
{
	return conn->exchange.admitted ? attempt_again(conn) : STEP_WAIT;
}

static bool has_budget(struct conn *conn)
{
	float *budget = &conn->exchange.routing->budgets[conn->exchange.pool];

	if (*budget < 1)
		return false;
	*budget -= 1;
	return true;
}

static bool may_retry(struct conn *conn, unsigned why)
{
	const struct exchange *exchange = &conn->exchange;
	const struct image_route *route = &exchange->routing->image.routes[exchange->route];
	unsigned most = route->retry_attempts;

	if (!exchange->replayable || exchange->replying)
		return false;
	if (why == IMAGE_RETRY_CONNECT)
		most = most > CONNECT_RETRIES ? most : CONNECT_RETRIES;
	else if (!(route->retry_on & why) || !is_idempotent(exchange))
		return false;
	return exchange->attempts < most && has_budget(conn);
}

/* By how the last attempt failed. */
static enum step refuse_unconnected(struct conn *conn)
{
	switch (conn->exchange.connect_error) {
	case -EKEYREJECTED:
		return conn_refuse_as(conn, REFUSAL_backend_untrusted, 502,
				      "The backend could not prove who it is.");
	case -ENOKEY:
		return conn_refuse_as(
			conn, REFUSAL_backend_tls, 502,
			"What the pool has for TLS with its backends cannot be used.");
	case -EPROTO:
		return conn_refuse_as(conn, REFUSAL_backend_tls, 502,
				      "The backend did not agree on TLS.");
	default:
		return conn_refuse_as(conn, REFUSAL_no_connection, 502,
				      "No connection to a backend could be made.");
	}
}

enum step conn_connect_failed(struct conn *conn, int error)
{
	conn->exchange.connect_error = error;
	return conn_attempt_failed(conn, IMAGE_RETRY_CONNECT);
}

enum step conn_attempt_failed(struct conn *conn, unsigned why)
{
	struct exchange *exchange = &conn->exchange;
	bool stale = conn->up && conn->up->reused && why == IMAGE_RETRY_RESET &&
		     !buffer_length(conn->up->channel.in);

	if (!stale)
		seen_failed(conn, why);
	if (conn->up) {
		if (!stale)
			balance_failed(exchange->routing, exchange->pool, conn->up->member,
				       loop_now(conn->worker->loop));
		relay_end(&exchange->upload);
		upstream_close(conn->up);
		conn->up = NULL;
	}
	/* It went away while the request was on its way; whoever is asked next is asked anew. */
	if (stale && exchange->replayable && !exchange->replying && is_idempotent(exchange)) {
		exchange->tried.count -= exchange->tried.count > 0;
		exchange->fresh = true;
		return attempt_anew(conn);
	}
	if (may_retry(conn, why))
		return attempt_anew(conn);
	if (why == IMAGE_RETRY_TIMEOUT)
		return conn_refuse(conn, 504, "The backend did not answer in time.");
	if (why == IMAGE_RETRY_CONNECT)
		return refuse_unconnected(conn);
	return conn_refuse_as(conn, REFUSAL_backend_reset, 502,
			      "The backend ended the connection.");
}

bool conn_retry_status(struct conn *conn, unsigned status, enum step *ret_step)
{
	struct exchange *exchange = &conn->exchange;
	const struct image *image = &exchange->routing->image;
	const struct image_route *route = &image->routes[exchange->route];
	bool listed = false;

	for (uint32_t i = 0; i < route->retry_statuses.count; i++)
		listed |= image->statuses[route->retry_statuses.first + i] == status;
	if (!listed || !exchange->replayable || !is_idempotent(exchange) ||
	    exchange->attempts >= route->retry_attempts || !has_budget(conn))
		return false;
	upstream_close(conn->up);
	conn->up = NULL;
	*ret_step = attempt_anew(conn);
	return true;
}

void conn_count(struct conn *conn, unsigned status)
{
	struct exchange *exchange = &conn->exchange;
	float *budget;

	conn->exchange.status = (uint16_t)status;
	conn->worker->counts.answers[status / 100 < 6 ? status / 100 : 0]++;
	/* no backend was asked for it: it says nothing of how many requests they get */
	if (!exchange->routing || exchange->member == IMAGE_NONE)
		return;
	budget = &exchange->routing->budgets[exchange->pool];
	*budget = *budget + BUDGET_SHARE < BUDGET_MOST ? *budget + BUDGET_SHARE : BUDGET_MOST;
}
