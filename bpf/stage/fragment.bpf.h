/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Fragments: owns mtlb_fragments and mtlb_held. */
#ifndef MTLB_STAGE_FRAGMENT_H
#define MTLB_STAGE_FRAGMENT_H

#include "knobs.bpf.h"
#include "../abi/fragment.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct mtlb_flow_bucket);
} mtlb_fragments SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 20);
} mtlb_held SEC(".maps");

#endif
