/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What a tenant may send to its VIPs: packets, bytes and new flows a second, each with a burst. The
 * generic cell rate algorithm (ITU-T I.371; RFC 2697's buckets say the same): a meter is one time,
 * that at which the next packet is due when packets come at just the rate. It may lie ahead of the
 * clock by the burst, and no more.
 *
 * Which meters a packet meets stands in the flags of its VIP's record. Credit is leased: a CPU
 * takes a batch at a time and spends it from a line of its own, so that the time, which all CPUs
 * write, is touched once per batch. A batch is a tenth of a millisecond's worth, or what one packet
 * needs. So a rate that is changed holds once each CPU has spent its batch.
 *
 * The clock is dear where nothing else is: in a flood. After eight refusals in a row a CPU looks at
 * it for every eighth packet only. What falls due meanwhile is not lost, it comes a little later.
 *
 * Shares: when the node has a capacity, a batch of packets must be within the tenant's guaranteed
 * rate, which nobody can touch, or within its share of what the node has left. A share is the fair
 * rate of the node times the tenant's weight, so that all who want more than they get stand to each
 * other as their weights do. The fair rate is found as in core-stateless fair queueing (Stoica,
 * Shenker, Zhang, SIGCOMM 1998): whoever takes a batch after a period of 8 ms compares what was
 * taken with what there was, and sets the rate by the quotient. It costs the same with any number
 * of tenants, and needs no agent. Until the rate is right, the node's own meter sees to it that no
 * more is lent than there is.
 */
#ifndef MTLB_ABI_METER_H
#define MTLB_ABI_METER_H

#include <linux/types.h>

enum mtlb_meter_kind {
	MTLB_METER_PACKETS = 0,
	MTLB_METER_BYTES = 1, /* of IP packets */
	MTLB_METER_FLOWS = 2, /* TCP SYN, SCTP INIT; QUIC Initial of a service with quic */
	MTLB_METER_KINDS = 3,
};

/* Times are in ticks of 2^-8 ns of CLOCK_MONOTONIC; they wrap, and only differences are compared.
 */
#define MTLB_METER_TICK_SHIFT 8
#define MTLB_METER_INTERVAL_SHIFT \
	20 /* an interval is in 2^-20 ns: exact to 0.01 % up to 1 Tbit/s */

struct mtlb_meter_rate {
	__u64 interval; /* from one packet, byte or flow to the next */
	__u64 burst;	/* ticks */
	__u32 batch;	/* what a CPU takes at a time, at least 1 */
	__u32 spare;
};

/* mtlb_meters: index tenant. What was configured, and what follows from it. */
struct mtlb_meter {
	struct mtlb_meter_rate rate[MTLB_METER_KINDS];
	struct mtlb_meter_rate guarantee;   /* of packets */
	__u64 per_second[MTLB_METER_KINDS]; /* packets, bits and flows; 0: no limit */
	__u64 guaranteed;		    /* packets a second */
	__u32 burst_ms;
	__u32 weight; /* of its share; 0: the node's capacity is not shared */
	/* of one client's connections, see client.h */
	__u64 client_interval;	 /* its ticks from one to the next; 0: no limit */
	__u64 client_per_second; /* 0: no limit */
	__u32 spare[10];
};

/* mtlb_meter_times: index tenant. When the next one is due, in ticks. A cache line. */
struct mtlb_meter_time {
	__u64 due[MTLB_METER_KINDS];
	__u64 guarantee_due;
	__u64 share_due;
	__u64 spare[3];
};

/* What one packet counts for on the meter of packets, since CPU time is what is really shared. */
enum mtlb_charge {
	MTLB_CHARGE_NEW_FLOW = 0, /* what the meter of flows counts */
	MTLB_CHARGE_FRAGMENT = 1,
	MTLB_CHARGE_ICMP = 2, /* errors and echo requests */
	MTLB_CHARGES = 3,
};

#define MTLB_FAIR_SHIFT	     8
#define MTLB_FAIR_MAX_SHRINK 20 /* the fair rate is at least the capacity / 2^20 */

/* mtlb_share: array of one. */
struct mtlb_share {
	/* by the agent */
	__u64 capacity; /* packets a second; 0: nothing is shared */
	__u64 interval; /* from one of them to the next, in 2^-20 ns */
	__u32 charge[MTLB_CHARGES];
	__u32 spare;
	/* by packets: the rate for a weight of 1, in 2^-8 packets a second */
	__u64 fair;
	__u64 spare_2[3];
	/* a line of its own: this period */
	__u64 since;	  /* CLOCK_MONOTONIC, ns */
	__u64 guaranteed; /* packets taken of guaranteed rates */
	__u64 shared;	  /* and of shares */
	__u64 refused;	  /* somebody wanted more */
	__u64 due;	  /* ticks: when the node's next packet is due */
	__u64 last;	  /* ns: when somebody last asked, about */
	__u64 silent;	  /* ns of the period in which nobody asked for anything */
	__u64 spare_3;
};

/* mtlb_leases: index cpu * tenants + tenant. What this CPU may still spend. */
struct mtlb_lease {
	__u64 left[MTLB_METER_KINDS];
	__u16 refused; /* packets in a row */
	__u16 unseen;  /* how many more are refused without a look at the clock */
	__u32 reason;  /* why */
};

#endif
