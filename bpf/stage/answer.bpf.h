/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the node says itself, in a VIP's name. It tells the client when its packet would not fit the
 * way to the member: ICMP Fragmentation Needed (RFC 1191) or ICMPv6 Packet Too Big (RFC 8201), so
 * that path MTU discovery finds the size that leaves room for the outer header. And it answers echo
 * requests for VIPs that ask for that. Each tenant has a budget of its own, so that one tenant's
 * senders cannot use up another's answers. Owns mtlb_answer_budgets.
 */
#ifndef MTLB_STAGE_ANSWER_H
#define MTLB_STAGE_ANSWER_H

#include "classify.bpf.h"
#include "../abi/counter.h"
#include "../core/encap.h"
#include "../core/icmp.h"

#define ANSWER_WINDOW_SHIFT 27	  /* 134 ms */
#define ANSWER_WINDOW_COUNT 0xffU /* lowest bits: spent in the window */
#define ANSWER_WINDOW_MAX   64U

/* What the error carries of the packet: its IP header and the eight bytes that name its flow. */
#define ANSWER_QUOTE 8

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct mtlb_answer_budget);
} mtlb_answer_budgets SEC(".maps");

struct answer_ipv4 {
	struct iphdr ip;
	struct icmp_header icmp;
	struct iphdr quoted;
	__u8 rest[ANSWER_QUOTE];
};

struct answer_ipv6 {
	struct ipv6hdr ip;
	struct icmp_header icmp;
	struct ipv6hdr quoted;
	__u8 rest[ANSWER_QUOTE];
};

/* Of the checksum of ICMPv6 (RFC 8200, 8.1). */
struct answer_pseudo {
	struct mtlb_address source, destination;
	__be32 length;
	__be32 next;
};

static __always_inline struct mtlb_answer_budget *answer_budget(const struct packet *p)
{
	__u32 at = bpf_get_smp_processor_id() * knob_tenants + p->tenant;

	return bpf_map_lookup_elem(&mtlb_answer_budgets, &at);
}

/* Is something left of a word of it? Whoever spends it adds one. */
static __always_inline bool answer_left(__u64 *spent, __u32 max)
{
	__u64 window = bpf_ktime_get_coarse_ns() >> ANSWER_WINDOW_SHIFT << 8;

	if ((*spent & ~(__u64)ANSWER_WINDOW_COUNT) != window)
		*spent = window;
	return (*spent & ANSWER_WINDOW_COUNT) < max;
}

static __always_inline __u16 answer_fold(__s64 sum)
{
	return encap_fold((__u32)((sum & 0xffffffff) + ((__u64)sum >> 32)));
}

/* Keeps what is quoted, makes room for the two headers in front, and turns the Ethernet around. */
static __always_inline int answer_resize(struct xdp_md *ctx, const struct packet *p, __u32 quoted,
					 __u32 headers)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	__u32 length = (__u32)bpf_xdp_get_buff_len(ctx);
	struct mtlb_member back = {};
	struct ethhdr *eth = data;

	if ((void *)(eth + 1) > end)
		return MTLB_REASON_too_big;
	__builtin_memcpy(back.next_hop, eth->h_source, ETH_ALEN);
	__builtin_memcpy(back.source_mac, eth->h_dest, ETH_ALEN);
	if (bpf_xdp_adjust_tail(ctx, (int)(p->l3 + quoted) - (int)length) ||
	    bpf_xdp_adjust_head(ctx, -(int)headers))
		return MTLB_REASON_no_headroom;
	data = (void *)(long)ctx->data;
	end = (void *)(long)ctx->data_end;
	if (data + 22 > end)
		return MTLB_REASON_no_headroom;
	encap_ethernet(data, &back, p, p->ipv6 ? core_be16(ETH_P_IPV6) : core_be16(ETH_P_IP));
	return 0;
}

/* The sizes are constants at each call. */
static __always_inline int answer_send(struct xdp_md *ctx, const struct packet *p,
				       const void *answer, __u32 quoted, __u32 headers)
{
	int reason = answer_resize(ctx, p, quoted, headers);
	void *to = (void *)(long)ctx->data + (p->l3 & 0x1f);

	if (reason)
		return reason;
	if (to + headers + quoted > (void *)(long)ctx->data_end)
		return MTLB_REASON_no_headroom;
	__builtin_memcpy(to, answer, headers + quoted);
	return MTLB_REASON_told_too_big;
}

