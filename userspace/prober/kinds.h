/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* All kinds of probes: one file each, and a row here and in base/probe.def. */
#ifndef MTLB_PROBER_KINDS_H
#define MTLB_PROBER_KINDS_H

#include "attempt.h"

extern const struct attempt_kind tcp_kind, tls_kind, http_kind, grpc_kind, udp_kind, icmp_kind;
extern const struct attempt_kind script_kind; /* see script.h */

extern const struct attempt_kind *const kinds[PROBE_KINDS];

/* What needs rights, or files, that the prober is about to give up. 0 or a negative errno; a kind
 * that cannot be used says so when it is.
 */
int kinds_prepare(struct loop *loop);
int tls_prepare(void);
int http_prepare(struct loop *loop);
int icmp_prepare(struct loop *loop);

#endif
