/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What is known of a packet on its way through the stages; each stage adds its part. */
#ifndef MTLB_CORE_PACKET_H
#define MTLB_CORE_PACKET_H

#include "compiler.h"
#include "../abi/vip.h"

struct mtlb_vip;
struct mtlb_member;

struct packet {
	/* read_headers */
	struct mtlb_vip_key key; /* its destination */
	__be16 source_port;
	__u8 tcp_flags;	    /* the thirteenth byte of the TCP header */
	__u8 traffic_class; /* TOS or traffic class: DSCP and ECN */
	struct mtlb_address source;
	__u32 tag[2];	/* VLAN tags as they stand in the frame, TPID first */
	__u16 l3;	/* where the IP header starts */
	__u16 trouble;	/* enum mtlb_reason to drop it for, should it be for a VIP */
	__u32 ip_bytes; /* of the whole IP packet, of the frame when it is none */
	bool ipv6;
	bool related; /* an ICMP error: key and source name the flow it is about */

	/* classify */
	const struct mtlb_vip *vip;
	__u32 record; /* where in mtlb_vip_records it stands */
	__u64 hash;

	/* pick */
	__u32 slot;

	/* track */
	__u32 member;
	bool new_flow;

	/* forward */
	__u16 mtu; /* when it is too big: what would have fitted */
	__u32 ifindex;
};

#define PACKET_TCP_FIN 0x01
#define PACKET_TCP_SYN 0x02
#define PACKET_TCP_RST 0x04
#define PACKET_TCP_ACK 0x10

/* The first packet of a TCP connection, as a client sends it. */
static __always_inline bool packet_opens(const struct packet *p)
{
	return (p->tcp_flags & (PACKET_TCP_SYN | PACKET_TCP_ACK | PACKET_TCP_RST)) ==
	       PACKET_TCP_SYN;
}

static __always_inline bool packet_closes(const struct packet *p)
{
	return p->tcp_flags & (PACKET_TCP_FIN | PACKET_TCP_RST);
}

#endif
