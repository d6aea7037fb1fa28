/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Bytes in, facts out: Ethernet, up to two VLAN tags, IPv4 with options, IPv6 with extension
 * headers, TCP, UDP and ICMP errors. A packet whose destination address cannot be read is nobody's
 * and passes. Whatever else is wrong with it is only noted as its trouble: whether to drop it
 * depends on whether it is for a VIP, which classify knows. Pure: reads only between data and end.
 */
#ifndef MTLB_CORE_PARSE_H
#define MTLB_CORE_PARSE_H

#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <linux/udp.h>

#include "icmp.h"
#include "packet.h"
#include "../abi/reason.h"

#define PARSE_EXTENSIONS_MAX 8

struct parse_vlan {
	__be16 tpid;
	__be16 tci;
};

/* An IPv6 extension header as all but the fragment header begin (RFC 8200, 4). */
struct parse_extension {
	__u8 next;
	__u8 length; /* in 8 bytes, not counting the first 8 */
	__u8 rest[6];
};

static __always_inline bool parse_is_vlan(__be16 protocol)
{
	return protocol == core_be16(ETH_P_8021Q) || protocol == core_be16(ETH_P_8021AD);
}

/* at: the L4 header; left: bytes of the IP packet from there on. */
static __always_inline int parse_l4(const void *at, const void *end, __u32 left, struct packet *p)
{
	if (p->key.protocol == IPPROTO_TCP) {
		const struct tcphdr *tcp = at;

		if ((const void *)(tcp + 1) > end || left < sizeof(*tcp))
			return MTLB_REASON_bad_l4;
		if (tcp->doff < 5 || tcp->doff * 4U > left)
			return MTLB_REASON_bad_l4;
		p->source_port = tcp->source;
		p->key.port = tcp->dest;
		p->tcp_flags = ((const __u8 *)tcp)[13];
		return 0;
	}
	if (p->key.protocol == IPPROTO_UDP) {
		const struct udphdr *udp = at;

		if ((const void *)(udp + 1) > end || left < sizeof(*udp))
			return MTLB_REASON_bad_l4;
		if (core_be16(udp->len) < sizeof(*udp) || core_be16(udp->len) > left)
			return MTLB_REASON_bad_l4;
		p->source_port = udp->source;
		p->key.port = udp->dest;
		return 0;
	}
	if (p->key.protocol == IPPROTO_ICMP || p->key.protocol == IPPROTO_ICMPV6)
		return icmp_parse(at, end, left, p);
	return MTLB_REASON_not_tcp_udp;
}

/* Both set *ret_l4 and *ret_left only when there is no trouble. */
static __always_inline int parse_ipv4(const void *at, const void *end, struct packet *p,
				      const void **ret_l4, __u32 *ret_left)
{
	const struct iphdr *ip = at;
	__u32 header, total;

	if ((const void *)(ip + 1) > end)
		return MTLB_REASON_no_header;
	p->key.address.word[2] = core_be32(0xffff);
	p->key.address.word[3] = ip->daddr;
	p->source.word[2] = core_be32(0xffff);
	p->source.word[3] = ip->saddr;
	p->key.protocol = ip->protocol;
	p->traffic_class = ip->tos;

	header = ip->ihl * 4;
	total = core_be16(ip->tot_len);
	if (unlikely(ip->version != 4 || header < sizeof(*ip) || total < header ||
		     total > (__u32)(end - at))) {
		p->trouble = MTLB_REASON_bad_ip;
		return 0;
	}
	p->ip_bytes = total;
	if (unlikely(ip->frag_off & core_be16(0x3fff))) { /* MF or an offset */
		p->trouble = MTLB_REASON_fragment;
		return 0;
	}
	*ret_l4 = at + header;
	*ret_left = total - header;
	return 0;
}

static __always_inline bool parse_is_extension(__u8 protocol)
{
	return protocol == IPPROTO_HOPOPTS || protocol == IPPROTO_ROUTING ||
	       protocol == IPPROTO_DSTOPTS || protocol == IPPROTO_FRAGMENT;
}

