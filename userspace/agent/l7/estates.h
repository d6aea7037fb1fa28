/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What workers that were killed in one place left behind: sockets from which their connections come
 * (proxy/keeper.h). Each is kept until another worker has all of them, as that may be killed
 * before, but no longer than clients are left to wait.
 */
#ifndef MTLB_AGENT_L7_ESTATES_H
#define MTLB_AGENT_L7_ESTATES_H

#include <stdbool.h>
#include <stdint.h>

#include "../../sys/loop.h"

#define ESTATES_MOST 4

struct estates {
	struct loop *loop;
	struct loop_timer patience;
	uint32_t next_id;
	struct estate {
		int socket; /* -1: there is none */
		uint32_t id;
		bool told;
		uint64_t since;
	} each[ESTATES_MOST];
};

void estates_init(struct estates *estates, struct loop *loop);
/* All of them. */
void estates_drop(struct estates *estates);
/* Of a worker that ended with this status of waitpid(2), with this socket, which is the estates'
 * from here on. True: it was killed, by somebody or for want of memory, and not by what it did. */
bool estates_add(struct estates *estates, int socket, int status);
/* Who was told of them has ended. */
void estates_untell(struct estates *estates);
/* One that the worker has not been told of; NULL: there is none. The caller sets told. */
struct estate *estates_next(struct estates *estates);
/* A worker has all that came from it. */
void estates_settle(struct estates *estates, uint32_t id);

#endif
