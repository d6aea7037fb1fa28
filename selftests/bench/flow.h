/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the flow benchmarks' two halves agree on: frames, VIPs and controls. */
#ifndef MTLB_BENCH_FLOW_H
#define MTLB_BENCH_FLOW_H

#include <linux/types.h>

#define FLOW_FRAME_BYTES  64
#define FLOW_FRAME6_BYTES 74
#define FLOW_VIP	  0xc0000201U /* 192.0.2.1 */
#define FLOW_VIP6(word)	  ((word) == 0 ? 0x20010db8U : (word) == 3 ? 1U : 0U)
#define FLOW_NOT_VIP	  0xcb007109U /* 203.0.113.9 */
#define FLOW_PORT	  80
#define FLOW_TENANT	  1
#define FLOW_TENANT_OVER  2    /* who may send next to nothing */
#define FLOW_TENANT_LOCAL 3    /* whose SYNs are answered with cookies */
#define FLOW_QUIC_INITIAL 0xc0 /* for flow_control.first_byte */

/* UDP frames carry a QUIC connection ID: a byte of configuration, then the server's number. */
#define FLOW_QUIC_BYTES	   4U
#define FLOW_QUIC_SERVERS  100U
#define FLOW_QUIC_ID(flow) (1 + (flow) % FLOW_QUIC_SERVERS)

enum flow_kind {
	FLOW_TCP4,
	FLOW_TCP6,
	FLOW_UDP4,
	FLOW_NO_VIP, /* TCP4 for an address that is no VIP */
	FLOW_OVER,   /* TCP4 that is to be dropped */
	FLOW_FIRST,  /* UDP4: a datagram's first fragment */
	FLOW_LATER,  /* and its last one */
	FLOW_ICMP,   /* a router's answer to a packet from the VIP: port unreachable */
	FLOW_KINDS,
};

/* What the programs are to do in the next runs; set by userspace between them. */
struct flow_control {
	__u64 sent;	    /* runs with the wanted verdict */
	__u32 first, count; /* the flows that are visited */
	__u32 step; /* from one to the next; prime to count, so that each is met once a round */
	__u32 at;   /* 0..count-1: the next one, from first */
	__u32 tcp_flags;  /* of TCP */
	__u32 first_byte; /* of UDP's payload; 0: a QUIC short header's */
	__u32 forget;	  /* a bucket to be emptied before each run, or FLOW_FORGET_NONE */
	__u32 port;	  /* that frames are sent to, as it stands in them */
};

#define FLOW_FORGET_NONE 0xffffffffU

/* What a CPU that sends over the wire keeps to itself, in a pair of cache lines of its own. */
#define FLOW_CPUS 64

struct flow_cpu {
	__u32 at;   /* the flow of its next packet */
	__u64 sunk; /* packets that came back */
} __attribute__((aligned(128)));

#endif
