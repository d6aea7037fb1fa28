/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Translated flows (forward: nat). They live in the flow table like others, in buckets of their own
 * that come after all tenants' (struct mtlb_node, nat_first), and where a flow stands is the port
 * it is translated to: 8,192 buckets of eight for the 65,536 ports of one pair of source addresses,
 * one IPv4 and one IPv6. So a reply finds its flow by its destination port, without a search, and a
 * tenant's range of buckets is its range of ports. Ports below 1024 are never given to a tenant.
 *
 * The facts of a translated flow (mtlb_flow_facts, same position) are its translation; the way back
 * to the client is in mtlb_nat_ways, at its position counted from nat_first.
 */
#ifndef MTLB_ABI_NAT_H
#define MTLB_ABI_NAT_H

#include <linux/types.h>

#include "flow.h"

#define MTLB_NAT_BUCKETS     8192 /* of one pair of source addresses */
#define MTLB_NAT_PORTS	     65536
#define MTLB_NAT_PORT_FIRST  1024
#define MTLB_NAT_SOURCES_MAX 16

/* Where the client's packets come from, and so where the replies go: 32 bytes. */
struct mtlb_nat_way {
	__u8 client[6]; /* MAC address that sent the client's last packet */
	__u8 own[6];	/* and the one it was sent to */
	__u32 ifindex;
	__u32 tag[2];  /* VLAN tags as they stand in the frame, TPID first */
	__u8 l3;       /* 14, 18 or 22: how many there are */
	__u8 answered; /* the member has sent something */
	__u16 mss;     /* 0: what a SYN of the member announces is not clamped */
	__u32 spare;
};

static inline __u16 mtlb_nat_port(__u32 bucket, __u32 place)
{
	return (__u16)(bucket * MTLB_FLOWS_PER_BUCKET + place);
}

#endif
