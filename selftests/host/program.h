/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What program.c and calls.c share: the program's entry, its maps and its knobs. */
#ifndef MTLB_HOST_PROGRAM_H
#define MTLB_HOST_PROGRAM_H

#include <linux/bpf.h>

#include "host.h"

int program_run(struct xdp_md *ctx);
void program_open(struct dataplane *dataplane, enum host_fault fault);
/* NULL when there is no such element; aborts when there is no such map. */
void *program_lookup(const void *map, const void *key);

#endif
