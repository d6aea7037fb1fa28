/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Counters: each packet is counted once, at the finest grain; sums are made by whoever reads. A map
 * is one plain array of rows, a row per CPU, so that no CPU writes a line another one writes, and
 * userspace reads all of it through mmap without a system call.
 */
#ifndef MTLB_ABI_COUNTER_H
#define MTLB_ABI_COUNTER_H

#include <linux/types.h>

/* mtlb_member_counters: what was forwarded. Index: cpu * members + member. */
struct mtlb_member_counter {
	__u64 packets;
	__u64 bytes;	     /* of the IP packet as it came in */
	__u64 new_flows;     /* TCP, SCTP: opened; UDP: flows stored for the first time */
	__u64 reply_packets; /* of translated flows: what came back from the member */
	__u64 reply_bytes;   /* of the IP packet as it came from the member */
	__u64 owner; /* in CPU 0's row: id of the tenant's total (abi/total.h); 0: nobody's */
	__u64 spare[2];
};

/* mtlb_reason_counters: what was not. Index: (cpu * tenants + tenant) * MTLB_REASONS_PER_TENANT +
 * enum mtlb_reason.
 */
struct mtlb_reason_counter {
	__u64 packets;
	__u64 bytes; /* of the IP packet, or of the frame when it is none */
};

enum mtlb_tenant_counter_name {
#define COUNTER(name, sentence) MTLB_COUNTER_##name,
#include "counters.def"
#undef COUNTER
	MTLB_COUNTER_COUNT,
};

/* mtlb_tenant_counters: index cpu * tenants + tenant. */
struct mtlb_tenant_counter {
	__u64 value[8];
};

/* mtlb_answer_budgets: what a CPU has done for a tenant's clients beyond forwarding, in this window
 * of time: the window, and in the lowest eight bits how often. Index: cpu * tenants + tenant.
 */
struct mtlb_answer_budget {
	__u64 answers; /* ICMP sent to them */
	__u64 held;    /* fragments handed to the agent */
};

#endif
