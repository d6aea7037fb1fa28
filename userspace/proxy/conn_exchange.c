// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The request goes to the backend and its answer to the client, both at once if need be. */
#include <errno.h>
#include <stdlib.h>

#include "conn.h"
#include "forward.h"
#include "mirror.h"

/* A head with what is added to it. */
#define REPLY_ROOM (CONN_HEAD_MAX + 4096)

static void forget_head(struct conn *conn)
{
	if (!conn->exchange.replayable)
		return;
	conn->exchange.replayable = false;
	buffer_consume(conn->down.in, conn->exchange.head_length);
}

void conn_allow_splice(struct conn *conn, struct relay *relay)
{
	struct worker *worker = conn->worker;

	if (worker->limits.splice)
		relay_allow_splice(relay, &worker->pipes,
				   &conn->exchange.routing->pipes[conn->exchange.tenant],
				   worker->limits.pipes_of_tenant);
}

/* the request */

static void begin_upload(struct conn *conn)
{
	struct exchange *exchange = &conn->exchange;

	forget_head(conn);
	journal_gone(conn->down.line);
	exchange->uploading = true;
	relay_begin(&exchange->upload, &conn->down, &conn->up->channel,
		    (enum h1_body)exchange->body, (uint64_t)exchange->content_length,
		    exchange->body == H1_BODY_CHUNKED);
	exchange->upload.tap = mirror_body;
	exchange->upload.tap_context = (void **)&exchange->mirror;
	exchange->upload.most = exchange->routing->image.routes[exchange->route].max_body;
	conn_allow_splice(conn, &exchange->upload);
}

static enum step upload(struct conn *conn)
{
	struct exchange *exchange = &conn->exchange;

	if (!exchange->uploading)
		begin_upload(conn);
	switch (relay_run(&exchange->upload)) {
	case RELAY_DONE:
		exchange->sent = true;
		return STEP_WAIT;
	case RELAY_TURN_OVER:
		return STEP_TURN_OVER;
	case RELAY_SINK_FAILED:
		exchange->broken = true; /* but it may have said why */
		return STEP_WAIT;
	case RELAY_TOO_LONG:
		return conn_refuse(conn, 413, "The body is longer than its route allows.");
	case RELAY_SOURCE_FAILED:
		if (!exchange->upload.error)
			return STEP_CLOSE;
		return conn_refuse(conn, h1_error_status(exchange->upload.error),
				   h1_error_sentence(exchange->upload.error));
	default:
		return STEP_WAIT;
	}
}

static enum step send_request(struct conn *conn)
{
	struct exchange *exchange = &conn->exchange;
	ssize_t n;

	if (exchange->sent || exchange->broken)
		return STEP_WAIT;
	if (exchange->body != H1_BODY_NONE)
		return upload(conn);
	n = channel_send(&conn->up->channel, NULL, 0);
	exchange->sent = !n;
	exchange->broken = n < 0 && n != -EAGAIN;
	return STEP_WAIT;
}

/* the answer */

static struct h1_writer reply_writer(struct conn *conn, struct buffer **ret_out)
{
	struct buffer *out = channel_out(&conn->down, REPLY_ROOM);

	*ret_out = out;
	return (struct h1_writer){.buffer = out ? out->bytes + out->end : NULL,
				  .size = out ? buffer_room(out) : 0};
}

/* 100-continue and its kind. A client of HTTP/1.0 knows none. */
static enum step pass_interim(struct conn *conn, const struct h1_response *response)
{
	struct buffer *out;
	struct h1_writer writer = reply_writer(conn, &out);
	int length;

	conn->exchange.scanned = 0;
	if (conn->exchange.minor) {
		length = forward_interim(response, &writer);
		if (length < 0)
			return conn_refuse(conn, 502, "The backend sent too many interim answers.");
		out->end += (uint32_t)length;
		length = (int)channel_send(&conn->down, NULL, 0);
		if (length < 0 && length != -EAGAIN)
			return STEP_CLOSE;
	}
	buffer_consume(conn->up->channel.in, response->head.length);
	return STEP_AGAIN;
}

/* Bytes of the client's connection by then; 0: it is not known. */
static uint64_t answer_end(const struct conn *conn, const struct h1_head *head)
{
	uint64_t written = conn->down.sent + channel_pending(&conn->down);

	switch (head->body) {
	case H1_BODY_NONE:
		return written;
	case H1_BODY_LENGTH:
		return written + (uint64_t)head->content_length;
	default:
		return 0;
	}
}

static void begin_reply(struct conn *conn, const struct h1_response *response)
{
	struct exchange *exchange = &conn->exchange;
	const struct h1_head *head = &response->head;

	exchange->replying = true;
	exchange->bare = head->body == H1_BODY_NONE;
	exchange->reusable = head->keep_alive;
	buffer_consume(conn->up->channel.in, head->length);
	channel_rest(&conn->up->channel);
	journal_answer(conn->down.line, channel_used(&conn->down), answer_end(conn, head),
		       !exchange->keep_alive);
	if (exchange->bare)
		return;
	relay_begin(&exchange->reply, &conn->up->channel, &conn->down, head->body,
		    (uint64_t)head->content_length,
		    exchange->minor &&
			    (head->body == H1_BODY_CHUNKED || head->body == H1_BODY_CLOSE));
	exchange->reply.last = !exchange->keep_alive;
	conn_allow_splice(conn, &exchange->reply);
}

/* Its end is the connection's: a client of HTTP/1.0 has no other. */
static bool ends_with_connection(const struct exchange *exchange, const struct h1_head *head)
{
	return !exchange->minor && head->body != H1_BODY_NONE && head->body != H1_BODY_LENGTH;
}

