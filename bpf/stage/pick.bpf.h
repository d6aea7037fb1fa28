/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Which slot of the service's Maglev table does the flow fall in? Owns mtlb_slots. */
#ifndef MTLB_STAGE_PICK_H
#define MTLB_STAGE_PICK_H

#include "knobs.bpf.h"
#include "../abi/flow.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct mtlb_slot_line);
} mtlb_slots SEC(".maps");

static __always_inline bool pick_read(__u32 first, __u32 count, __u64 hash, __u32 *ret_slot)
{
	__u32 at = first + mtlb_slot_of(mtlb_flow_slot_hash(hash), count);
	__u32 line_at = at / MTLB_SLOTS_PER_LINE;
	const struct mtlb_slot_line *line = bpf_map_lookup_elem(&mtlb_slots, &line_at);

	if (unlikely(!line))
		return false;
	*ret_slot = line->slot[at % MTLB_SLOTS_PER_LINE];
	return true;
}

static __always_inline int pick(struct packet *p)
{
	const struct mtlb_vip *vip = p->vip;

	if (unlikely(!vip->slot_count))
		return MTLB_REASON_no_member;
	if (unlikely(!pick_read(vip->slot_first, vip->slot_count, p->hash, &p->slot)))
		return MTLB_REASON_no_record;
	return 0;
}

/* Who owned the hash when its slot was flagged; 0 when nothing is known. */
static __always_inline __u32 pick_old_owner(const struct mtlb_vip *vip, __u64 hash)
{
	__u32 slot;

	if (!vip->old_count || !pick_read(vip->old_first, vip->old_count, hash, &slot))
		return 0;
	return slot & MTLB_SLOT_MEMBER;
}

#endif
