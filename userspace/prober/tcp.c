// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * tcp: connect, and nothing more. A backend that completes the handshake is good; not a byte is
 * read, and none written but a header of the PROXY protocol, where the backend waits for one.
 */
#include <errno.h>
#include <stdlib.h>

#include "connection.h"
#include "kinds.h"

static void made(struct attempt *attempt, int error)
{
	if (error)
		attempt_fail_errno(attempt, error);
	else
		attempt_pass(attempt);
}

static int start(struct attempt *attempt)
{
	struct connection *connection = calloc(1, sizeof(*connection));

	if (!connection)
		return -ENOMEM;
	attempt->own = connection;
	connection_open(connection, attempt, made);
	return 0;
}

static void stop(struct attempt *attempt)
{
	connection_close(attempt->own);
	free(attempt->own);
}

const struct attempt_kind tcp_kind = {.start = start, .stop = stop};
