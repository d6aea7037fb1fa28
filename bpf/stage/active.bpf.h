/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Notes that a flow is active: abi/active.h. Owns mtlb_active. */
#ifndef MTLB_STAGE_ACTIVE_H
#define MTLB_STAGE_ACTIVE_H

#include "array.bpf.h"
#include "../abi/active.h"
#include "../core/packet.h"

ARRAY_MAP(mtlb_active, struct mtlb_active);

/*
 * Of a packet that came the straight way to a member, or to this node's own stack. Neither later
 * fragments nor replies of translated flows do, nor what is dropped.
 */
static __always_inline void active_mark(const struct packet *p)
{
	__u32 at = p->tenant, bit = mtlb_active_bit(p->hash);
	struct mtlb_active *active;
	__u64 *word;

	/* a SYN proves nothing of its sender, a router's word nothing of the flow */
	if (unlikely(packet_opens(p) || p->related))
		return;
	active = bpf_map_lookup_elem(&mtlb_active, &at);
	if (unlikely(!active))
		return;
	word = &active->column[mtlb_active_column(p->hash)][bit / 64];
	if (unlikely(!(*(volatile __u64 *)word >> (bit % 64) & 1)))
		__sync_fetch_and_or(word, 1ULL << (bit % 64));
}

#endif
