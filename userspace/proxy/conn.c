// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "bequest.h"
#include "conn.h"
#include "idle.h"
#include "mirror.h"
#include "pending.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

/* In a turn: whoever sends many requests at once, which are answered here, has more than one. */
#define STEPS_MOST 16

static void down_ready(struct loop_fd *fd, uint32_t events)
{
	struct conn *conn = fd->context;

	channel_note(&conn->down, events);
	conn_wait_turn(conn);
}

void upstream_told(void *user, struct upstream *upstream, uint32_t events)
{
	(void)events;
	if (upstream->mirrors)
		mirror_told(user);
	else
		conn_wait_turn(user);
}

/* NULL: the image in use has none. */
static const struct image_listener *listener_of(const struct conn *conn)
{
	const struct routing *routing = conn->worker->routing;
	uint32_t index = conn_listener(conn);

	return routing && index != IMAGE_NONE ? &routing->image.listeners[index] : NULL;
}

int conn_begin_tls(struct conn *conn)
{
	const struct image_listener *listener = listener_of(conn);

	if (!listener || listener->protocol == IMAGE_HTTP)
		return 0;
	journal_set_apart(conn->down.line); /* its keys go with the worker */
	if (listener->protocol == IMAGE_HTTPS)
		return tls_server_accept(conn->worker, conn->listener, &conn->down);
	conn->state = CONN_HELLO;
	return 0;
}

static int begin(struct conn *conn)
{
	const struct image_listener *listener = listener_of(conn);

	conn->state = listener && listener->proxies.count ? CONN_PREAMBLE : CONN_HEAD;
	return conn->state == CONN_PREAMBLE ? 0 : conn_begin_tls(conn);
}

/* Between two requests, or with what had come of one. */
static int go_on(struct conn *conn, const struct bequest *bequest)
{
	const struct image_listener *listener = listener_of(conn);
	struct channel *down = &conn->down;
	uint64_t read = bequest->read - bequest->length;

	conn->state = CONN_HEAD;
	/* its listener has been given to another protocol meanwhile */
	if (listener && listener->protocol != IMAGE_HTTP)
		return -EPROTO;
	if (bequest->length && !(down->in = buffer_take(down->buffers)))
		return -ENOMEM;
	if (bequest->length) {
		memcpy(down->in->bytes, bequest->bytes, bequest->length);
		down->in->end = bequest->length;
	}
	down->received = bequest->read;
	down->sent = conn->seen.out = bequest->written;
	conn->seen.in = read;
	conn->waiting = !bequest->length;
	conn->inherited = bequest->length;
	conn->local = bequest->local;
	conn->local_port = bequest->local_port;
	return 0;
}

static bool is_new(const struct bequest *bequest)
{
	return !bequest->header && !bequest->read && !bequest->written;
}

static struct journal_line line_of_new(uint32_t listener, const struct addr *peer, uint16_t port)
{
	return (struct journal_line){
		.listener = listener,
		.peer = *peer,
		.port = port,
		.marks = {{.buffer = BUFFER_NONE}},
	};
}

/* With the bytes that have come of a request, which are in the channel's buffer by now. */
static struct journal_line line_of_inherited(const struct conn *conn, const struct bequest *bequest)
{
	return (struct journal_line){
		.listener = bequest->listener,
		.peer = bequest->peer,
		.port = bequest->port,
		.told_peer = bequest->peer,
		.told_port = bequest->port,
		.local = bequest->local,
		.local_port = bequest->local_port,
		.header = bequest->header,
		.marks = {{
			.read = bequest->read - bequest->length + bequest->header,
			.written = bequest->written,
			.buffer = buffer_number(conn->down.buffers, conn->down.in),
			.told = bequest->header,
		}},
	};
}

/* In the order in which nothing is true in the journal before it is true. */
static int begin_or_go_on(struct conn *conn, uint32_t listener, const struct addr *peer,
			  uint16_t port, const struct bequest *bequest)
{
	struct journal_line line = line_of_new(listener, peer, port);
	bool new = !bequest || is_new(bequest);
	int error = new ? 0 : go_on(conn, bequest);

	if (error)
		return error;
	if (!new)
		line = line_of_inherited(conn, bequest);
	conn->down.line = journal_open(conn->worker->journal, conn->down.fd.fd, &line);
	return new ? begin(conn) : 0;
}

