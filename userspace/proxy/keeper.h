/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A process beside each worker that has the same descriptors, and does nothing: when the worker is
 * killed, its connections are still open. What the journal says of them goes into a socket, from
 * where the next worker takes it (heirs.h); then it ends.
 */
#ifndef MTLB_PROXY_KEEPER_H
#define MTLB_PROXY_KEEPER_H

#include <sys/types.h>

#include "journal.h"

/* To be called early: pages that the worker writes to afterwards are copied for its sake. It gives
 * up its rights by itself. A descriptor that is readable once it has ended, or a negative errno; in
 * the new process it does not return. */
int keeper_start(const struct journal *journal, int socket, uid_t uid, gid_t gid);

/* All of them, into a socket of SOCK_SEQPACKET; -1: nobody takes them. Those that go to nobody are
 * left such that a part of an answer is not taken for the whole. alone: nobody else has these
 * descriptors any more, and each is closed when it has been seen to. */
void keeper_bequeath(const struct journal *journal, int socket, bool alone);

#endif
