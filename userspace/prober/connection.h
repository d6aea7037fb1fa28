/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A TCP connection of an attempt, as all kinds need that speak over one: opened without waiting,
 * from the source that was asked for, and reset when it is closed, so that ten thousand probes
 * leave no TIME_WAIT sockets behind. Where the backend wants a header of the PROXY protocol, that
 * is sent when it is made; whose the connection is, it does not say, since it is nobody's.
 */
#ifndef MTLB_PROBER_CONNECTION_H
#define MTLB_PROBER_CONNECTION_H

#include <stdbool.h>

#include "attempt.h"
#include "way.h"

/* A socket of this type to ask the backend by, on its way; or a negative errno. */
int connection_socket(const struct probes_probe *probe, int type, struct way *way);

struct connection {
	struct loop_fd fd;
	struct way way;
	/* When it is made, or is not (a negative errno), once; may be called by connection_open().
	 */
	void (*made)(struct attempt *attempt, int error);
	struct attempt *attempt;
};

/* made will be called, unless connection_close() comes first. */
void connection_open(struct connection *connection, struct attempt *attempt,
		     void (*made)(struct attempt *attempt, int error));
/* The socket, which the loop no longer has, is the caller's to close from now on; its way is still
 * the connection's.
 */
int connection_hand_over(struct connection *connection);
void connection_close(struct connection *connection);

#endif
