/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * QUIC packets whose connection ID names a server go there, wherever the client's address has moved
 * to. Owns mtlb_quic_ids. Others, and those that name a server that is gone or was let go, go by
 * their hash like any UDP flow.
 */
#ifndef MTLB_STAGE_QUIC_H
#define MTLB_STAGE_QUIC_H

#include <linux/udp.h>

#include "forward.bpf.h"
#include "../core/quic.h"

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, struct mtlb_quic_key);
	__type(value, struct mtlb_quic_value);
} mtlb_quic_ids SEC(".maps");

static __always_inline bool quic_same(const struct mtlb_quic_key *a, const struct mtlb_quic_key *b)
{
	return a->id == b->id && a->service == b->service && a->length == b->length;
}

/* 0: nobody. */
static __always_inline __u32 quic_member(const struct mtlb_vip *vip, __u64 id, __u32 bytes)
{
	struct mtlb_quic_key key = {.id = id, .service = vip->service, .length = bytes};
	const struct mtlb_quic_value *value = bpf_map_lookup_elem(&mtlb_quic_ids, &key);
	const struct mtlb_member *m;
	__u32 member;

	if (!value || !quic_same(&value->key, &key))
		return 0;
	member = value->member;
	m = forward_member(vip, member);
	return m && !(m->flags & (MTLB_MEMBER_LET_GO | MTLB_MEMBER_NO_NEXT_HOP)) ? member : 0;
}

static __always_inline __u32 quic_pick(struct xdp_md *ctx, const struct packet *p,
				       const struct mtlb_vip *vip)
{
	__u32 bytes = vip->flags >> MTLB_VIP_QUIC_SHIFT & MTLB_VIP_QUIC_MASK;
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	/* the masks tell the verifier what parse knows; eight extension headers fit in */
	const struct udphdr *udp = data + (p->l3 & 0x1f) + (p->l4 & 0x7fff);
	__u64 id;

	if (p->related || p->fragment || p->key.protocol != IPPROTO_UDP || (void *)(udp + 1) > end)
		return 0;
	if (!quic_server_id(udp + 1, end, core_be16(udp->len) - (__u32)sizeof(*udp), bytes, &id))
		return 0;
	return quic_member(vip, id, bytes);
}

#endif
