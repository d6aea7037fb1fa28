/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The prober's end of the conversation with mtlbd: takes the set of probes, tells what came of
 * them, gives a sign of life when there is nothing to tell, and ends when mtlbd is gone.
 */
#ifndef MTLB_PROBER_SESSION_H
#define MTLB_PROBER_SESSION_H

#include "../sys/loop.h"

struct session;

/* Says hello. 0 or a negative errno. */
int session_new(struct loop *loop, int socket, struct session **ret_session);
void session_free(struct session *session);

/* No more attempts than that run at a time. */
void session_limit(struct session *session, uint32_t at_once);

/* Why the loop was stopped: 0 when mtlbd went, else a negative errno. */
int session_error(const struct session *session);

#endif
