/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Sends the packet to its member: rewrites the MAC addresses (L2 DSR), or puts outer headers in
 * front (IPIP, GUE), and changes its VLAN tag where members have another. Owns mtlb_members.
 */
#ifndef MTLB_STAGE_FORWARD_H
#define MTLB_STAGE_FORWARD_H

#include "knobs.bpf.h"
#include "nat_write.bpf.h"
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

/* l3 and encap are constants at each call, so that the verifier and the JIT see fixed offsets. */
static __always_inline int forward_write(struct xdp_md *ctx, const struct packet *p,
					 const struct mtlb_member *m, __u32 l3, __u8 encap)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	bool gue = encap >= MTLB_ENCAP_GUE4;
	bool ipv4 = encap == MTLB_ENCAP_IPV4 || encap == MTLB_ENCAP_GUE4;
	__u8 protocol = gue ? IPPROTO_UDP : encap_inner_protocol(p);
	__u32 bytes = gue ? p->ip_bytes + (__u32)sizeof(struct udphdr) : p->ip_bytes;

	if (data + l3 + encap_bytes(encap) > end)
		return MTLB_REASON_no_record;
	encap_ethernet(data, m, p, ipv4 ? core_be16(ETH_P_IP) : core_be16(ETH_P_IPV6));
	if (ipv4)
		encap_ipv4(data + l3, m, p, protocol, bytes);
	else
		encap_ipv6(data + l3, m, p, protocol, bytes);
	if (encap == MTLB_ENCAP_GUE4)
		encap_udp(data + l3 + sizeof(struct iphdr), end, m, p);
	else if (encap == MTLB_ENCAP_GUE6)
		encap_udp(data + l3 + sizeof(struct ipv6hdr), end, m, p);
	return 0;
}

static __always_inline int forward_write_tagged(struct xdp_md *ctx, const struct packet *p,
						const struct mtlb_member *m, __u8 encap)
{
	if (likely(p->l3 == 14))
		return forward_write(ctx, p, m, 14, encap);
	return p->l3 == 18 ? forward_write(ctx, p, m, 18, encap)
			   : forward_write(ctx, p, m, 22, encap);
}

/*
 * Members may be on another VLAN than clients: the tag they are to be reached with takes the place
 * of those the packet came with, or none does. Returns how many bytes the frame grows in front.
 */
static __always_inline int forward_retag(struct packet *p, const struct mtlb_member *m)
{
	int was = p->l3;

	if (m->flags & MTLB_MEMBER_TAG) {
		p->tag[0] = core_be16(ETH_P_8021Q) | (__u32)m->vlan << 16;
		p->l3 = 18;
	} else if (m->flags & MTLB_MEMBER_UNTAG) {
		p->l3 = 14;
	}
	return p->l3 - was;
}

/* Out of line for the verifier's sake: it would follow each kind of outer header with each number
 * of tags, for each way that leads here. Untagged IPIP is on the straight way.
 */
__attribute__((noinline)) int forward_write_any(struct xdp_md *ctx, struct packet *p, __u32 member)
{
	const struct mtlb_member *m = bpf_map_lookup_elem(&mtlb_members, &member);

	if (!m || !p)
		return MTLB_REASON_no_record;
	switch (m->encap) {
	case MTLB_ENCAP_IPV4:
		return forward_write_tagged(ctx, p, m, MTLB_ENCAP_IPV4);
	case MTLB_ENCAP_IPV6:
		return forward_write_tagged(ctx, p, m, MTLB_ENCAP_IPV6);
	case MTLB_ENCAP_GUE4:
		return forward_write_tagged(ctx, p, m, MTLB_ENCAP_GUE4);
	default:
		return forward_write_tagged(ctx, p, m, MTLB_ENCAP_GUE6);
	}
}

