/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* ARRAY_MAP(name, type): an array that userspace maps into memory. The agent sets its length. */
#ifndef MTLB_STAGE_ARRAY_H
#define MTLB_STAGE_ARRAY_H

#include "knobs.bpf.h"

#define ARRAY_MAP(name, type_of_value)             \
	struct {                                   \
		__uint(type, BPF_MAP_TYPE_ARRAY);  \
		__uint(map_flags, BPF_F_MMAPABLE); \
		__uint(max_entries, 1);            \
		__type(key, __u32);                \
		__type(value, type_of_value);      \
	} name SEC(".maps")

#endif
