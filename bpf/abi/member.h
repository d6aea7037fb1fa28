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
};

enum mtlb_member_flags {
	MTLB_MEMBER_LET_GO = 1 << 0, /* its flows are no longer kept: they go to the slot's owner */
	MTLB_MEMBER_NO_NEXT_HOP = 1 << 1, /* no route, or the neighbour did not answer */
	MTLB_MEMBER_NO_NEW = 1 << 2, /* draining or down: it keeps flows, but gets no new one */
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
	struct mtlb_address outer_source; /* IPv4 in word[3] */
	struct mtlb_address outer_destination;
	__u32 outer_csum; /* IPv4: one's complement sum of the outer header but length and TOS */
	__u32 spare;
};

#endif
