/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What is known of a packet on its way through the stages; each stage adds its part. */
#ifndef MTLB_CORE_PACKET_H
#define MTLB_CORE_PACKET_H

#include <linux/in.h>

#include "compiler.h"
#include "../abi/vip.h"

struct mtlb_vip;
struct mtlb_member;

struct packet {
	/* read_headers */
	struct mtlb_vip_key key; /* its destination */
	__be16 source_port;
	__u8 tcp_flags;	    /* the thirteenth byte of the TCP header; SCTP: what it would say */
	__u8 traffic_class; /* TOS or traffic class: DSCP and ECN */
	struct mtlb_address source;
	__u32 tag[2];	/* VLAN tags as they stand in the frame, TPID first */
	__u16 l3;	/* where the IP header starts */
	__u16 trouble;	/* enum mtlb_reason to drop it for, should it be for a VIP */
	__u32 ip_bytes; /* of the whole IP packet, of the frame when it is none */
	__u32 beyond;	/* bytes of the frame that do not lie in one piece with its headers; set
			 * before it is parsed */
	bool ipv6;
	bool related;	   /* an ICMP error: key and source name the flow it is about */
	__u8 protocol;	   /* of its IP header; key has that of the flow when it is related */
	__u16 fragment;	   /* as IPv6 writes it: offset in its upper 13 bits, lowest bit: more to
			    * come; 0: it is none */
	__u16 l4;	   /* bytes from the IP header to the L4 header; 0: not known */
	__u32 fragment_id; /* IPv4: the identification; IPv6: that of the fragment header */

	/* classify */
	const struct mtlb_vip *vip;
	__u32 record; /* where in mtlb_vip_records it stands; 0: nowhere */
	__u32 tenant; /* whose address it is for; 0: nobody's */
	__u64 hash;

	/* pick */
	__u32 slot_hash; /* chooses the slot: the hash's upper half, or what affinity puts there */
	__u32 slot;

	/* pick, track */
	__u32 member;
	__u32 nat; /* position of its flow, counted from nat_first; 0: it is not translated */
	bool new_flow;
	bool reply; /* of a translated flow, from its member */

	/* forward */
	__u16 mtu; /* when it is too big: what would have fitted */
	__u32 ifindex;
};

#define PACKET_TCP_FIN 0x01
#define PACKET_TCP_SYN 0x02
#define PACKET_TCP_RST 0x04
#define PACKET_TCP_ACK 0x10
#define PACKET_TCP_ALL 0x3f /* but for those of ECN */

/* The first packet of a TCP connection or an SCTP association, as a client sends it. */
static __always_inline bool packet_opens(const struct packet *p)
{
	return (p->tcp_flags & (PACKET_TCP_SYN | PACKET_TCP_ACK | PACKET_TCP_RST)) ==
	       PACKET_TCP_SYN;
}

/* IPv6's fragment header (RFC 8200, 4.5). */
struct packet_fragment {
	__u8 next;
	__u8 reserved;
	__be16 offset; /* in 8 bytes, in the upper 13 bits; lowest bit: more to come */
	__be32 id;
};

/* It has no ports: its trouble is MTLB_REASON_fragment. */
static __always_inline bool packet_is_later_fragment(const struct packet *p)
{
	return p->fragment & 0xfff8;
}

/* UDP opens nothing and closes nothing: a flow is new when it is not known. */
static __always_inline bool packet_has_state(const struct packet *p)
{
	return p->key.protocol != IPPROTO_UDP;
}

static __always_inline bool packet_closes(const struct packet *p)
{
	return p->tcp_flags & (PACKET_TCP_FIN | PACKET_TCP_RST);
}

static __always_inline bool packet_resets(const struct packet *p)
{
	return p->tcp_flags & PACKET_TCP_RST;
}

#endif
