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
#include <linux/udp.h>

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

/* One's complement sum of both addresses, for the pseudo header of UDP (RFC 8200, 8.1). */
static __always_inline __u32 encap_ipv6_csum(const struct mtlb_address *source,
					     const struct mtlb_address *destination)
{
	__u32 sum = 0;

	for (int i = 0; i < 4; i++)
		sum += (source->word[i] & 0xffff) + (source->word[i] >> 16) +
		       (destination->word[i] & 0xffff) + (destination->word[i] >> 16);
	return sum;
}

/* How many bytes go in front of the inner packet. */
static __always_inline __u32 encap_bytes(__u8 encap)
{
	__u32 ip = encap == MTLB_ENCAP_IPV4 || encap == MTLB_ENCAP_GUE4 ? sizeof(struct iphdr)
									: sizeof(struct ipv6hdr);

	return encap >= MTLB_ENCAP_GUE4 ? ip + sizeof(struct udphdr) : ip;
}

/* protocol: of what follows; bytes: how much that is. */
static __always_inline void encap_ipv4(struct iphdr *ip, const struct mtlb_member *m,
				       const struct packet *p, __u8 protocol, __u32 bytes)
{
	__be16 total = core_be16(bytes + sizeof(*ip));

	*(__be32 *)ip = core_be32(0x45000000U | ((__u32)p->traffic_class << 16) |
				  (bytes + (__u32)sizeof(*ip)));
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
				       const struct packet *p, __u8 protocol, __u32 bytes)
{
	*(__be32 *)ip = core_be32(0x60000000U | ((__u32)p->traffic_class << 20) |
				  ((__u32)p->hash & 0xfffff));
	ip->payload_len = core_be16(bytes);
	ip->nexthdr = protocol;
	ip->hop_limit = ENCAP_TTL;
	__builtin_memcpy(&ip->saddr, &m->outer_source, sizeof(ip->saddr));
	__builtin_memcpy(&ip->daddr, &m->outer_destination, sizeof(ip->daddr));
}

static __always_inline __u8 encap_inner_protocol(const struct packet *p)
{
	return p->ipv6 ? IPPROTO_IPV6 : IPPROTO_IPIP;
}

/*
 * The one's complement sum of the inner packet, without reading its payload: a checksum that holds
 * makes what it covers, pseudo header included, sum up to nothing, so the rest of the sum is what
 * the pseudo header takes away and the IP header adds. Returns false when its checksum tells
 * nothing: a fragment, a UDP datagram without one, SCTP (whose CRC is none), extension headers or
 * options.
 */
static __always_inline bool encap_inner_sum(const void *inner, const void *end,
					    const struct packet *p, __u32 *ret_sum)
{
	const struct udphdr *udp =
		inner + (p->ipv6 ? sizeof(struct ipv6hdr) : sizeof(struct iphdr));
	__u32 sum = 0, l4 = p->ip_bytes - p->l4;

	if (p->fragment || p->related || (const void *)(udp + 1) > end ||
	    p->l4 != (p->ipv6 ? sizeof(struct ipv6hdr) : sizeof(struct iphdr)))
		return false;
	if (p->protocol == IPPROTO_UDP) {
		if (!udp->check || core_be16(udp->len) != l4)
			return false;
	} else if (p->protocol != IPPROTO_TCP) {
		return false;
	}
	if (p->ipv6) {
		/* the addresses and the length are in both, and cancel out */
		const __u16 *word = inner;

		sum = word[0] + word[1] + word[3] + (__u16)~core_be16(p->protocol);
	} else {
		const struct iphdr *ip = inner;

		sum = (__u16) ~(ip->saddr & 0xffff) + (__u16) ~(ip->saddr >> 16) +
		      (__u16) ~(ip->daddr & 0xffff) + (__u16) ~(ip->daddr >> 16) +
		      (__u16)~core_be16(p->protocol) + (__u16)~core_be16(l4);
	}
	*ret_sum = sum;
	return true;
}

/*
 * The UDP header of GUE. The source port carries the flow's hash, so that the network spreads flows
 * (RFC 7510, 4.2). In IPv4 the checksum is left out; in IPv6 it is made where that costs no look at
 * the payload, and left out otherwise, which RFC 6935 and RFC 6936 allow to tunnels.
 */
static __always_inline void encap_udp(struct udphdr *udp, const void *end,
				      const struct mtlb_member *m, const struct packet *p)
{
	__be16 length = core_be16(p->ip_bytes + sizeof(*udp));
	__be16 source = core_be16(0xc000U | ((__u32)(p->hash >> 16) & 0x3fff));
	__u32 sum;

	udp->source = source;
	udp->dest = m->port;
	udp->len = length;
	udp->check = 0;
	if (m->encap != MTLB_ENCAP_GUE6 || !encap_inner_sum(udp + 1, end, p, &sum))
		return;
	sum += (m->outer_csum & 0xffff) + (m->outer_csum >> 16) + core_be16(IPPROTO_UDP) +
	       (__u32)length + length + source + m->port;
	udp->check = encap_fold(sum) ?: 0xffff;
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