static __always_inline int answer_ipv4(struct xdp_md *ctx, const struct packet *p)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct answer_ipv4 answer = {};
	const struct iphdr *ip;

	ip = data + (p->l3 & 0x1f);
	if ((void *)(ip + 1) + ANSWER_QUOTE > end)
		return MTLB_REASON_too_big;
	/* the sender allows routers to fragment it, or it has options: not worth an answer */
	if (!(ip->frag_off & core_be16(0x4000)) || ip->ihl != 5)
		return MTLB_REASON_too_big;
	__builtin_memcpy(&answer.quoted, ip, sizeof(answer.quoted) + ANSWER_QUOTE);
	answer.ip.version = 4;
	answer.ip.ihl = 5;
	answer.ip.tot_len = core_be16(sizeof(answer));
	answer.ip.ttl = ENCAP_TTL;
	answer.ip.protocol = IPPROTO_ICMP;
	answer.ip.saddr = ip->daddr;
	answer.ip.daddr = ip->saddr;
	answer.ip.check =
		answer_fold(bpf_csum_diff(NULL, 0, (__be32 *)&answer.ip, sizeof(answer.ip), 0));
	answer.icmp.type = ICMP4_UNREACHABLE;
	answer.icmp.code = ICMP4_CODE_FRAGMENTATION_NEEDED;
	answer.icmp.rest = core_be32(p->mtu);
	answer.icmp.checksum = answer_fold(bpf_csum_diff(NULL, 0, (__be32 *)&answer.icmp,
							 sizeof(answer) - sizeof(answer.ip), 0));

	return answer_send(ctx, p, &answer, sizeof(answer.quoted) + ANSWER_QUOTE,
			   sizeof(answer.ip) + sizeof(answer.icmp));
}

static __always_inline int answer_ipv6(struct xdp_md *ctx, const struct packet *p)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct answer_pseudo pseudo = {};
	struct answer_ipv6 answer = {};
	const struct ipv6hdr *ip;
	__s64 sum;

	ip = data + (p->l3 & 0x1f);
	if ((void *)(ip + 1) + ANSWER_QUOTE > end)
		return MTLB_REASON_too_big;
	__builtin_memcpy(&answer.quoted, ip, sizeof(answer.quoted) + ANSWER_QUOTE);
	*(__be32 *)&answer.ip = core_be32(0x60000000U);
	answer.ip.payload_len = core_be16(sizeof(answer) - sizeof(answer.ip));
	answer.ip.nexthdr = IPPROTO_ICMPV6;
	answer.ip.hop_limit = ENCAP_TTL;
	answer.ip.saddr = ip->daddr;
	answer.ip.daddr = ip->saddr;
	answer.icmp.type = ICMP6_TOO_BIG;
	answer.icmp.rest = core_be32(p->mtu);

	__builtin_memcpy(&pseudo.source, &answer.ip.saddr, sizeof(pseudo.source));
	__builtin_memcpy(&pseudo.destination, &answer.ip.daddr, sizeof(pseudo.destination));
	pseudo.length = core_be32(sizeof(answer) - sizeof(answer.ip));
	pseudo.next = core_be32(IPPROTO_ICMPV6);
	sum = bpf_csum_diff(NULL, 0, (__be32 *)&pseudo, sizeof(pseudo), 0);
	sum = bpf_csum_diff(NULL, 0, (__be32 *)&answer.icmp, sizeof(answer) - sizeof(answer.ip),
			    (__wsum)sum);
	answer.icmp.checksum = answer_fold(sum);

	return answer_send(ctx, p, &answer, sizeof(answer.quoted) + ANSWER_QUOTE,
			   sizeof(answer.ip) + sizeof(answer.icmp));
}

/* Out of line for the verifier's sake, as in track.bpf.h. */
__attribute__((noinline)) int answer_too_big(struct xdp_md *ctx, struct packet *p)
{
	if (!p)
		return MTLB_REASON_too_big;
	return p->ipv6 ? answer_ipv6(ctx, p) : answer_ipv4(ctx, p);
}

