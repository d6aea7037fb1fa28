/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * mtlb_totals: index tenant. What the members that a tenant no longer has were counted for, so that
 * together with those it has (abi/counter.h) a tenant's sums only grow while its row is its own.
 * The agent's alone: packets know nothing of it.
 *
 * A member's counters are carried over here once no packet can hold it any more. An agent may be
 * killed in the middle of that: next is what the total will be, and folding says so, before
 * anything is changed; whoever comes next does it again from there.
 */
#ifndef MTLB_ABI_TOTAL_H
#define MTLB_ABI_TOTAL_H

#include <linux/types.h>

struct mtlb_amount {
	__u64 packets;
	__u64 bytes;
	__u64 new_flows;
	__u64 reply_packets;
	__u64 reply_bytes;
};

struct mtlb_total {
	__u64 id;      /* random, another one each time the row is given to a tenant; 0: nobody's */
	__u64 folding; /* the member whose counters are being carried over; 0: none */
	struct mtlb_amount now, next;
	__u64 spare[4];
};

#endif
