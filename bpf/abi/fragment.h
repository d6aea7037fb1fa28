/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Where the fragments of a datagram go, once its first one, which alone has ports, has told. Each
 * tenant has the same small number of buckets, so that nobody can make it forget another's. A word
 * is laid out as a flow's (abi/flow.h); its state says what it leads to, its stamp counts units of
 * 134 ms (CLOCK_MONOTONIC >> 27).
 */
#ifndef MTLB_ABI_FRAGMENT_H
#define MTLB_ABI_FRAGMENT_H

#include <linux/types.h>

#include "flow.h"

#define MTLB_FRAGMENT_BUCKETS 8 /* of a tenant: 64 datagrams at a time */
/* Of all replies to translated flows, after the tenants': whose one is tells only its first
 * fragment. There, a tenant may hold no more than two words of a bucket.
 */
#define MTLB_FRAGMENT_REPLY_BUCKETS 1024
#define MTLB_FRAGMENT_REPLY_SHARE   2
#define MTLB_FRAGMENT_STAMP_SHIFT   27
#define MTLB_FRAGMENT_LIFE	    112 /* stamps: 15 s, as RFC 791 advises for reassembly */

struct mtlb_fragment_bucket {
	__u64 word[MTLB_FLOWS_PER_BUCKET]; /* 0 is free */
};

enum mtlb_fragment_kind {
	MTLB_FRAGMENT_MEMBER = 1, /* goes to that member */
	MTLB_FRAGMENT_REPLY = 2,  /* from a member: goes back by the NAT flow at that position,
				   * counted from nat_first */
	MTLB_FRAGMENT_LOCAL = 3,  /* goes to this node's own stack; the target is 1 */
};

/*
 * A later fragment that came first: ring buffer mtlb_held. The agent waits until the tag appears in
 * the bucket, then puts the frame back where it came from. It never looks into it.
 */
#define MTLB_HELD_FRAME_MAX 2048

struct mtlb_held {
	__u32 tenant;
	__u32 ifindex; /* it came in by */
	__u32 bucket;  /* in mtlb_fragments */
	__u32 tag;
	__u32 length;
	__u32 spare;
	__u64 since; /* CLOCK_MONOTONIC, ns */
	__u8 frame[MTLB_HELD_FRAME_MAX];
};

#endif
