/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Keys of session tickets, the same for all workers, so that a client may come back by any of them.
 * A key makes tickets for so long, and takes them for twice as long again; then what was recorded
 * with it cannot be read any more by whoever gets hold of the keys.
 */
#ifndef MTLB_AGENT_L7_TICKETS_H
#define MTLB_AGENT_L7_TICKETS_H

#include "../../wire/handover.h"

#define TICKETS_ROTATION_NS (4 * 3600 * 1000000000ULL)

struct tickets;

/* 0 or a negative errno. */
int tickets_new(struct tickets **ret_tickets);
void tickets_free(struct tickets *tickets);
int tickets_rotate(struct tickets *tickets);
/* Stays in its place. */
const struct handover_tickets *tickets_now(const struct tickets *tickets);

#endif
