// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Time limits. Whoever is slow is cut by what he gets done, not by whether he does something: a
 * head has one limit from its first byte to its last, and a body must move so many bytes in each
 * span. A timer is set for what is due next, and only looked at again when it fires: an exchange
 * that is quick moves none.
 */
#include <errno.h>

#include "conn.h"

#define BODY_MIN      4096 /* bytes that have to move in each limits.body */
#define BODY_TOO_SLOW "The body of the request came too slowly."

static uint64_t earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t in_ms(uint64_t from, uint32_t limit)
{
	return limit ? from + limit * 1000000ULL : UINT64_MAX;
}

static uint64_t moved(const struct conn *conn)
{
	return conn->down.received + conn->down.sent;
}

/* Bodies in either direction: who is waited for is judged when the time is over. */
static uint64_t body_due(struct conn *conn)
{
	struct exchange *exchange = &conn->exchange;

	if (!exchange->mark_at || moved(conn) >= exchange->mark_bytes + BODY_MIN) {
		exchange->mark_at = conn->active_at;
		exchange->mark_bytes = moved(conn);
	}
	return exchange->mark_at + conn->worker->limits.body;
}

static bool backend_is_waited_for(const struct conn *conn)
{
	return conn->exchange.sent && !channel_pending(&conn->down) && conn->down.can_write &&
	       !conn->up->channel.can_read;
}

static uint64_t exchange_due(struct conn *conn)
{
	const struct worker_limits *limits = &conn->worker->limits;
	const struct exchange *exchange = &conn->exchange;
	const struct image_route *route = &exchange->routing->image.routes[exchange->route];
	uint64_t due = in_ms(exchange->began, route->request_timeout);

	if (!conn->up->connected)
		return earlier(due, exchange->attempt_began + limits->connect);
	if (!exchange->replying)
		due = earlier(due, in_ms(exchange->attempt_began, route->backend_timeout));
	if (backend_is_waited_for(conn)) {
		conn_stall_end(conn);
		return earlier(due, conn->active_at + limits->reply);
	}
	return earlier(due, earlier(body_due(conn), conn_stall_due(conn)));
}

static uint64_t pending_due(const struct conn *conn)
{
	const struct exchange *exchange = &conn->exchange;
	const struct image_route *route = &exchange->routing->image.routes[exchange->route];

	return earlier(in_ms(exchange->began, route->request_timeout),
		       exchange->began + conn->worker->limits.pending);
}

static uint64_t first_body_due(struct conn *conn)
{
	const struct exchange *exchange = &conn->exchange;
	const struct image_route *route = &exchange->routing->image.routes[exchange->route];

	return earlier(in_ms(exchange->began, route->request_timeout), body_due(conn));
}

static uint64_t due_of(struct conn *conn)
{
	const struct worker_limits *limits = &conn->worker->limits;

	switch (conn->state) {
	case CONN_PREAMBLE:
		return conn->head_at + limits->head;
	case CONN_HEAD:
		return conn->head_at + (conn->waiting ? limits->idle : limits->head);
	case CONN_BODY:
		return first_body_due(conn);
	case CONN_PENDING:
		return pending_due(conn);
	case CONN_EXCHANGE:
		return exchange_due(conn);
	case CONN_HELLO:
		return conn->head_at + limits->head;
	case CONN_TUNNEL:
		return conn->active_at + limits->tunnel;
	case CONN_ANSWER:
		return conn->active_at + limits->body;
	default:
		return conn->exchange.mark_at +
		       (conn->down.fd.added ? limits->linger : limits->quiet);
	}
}

void conn_arm(struct conn *conn)
{
	uint64_t due = due_of(conn);

	if (!conn->timer.link.next || due < conn->timer.due)
		wheel_set(&conn->worker->wheel, &conn->timer, due);
}

static enum step exchange_late(struct conn *conn, uint64_t now)
{
	struct exchange *exchange = &conn->exchange;
	const struct image_route *route = &exchange->routing->image.routes[exchange->route];

	if (exchange->replying) {
		if (!conn->down.can_write && in_ms(exchange->began, route->request_timeout) > now)
			seen_refused(conn, REFUSAL_slow_client);
		channel_abort(&conn->down);
		return STEP_CLOSE;
	}
	if (in_ms(exchange->began, route->request_timeout) <= now)
		return conn_refuse_as(conn, REFUSAL_backend_timeout, 504,
				      "The request took longer than its route allows.");
	if (!conn->up->connected)
		return conn_connect_failed(conn, -ETIMEDOUT);
	if (exchange->sent || in_ms(exchange->attempt_began, route->backend_timeout) <= now ||
	    !conn->up->channel.can_write)
		return conn_attempt_failed(conn, IMAGE_RETRY_TIMEOUT);
	return conn_refuse(conn, 408, BODY_TOO_SLOW);
}

static enum step late(struct conn *conn, uint64_t now)
{
	if (conn->state == CONN_EXCHANGE)
		return exchange_late(conn, now);
	if (conn->state == CONN_PREAMBLE)
		return conn_refuse_preamble(conn);
	if (conn->state == CONN_HELLO)
		return conn_hello_late(conn);
	if (conn->state == CONN_BODY)
		return conn_refuse(conn, 408, BODY_TOO_SLOW);
	if (conn->state == CONN_PENDING)
		return conn_refuse_as(conn, REFUSAL_pool_limit, 503,
				      "The pool had no room in time (circuitBreaker.maxRequests).");
	if (conn->state == CONN_HEAD && buffer_length(conn->down.in))
		return conn_refuse_head(conn, 408, "The head of the request came too slowly.");
	if (conn->state == CONN_LINGER && !conn->down.fd.added)
		return conn_linger_on(conn);
	return STEP_CLOSE;
}

bool conn_late(struct conn *conn)
{
	uint64_t now = loop_now(conn->worker->loop);
	bool told = conn->late_told, stalled;

	conn->late = conn->late_told = false;
	if (told && !conn_run(conn))
		return false;
	stalled = conn->state == CONN_EXCHANGE && conn_stalled(conn, now);
	if (!stalled && due_of(conn) > now) {
		/* what was told of since then is not told of again */
		if (!told)
			return conn_run(conn);
		conn_arm(conn);
		return true;
	}
	if ((stalled ? conn_cut_stalled(conn) : late(conn, now)) != STEP_CLOSE)
		return conn_run(conn);
	conn_close(conn);
	return false;
}

/* Many of one tenant may be late at the same time: they are cut in its turns. */
void conn_timer_fired(struct wheel_timer *timer)
{
	struct conn *conn = timer->context;

	if (due_of(conn) > loop_now(conn->worker->loop)) {
		conn_arm(conn);
		return;
	}
	conn->late = true;
	conn->late_told = conn->turn.queue;
	conn_wait_turn(conn);
}