static int start(struct worker *worker, struct listener *listener, int fd, const struct addr *peer,
		 uint16_t peer_port, const struct bequest *bequest)
{
	struct conn *conn = calloc(1, sizeof(*conn));
	int error;

	if (!conn) {
		close(fd);
		return -ENOMEM;
	}
	channel_accepted(&conn->down, worker->loop, &worker->buffers, fd, down_ready, conn);
	conn->worker = worker;
	conn->listener = listener;
	seen_open(conn);
	error = begin_or_go_on(conn, listener ? listener->id : 0, peer, peer_port, bequest);
	if (error) {
		channel_close(&conn->down);
		free(conn);
		return error;
	}
	conn->peer = *peer;
	conn->peer_port = peer_port;
	conn->timer = (struct wheel_timer){.fire = conn_timer_fired, .context = conn};
	conn->active_at = conn->head_at = loop_now(worker->loop);
	conn->next = worker->conns;
	if (worker->conns)
		worker->conns->previous = conn;
	worker->conns = conn;
	worker->conn_count++;
	if (listener)
		listener->conns++;
	/* Most clients have sent their request by now: one look saves a round of the loop. */
	conn->down.can_read = true;
	idle_note(conn);
	conn_wait_turn(conn);
	return 0;
}

int conn_new(struct worker *worker, struct listener *listener, int fd, const struct addr *peer,
	     uint16_t peer_port)
{
	return start(worker, listener, fd, peer, peer_port, NULL);
}

int conn_inherit(struct worker *worker, struct listener *listener, int fd,
		 const struct bequest *bequest)
{
	return start(worker, listener, fd, &bequest->peer, bequest->port, bequest);
}

void conn_let_go(struct conn *conn)
{
	struct exchange *exchange = &conn->exchange;

	conn_stall_end(conn);
	relay_end(&exchange->upload);
	relay_end(&exchange->reply);
	if (exchange->mirror)
		mirror_cut(exchange->mirror);
	if (conn->up)
		upstream_close(conn->up);
	conn->up = NULL;
	pending_leave(conn);
	if (exchange->counted)
		exchange->routing->requests[exchange->tenant]--;
	exchange->counted = false;
	routing_drop(exchange->routing);
	exchange->routing = NULL;
}

void conn_close(struct conn *conn)
{
	struct worker *worker = conn->worker;

	turns_leave(&worker->turns, &conn->turn);
	idle_leave(conn);
	seen_close(conn);
	conn_let_go(conn);
	while (conn->kept)
		upstream_close(conn->kept);
	wheel_cancel(&worker->wheel, &conn->timer);
	/* between requests, all is said */
	if (conn->state == CONN_HEAD && conn->down.tls)
		channel_shut(&conn->down);
	channel_close(&conn->down);
	if (conn->previous)
		conn->previous->next = conn->next;
	else
		worker->conns = conn->next;
	if (conn->next)
		conn->next->previous = conn->previous;
	worker->conn_count--;
	if (conn->listener && !--conn->listener->conns)
		listener_put(conn->listener);
	free(conn);
	if (!worker->conn_count && worker->draining && worker->drained)
		worker->drained(worker->drained_context);
}

static enum step step(struct conn *conn)
{
	switch (conn->state) {
	case CONN_PREAMBLE:
		return conn_preamble(conn);
	case CONN_HEAD:
		return conn_head(conn);
	case CONN_BODY:
		return conn_body(conn);
	case CONN_PENDING:
		return conn_pending(conn);
	case CONN_EXCHANGE:
		return conn_exchange(conn);
	case CONN_TUNNEL:
		return conn_tunnel(conn);
	case CONN_HELLO:
		return conn_hello(conn);
	case CONN_ANSWER:
		return conn_answer(conn);
	default:
		return conn_linger(conn);
	}
}

/* Who is refused at once has never been waited for. */
static bool is_unheard(const struct conn *conn)
{
	return !conn->down.fd.added && conn->state != CONN_LINGER;
}

bool conn_run(struct conn *conn)
{
	enum step next;
	int steps = 0;

	conn->active_at = loop_now(conn->worker->loop);
	do
		next = step(conn);
	while (next == STEP_AGAIN && ++steps < STEPS_MOST);
	if (next != STEP_CLOSE && is_unheard(conn) && channel_listen(&conn->down))
		next = STEP_CLOSE;
	if (next == STEP_CLOSE) {
		conn_close(conn);
		return false;
	}
	seen_bytes(conn);
	idle_note(conn);
	if (next == STEP_TURN_OVER || next == STEP_AGAIN)
		conn_wait_turn(conn);
	conn_arm(conn);
	return true;
}
