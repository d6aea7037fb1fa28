/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Connections that have no request in flight, in the order in which they began to have none: when a
 * worker has all the connections that it can have, one of them makes room. Of the oldest of them it
 * is one of the tenant that has most connections (power of many choices: Azar, Broder, Karlin and
 * Upfal, "Balanced Allocations", 1994), so that who fills a worker loses its own. A client that
 * finds such a connection closed has lost nothing (RFC 9112, 9.5).
 */
#ifndef MTLB_PROXY_IDLE_H
#define MTLB_PROXY_IDLE_H

#include <stdbool.h>

struct conn;
struct worker;

/* After something was done for it. */
void idle_note(struct conn *conn);
/* It goes. */
void idle_leave(struct conn *conn);
/* False: all have something to do. */
bool idle_make_room(struct worker *worker);

#endif
