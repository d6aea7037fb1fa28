// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "idle.h"

#include "conn.h"

#define LOOKED_AT 16

void idle_leave(struct conn *conn)
{
	struct worker *worker = conn->worker;

	if (!conn->idle)
		return;
	if (conn->idle_previous)
		conn->idle_previous->idle_next = conn->idle_next;
	else
		worker->idle_first = conn->idle_next;
	if (conn->idle_next)
		conn->idle_next->idle_previous = conn->idle_previous;
	else
		worker->idle_last = conn->idle_previous;
	worker->idle_homeless -= conn->idle_homeless;
	conn->idle = conn->idle_homeless = false;
}

static bool has_no_request(const struct conn *conn)
{
	return conn->state == CONN_PREAMBLE || conn->state == CONN_HELLO ||
	       conn->state == CONN_HEAD;
}

void idle_note(struct conn *conn)
{
	struct worker *worker = conn->worker;

	/* Parts of a head, as they drip in, make nobody younger: head_at is when it began. */
	if (conn->idle && has_no_request(conn) && conn->idle_since == conn->head_at)
		return;
	idle_leave(conn);
	if (!has_no_request(conn))
		return;
	conn->idle = true;
	conn->idle_homeless = !conn->seen.home;
	worker->idle_homeless += conn->idle_homeless;
	conn->idle_since = conn->head_at;
	conn->idle_next = NULL;
	conn->idle_previous = worker->idle_last;
	if (worker->idle_last)
		worker->idle_last->idle_next = conn;
	else
		worker->idle_first = conn;
	worker->idle_last = conn;
}

/* How many its tenant has; those that brought no request yet are nobody's, all together. */
static uint64_t company_of(const struct conn *conn)
{
	return conn->seen.home ? conn->seen.home->connections_open : conn->worker->idle_homeless;
}

bool idle_make_room(struct worker *worker)
{
	struct conn *conn = worker->idle_first, *victim = conn;

	for (int i = 0; conn && i < LOOKED_AT; i++, conn = conn->idle_next)
		if (company_of(conn) > company_of(victim))
			victim = conn;
	if (!victim)
		return false;
	tally_one(&victim->seen.tenant->connections_evicted);
	conn_close(victim);
	return true;
}
