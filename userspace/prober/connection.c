// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "connection.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../wire/proxy_header.h"

#define HEADER_ROOM 128 /* more than it takes without addresses */

/* A closed port of this very node can be answered by the probe itself: when connect() picks the
 * target as source port, TCP's simultaneous open makes a connection with one end.
 */
static bool is_self(int fd)
{
	struct sockaddr_storage here, there;
	socklen_t here_length = sizeof(here), there_length = sizeof(there);

	memset(&here, 0, sizeof(here));
	memset(&there, 0, sizeof(there));
	return getsockname(fd, (struct sockaddr *)&here, &here_length) == 0 &&
	       getpeername(fd, (struct sockaddr *)&there, &there_length) == 0 &&
	       here_length == there_length && memcmp(&here, &there, here_length) == 0;
}

/* The socket says it is connected or has failed: which? */
static int outcome(int fd)
{
	socklen_t length = sizeof(int);
	int error;

	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length))
		return -errno;
	if (!error && is_self(fd))
		error = ECONNREFUSED;
	return -error;
}

/*
 * What the protocol has for a connection of the sender's own: version 2 the command LOCAL (section
 * 2.2), version 1 UNKNOWN. In one piece: a few bytes into a fresh socket.
 */
static int introduce(int fd, uint8_t version)
{
	const struct proxy_header header = {.version = version, .local = true};
	char bytes[HEADER_ROOM];
	int length = version ? proxy_header_write(&header, bytes, sizeof(bytes)) : 0;

	if (length <= 0)
		return length;
	/* One that has hung up is the kind's to hear of, if it cares. */
	return send(fd, bytes, (size_t)length, MSG_NOSIGNAL) >= 0 || errno == EPIPE ? 0 : -errno;
}

/* How it ended, that the socket is ready: 0, or a negative errno. */
static int settle(const struct connection *connection)
{
	return outcome(connection->fd.fd)
		       ?: introduce(connection->fd.fd, connection->attempt->probe->proxy_protocol);
}

static void ready(struct loop_fd *fd, uint32_t events)
{
	struct connection *connection = fd->context;

	(void)events;
	connection->made(connection->attempt, settle(connection));
}

int connection_socket(const struct probes_probe *probe, int type, struct way *way)
{
	static const struct linger reset_on_close = {.l_onoff = 1};
	struct sockaddr_storage there;
	int fd, error = 0;

	addr_to_sockaddr(&probe->address, probe->port, &there);
	fd = socket(there.ss_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (type == SOCK_STREAM &&
	    setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset_on_close, sizeof(reset_on_close)))
		error = -errno;
	error = error ?: way_take(way, probe, fd);
	if (!error)
		return fd;
	close(fd);
	return error;
}

void connection_open(struct connection *connection, struct attempt *attempt,
		     void (*made)(struct attempt *attempt, int error))
{
	struct sockaddr_storage there;
	socklen_t length = addr_to_sockaddr(&attempt->probe->address, attempt->probe->port, &there);
	int fd, error;

	connection->way = (struct way){};
	fd = connection_socket(attempt->probe, SOCK_STREAM, &connection->way);
	connection->fd = (struct loop_fd){.fd = fd, .ready = ready, .context = connection};
	connection->made = made;
	connection->attempt = attempt;
	if (fd < 0) {
		made(attempt, fd);
		return;
	}
	/* Interrupted, connect() goes on in the background all the same. */
	if (connect(fd, (struct sockaddr *)&there, length) == 0)
		error = settle(connection);
	else if (errno != EINPROGRESS && errno != EINTR)
		error = -errno;
	else
		error = loop_fd_set(attempt->loop, &connection->fd, EPOLLOUT) ?: 1;
	if (error <= 0)
		made(attempt, error);
}

int connection_hand_over(struct connection *connection)
{
	int fd = connection->fd.fd;

	connection->fd.fd = -1;
	return fd;
}

void connection_close(struct connection *connection)
{
	if (connection->fd.fd >= 0) {
		loop_fd_remove(connection->attempt->loop, &connection->fd);
		close(connection->fd.fd);
		connection->fd.fd = -1;
	}
	way_release(&connection->way);
}
