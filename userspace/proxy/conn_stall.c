// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Clients that take nothing of their answers. Each holds some 200 KB of sockets' memory here, and
 * the kernel asks each, and is asked by each backend, again and again whether there is room yet. A
 * few are phones in tunnels, and have all of limits.body; many of one tenant at a time are an
 * attack, and those beyond its share are cut after limits.stall.
 *
 * The kernel tells of room only when a third of a socket's buffer is empty, which a slow client
 * needs a while for: so it is asked what the client has taken. Whoever still sends its request has
 * to take its answer meanwhile as well.
 */
#include <linux/tcp.h>
#include <netinet/in.h>

#include "conn.h"

#define LOOKS  2    /* in limits.stall */
#define TAKES  1024 /* bytes, between two looks: it is not stalled */
#define ONE_IN 32   /* of a tenant's connections may be stalled in any case */
#define SECOND 1000000000ULL

static void set_counted(struct conn *conn, bool counted)
{
	struct stall *stall = &conn->exchange.stall;
	struct tally_tenant *tenant = conn->seen.tenant;

	if (stall->counted == counted)
		return;
	stall->counted = counted;
	if (counted)
		tally_one(&tenant->clients_stalled);
	else
		tally_less(&tenant->clients_stalled);
}

void conn_stall_end(struct conn *conn)
{
	set_counted(conn, false);
	conn->exchange.stall = (struct stall){};
}

uint64_t conn_stall_due(struct conn *conn)
{
	struct stall *stall = &conn->exchange.stall;

	if (!conn->exchange.replying || conn->down.can_write) {
		conn_stall_end(conn);
		return UINT64_MAX;
	}
	if (!stall->at || stall->sent != conn->down.sent) {
		conn_stall_end(conn);
		stall->at = loop_now(conn->worker->loop);
		stall->sent = conn->down.sent;
	}
	/* who has its share is not looked at again: looks wake the worker */
	return stall->counted ? UINT64_MAX : stall->at + conn->worker->limits.stall / LOOKS;
}

static bool has_share(const struct conn *conn)
{
	const struct exchange *exchange = &conn->exchange;
	const struct tally_tenant *tenant = conn->seen.tenant;
	uint64_t most = exchange->routing->image.tenants[exchange->tenant].max_stalled,
		 part = tenant->connections_open / ONE_IN;

	/* a tenant without a row of its own is not counted */
	return tenant == conn->worker->tally.tenants ||
	       tenant->clients_stalled < (most > part ? most : part);
}

/* Bytes on the connection so far, each of which its end has confirmed. */
static uint64_t taken_by(const struct conn *conn)
{
	struct tcp_info info = {};
	socklen_t length = sizeof(info);

	getsockopt(conn->down.fd.fd, IPPROTO_TCP, TCP_INFO, &info, &length);
	return info.tcpi_bytes_acked;
}

bool conn_stalled(struct conn *conn, uint64_t now)
{
	struct stall *stall = &conn->exchange.stall;
	uint64_t enough = stall->taken + TAKES;
	bool first = !stall->looked;

	if (conn_stall_due(conn) > now)
		return false;
	stall->at = now;
	stall->looked = true;
	stall->taken = taken_by(conn);
	if (first || stall->taken >= enough)
		return false;
	if (!has_share(conn))
		return true;
	set_counted(conn, true);
	return false;
}

/* Row of the tally; 0: it has none of its own, or many clients come from there. */
static uint32_t held_for(const struct conn *conn)
{
	const struct tally_tenant *tenant = conn->seen.tenant;

	if (!tenant ||
	    image_trusts(&conn->exchange.routing->image, conn->exchange.listener, &conn->peer))
		return 0;
	return (uint32_t)(tenant - conn->worker->tally.tenants);
}

enum step conn_cut_stalled(struct conn *conn)
{
	uint32_t tenant = held_for(conn);

	if (tenant)
		held_cut(&conn->worker->held, tenant, &conn->peer, loop_now(conn->worker->loop));
	seen_refused(conn, REFUSAL_stalled);
	/* what it has of its answer must not look whole */
	channel_abort(&conn->down);
	return STEP_CLOSE;
}

unsigned conn_held_s(const struct conn *conn)
{
	const struct held *held = &conn->worker->held;
	uint64_t now = loop_now(conn->worker->loop);
	uint32_t tenant;

	if (now >= held->until)
		return 0;
	tenant = held_for(conn);
	if (!tenant)
		return 0;
	return (unsigned)((held_left(held, tenant, &conn->peer, now) + SECOND - 1) / SECOND);
}
