/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the two halves of the traffic agree on: streams, what is sent and what came back of each. */
#ifndef MTLB_BENCH_TRAFFIC_ABI_H
#define MTLB_BENCH_TRAFFIC_ABI_H

#include <linux/types.h>

#define TRAFFIC_STREAMS	      8
#define TRAFFIC_FLOWS	      (1U << 17) /* that are followed, of all streams together */
#define TRAFFIC_FRAME	      72U	 /* bytes: headers, and a struct traffic_mark */
#define TRAFFIC_FRAME_MOST    1400U
#define TRAFFIC_MARK_AT	      54
#define TRAFFIC_MAGIC	      0x6d74
#define TRAFFIC_TIME_SHIFT    10	  /* due and interval are in 1/1024 ns */
#define TRAFFIC_LATE_NS	      20000000ULL /* who is later than this does not catch up */
#define TRAFFIC_DELAYS	      1024
#define TRAFFIC_DELAY_SHIFT   7 /* ns: a step of the distribution of delays */
#define TRAFFIC_NO_FLOW	      0xffffffffU
#define TRAFFIC_MAC_OF_MEMBER 5 /* the byte of the destination that is the member's number */

/* What a stream sends; set by userspace while it is off. */
struct traffic_stream {
	__u32 on;
	__u32 cpu;	   /* that sends it */
	__u64 interval;	   /* from one packet to the next; 0: as fast as it goes */
	__u32 destination; /* host order */
	__u16 port;
	__u8 protocol;
	__u8 tcp_flags; /* of random packets */
	/* 0: each packet has a source of its own, random, and belongs to no flow */
	__u32 window;	    /* flows that are open at a time */
	__u32 rounds;	    /* packets of a flow, the first is a SYN, the last a FIN; 0: no end */
	__u32 first, flows; /* their numbers; who is through with all begins again */
	__u32 least, most;  /* bytes of a frame */
	/* of the sending CPU */
	__u64 due, at;
	__u64 offered, offered_bytes;
} __attribute__((aligned(128)));

/* What came back of it. */
struct traffic_came {
	__u64 packets, bytes, last; /* ns of CLOCK_MONOTONIC */
	__u64 foreign;		    /* of no flow, or from a member with number 0 */
	__u32 delay[TRAFFIC_DELAYS];
} __attribute__((aligned(128)));

struct traffic_flow {
	__u32 sent, came;
	__u16 member, moved;
	__u32 spare;
};

/* Rides in each packet. */
struct traffic_mark {
	__u64 sent_at;
	__u32 flow;
	__u16 stream;
	__u16 magic;
} __attribute__((packed));

#endif
