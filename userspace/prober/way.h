/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The way of a probe's packets. Those that go by a VIP are told apart by the port they are asked
 * from: in a table that lies in the kernel's memory (bpf/abi/probe.h), the port stands for the
 * member that they are sent to. Owns that table's rows, while their sockets are open.
 */
#ifndef MTLB_PROBER_WAY_H
#define MTLB_PROBER_WAY_H

#include "../wire/probes.h"

struct way {
	uint32_t at; /* of its row, plus one; 0: it has none */
};

/* Takes the table from PROBES_TABLE_FD. 0, also when none was given, or a negative errno. */
int way_prepare(void);

/* Before fd, which is not bound yet, is connected. 0 also for a probe that needs no row. */
int way_take(struct way *way, const struct probes_probe *probe, int fd);
/* After fd was closed: its last packet goes the same way. */
void way_release(struct way *way);

#endif
