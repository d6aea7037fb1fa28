// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* In which queue a connection waits for its turn, and whom its turn is charged to. */
#include <stddef.h>
#include <string.h>

#include "conn.h"
#include "tls_channel.h"

/* NULL: nobody's, as far as is known. */
static const struct tally_tenant *tenant_of(const struct conn *conn)
{
	const struct tally_tenant *nobody = conn->worker->tally.tenants;
	const struct tally_tenant *tenant = conn->seen.tenant;

	if ((!tenant || tenant == nobody) && conn->down.tls)
		tenant = conn->down.tls->tenant;
	return tenant == nobody ? NULL : tenant;
}

/* By the host, or the /64 of IPv6; nobody can tell which others are in there as well. */
static uint32_t stranger(const struct conn *conn)
{
	const struct addr client = addr_client(&conn->peer);
	uint64_t network, host;

	memcpy(&network, client.byte, sizeof(network));
	memcpy(&host, client.byte + 8, sizeof(host));
	_Static_assert(CONN_QUEUES == 1 << (64 - 58), "as many as six bits tell apart");
	/* multiplied by odd numbers (Dietzfelbinger and others, 1997), as nobody outside knows */
	return (uint32_t)((network ^ host) * (conn->worker->stranger_secret | 1) >> 58);
}

static uint32_t queue_of(const struct conn *conn)
{
	const struct tally_tenant *tenant = tenant_of(conn);

	return tenant ? CONN_QUEUES + (uint32_t)(tenant - conn->worker->tally.tenants)
		      : stranger(conn);
}

void conn_wait_turn(struct conn *conn)
{
	const struct exchange *exchange = &conn->exchange;

	if (exchange->routing && exchange->tenant != IMAGE_NONE)
		conn->weight = exchange->routing->image.tenants[exchange->tenant].weight;
	turns_wait(&conn->worker->turns, &conn->turn, queue_of(conn), conn->weight);
}

uint32_t conn_take_turn(struct turn *turn)
{
	struct conn *conn = (struct conn *)((char *)turn - offsetof(struct conn, turn));
	uint32_t queue = queue_of(conn);

	/* what it turned out to be is charged to its tenant */
	return (conn->late ? conn_late(conn) : conn_run(conn)) ? queue_of(conn) : queue;
}
