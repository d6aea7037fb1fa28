/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Where the L7 tier listens: for each listener and family a group of sockets by SO_REUSEPORT, one
 * for each worker, bound to no VIP; and the places, addresses and ports of the listener, whose
 * connections the kernel gives to the group (dataplane/steer.h).
 */
#ifndef MTLB_AGENT_L7_LISTENING_H
#define MTLB_AGENT_L7_LISTENING_H

#include "../../dataplane/steer.h"
#include "../../model/config.h"
#include "workers.h"

struct listening;

/* Both must stay as long. 0 or -ENOMEM. */
int listening_new(struct steer *steer, struct workers *workers, struct listening **ret_listening);
/* Places and sockets stay as they are in the kernel. */
void listening_free(struct listening *listening);

/*
 * What did not change stays as it is; what is wrong with one listener keeps none of the others from
 * being served. Before listening_begin() the places are still an earlier agent's. 0, or a negative
 * errno and why.
 */
int listening_set(struct listening *listening, const struct config *config, struct err *err);
/* The workers can serve: all places are theirs from here on. The same. */
int listening_begin(struct listening *listening, struct err *err);

#endif
