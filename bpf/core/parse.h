/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Bytes in, facts out: Ethernet, up to two VLAN tags, IPv4 with options, IPv6 with extension
 * headers, fragments, TCP, UDP, SCTP and ICMP errors. A packet whose destination address cannot be
 * read is nobody's and passes. Whatever else is wrong with it is only noted as its trouble: whether
 * to drop it depends on whether it is for a VIP, which classify knows. Pure: reads only between
 * data and end.
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

/* The common header of SCTP and the first chunk after it (RFC 9260, 3). */
struct parse_sctp {
	__be16 source, destination;
	__be32 verification_tag, checksum;
	__u8 chunk, chunk_flags;
	__be16 chunk_length;
};

enum parse_sctp_chunk {
	SCTP_INIT = 1,
	SCTP_ABORT = 6,
	SCTP_SHUTDOWN_COMPLETE = 14,
};

/* An association opens and closes as a connection does: said in TCP's flags, tracking need not
 * know. INIT and SHUTDOWN COMPLETE stand alone in their packet (RFC 9260, 6.10); an ABORT is found
 * when it comes first.
 */
static __attribute__((noinline)) int parse_sctp(const void *at, const void *end, __u32 left,
						struct packet *p)
{
	const struct parse_sctp *sctp = at;

	if ((const void *)(sctp + 1) > end || left < sizeof(*sctp))
		return MTLB_REASON_bad_l4;
	p->source_port = sctp->source;
	p->key.port = sctp->destination;
	if (sctp->chunk == SCTP_INIT)
		p->tcp_flags = PACKET_TCP_SYN;
	else if (sctp->chunk == SCTP_ABORT || sctp->chunk == SCTP_SHUTDOWN_COMPLETE)
		p->tcp_flags = PACKET_TCP_RST;
	else
		p->tcp_flags = PACKET_TCP_ACK;
	return 0;
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
		if (core_be16(udp->len) < sizeof(*udp) ||
		    (core_be16(udp->len) > left && !p->fragment))
			return MTLB_REASON_bad_l4;
		p->source_port = udp->source;
		p->key.port = udp->dest;
		return 0;
	}
	if (p->key.protocol == IPPROTO_ICMP || p->key.protocol == IPPROTO_ICMPV6)
		return icmp_parse(at, end, left, p);
	if (p->key.protocol == IPPROTO_SCTP)
		return parse_sctp(at, end, left, p);
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
	p->protocol = ip->protocol;
	p->traffic_class = ip->tos;

	header = ip->ihl * 4;
	total = core_be16(ip->tot_len);
	if (unlikely(ip->version != 4 || header < sizeof(*ip) || total < header ||
		     total > core_distance(at, end) + p->beyond)) {
		p->trouble = MTLB_REASON_bad_ip;
		return 0;
	}
	p->ip_bytes = total;
	p->l4 = (__u16)header;
	if (unlikely(ip->frag_off & core_be16(0x3fff))) { /* MF or an offset */
		__u16 bits = core_be16(ip->frag_off);

		p->fragment_id = ip->id;
		p->fragment = (__u16)(bits << 3 | (bits >> 13 & 1));
		if (packet_is_later_fragment(p)) {
			p->trouble = MTLB_REASON_fragment;
			return 0;
		}
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

static __always_inline int parse_ipv6(const void *at, const void *end, struct packet *p,
				      const void **ret_l4, __u32 *ret_left)
{
	const struct ipv6hdr *ip = at;
	__u32 left;

	if ((const void *)(ip + 1) > end)
		return MTLB_REASON_no_header;
	__builtin_memcpy(&p->key.address, &ip->daddr, sizeof(p->key.address));
	__builtin_memcpy(&p->source, &ip->saddr, sizeof(p->source));
	p->traffic_class = (__u8)(core_be16(*(const __be16 *)ip) >> 4);
	p->ipv6 = true;

	left = core_be16(ip->payload_len);
	p->key.protocol = ip->nexthdr;
	if (unlikely(ip->version != 6 || left + sizeof(*ip) > core_distance(at, end) + p->beyond)) {
		p->trouble = MTLB_REASON_bad_ip;
		return 0;
	}
	p->ip_bytes = left + sizeof(*ip);
	p->protocol = p->key.protocol;
	p->l4 = sizeof(*ip);
	if (unlikely(parse_is_extension(p->key.protocol))) {
		p->trouble = MTLB_REASON_bad_extension; /* until they are read */
		return 0;
	}
	*ret_l4 = ip + 1;
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

/*
 * All but extension headers: a packet that has some comes back with bad_extension as its trouble,
 * and is read on by parse_extensions() and parse_transport(). The three are divided for the
 * verifier's sake; whoever need not mind calls parse_whole().
 */
static __always_inline int parse_packet(const void *data, const void *end, struct packet *p)
{
	const struct ethhdr *eth = data;
	const void *l4 = NULL;
	__u32 left = 0;
	__be16 protocol;
	int reason = 0;

	p->ip_bytes = core_distance(data, end) + p->beyond;
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

/* Sets its trouble, or where the L4 header begins. */
static __always_inline void parse_extensions(const void *data, const void *end, struct packet *p)
{
	const void *ip = data + (p->l3 & 0x1f);
	__u32 offset = sizeof(struct ipv6hdr), bytes = p->ip_bytes;
	__u8 protocol = p->key.protocol;

	p->trouble = MTLB_REASON_bad_extension;
	for (int i = 0; i <= PARSE_EXTENSIONS_MAX; i++) {
		const struct parse_extension *extension = ip + offset;
		__u32 length;

		if (!parse_is_extension(protocol)) {
			p->trouble = 0;
			break;
		}
		if ((const void *)(extension + 1) > end)
			break;
		length = (extension->length + 1U) * 8;
		if (protocol == IPPROTO_FRAGMENT) {
			const struct packet_fragment *fragment = (const void *)extension;

			length = sizeof(*fragment);
			if (p->fragment)
				break; /* a fragment of a fragment */
			/* one that is the whole datagram is treated as such (RFC 6946) */
			p->fragment = core_be16(fragment->offset) & 0xfff9;
			p->fragment_id = fragment->id;
			if (packet_is_later_fragment(p)) {
				p->trouble = MTLB_REASON_fragment;
				break;
			}
		}
		if (offset + length > bytes)
			break;
		protocol = extension->next;
		offset += length;
	}
	p->key.protocol = protocol;
	p->protocol = protocol;
	p->l4 = (__u16)offset;
}

/* What follows extension headers. Sets its trouble. */
static __always_inline void parse_transport(const void *data, const void *end, struct packet *p)
{
	/* eight of at most 2,048 bytes: the mask says so to the verifier */
	__u32 offset = p->l4 & 0x7fff;

	p->trouble = (__u16)parse_l4(data + (p->l3 & 0x1f) + offset, end, p->ip_bytes - offset, p);
}

static inline int parse_whole(const void *data, const void *end, struct packet *p)
{
	int reason = parse_packet(data, end, p);

	if (reason || p->trouble != MTLB_REASON_bad_extension)
		return reason;
	parse_extensions(data, end, p);
	if (!p->trouble)
		parse_transport(data, end, p);
	return 0;
}

#endif
