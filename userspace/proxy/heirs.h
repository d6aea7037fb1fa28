/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Takes connections of a worker that was killed, from its keeper (keeper.h), as if they had just
 * been accepted: with what had come of a request that nobody answered.
 */
#ifndef MTLB_PROXY_HEIRS_H
#define MTLB_PROXY_HEIRS_H

#include "worker.h"

struct heirs;

/* The socket is its own from here on, until the last of them has come. 0, and *ret_heirs goes by
 * itself, which sets it to NULL; or a negative errno. */
int heirs_new(struct worker *worker, int socket, struct heirs **ret_heirs);
void heirs_free(struct heirs **heirs);

#endif
