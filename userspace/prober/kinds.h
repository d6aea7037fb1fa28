/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* All kinds of probes: one file each, and a row here and in base/probe.def. */
#ifndef MTLB_PROBER_KINDS_H
#define MTLB_PROBER_KINDS_H

#include "attempt.h"

extern const struct attempt_kind tcp_kind;

extern const struct attempt_kind *const kinds[PROBE_KINDS];

#endif
