/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Which tenants are under attack: owns mtlb_defences. The agent decides, packets ask. */
#ifndef MTLB_STAGE_DEFENCE_H
#define MTLB_STAGE_DEFENCE_H

#include "array.bpf.h"
#include "../abi/defence.h"
#include "../core/packet.h"

ARRAY_MAP(mtlb_defences, struct mtlb_defence);

/* Out of line, since what calls it is on the straight way, and few packets are asked about. */
__attribute__((noinline)) int defence_on(__u32 tenant)
{
	const struct mtlb_defence *defence = bpf_map_lookup_elem(&mtlb_defences, &tenant);

	return defence && *(volatile const __u32 *)&defence->on;
}

#endif