static __always_inline int forward_encap(struct xdp_md *ctx, struct packet *p,
					 const struct mtlb_member *m)
{
	__u32 outer = encap_bytes(m->encap);
	int grow = (int)outer;

	if (unlikely(p->ip_bytes + outer > m->mtu)) {
		p->mtu = m->mtu > outer ? m->mtu - outer : 0;
		return MTLB_REASON_too_big;
	}
	if (unlikely(m->flags & (MTLB_MEMBER_TAG | MTLB_MEMBER_UNTAG)))
		grow += forward_retag(p, m);
	if (unlikely(bpf_xdp_adjust_head(ctx, -grow)))
		return MTLB_REASON_no_headroom;
	if (unlikely(p->l3 != 14 || m->encap > MTLB_ENCAP_IPV6))
		return forward_write_any(ctx, p, p->member);
	return m->encap == MTLB_ENCAP_IPV4 ? forward_write(ctx, p, m, 14, MTLB_ENCAP_IPV4)
					   : forward_write(ctx, p, m, 14, MTLB_ENCAP_IPV6);
}

/* L2 DSR, and what NAT has already translated: only the way changes. */
static __always_inline int forward_direct(struct xdp_md *ctx, struct packet *p,
					  const struct mtlb_member *m)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;

	if (unlikely(p->ip_bytes > m->mtu)) {
		p->mtu = m->mtu;
		return MTLB_REASON_too_big;
	}
	if (unlikely(m->flags & (MTLB_MEMBER_TAG | MTLB_MEMBER_UNTAG))) {
		int grow = forward_retag(p, m);

		if (grow && bpf_xdp_adjust_head(ctx, -grow))
			return MTLB_REASON_no_headroom;
		data = (void *)(long)ctx->data;
		end = (void *)(long)ctx->data_end;
		if (data + 22 > end)
			return MTLB_REASON_no_record;
		encap_ethernet(data, m, p, p->ipv6 ? core_be16(ETH_P_IPV6) : core_be16(ETH_P_IP));
		return 0;
	}
	if (data + sizeof(struct ethhdr) > end)
		return MTLB_REASON_no_record;
	__builtin_memcpy(((struct ethhdr *)data)->h_dest, m->next_hop, ETH_ALEN);
	__builtin_memcpy(((struct ethhdr *)data)->h_source, m->source_mac, ETH_ALEN);
	return 0;
}

/* Out of line, so that the straight way of the others stays short. */
__attribute__((noinline)) int forward_nat(struct xdp_md *ctx, struct packet *p, __u32 member)
{
	const struct mtlb_member *m = bpf_map_lookup_elem(&mtlb_members, &member);
	int reason;

	if (!m || !p)
		return MTLB_REASON_no_record;
	if (p->ip_bytes > m->mtu) {
		p->mtu = m->mtu; /* the client is told with its packet as it came */
		return MTLB_REASON_too_big;
	}
	reason = nat_write_request(ctx, p, m);
	return reason ? reason : forward_direct(ctx, p, m);
}

static __always_inline int forward_to(struct xdp_md *ctx, struct packet *p,
				      const struct mtlb_member *m)
{
	int reason;

	if (unlikely(m->flags & MTLB_MEMBER_NO_NEXT_HOP))
		return MTLB_REASON_no_next_hop;
	if (m->encap == MTLB_ENCAP_NONE)
		reason = forward_direct(ctx, p, m);
	else if (unlikely(m->encap == MTLB_ENCAP_NAT))
		reason = forward_nat(ctx, p, p->member);
	else
		reason = forward_encap(ctx, p, m);
	if (unlikely(reason))
		return reason;
	p->ifindex = m->ifindex;
	return p->ifindex == ctx->ingress_ifindex ? MTLB_REASON_sent : MTLB_REASON_redirected;
}

static __always_inline int forward(struct xdp_md *ctx, struct packet *p)
{
	const struct mtlb_member *m = forward_member(p->vip, p->member);

	if (unlikely(!m))
		return p->member ? MTLB_REASON_no_record : MTLB_REASON_no_member;
	return forward_to(ctx, p, m);
}

#endif
