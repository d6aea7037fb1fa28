/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Address translation: owns mtlb_nat_ways. */
#ifndef MTLB_STAGE_NAT_H
#define MTLB_STAGE_NAT_H

#include "knobs.bpf.h"
#include "../abi/nat.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct mtlb_nat_way);
} mtlb_nat_ways SEC(".maps");

#endif