/* Out of line: few packets come here, and the others need not carry its registers along. */
static __attribute__((noinline)) int parse_extensions(const void *at, const void *end,
						      struct packet *p, __u32 *left,
						      __u32 *ret_offset)
{
	__u32 offset = 0;

	for (int i = 0; i <= PARSE_EXTENSIONS_MAX; i++) {
		const struct parse_extension *extension = at + offset;
		__u32 length;

		if (!parse_is_extension(p->key.protocol)) {
			*ret_offset = offset;
			return 0;
		}
		if (p->key.protocol == IPPROTO_FRAGMENT)
			return MTLB_REASON_fragment;
		if ((const void *)(extension + 1) > end)
			break;
		length = (extension->length + 1U) * 8;
		if (length > *left)
			break;
		p->key.protocol = extension->next;
		*left -= length;
		offset += length;
	}
	return MTLB_REASON_bad_extension;
}

static __always_inline int parse_ipv6(const void *at, const void *end, struct packet *p,
				      const void **ret_l4, __u32 *ret_left)
{
	const struct ipv6hdr *ip = at;
	__u32 left, offset = 0;

	if ((const void *)(ip + 1) > end)
		return MTLB_REASON_no_header;
	__builtin_memcpy(&p->key.address, &ip->daddr, sizeof(p->key.address));
	__builtin_memcpy(&p->source, &ip->saddr, sizeof(p->source));
	p->traffic_class = (__u8)(core_be16(*(const __be16 *)ip) >> 4);
	p->ipv6 = true;

	left = core_be16(ip->payload_len);
	p->key.protocol = ip->nexthdr;
	if (unlikely(ip->version != 6 || left + sizeof(*ip) > (__u32)(end - at))) {
		p->trouble = MTLB_REASON_bad_ip;
		return 0;
	}
	p->ip_bytes = left + sizeof(*ip);
	if (unlikely(parse_is_extension(p->key.protocol))) {
		p->trouble = parse_extensions(ip + 1, end, p, &left, &offset);
		if (p->trouble)
			return 0;
		offset &= 0x7fff; /* eight of at most 2,048 bytes: says so to the verifier */
	}
	*ret_l4 = (const void *)(ip + 1) + offset;
	*ret_left = left;
	return 0;
}

/* Tags begin at byte 12, where the protocol of an untagged frame stands. */
static __always_inline int parse_tags(const void *data, const void *end, struct packet *p,
				      __be16 *ret_protocol)
{
	const struct parse_vlan *vlan = data + 12;

	if ((const void *)(vlan + 1) + 2 > end)
		return MTLB_REASON_no_header;
	__builtin_memcpy(&p->tag[0], vlan, sizeof(*vlan));
	*ret_protocol = vlan[1].tpid;
	p->l3 = 18;
	if (!parse_is_vlan(*ret_protocol))
		return 0;
	if ((const void *)(vlan + 2) + 2 > end)
		return MTLB_REASON_no_header;
	__builtin_memcpy(&p->tag[1], vlan + 1, sizeof(*vlan));
	*ret_protocol = vlan[2].tpid;
	p->l3 = 22;
	return 0;
}

static __always_inline int parse_packet(const void *data, const void *end, struct packet *p)
{
	const struct ethhdr *eth = data;
	const void *l4 = NULL;
	__u32 left = 0;
	__be16 protocol;
	int reason = 0;

	p->ip_bytes = (__u32)(end - data);
	if ((const void *)(eth + 1) > end)
		return MTLB_REASON_no_header;
	protocol = eth->h_proto;
	p->l3 = sizeof(*eth);
	if (unlikely(parse_is_vlan(protocol)))
		reason = parse_tags(data, end, p, &protocol);
	if (unlikely(reason))
		return reason;
	if (likely(protocol == core_be16(ETH_P_IP)))
		reason = parse_ipv4(data + p->l3, end, p, &l4, &left);
	else if (likely(protocol == core_be16(ETH_P_IPV6)))
		reason = parse_ipv6(data + p->l3, end, p, &l4, &left);
	else
		return MTLB_REASON_not_ip;
	if (unlikely(reason))
		return reason;
	if (likely(l4))
		p->trouble = parse_l4(l4, end, left, p);
	return 0;
}

#endif
