/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The worker's end of the conversation with mtlbd: takes images and listening sockets, gives a sign
 * of life with what was counted, and ends when its connections have, once it has been told to. When
 * mtlbd is gone it goes on, if it has a term (bpf/abi/place.h), until the next one's has begun.
 */
#ifndef MTLB_PROXY_ORDERS_H
#define MTLB_PROXY_ORDERS_H

#include "worker.h"

struct orders;

/* Says hello. 0 or a negative errno. */
int orders_new(struct worker *worker, int socket, struct orders **ret_orders);
void orders_free(struct orders *orders);

/* Why the loop was stopped: 0 when mtlbd went or wanted it, else a negative errno. */
int orders_error(const struct orders *orders);

#endif
