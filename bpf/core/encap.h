/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Outer headers. The inner packet is not touched: its TTL is not decremented, since the node is no
 * hop of the client's path, and its traffic class is copied outwards whole, so that congestion
 * marks survive (RFC 6040, normal mode). Pure: writes only what it is given.
 */
#ifndef MTLB_CORE_ENCAP_H
#define MTLB_CORE_ENCAP_H

#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>

#include "packet.h"
#include "../abi/member.h"

#define ENCAP_TTL	    64
#define ENCAP_DONT_FRAGMENT 0x4000

/* The one's complement sum of the outer IPv4 header but its length and TOS; the inner protocol is
 * added per packet as well. Made once per member.
 */
static __always_inline __u32 encap_ipv4_csum(__be32 source, __be32 destination)
{
	__u32 sum = core_be16(0x4500) + core_be16(ENCAP_DONT_FRAGMENT) + core_be16(ENCAP_TTL << 8);

	sum += (source & 0xffff) + (source >> 16) + (destination & 0xffff) + (destination >> 16);
	return sum;
}

static __always_inline __u16 encap_fold(__u32 sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (__u16)~sum;
}

static __always_inline void encap_ipv4(struct iphdr *ip, const struct mtlb_member *m,
				       const struct packet *p)
{
	__u8 protocol = p->ipv6 ? IPPROTO_IPV6 : IPPROTO_IPIP;
	__be16 total = core_be16(p->ip_bytes + sizeof(*ip));

	*(__be32 *)ip = core_be32(0x45000000U | ((__u32)p->traffic_class << 16) |
				  (p->ip_bytes + (__u32)sizeof(*ip)));
	ip->id = 0; /* never fragmented on the way, so it need not be unique (RFC 6864) */
	ip->frag_off = core_be16(ENCAP_DONT_FRAGMENT);
	ip->ttl = ENCAP_TTL;
	ip->protocol = protocol;
	ip->saddr = m->outer_source.word[3];
	ip->daddr = m->outer_destination.word[3];
	ip->check = encap_fold(m->outer_csum + total + core_be16(p->traffic_class) +
			       core_be16(protocol));
}

/* The flow label carries the flow's hash, for equal-cost paths and NIC queues (RFC 6438). */
static __always_inline void encap_ipv6(struct ipv6hdr *ip, const struct mtlb_member *m,
				       const struct packet *p)
{
	*(__be32 *)ip = core_be32(0x60000000U | ((__u32)p->traffic_class << 20) |
				  ((__u32)p->hash & 0xfffff));
	ip->payload_len = core_be16(p->ip_bytes);
	ip->nexthdr = p->ipv6 ? IPPROTO_IPV6 : IPPROTO_IPIP;
	ip->hop_limit = ENCAP_TTL;
	__builtin_memcpy(&ip->saddr, &m->outer_source, sizeof(ip->saddr));
	__builtin_memcpy(&ip->daddr, &m->outer_destination, sizeof(ip->daddr));
}

/* l2: room for the Ethernet header with as many tags as the packet came with (p->l3 bytes). */
static __always_inline void encap_ethernet(void *l2, const struct mtlb_member *m,
					   const struct packet *p, __be16 protocol)
{
	struct ethhdr *eth = l2;

	__builtin_memcpy(eth->h_dest, m->next_hop, ETH_ALEN);
	__builtin_memcpy(eth->h_source, m->source_mac, ETH_ALEN);
	if (likely(p->l3 == 14)) {
		eth->h_proto = protocol;
		return;
	}
	__builtin_memcpy(l2 + 12, &p->tag[0], 4);
	if (p->l3 == 18) {
		*(__be16 *)(l2 + 16) = protocol;
		return;
	}
	__builtin_memcpy(l2 + 16, &p->tag[1], 4);
	*(__be16 *)(l2 + 20) = protocol;
}

#endif
