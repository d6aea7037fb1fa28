/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Arrays of what the numbers in the other maps stand for (abi/names.h): hardly a packet reads them.
 */
#ifndef MTLB_STAGE_NAMES_H
#define MTLB_STAGE_NAMES_H

#include "knobs.bpf.h"
#include "../abi/names.h"

#define NAMES_MAP(name, type_of_value)             \
	struct {                                   \
		__uint(type, BPF_MAP_TYPE_ARRAY);  \
		__uint(map_flags, BPF_F_MMAPABLE); \
		__uint(max_entries, 1);            \
		__type(key, __u32);                \
		__type(value, type_of_value);      \
	} name SEC(".maps")

NAMES_MAP(mtlb_node, struct mtlb_node);
NAMES_MAP(mtlb_tenants, struct mtlb_tenant);
NAMES_MAP(mtlb_services, struct mtlb_service);
NAMES_MAP(mtlb_member_names, struct mtlb_member_name);

#endif
