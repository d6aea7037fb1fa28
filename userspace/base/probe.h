/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The vocabulary of health probes, which the configuration, the agent and the prober share.
 */
#ifndef MTLB_BASE_PROBE_H
#define MTLB_BASE_PROBE_H

#include <stdint.h>

enum probe_kind {
	PROBE_NONE, /* backends are taken to be up */
#define PROBE_KIND(divider, word, ID) PROBE_##ID,
#include "probe.def"
	PROBE_KINDS
};

/* What "none" stands before: a choice's position is its kind less one. */
extern const char probe_choices[]; /* "tcp|tls|..." */
const char *probe_kind_name(enum probe_kind kind);

#endif
