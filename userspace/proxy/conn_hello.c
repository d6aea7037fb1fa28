// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * TLS that is passed through: the name that a client asks for (RFC 6066, 3) leads to a pool, and
 * from then on bytes go both ways as they come. Nothing is decrypted here, so what is refused is
 * told by an alert (RFC 8446, 6), the one thing that can be said in the clear.
 */
#include <errno.h>
#include <string.h>

#include "../model/l7/route.h"
#include "conn.h"

#define UNRECOGNIZED_NAME 112

enum step conn_alert(struct conn *conn, enum refusal why, uint8_t alert)
{
	const uint8_t record[] = {21, 3, 3, 0, 2, 2, alert}; /* fatal */
	struct buffer *out = channel_out(&conn->down, sizeof(record));

	if (!out)
		return STEP_CLOSE;
	memcpy(out->bytes + out->end, record, sizeof(record));
	out->end += sizeof(record);
	conn->worker->counts.refused++;
	seen_refused(conn, why);
	return conn_own_answer(conn, 0);
}

static void note(struct conn *conn, struct routing *routing)
{
	conn->exchange = (struct exchange){
		.routing = routing,
		.listener = conn_listener(conn),
		.tenant = IMAGE_NONE,
		.route = IMAGE_NONE,
		.member = IMAGE_NONE,
		.pinned = IMAGE_NONE,
		.passthrough = true,
		.fresh = true, /* what has carried requests is none for this */
		.replayable = true,
		.began = loop_now(conn->worker->loop),
	};
}

static int find_route(struct conn *conn, struct route_text name)
{
	struct exchange *exchange = &conn->exchange;
	const struct route_request wanted = {
		.listener = conn_listener(conn),
		.peer = &conn->peer,
		.host = name,
		.path = {"/", 1},
	};
	struct route_found found;
	int error = route_find(&exchange->routing->image, &wanted, &found);

	exchange->tenant = found.tenant;
	exchange->route = found.route;
	return error;
}

static enum step begin(struct conn *conn, const struct hello *hello)
{
	/* large, and but for the name there is nothing in it */
	static struct h1_request request = {.method_name = {"TLS", 3}};
	struct worker *worker = conn->worker;
	int error;

	if (!worker->routing || conn_listener(conn) == IMAGE_NONE)
		return STEP_CLOSE;
	note(conn, routing_hold(worker->routing));
	worker->counts.requests++;
	request.host = (struct h1_text){hello->name, hello->name_length};
	error = find_route(conn, (struct route_text){hello->name_length ? hello->name : NULL,
						     hello->name_length});
	seen_request(conn);
	seen_head(conn, &request);
	return error ? conn_alert(conn, REFUSAL_unknown_name, UNRECOGNIZED_NAME)
		     : conn_admit(conn, &request);
}

static enum step refuse(struct conn *conn, int error)
{
	note(conn, NULL);
	seen_request(conn);
	return conn_alert(conn, REFUSAL_bad_request, hello_error_alert(error));
}

enum step conn_hello(struct conn *conn)
{
	struct channel *down = &conn->down;
	struct hello hello;

	for (;;) {
		size_t length = buffer_length(down->in);
		int error = -EAGAIN;
		ssize_t n;

		if (length)
			error = hello_parse((const uint8_t *)buffer_at(down->in), length,
					    &conn->hello, &hello);
		if (!error)
			return begin(conn, &hello);
		if (error != -EAGAIN)
			return refuse(conn, error);
		n = channel_fill(down);
		if (n == -EAGAIN) {
			channel_rest(down);
			return STEP_WAIT;
		}
		if (n <= 0)
			return STEP_CLOSE;
	}
}

enum step conn_hello_late(struct conn *conn)
{
	if (buffer_length(conn->down.in)) {
		note(conn, NULL);
		seen_request(conn);
		conn->worker->counts.refused++;
		seen_refused(conn, REFUSAL_slow_client);
	}
	return STEP_CLOSE;
}

enum step conn_pass_through(struct conn *conn)
{
	struct exchange *exchange = &conn->exchange;
	uint64_t now = loop_now(conn->worker->loop);

	balance_succeeded(exchange->routing, conn->up->member, now, now - exchange->attempt_began);
	exchange->replayable = false;
	relay_begin(&exchange->upload, &conn->down, &conn->up->channel, H1_BODY_TUNNEL, 0, false);
	relay_begin(&exchange->reply, &conn->up->channel, &conn->down, H1_BODY_TUNNEL, 0, false);
	conn_allow_splice(conn, &exchange->upload);
	conn_allow_splice(conn, &exchange->reply);
	conn->state = CONN_TUNNEL;
	return STEP_AGAIN;
}
