/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A member: one backend as one service uses it, ready to be sent to. The agent fills it from the
 * kernel's routes and neighbours, so the program asks nothing. Each 64-bit word is stored whole.
 */
#ifndef MTLB_ABI_MEMBER_H
#define MTLB_ABI_MEMBER_H

#include <linux/types.h>

#include "vip.h"

enum mtlb_encap {
	MTLB_ENCAP_NONE = 0, /* L2 DSR: only the MAC addresses change */
	MTLB_ENCAP_IPV4 = 1, /* IPv4 or IPv6 in IPv4 (RFC 2003, RFC 4213) */
	MTLB_ENCAP_IPV6 = 2, /* IPv4 or IPv6 in IPv6 (RFC 2473) */
	MTLB_ENCAP_GUE4 = 3, /* the same in UDP in IPv4 (GUE variant 1: the inner packet follows the
			      * UDP header; draft-ietf-intarea-gue, 2.2) */
	MTLB_ENCAP_GUE6 = 4, /* in UDP in IPv6 */
	MTLB_ENCAP_NAT = 5,  /* both addresses, and ports, are translated (stage/nat.bpf.h) */
};

enum mtlb_member_flags {
	MTLB_MEMBER_LET_GO = 1 << 0, /* its flows are no longer kept: they go to the slot's owner */
	MTLB_MEMBER_NO_NEXT_HOP = 1 << 1, /* no route, or the neighbour did not answer */
	MTLB_MEMBER_NO_NEW = 1 << 2, /* draining or down: it keeps flows, but gets no new one */
	MTLB_MEMBER_TAG = 1 << 3,    /* packets leave with one VLAN tag, that of the member */
	MTLB_MEMBER_UNTAG = 1 << 4,  /* they leave without any; neither flag: as they came */
};

/* One cache line. Index 0 is never used: it means "nobody". */
struct mtlb_member {
	__u8 next_hop[6]; /* MAC address to send to */
	__u16 mtu;	  /* of the way there, bytes of the whole outer IP packet */
	__u8 source_mac[6];
	__u8 encap;    /* enum mtlb_encap */
	__u8 flags;    /* enum mtlb_member_flags */
	__u32 service; /* the one service it belongs to: checked on each use of a stored flow */
	__u32 ifindex; /* leaves by this interface */
	struct mtlb_address outer_source; /* IPv4 in word[3]; NAT: the address translated to */
	struct mtlb_address outer_destination;
	__u32 outer_csum; /* one's complement sum: IPv4: of the outer header but length, TOS and
			   * protocol; IPv6: of both addresses */
	__be16 vlan;	  /* TCI of the tag, see the flags */
	__be16 port;	  /* GUE: to this UDP port; NAT: the member's, 0: the same as the VIP's */
};

#endif
