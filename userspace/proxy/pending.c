// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "pending.h"

#include <stdlib.h>

#include "conn.h"

struct pending *pending_get(struct upstreams *upstreams, uint64_t key)
{
	struct pending *pending;

	HASH_FIND(hh, upstreams->pending, &key, sizeof(key), pending);
	if (!pending) {
		pending = calloc(1, sizeof(*pending));
		if (!pending)
			return NULL;
		pending->key = key;
		HASH_ADD(hh, upstreams->pending, key, sizeof(pending->key), pending);
	}
	pending->refs++;
	return pending;
}

void pending_put(struct upstreams *upstreams, struct pending *pending)
{
	if (!pending || --pending->refs)
		return;
	HASH_DEL(upstreams->pending, pending);
	free(pending);
}

static const struct image_pool *pool_of(const struct conn *conn)
{
	return &conn->exchange.routing->image.pools[conn->exchange.pool];
}

static struct pending *pending_of(const struct conn *conn)
{
	return conn->exchange.routing->pending[conn->exchange.pool];
}

static bool has_room(const struct conn *conn)
{
	return pending_of(conn)->requests < pool_of(conn)->max_requests;
}

static void admit(struct conn *conn)
{
	pending_of(conn)->requests++;
	conn->exchange.admitted = true;
}

enum pending_result pending_enter(struct conn *conn)
{
	const struct image_pool *pool = pool_of(conn);
	struct routing *routing = conn->exchange.routing;
	struct pending **pending = &routing->pending[conn->exchange.pool];

	if (!pool->max_requests)
		return PENDING_ADMITTED;
	if (!*pending)
		*pending = pending_get(routing->upstreams, pool->key);
	if (!*pending)
		return PENDING_FULL;
	if (!(*pending)->first && has_room(conn)) {
		admit(conn);
		return PENDING_ADMITTED;
	}
	if ((*pending)->waiting >= pool->max_pending)
		return PENDING_FULL;
	conn->pending_next = NULL;
	conn->pending_previous = (*pending)->last;
	if ((*pending)->last)
		(*pending)->last->pending_next = conn;
	else
		(*pending)->first = conn;
	(*pending)->last = conn;
	(*pending)->waiting++;
	conn->exchange.waits = true;
	return PENDING_WAITS;
}

static void leave_queue(struct pending *pending, struct conn *conn)
{
	if (conn->pending_previous)
		conn->pending_previous->pending_next = conn->pending_next;
	else
		pending->first = conn->pending_next;
	if (conn->pending_next)
		conn->pending_next->pending_previous = conn->pending_previous;
	else
		pending->last = conn->pending_previous;
	pending->waiting--;
	conn->exchange.waits = false;
}

void pending_leave(struct conn *conn)
{
	struct exchange *exchange = &conn->exchange;
	struct pending *pending;

	if (!exchange->routing || (!exchange->admitted && !exchange->waits))
		return;
	pending = pending_of(conn);
	if (exchange->waits)
		leave_queue(pending, conn);
	if (exchange->admitted)
		pending->requests--;
	exchange->admitted = false;
	while (pending->first && has_room(pending->first)) {
		struct conn *next = pending->first;

		leave_queue(pending, next);
		admit(next);
		conn_wait_turn(next);
	}
}