static enum step begin_tunnel(struct conn *conn)
{
	struct exchange *exchange = &conn->exchange;

	journal_gone(conn->down.line);
	relay_begin(&exchange->upload, &conn->down, &conn->up->channel, H1_BODY_TUNNEL, 0, false);
	conn_allow_splice(conn, &exchange->upload);
	conn->state = CONN_TUNNEL;
	return STEP_AGAIN;
}

/* The client does not name it yet. */
static bool names_member(const struct exchange *exchange)
{
	const struct image_route *route = &exchange->routing->image.routes[exchange->route];

	return route->session == IMAGE_SESSION_COOKIE && exchange->member != exchange->pinned;
}

static enum step pass_head(struct conn *conn, const struct h1_response *response)
{
	struct exchange *exchange = &conn->exchange;
	bool tunnel = response->head.body == H1_BODY_TUNNEL;
	struct forward_reply forward = {
		.image = &exchange->routing->image,
		.route = exchange->route,
		.minor = exchange->minor,
		.upgrade = tunnel,
		.routing = names_member(exchange) ? exchange->routing : NULL,
		.pool = exchange->pool,
		.member = exchange->member,
	};
	uint64_t now = loop_now(conn->worker->loop);
	struct buffer *out;
	struct h1_writer writer = reply_writer(conn, &out);
	enum step next;
	int length;

	if (tunnel && !exchange->upgrade)
		return conn_refuse(conn, 502, "The backend changed the protocol unasked.");
	if (conn_retry_status(conn, response->status, &next))
		return next;
	forget_head(conn);
	/* What is left of the request would be taken for the next one. */
	if (!exchange->sent || ends_with_connection(exchange, &response->head) ||
	    worker_goes(conn->worker))
		exchange->keep_alive = false;
	forward.keep_alive = exchange->keep_alive;
	length = forward_reply(&forward, response, &writer);
	if (length < 0)
		return conn_refuse(conn, 502, "The backend's head is too large.");
	out->end += (uint32_t)length;
	balance_succeeded(exchange->routing, conn->up->member, now, now - exchange->attempt_began);
	seen_first_byte(conn);
	conn_count(conn, response->status);
	begin_reply(conn, response);
	return tunnel ? begin_tunnel(conn) : STEP_AGAIN;
}

static enum step read_reply_head(struct conn *conn)
{
	/* Large, and of use until it has been passed on. */
	static struct h1_response response;
	struct channel *up = &conn->up->channel;
	ssize_t n;

	for (;;) {
		size_t length = buffer_length(up->in);
		int error = -EAGAIN;

		if (length)
			error = h1_response_parse(buffer_at(up->in), length, CONN_HEAD_MAX,
						  &conn->exchange.scanned,
						  (enum h1_method)conn->exchange.method, &response);
		if (!error)
			return response.status < 200 && response.status != 101
				       ? pass_interim(conn, &response)
				       : pass_head(conn, &response);
		if (error != -EAGAIN)
			return conn_refuse(conn, 502, "The backend's answer is not understood.");
		n = channel_fill(up);
		if (n == -EAGAIN) {
			channel_rest(up);
			return STEP_WAIT;
		}
		if (n <= 0)
			return conn_attempt_failed(conn, IMAGE_RETRY_RESET);
	}
}

static enum step pass_body(struct conn *conn)
{
	struct exchange *exchange = &conn->exchange;
	ssize_t n;

	if (exchange->bare) {
		conn->down.ending = !exchange->keep_alive;
		n = channel_send(&conn->down, NULL, 0);
		if (n == -EAGAIN)
			return STEP_WAIT;
		return n < 0 ? STEP_CLOSE : conn_finished(conn);
	}
	switch (relay_run(&exchange->reply)) {
	case RELAY_DONE:
		return conn_finished(conn);
	case RELAY_TURN_OVER:
		return STEP_TURN_OVER;
	case RELAY_WAIT:
		return STEP_WAIT;
	case RELAY_SOURCE_FAILED:
		/* It is not whole, and the client must not take it for that. */
		channel_abort(&conn->down);
		return STEP_CLOSE;
	default:
		return STEP_CLOSE;
	}
}

enum step conn_exchange(struct conn *conn)
{
	struct exchange *exchange = &conn->exchange;
	enum step sending, reading;
	int connected = upstream_check(conn->up);

	if (connected < 0)
		return conn_connect_failed(conn, connected);
	if (!connected)
		return STEP_WAIT;
	seen_connected(conn);
	if (conn->exchange.passthrough)
		return conn_pass_through(conn);
	sending = send_request(conn);
	if (sending == STEP_AGAIN || sending == STEP_CLOSE)
		return sending;
	reading = exchange->replying ? pass_body(conn) : read_reply_head(conn);
	return reading == STEP_WAIT ? sending : reading;
}

/* tunnels */

/* True when this direction has ended. */
static bool carry(struct relay *relay, bool *ended, enum step *next)
{
	enum relay_result result;

	if (*ended)
		return true;
	result = relay_run(relay);
	if (result == RELAY_TURN_OVER) {
		*next = STEP_TURN_OVER;
	} else if (result == RELAY_DONE) {
		channel_shut(relay->to);
		*ended = true;
	} else if (result != RELAY_WAIT) {
		*next = STEP_CLOSE;
	}
	return *ended;
}

enum step conn_tunnel(struct conn *conn)
{
	struct exchange *exchange = &conn->exchange;
	enum step next = STEP_WAIT;
	bool up = carry(&exchange->upload, &exchange->upload_done, &next);
	bool down = next != STEP_CLOSE && carry(&exchange->reply, &exchange->reply_done, &next);

	return up && down ? STEP_CLOSE : next;
}
