// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * A backend is asked when a client has begun to send the body that it announced, and not before:
 * who sends heads and no bodies has no connection to a backend and none of its pool's places. So
 * much is waited for as fits the first flight of a connection with its head (ten segments: RFC
 * 6928), so who sends does not wait a round trip longer; a body of no more than that is here as a
 * whole.
 *
 * Not waited for are bodies of which nobody knows how long they are, which may be a conversation,
 * and clients that wait themselves to be told to go on (Expect: 100-continue).
 */
#include <errno.h>

#include "conn.h"

#define FIRST 8192 /* bytes of it */

_Static_assert(CONN_HEAD_MAX + FIRST < BUFFER_SIZE, "they fit behind each other");

/* The head, and so much of the body. */
static size_t wanted(const struct conn *conn)
{
	int64_t body = conn->exchange.content_length;

	return conn->exchange.head_length + (body < FIRST ? (size_t)body : FIRST);
}

bool conn_waits_for_body(const struct conn *conn, const struct h1_request *request)
{
	return conn->exchange.body == H1_BODY_LENGTH && !request->expect_continue &&
	       buffer_length(conn->down.in) < wanted(conn);
}

enum step conn_wait_for_body(struct conn *conn)
{
	/* an answer of our own would have gone there */
	if (!channel_pending(&conn->down))
		buffer_drop(conn->down.buffers, &conn->down.out);
	conn->state = CONN_BODY;
	return STEP_AGAIN;
}

enum step conn_body(struct conn *conn)
{
	/* Large, and of use until the request has been passed on. */
	static struct h1_request request;
	ssize_t n;

	while (buffer_length(conn->down.in) < wanted(conn)) {
		n = channel_fill(&conn->down);
		if (n == -EAGAIN)
			return STEP_WAIT;
		if (n <= 0)
			return STEP_CLOSE;
	}
	conn->scanned = 0;
	/* from here on it is the time to move it that counts */
	conn->exchange.mark_at = 0;
	return conn_parse(conn, &request) ? STEP_CLOSE : conn_enter_pool(conn, &request);
}
