/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the program that only tells (prog/l4_trace.bpf.c) leaves behind of one packet: map
 * mtlb_trace, array of one. It belongs to one run and its reader, who come of one build: no agent
 * knows it, and it is not pinned.
 */
#ifndef MTLB_ABI_TRACE_H
#define MTLB_ABI_TRACE_H

#include <linux/types.h>

#include "vip.h"

#define MTLB_TRACE_MISSES 64

/* A map, by its number in the kernel, had no element with this key. */
struct mtlb_trace_miss {
	__u32 map;
	__u32 key; /* its first four bytes */
};

struct mtlb_trace {
	__u32 misses;	/* may be more than there is room for */
	__u32 straight; /* enum mtlb_reason: where the straight way ended */
	__u32 reason;	/* and where the detour did */
	__u32 cpu;
	/* of struct packet, as it was before the end */
	struct mtlb_vip_key key;
	__be16 source_port;
	__u8 tcp_flags, protocol;
	struct mtlb_address source;
	__u32 tag[2];
	__u32 ip_bytes, fragment_id;
	__u16 fragment, l3, l4, trouble;
	__u8 ipv6, related, new_flow, reply;
	__u32 record, tenant, slot_hash, slot, member, nat, mtu, ifindex;
	__u32 spare;
	__u64 hash;
	struct mtlb_trace_miss miss[MTLB_TRACE_MISSES];
};

#endif
