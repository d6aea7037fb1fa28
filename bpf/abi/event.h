/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A sample of what is dropped, or of flows that are opened (its reason is then one that forwards):
 * ring buffer mtlb_events. Each tenant has a budget of samples of its own on each CPU, so that a
 * flood becomes no flood of samples, and one tenant's cannot push another's out of the ring. What
 * is dropped and not sampled is counted, and told by the next sample.
 */
#ifndef MTLB_ABI_EVENT_H
#define MTLB_ABI_EVENT_H

#include <linux/types.h>

#include "vip.h"

#define MTLB_EVENT_INTERVAL_NS (1ULL << 26) /* 67 ms: 15 samples a second */
#define MTLB_EVENT_BURST       16	    /* after a while without any */
/* Of a member's new flows on a CPU, one in so many is up for a sample. */
#define MTLB_EVENT_OPENED_EVERY 1024
/* While the ring is more than half full: only who has had no sample for so long gets one. */
#define MTLB_EVENT_PATIENCE_NS (1ULL << 30)

struct mtlb_event {
	__u64 at;      /* CLOCK_MONOTONIC, ns */
	__u64 packets; /* of the tenant's, dropped on this CPU since its last sample: with this one;
			* for a flow that was opened MTLB_EVENT_OPENED_EVERY */
	struct mtlb_address source, destination;
	__u32 tenant;
	__u32 service; /* 0: none, it was for the address */
	__u32 length;  /* of the IP packet */
	__u32 ifindex; /* it came in by */
	__be16 source_port, destination_port;
	__u8 protocol;	/* of its IP header */
	__u8 tcp_flags; /* of TCP: the thirteenth byte of its header */
	__u8 reason;	/* enum mtlb_reason */
	__u8 related;	/* an ICMP error: addresses and ports are those of the flow it is about */
	__u32 spare[2];
};

/* mtlb_event_budgets: index cpu * tenants + tenant. */
struct mtlb_event_budget {
	__u64 waiting; /* packets dropped since the last sample */
	__u64 look;    /* the clock is looked at when that many are */
	__u64 due;     /* CLOCK_MONOTONIC, ns: of the next sample at just the rate */
	__u64 crowded; /* samples that the ring had no room for */
};

#endif
