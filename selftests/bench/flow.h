/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the flow benchmark's two halves agree on: its frame, its VIP and its controls. */
#ifndef MTLB_BENCH_FLOW_H
#define MTLB_BENCH_FLOW_H

#include <linux/types.h>

#define FLOW_FRAME_BYTES 64
#define FLOW_VIP	 0xc0000201U /* 192.0.2.1 */
#define FLOW_PORT	 80
#define FLOW_TENANT	 1

/* What the programs are to do in the next runs; set by userspace between them. */
struct flow_control {
	__u64 sent;	    /* runs that returned XDP_TX */
	__u32 first, count; /* the flows that are visited */
	__u32 step; /* from one to the next; prime to count, so that each is met once a round */
	__u32 at;   /* 0..count-1: the next one, from first */
	__u32 tcp_flags;
	__u32 forget; /* a bucket to be emptied before each run, or FLOW_FORGET_NONE */
};

#define FLOW_FORGET_NONE 0xffffffffU

#endif
