/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * An answer of which a part is still to come: its connection is suspended meanwhile, which costs
 * libmicrohttpd nothing. It does not notice then that the client goes; so the loop watches the
 * socket for that.
 */
#ifndef MTLB_AGENT_API_PAUSE_H
#define MTLB_AGENT_API_PAUSE_H

#include <stdbool.h>

#include "../../sys/loop.h"

struct MHD_Connection;

struct pause {
	struct loop *loop; /* NULL until there is a response */
	struct loop_timer *pump;
	struct MHD_Connection *connection;
	struct loop_fd hangup;
	bool suspended, gone;
};

/* pump runs libmicrohttpd; it is set when there is something to send. */
void pause_init(struct pause *pause, struct loop *loop, struct loop_timer *pump,
		struct MHD_Connection *connection);
void pause_fini(struct pause *pause);

/* Nothing to send for now. */
void pause_begin(struct pause *pause);
/* There is, or the client is gone. */
void pause_end(struct pause *pause);

#endif
