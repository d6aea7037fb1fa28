/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Sends the packet to its member: rewrites the MAC addresses (L2 DSR), or puts an outer header in
 * front (IPIP). Owns mtlb_members.
 */
#ifndef MTLB_STAGE_FORWARD_H
#define MTLB_STAGE_FORWARD_H

#include "knobs.bpf.h"
#include "../core/encap.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct mtlb_member);
} mtlb_members SEC(".maps");

/* NULL also when the member is another service's: what a stale flow remembers is never trusted; and
 * for member 0, nobody, whose record belongs to service 0, which is none.
 */
static __always_inline const struct mtlb_member *forward_member(const struct mtlb_vip *vip,
								__u32 member)
{
	const struct mtlb_member *m = bpf_map_lookup_elem(&mtlb_members, &member);

	return m && m->service == vip->service ? m : NULL;
}

static __always_inline int forward_direct(struct xdp_md *ctx, const struct mtlb_member *m)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = data;

	if ((void *)(eth + 1) > end)
		return MTLB_REASON_no_record;
	__builtin_memcpy(eth->h_dest, m->next_hop, ETH_ALEN);
	__builtin_memcpy(eth->h_source, m->source_mac, ETH_ALEN);
	return 0;
}

/* l3 is a constant at each call, so that the verifier and the JIT see fixed offsets. */
static __always_inline int forward_write(struct xdp_md *ctx, const struct packet *p,
					 const struct mtlb_member *m, __u32 l3)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;

	if (m->encap == MTLB_ENCAP_IPV4) {
		if (data + l3 + sizeof(struct iphdr) > end)
			return MTLB_REASON_no_record;
		encap_ethernet(data, m, p, core_be16(ETH_P_IP));
		encap_ipv4(data + l3, m, p);
	} else {
		if (data + l3 + sizeof(struct ipv6hdr) > end)
			return MTLB_REASON_no_record;
		encap_ethernet(data, m, p, core_be16(ETH_P_IPV6));
		encap_ipv6(data + l3, m, p);
	}
	return 0;
}

static __always_inline int forward_encap(struct xdp_md *ctx, struct packet *p,
					 const struct mtlb_member *m)
{
	__u32 outer = m->encap == MTLB_ENCAP_IPV4 ? sizeof(struct iphdr) : sizeof(struct ipv6hdr);

	if (unlikely(p->ip_bytes + outer > m->mtu)) {
		p->mtu = m->mtu > outer ? m->mtu - outer : 0;
		return MTLB_REASON_too_big;
	}
	if (unlikely(bpf_xdp_adjust_head(ctx, -(int)outer)))
		return MTLB_REASON_no_headroom;
	if (likely(p->l3 == 14))
		return forward_write(ctx, p, m, 14);
	return p->l3 == 18 ? forward_write(ctx, p, m, 18) : forward_write(ctx, p, m, 22);
}

static __always_inline int forward(struct xdp_md *ctx, struct packet *p)
{
	const struct mtlb_member *m = forward_member(p->vip, p->member);
	int reason;

	if (unlikely(!m))
		return p->member ? MTLB_REASON_no_record : MTLB_REASON_no_member;
	if (unlikely(m->flags & MTLB_MEMBER_NO_NEXT_HOP))
		return MTLB_REASON_no_next_hop;
	if (m->encap == MTLB_ENCAP_NONE) {
		if (unlikely(p->ip_bytes > m->mtu)) {
			p->mtu = m->mtu;
			return MTLB_REASON_too_big;
		}
		reason = forward_direct(ctx, m);
	} else {
		reason = forward_encap(ctx, p, m);
	}
	if (unlikely(reason))
		return reason;
	p->ifindex = m->ifindex;
	return p->ifindex == ctx->ingress_ifindex ? MTLB_REASON_sent : MTLB_REASON_redirected;
}

#endif
