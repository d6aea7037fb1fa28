/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Who may not send, and what nobody honest sends: abi/guard.h. Owns mtlb_guards, mtlb_trie_nodes,
 * mtlb_trie_records, mtlb_guard_ports, mtlb_rules and mtlb_rule_counters.
 */
#ifndef MTLB_STAGE_GUARD_H
#define MTLB_STAGE_GUARD_H

#include "knobs.bpf.h"
#include "../abi/guard.h"

#define GUARD_MAP(name, type_of_value)             \
	struct {                                   \
		__uint(type, BPF_MAP_TYPE_ARRAY);  \
		__uint(map_flags, BPF_F_MMAPABLE); \
		__uint(max_entries, 1);            \
		__type(key, __u32);                \
		__type(value, type_of_value);      \
	} name SEC(".maps")

GUARD_MAP(mtlb_guards, struct mtlb_guard);
GUARD_MAP(mtlb_trie_nodes, struct mtlb_trie_node);
GUARD_MAP(mtlb_trie_records, struct mtlb_trie_record);
GUARD_MAP(mtlb_guard_ports, __u64);
GUARD_MAP(mtlb_rules, struct mtlb_rule);
GUARD_MAP(mtlb_rule_counters, struct mtlb_rule_counter);

#endif
