// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* How a request ends, and a connection. */
#include <errno.h>
#include <sys/epoll.h>

#include "conn.h"
#include "problem.h"

#define INTERNAL_ERROR 80 /* of TLS (RFC 8446, 6) */
#define ROOMY	       8  /* so much of a worker's connections is room enough to hold some longer */
#define LINGER_MOST    (1 << 20) /* bytes that are thrown away for the sake of an answer */

static void next_request(struct conn *conn)
{
	conn->state = CONN_HEAD;
	conn->scanned = 0;
	conn->waiting = !buffer_length(conn->down.in);
	conn->inherited = false;
	conn->head_at = loop_now(conn->worker->loop);
	journal_next(conn->down.line, channel_used(&conn->down), conn->down.sent,
		     buffer_number(conn->down.buffers, conn->down.in),
		     conn->down.in ? conn->down.in->start : 0);
	channel_rest(&conn->down);
}

/* It said that this was its last request (RFC 9112, 9.6), and nothing has come behind it. */
static bool will_send_nothing(const struct conn *conn)
{
	const struct exchange *exchange = &conn->exchange;

	return exchange->asked_to_close && exchange->body == H1_BODY_NONE && !conn->down.tls &&
	       !conn->down.can_read && !buffer_length(conn->down.in);
}

/* Bytes of its body are on their way, as far as is known. */
static bool is_sending(const struct conn *conn)
{
	return conn->exchange.body != H1_BODY_NONE && !conn->exchange.sent;
}

/* That it has closed need not be known at once: nobody waits for its memory, of which TLS has more,
 * its descriptor or its end. */
static bool can_wait(const struct conn *conn)
{
	const struct worker *worker = conn->worker;

	return !conn->down.tls && !is_sending(conn) && !worker_goes(worker) &&
	       worker->conn_count < worker->limits.conns / ROOMY;
}

/*
 * A client that is still sending would get a RST for it, and might lose the answer: it is waited
 * for. Mostly only its end is to come, and nobody is served sooner for it, so it is looked for a
 * little later, of many at once, and wakes nobody.
 */
static enum step end_connection(struct conn *conn)
{
	struct channel *down = &conn->down;
	bool waits;

	if (down->ended || down->error || will_send_nothing(conn))
		return STEP_CLOSE;
	while (conn->kept)
		upstream_close(conn->kept);
	channel_shut(down);
	waits = can_wait(conn);
	if (waits) {
		channel_ignore(down);
		buffer_drop(down->buffers, &down->in);
		seen_leave(conn);
	} else if (!down->fd.added && channel_listen(down)) {
		return STEP_CLOSE;
	}
	conn->state = CONN_LINGER;
	conn->exchange.mark_bytes = down->received + LINGER_MOST;
	conn->exchange.mark_at = loop_now(conn->worker->loop);
	/* whose end is here already goes now */
	return waits && !down->hung_up ? STEP_WAIT : STEP_AGAIN;
}

enum step conn_linger(struct conn *conn)
{
	struct channel *down = &conn->down;

	for (;;) {
		ssize_t n = channel_discard(down);

		if (n == -EAGAIN)
			return STEP_WAIT;
		if (n <= 0 || down->received > conn->exchange.mark_bytes)
			return STEP_CLOSE;
	}
}

enum step conn_linger_on(struct conn *conn)
{
	/* as if it had been told, of an end as well: or a few bytes would be taken for all */
	channel_note(&conn->down, EPOLLIN | EPOLLRDHUP);
	if (conn_linger(conn) == STEP_CLOSE || channel_listen(&conn->down))
		return STEP_CLOSE;
	seen_return(conn);
	return STEP_WAIT;
}

enum step conn_finished(struct conn *conn)
{
	struct exchange *exchange = &conn->exchange;
	bool whole = exchange->sent && !exchange->broken;

	seen_end(conn);
	relay_end(&exchange->upload);
	relay_end(&exchange->reply);
	if (whole && exchange->reusable) {
		upstream_release(conn->up, &conn->kept);
		conn->up = NULL;
	}
	conn_let_go(conn);
	if (!whole || !exchange->keep_alive)
		return end_connection(conn);
	next_request(conn);
	return STEP_AGAIN;
}

static void forget_request(struct conn *conn)
{
	struct exchange *exchange = &conn->exchange;

	if (exchange->replayable)
		buffer_consume(conn->down.in, exchange->head_length);
	exchange->replayable = false;
}

enum step conn_own_answer(struct conn *conn, unsigned status)
{
	struct channel *down = &conn->down;

	conn_count(conn, status);
	forget_request(conn);
	journal_answer(down->line, channel_used(down), down->sent + channel_pending(down),
		       !conn->exchange.keep_alive);
	conn_let_go(conn);
	conn->state = CONN_ANSWER;
	return STEP_AGAIN;
}

static enum step answer(struct conn *conn, enum refusal why, const struct problem *problem)
{
	struct buffer *out = channel_out(&conn->down, 2048);
	struct h1_writer writer = {.buffer = out ? out->bytes + out->end : NULL,
				   .size = out ? buffer_room(out) : 0};
	int length = out ? problem_write(&writer, problem) : -ENOBUFS;

	if (length < 0)
		return STEP_CLOSE;
	out->end += (uint32_t)length;
	conn->worker->counts.refused++;
	seen_refused(conn, why);
	return conn_own_answer(conn, problem->status);
}

enum step conn_refuse_for(struct conn *conn, enum refusal why, unsigned status, const char *detail,
			  unsigned retry_after_s)
{
	struct exchange *exchange = &conn->exchange;
	struct problem problem = {
		.status = status, .detail = detail, .retry_after_s = retry_after_s};

	if (exchange->passthrough)
		return conn_alert(conn, why, INTERNAL_ERROR);
	if (exchange->replying) {
		channel_abort(&conn->down);
		return STEP_CLOSE;
	}
	/* What is left of the request is not worth reading to get to the next one. */
	if (exchange->body != H1_BODY_NONE)
		exchange->keep_alive = false;
	problem.close = !exchange->keep_alive;
	problem.keep_alive = !exchange->minor;
	problem.head = exchange->method == H1_METHOD_HEAD;
	return answer(conn, why, &problem);
}

enum step conn_refuse_as(struct conn *conn, enum refusal why, unsigned status, const char *detail)
{
	return conn_refuse_for(conn, why, status, detail, 0);
}

enum step conn_refuse(struct conn *conn, unsigned status, const char *detail)
{
	return conn_refuse_as(conn, refusal_of(status), status, detail);
}

enum step conn_refuse_head(struct conn *conn, unsigned status, const char *detail)
{
	const struct problem problem = {.status = status, .detail = detail, .close = true};

	conn->exchange = (struct exchange){.tenant = IMAGE_NONE, .route = IMAGE_NONE};
	seen_request(conn);
	return answer(conn, refusal_of(status), &problem);
}

enum step conn_answer(struct conn *conn)
{
	ssize_t n;

	conn->down.ending = !conn->exchange.keep_alive;
	n = channel_send(&conn->down, NULL, 0);
	if (n == -EAGAIN)
		return STEP_WAIT;
	if (n < 0)
		return STEP_CLOSE;
	seen_end(conn);
	if (!conn->exchange.keep_alive)
		return end_connection(conn);
	next_request(conn);
	return STEP_AGAIN;
}
