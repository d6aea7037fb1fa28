// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The header of the PROXY protocol: what a proxy in front tells of the client before anything else,
 * TLS as well, and what a backend is told. Just its bytes are taken from the socket: what is behind
 * them may be for TLS.
 */
#include <errno.h>
#include <sys/socket.h>

#include "../wire/proxy_header.h"
#include "conn.h"

enum step conn_refuse_preamble(struct conn *conn)
{
	seen_refused(conn, REFUSAL_proxy_header);
	return STEP_CLOSE;
}

/* Its source is the client's from here on. Of a connection of the proxy's own, such as a check
 * whether somebody is here, nothing is told, and the peer is the client. */
static void believe(struct conn *conn, const struct proxy_header *header)
{
	if (header->local || header->transport == PROXY_UNKNOWN)
		return;
	conn->peer = header->source;
	conn->peer_port = header->source_port;
	conn->local = header->destination;
	conn->local_port = header->destination_port;
}

static bool may_tell(const struct conn *conn)
{
	const struct routing *routing = conn->worker->routing;
	uint32_t listener = conn_listener(conn);

	return routing && listener != IMAGE_NONE &&
	       image_is_proxy(&routing->image, listener, &conn->peer);
}

static enum step take(struct conn *conn, const struct proxy_header *header, size_t length)
{
	char bytes[PROXY_HEADER_MAX];

	if (recv(conn->down.fd.fd, bytes, length, MSG_DONTWAIT) != (ssize_t)length)
		return STEP_CLOSE;
	believe(conn, header);
	journal_tell(conn->down.line, (uint32_t)length, &conn->peer, conn->peer_port, &conn->local,
		     conn->local_port);
	conn->state = CONN_HEAD;
	conn->head_at = loop_now(conn->worker->loop);
	return conn_begin_tls(conn) ? STEP_CLOSE : STEP_AGAIN;
}

enum step conn_preamble(struct conn *conn)
{
	struct channel *down = &conn->down;
	char bytes[PROXY_HEADER_MAX];
	struct proxy_header header;
	size_t length;
	ssize_t n;
	int error;

	if (!may_tell(conn))
		return conn_refuse_preamble(conn);
	if (!down->can_read)
		return STEP_WAIT;
	do
		n = recv(down->fd.fd, bytes, sizeof(bytes), MSG_PEEK | MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	down->can_read = n >= 0;
	if (n < 0)
		return errno == EAGAIN ? STEP_WAIT : STEP_CLOSE;
	if (!n) /* somebody wanted to know whether anybody is here */
		return STEP_CLOSE;
	error = proxy_header_parse(bytes, (size_t)n, &header, &length);
	if (!error)
		return take(conn, &header, length);
	if (error != -EAGAIN || down->hung_up)
		return conn_refuse_preamble(conn);
	down->can_read = false; /* the loop tells when there is more */
	return STEP_WAIT;
}

/* Where the client has connected to, if nobody has told. */
static int find_local(struct conn *conn)
{
	struct sockaddr_storage local = {};
	socklen_t length = sizeof(local);

	if (conn->local_port)
		return 0;
	if (getsockname(conn->down.fd.fd, (struct sockaddr *)&local, &length))
		return -errno;
	upstream_address_of((struct sockaddr *)&local, &conn->local, &conn->local_port);
	return 0;
}

int conn_write_preamble(struct conn *conn, unsigned version, char *buf, size_t size)
{
	struct proxy_header header = {.version = (uint8_t)version, .transport = PROXY_TCP};
	int error = find_local(conn);

	if (error)
		return error;
	header.source = conn->peer;
	header.source_port = conn->peer_port;
	header.destination = conn->local;
	header.destination_port = conn->local_port;
	return proxy_header_write(&header, buf, size);
}