/* An error is never answered with an error (RFC 1122, 3.2.2; RFC 4443, 2.4). */
static __always_inline int answer(struct xdp_md *ctx, struct packet *p, int reason)
{
	struct mtlb_answer_budget *budget;

	if (!p->mtu || p->related || packet_is_later_fragment(p))
		return reason;
	budget = answer_budget(p);
	if (!budget || !answer_left(&budget->answers, ANSWER_WINDOW_MAX))
		return reason;
	reason = answer_too_big(ctx, p);
	if (reason == MTLB_REASON_told_too_big)
		budget->answers++; /* what deserves no answer does not use them up */
	return reason;
}

/* RFC 1624, equation 3, for the first byte of a word. */
static __always_inline __u16 answer_rewrite(__u16 checksum, __u8 was, __u8 is)
{
	return encap_fold((__u16)~checksum + (__u32)(__u16) ~(__u16)was + is);
}

/* The request itself becomes the reply: addresses change places, and the type changes. */
static __always_inline int answer_turn(struct xdp_md *ctx, const struct packet *p)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	void *l3 = data + (p->l3 & 0x1f);
	struct icmp_header *icmp = l3 + (p->l4 & 0x7fff); /* eight extension headers */
	struct mtlb_member back = {};
	struct ethhdr *eth = data;

	if ((void *)(icmp + 1) > end || data + 22 > end)
		return MTLB_REASON_icmp;
	if (p->ipv6) {
		struct ipv6hdr *ip = l3;

		if ((void *)(ip + 1) > end || icmp->type != ICMP6_ECHO_REQUEST || icmp->code)
			return MTLB_REASON_icmp;
		__builtin_memcpy(&ip->saddr, &p->key.address, sizeof(ip->saddr));
		__builtin_memcpy(&ip->daddr, &p->source, sizeof(ip->daddr));
		ip->hop_limit = ENCAP_TTL;
		icmp->type = ICMP6_ECHO_REPLY;
		icmp->checksum =
			answer_rewrite(icmp->checksum, ICMP6_ECHO_REQUEST, ICMP6_ECHO_REPLY);
	} else {
		struct iphdr *ip = l3;
		__u8 ttl;

		if ((void *)(ip + 1) > end || icmp->type != ICMP4_ECHO_REQUEST || icmp->code)
			return MTLB_REASON_icmp;
		ip->saddr = p->key.address.word[3];
		ip->daddr = p->source.word[3];
		ttl = ip->ttl;
		ip->ttl = ENCAP_TTL;
		ip->check = answer_rewrite(ip->check, ttl, ENCAP_TTL);
		icmp->type = ICMP4_ECHO_REPLY;
		/* the equation says 0 also when everything else has become 0, where 0xffff is the
		 * only right sum; where 0 is right, that is as well
		 */
		icmp->checksum =
			answer_rewrite(icmp->checksum, ICMP4_ECHO_REQUEST, ICMP4_ECHO_REPLY)
				?: 0xffff;
	}
	__builtin_memcpy(back.next_hop, eth->h_source, ETH_ALEN);
	__builtin_memcpy(back.source_mac, eth->h_dest, ETH_ALEN);
	encap_ethernet(data, &back, p, p->ipv6 ? core_be16(ETH_P_IPV6) : core_be16(ETH_P_IP));
	return MTLB_REASON_echoed;
}

/* Out of line for the verifier's sake. */
__attribute__((noinline)) int answer_echo_request(struct xdp_md *ctx, struct packet *p)
{
	return p ? answer_turn(ctx, p) : MTLB_REASON_icmp;
}

static __always_inline int answer_echo(struct xdp_md *ctx, struct packet *p,
				       const struct mtlb_vip *vip)
{
	struct mtlb_answer_budget *budget;
	int reason;

	if (!(vip->flags & MTLB_VIP_ECHO) || p->fragment ||
	    p->protocol != (p->ipv6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP))
		return MTLB_REASON_icmp;
	budget = answer_budget(p);
	if (!budget || !answer_left(&budget->answers, ANSWER_WINDOW_MAX))
		return MTLB_REASON_icmp;
	reason = answer_echo_request(ctx, p);
	if (reason == MTLB_REASON_echoed)
		budget->answers++;
	return reason;
}

#endif
