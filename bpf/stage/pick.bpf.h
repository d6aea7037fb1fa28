/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Which slot of the service's Maglev table does the flow fall in? Owns mtlb_slots. What a service
 * may ask for besides (affinity, QUIC's connection IDs, MSS clamping) is out of line, behind one
 * test.
 */
#ifndef MTLB_STAGE_PICK_H
#define MTLB_STAGE_PICK_H

#include "mss.bpf.h"
#include "quic.bpf.h"
#include "../abi/flow.h"
#include "../core/hash.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct mtlb_slot_line);
} mtlb_slots SEC(".maps");

static __always_inline bool pick_read(__u32 first, __u32 count, __u32 slot_hash, __u32 *ret_slot)
{
	__u32 at = first + mtlb_slot_of(slot_hash, count);
	__u32 line_at = at / MTLB_SLOTS_PER_LINE;
	const struct mtlb_slot_line *line = bpf_map_lookup_elem(&mtlb_slots, &line_at);

	if (unlikely(!line))
		return false;
	*ret_slot = line->slot[at % MTLB_SLOTS_PER_LINE];
	return true;
}

/*
 * Out of line for the verifier's sake, as in track.bpf.h. Affinity changes what the slot is chosen
 * by, and not the flow's own hash: flows of one client share their slot, and nothing else, or an
 * old connection would be taken for a new one beside it.
 */
__attribute__((noinline)) int pick_unusual(struct xdp_md *ctx, struct packet *p)
{
	const struct mtlb_vip *vip;
	__u32 record, mss;

	if (!p)
		return MTLB_REASON_no_record;
	record = p->record;
	vip = bpf_map_lookup_elem(&mtlb_vip_records, &record);
	if (!vip)
		return MTLB_REASON_no_record;
	if (vip->flags & MTLB_VIP_LOCAL)
		return MTLB_REASON_local; /* there is nothing to choose: see detour */
	if (vip->flags & MTLB_VIP_CLIENT)
		p->slot_hash =
			(__u32)hash_client(&p->source, p->ipv6, knob_hash_key_0, knob_hash_key_1);
	else if (vip->flags & MTLB_VIP_ALONE)
		p->slot_hash = bpf_get_prandom_u32();
	if (vip->flags & MTLB_VIP_QUIC_MASK << MTLB_VIP_QUIC_SHIFT)
		p->member = quic_pick(ctx, p, vip);
	mss = vip->flags >> MTLB_VIP_MSS_SHIFT;
	if (mss && p->key.protocol == IPPROTO_TCP && p->tcp_flags & PACKET_TCP_SYN &&
	    !p->fragment && !p->related)
		mss_clamp(ctx, p->l3 + p->l4, mss);
	return 0;
}

static __always_inline int pick(struct xdp_md *ctx, struct packet *p)
{
	const struct mtlb_vip *vip = p->vip;

	p->slot_hash = mtlb_flow_slot_hash(p->hash);
	if (unlikely(vip->flags & MTLB_VIP_UNUSUAL)) {
		int reason = pick_unusual(ctx, p);

		vip = p->vip = bpf_map_lookup_elem(&mtlb_vip_records, &p->record);
		if (unlikely(!vip))
			return MTLB_REASON_no_record;
		if (reason || p->member)
			return reason;
	}
	if (unlikely(!vip->slot_count))
		return MTLB_REASON_no_member;
	if (unlikely(!pick_read(vip->slot_first, vip->slot_count, p->slot_hash, &p->slot)))
		return MTLB_REASON_no_record;
	return 0;
}

/* Who owned the hash when its slot was flagged; 0 when nothing is known. */
static __always_inline __u32 pick_old_owner(const struct mtlb_vip *vip, __u32 slot_hash)
{
	__u32 slot;

	if (!vip->old_count || !pick_read(vip->old_first, vip->old_count, slot_hash, &slot))
		return 0;
	return slot & MTLB_SLOT_MEMBER;
}

#endif
