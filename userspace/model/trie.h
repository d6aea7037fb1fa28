/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Makes the trie that packets' sources are looked up in (bpf/abi/guard.h) from a list of prefixes,
 * and looks addresses up in it as packets do, for tools and tests. Pure.
 */
#ifndef MTLB_MODEL_TRIE_H
#define MTLB_MODEL_TRIE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../../bpf/abi/guard.h"

struct trie_prefix {
	struct mtlb_address address; /* IPv4 in the mapped form; what follows length is ignored */
	uint8_t length;		     /* bits, 0-128: an IPv4 prefix's own and 96 */
	uint32_t entry;		     /* of a rule: its index, and MTLB_ENTRY_DENY or not */
};

struct trie {
	struct mtlb_trie_node *nodes;
	struct mtlb_trie_record *records;
	uint32_t node_count, record_count;
	uint32_t node_first, record_first; /* what their indices in entries begin with */
	uint32_t root[MTLB_GUARD_FAMILIES];
};

/*
 * Of prefixes in any order; of the same one twice the first holds, so lists go in by precedence.
 * IPv4 addresses meet those of the mapped form with 96 bits and more, IPv6 addresses all others.
 * defaults: the entry for what no prefix matches. There are fewer lines of nodes than prefixes
 * (nearly always no more than half as many), and fewer than two records for each. 0, -EINVAL (a
 * length above 128, an entry that is no rule), -E2BIG or -ENOMEM; ret_trie is then empty.
 */
int trie_build(const struct trie_prefix *prefixes, size_t count,
	       const uint32_t defaults[MTLB_GUARD_FAMILIES], struct trie *ret_trie);
/* For a place among others: indices begin with 0 until it is called. */
void trie_relocate(struct trie *trie, uint32_t node_first, uint32_t record_first);
void trie_fini(struct trie *trie);

/* The entry of the rule that decides about this address; 0: none. Bounds are checked, so that it
 * can be asked of the maps of a running dataplane (firsts 0, counts the maps' lengths).
 */
uint32_t trie_look_up(const struct trie *trie, const struct mtlb_address *address, bool ipv6);

#endif
