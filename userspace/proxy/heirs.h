/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Takes connections of a worker that was killed, from its keeper (keeper.h), as if they had just
 * been accepted: with what had come of a request that nobody answered.
 */
#ifndef MTLB_PROXY_HEIRS_H
#define MTLB_PROXY_HEIRS_H

#include "worker.h"

/* Beside others, if need be. The socket is its own from here on, until the last of them has come:
 * then worker->inherited is told this id. 0 or a negative errno. */
int heirs_new(struct worker *worker, int socket, uint32_t id);
/* Those that have not come yet are left there. */
void heirs_free_all(struct worker *worker);

#endif
