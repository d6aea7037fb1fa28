// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "seen.h"

#include <errno.h>

#include "conn.h"
#include "note.h"

/* Rows that there is no room for are nobody's. */
static struct tally_tenant *tenant_row(const struct tally *tally, uint32_t row)
{
	return &tally->tenants[row < tally->tenants_count ? row : 0];
}

static uint32_t row_of(const struct routing *routing, uint32_t tenant)
{
	return routing && tenant != IMAGE_NONE ? routing->image.tenants[tenant].row : 0;
}

void seen_open(struct conn *conn)
{
	const struct tally *tally = &conn->worker->tally;

	conn->seen.tenant = &tally->tenants[0];
	conn->seen.times = &tally->times[0];
}

/* What is still in the buffer may be of the next request, which may be somebody else's. */
void seen_bytes(struct conn *conn)
{
	struct seen *seen = &conn->seen;
	uint64_t in = conn->down.received - buffer_length(conn->down.in), out = conn->down.sent;

	if (in != seen->in)
		tally_add(&seen->tenant->bytes_in, in - seen->in);
	if (out != seen->out)
		tally_add(&seen->tenant->bytes_out, out - seen->out);
	seen->in = in;
	seen->out = out;
}

/* A connection is with the tenant of its last request. */
static void go_home(struct seen *seen)
{
	if (seen->home == seen->tenant)
		return;
	if (seen->home)
		tally_less(&seen->home->connections_open);
	seen->home = seen->tenant;
	tally_one(&seen->home->connections);
	tally_one(&seen->home->connections_open);
}

void seen_leave(struct conn *conn)
{
	struct seen *seen = &conn->seen;

	if (seen->home)
		tally_less(&seen->home->connections_open);
	seen->left = seen->home;
	seen->home = NULL;
}

void seen_return(struct conn *conn)
{
	struct seen *seen = &conn->seen;

	seen->home = seen->left;
	if (seen->home)
		tally_one(&seen->home->connections_open);
}

void seen_close(struct conn *conn)
{
	struct seen *seen = &conn->seen;

	seen_bytes(conn);
	tally_add(&seen->tenant->bytes_in, conn->down.received - seen->in);
	seen->in = conn->down.received;
	seen_end(conn);
	seen_leave(conn);
}

void seen_request(struct conn *conn)
{
	const struct tally *tally = &conn->worker->tally;
	const struct exchange *exchange = &conn->exchange;
	const struct routing *routing = exchange->routing;
	struct seen *seen = &conn->seen;
	uint32_t row = row_of(routing, exchange->tenant);

	seen_bytes(conn);
	seen->tenant = tenant_row(tally, row);
	seen->times = &tally->times[seen->tenant - tally->tenants];
	seen->route = NULL;
	seen->open = true;
	seen->began = loop_now(conn->worker->loop);
	seen->connected_at = seen->first_byte_at = seen->attempt_at = 0;
	seen->in_before = seen->in;
	seen->out_before = seen->out;
	seen->refused = 0;
	go_home(seen);
	tally_one(&seen->tenant->requests);
	tally_one(&seen->tenant->requests_open);
	if (!routing || exchange->route == IMAGE_NONE)
		return;
	row = routing->image.routes[exchange->route].row;
	seen->route = &tally->routes[row < tally->routes_count ? row : 0];
	tally_one(&seen->route->requests);
}

static struct tally_pool *pool_row(struct worker *worker, const struct routing *routing,
				   uint32_t pool)
{
	uint32_t row = routing->image.pools[pool].row;

	return &worker->tally.pools[row < worker->tally.pools_count ? row : 0];
}

void seen_asked(struct worker *worker, const struct routing *routing, uint32_t pool,
		struct upstream_member *member)
{
	if (!member->connections)
		member->tally = pool_row(worker, routing, pool);
	tally_one(&member->tally->requests);
}

void seen_pool_failed(struct worker *worker, const struct routing *routing, uint32_t pool,
		      unsigned why)
{
	struct tally_pool *row = pool_row(worker, routing, pool);

	tally_one(&row->failures);
	if (why == IMAGE_RETRY_CONNECT)
		tally_one(&row->connect_failures);
}

void seen_attempt(struct conn *conn, struct upstream_member *member)
{
	const struct exchange *exchange = &conn->exchange;

	conn->seen.connected_at = 0;
	conn->seen.attempt_at = loop_now(conn->worker->loop);
	conn->seen.member = member->address;
	seen_asked(conn->worker, exchange->routing, exchange->pool, member);
}

void seen_connected(struct conn *conn)
{
	if (!conn->seen.connected_at)
		conn->seen.connected_at = loop_now(conn->worker->loop);
}

void seen_retry(struct conn *conn)
{
	tally_one(&conn->seen.tenant->retries);
}

static bool is_of_tls(int error)
{
	return error == -EKEYREJECTED || error == -ENOKEY || error == -EPROTO;
}

void seen_failed(struct conn *conn, unsigned why)
{
	const struct exchange *exchange = &conn->exchange;
	struct tally_pool *pool = pool_row(conn->worker, exchange->routing, exchange->pool);

	seen_pool_failed(conn->worker, exchange->routing, exchange->pool, why);
	if (why == IMAGE_RETRY_CONNECT && is_of_tls(exchange->connect_error))
		tally_one(&pool->tls_failures);
}

void seen_first_byte(struct conn *conn)
{
	struct seen *seen = &conn->seen;

	seen->first_byte_at = loop_now(conn->worker->loop);
	tally_time(&seen->times->first_byte, seen->first_byte_at - conn->exchange.attempt_began);
}

void seen_refused(struct conn *conn, enum refusal why)
{
	tally_one(&conn->seen.tenant->refused[why]);
	conn->seen.refused = 1 + (uint32_t)why;
}

void seen_end(struct conn *conn)
{
	struct seen *seen = &conn->seen;
	unsigned status = conn->exchange.status,
		 class = status / 100 < TALLY_STATUSES ? status / 100 : 0;
	uint64_t took = loop_now(conn->worker->loop) - seen->began;

	if (!seen->open)
		return;
	seen->open = false;
	seen_bytes(conn);
	note_write(conn, took);
	tally_one(&seen->tenant->answers[class]);
	tally_less(&seen->tenant->requests_open);
	if (seen->route)
		tally_one(&seen->route->answers[class]);
	/* neither what was not answered nor what lasts as long as somebody likes */
	if (class < 2)
		return;
	tally_time(&seen->times->request, took);
	if (seen->route)
		tally_time(&seen->route->request, took);
}

struct tally_tenant *seen_row(const struct worker *worker, uint32_t tenant)
{
	return tenant_row(&worker->tally, row_of(worker->routing, tenant));
}

void seen_handshake(struct worker *worker, struct tally_tenant *tenant, enum seen_handshake how)
{
	struct tls_counts *counts = &worker->tls.counts;

	if (!tenant)
		tenant = &worker->tally.tenants[0];
	switch (how) {
	case SEEN_RESUMED:
		counts->resumed++;
		tally_one(&tenant->handshakes_resumed);
		/* fall through */
	case SEEN_FULL:
		counts->handshakes++;
		tally_one(&tenant->handshakes);
		break;
	case SEEN_SHED:
		counts->failed++;
		tally_one(&tenant->handshakes_shed);
		break;
	case SEEN_FAILED:
		counts->failed++;
		tally_one(&tenant->handshakes_failed);
		break;
	}
}
