/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * ICMP errors about a VIP's own packets: which flow do they belong to? A backend answers the client
 * directly, so a router on the way sends its error (Packet Too Big, unreachable, time exceeded) to
 * the VIP, with the head of the backend's packet inside: its source is the VIP, its destination the
 * client. Turned around, that is the flow the error belongs to. RFC 792 promises no more than eight
 * bytes of the inner L4 header, and no more are read. Pure.
 */
#ifndef MTLB_CORE_ICMP_H
#define MTLB_CORE_ICMP_H

#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>

#include "packet.h"
#include "../abi/reason.h"

/* The kernel's own header of this drags in the C library's sockets. */
struct icmp_header {
	__u8 type, code;
	__u16 checksum;
	__be32 rest; /* Packet Too Big: the MTU, in both families */
};

enum icmp_type {
	ICMP4_ECHO_REPLY = 0,
	ICMP4_ECHO_REQUEST = 8,
	ICMP6_ECHO_REQUEST = 128,
	ICMP6_ECHO_REPLY = 129,
	ICMP4_UNREACHABLE = 3,
	ICMP4_TIME_EXCEEDED = 11,
	ICMP4_PARAMETER_PROBLEM = 12,
	ICMP6_UNREACHABLE = 1,
	ICMP6_TOO_BIG = 2,
	ICMP6_PARAMETER_PROBLEM = 4,
};

#define ICMP4_CODE_FRAGMENTATION_NEEDED 4

/* The first four bytes of TCP, UDP and SCTP alike. */
struct icmp_ports {
	__be16 source, destination;
	__u8 rest[4];
};

static __always_inline bool icmp_is_error(const struct packet *p, __u8 type)
{
	if (p->ipv6)
		return p->key.protocol == IPPROTO_ICMPV6 && type >= ICMP6_UNREACHABLE &&
		       type <= ICMP6_PARAMETER_PROBLEM;
	return p->key.protocol == IPPROTO_ICMP &&
	       (type == ICMP4_UNREACHABLE || type == ICMP4_TIME_EXCEEDED ||
		type == ICMP4_PARAMETER_PROBLEM);
}

/* The flow of the inner packet, turned around. at: its L4 header; left: bytes from there on. */
static __always_inline int icmp_take_flow(const struct icmp_ports *at, const void *end, __u32 left,
					  __u8 protocol, struct packet *p)
{
	if ((const void *)(at + 1) > end || left < sizeof(*at))
		return MTLB_REASON_bad_l4;
	if (protocol != IPPROTO_TCP && protocol != IPPROTO_UDP && protocol != IPPROTO_SCTP)
		return MTLB_REASON_icmp;
	p->key.protocol = protocol;
	p->key.port = at->source;
	p->source_port = at->destination;
	p->related = true;
	return 0;
}

static __always_inline int icmp_inner_ipv4(const struct iphdr *ip, const void *end, __u32 left,
					   struct packet *p)
{
	__u32 header;

	if ((const void *)(ip + 1) > end || left < sizeof(*ip))
		return MTLB_REASON_bad_l4;
	header = ip->ihl * 4;
	if (ip->version != 4 || header < sizeof(*ip) || header > left)
		return MTLB_REASON_bad_l4;
	/* what the VIP never sent, or a later fragment, names no flow of its */
	if (ip->saddr != p->key.address.word[3] || ip->frag_off & core_be16(0x1fff))
		return MTLB_REASON_icmp;
	p->source.word[3] = ip->daddr;
	return icmp_take_flow((const void *)ip + header, end, left - header, ip->protocol, p);
}

static __always_inline int icmp_inner_ipv6(const struct ipv6hdr *ip, const void *end, __u32 left,
					   struct packet *p)
{
	const __u32 *from = (const __u32 *)&ip->saddr;
	const void *at;
	__u8 protocol;

	if ((const void *)(ip + 1) > end || left < sizeof(*ip))
		return MTLB_REASON_bad_l4;
	if (ip->version != 6)
		return MTLB_REASON_bad_l4;
	if ((from[0] ^ p->key.address.word[0]) | (from[1] ^ p->key.address.word[1]) |
	    (from[2] ^ p->key.address.word[2]) | (from[3] ^ p->key.address.word[3]))
		return MTLB_REASON_icmp;
	__builtin_memcpy(&p->source, &ip->daddr, sizeof(p->source));
	at = ip + 1;
	left -= sizeof(*ip);
	protocol = ip->nexthdr;
	/* it is the sender that fragments in IPv6, and its fragments may be too big as well */
	if (protocol == IPPROTO_FRAGMENT) {
		const struct packet_fragment *fragment = at;

		if ((const void *)(fragment + 1) > end || left < sizeof(*fragment))
			return MTLB_REASON_bad_l4;
		/* a later one names no flow */
		if (fragment->offset & core_be16(0xfff8))
			return MTLB_REASON_icmp;
		at = fragment + 1;
		left -= sizeof(*fragment);
		protocol = fragment->next;
	}
	return icmp_take_flow(at, end, left, protocol, p);
}

/* at: the ICMP header; left: bytes of the IP packet from there on. Out of line: few come here. */
static __attribute__((noinline)) int icmp_parse(const void *at, const void *end, __u32 left,
						struct packet *p)
{
	const struct icmp_header *icmp = at;

	if ((const void *)(icmp + 1) > end || left < sizeof(*icmp))
		return MTLB_REASON_bad_l4;
	if (!icmp_is_error(p, icmp->type))
		return MTLB_REASON_icmp;
	left -= sizeof(*icmp);
	return p->ipv6 ? icmp_inner_ipv6((const void *)(icmp + 1), end, left, p)
		       : icmp_inner_ipv4((const void *)(icmp + 1), end, left, p);
}

#endif
