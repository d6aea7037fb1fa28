// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "lists.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>

#include "selftests/host/dice.h"
#include "userspace/model/trie.h"

#define OURS 0x0a000000U /* 10.0.0.0/8 */

/* As feeds are: two thirds are single addresses, the rest networks down to /16. */
static struct trie_prefix make_prefix(struct dice *dice, uint32_t rule)
{
	uint32_t bits = dice_throw(dice, 3) ? 32 : 16 + dice_throw(dice, 16);
	uint32_t address;

	do
		address = dice_throw(dice, 0xdfffffff) | 0x01000000U;
	while ((address & 0xff000000U) == OURS);
	return (struct trie_prefix){
		.address = {.word = {0, 0, htonl(0xffff), htonl(address)}},
		.length = (uint8_t)(96 + bits),
		.entry = rule | MTLB_ENTRY_DENY,
	};
}

int lists_put(struct dataplane *dataplane, uint32_t tenant, uint32_t count, uint32_t first)
{
	const uint32_t nothing[MTLB_GUARD_FAMILIES] = {};
	struct trie_prefix *prefixes = calloc(count, sizeof(*prefixes));
	struct mtlb_guard guard = {.flags = tenant ? 0 : MTLB_GUARD_TCP_FLAGS | MTLB_GUARD_LAND};
	struct dice dice = {tenant};
	struct trie trie = {};
	int error = prefixes ? 0 : -ENOMEM;

	for (uint32_t i = 0; !error && i < count; i++) {
		prefixes[i] = make_prefix(&dice, tenant ? MTLB_RULES_OF_NODE + i : MTLB_RULE_FEEDS);
		if (!tenant || i % 5)
			continue;
		/* every fifth line of a tenant's allows some of ours */
		prefixes[i].address.word[3] = htonl(OURS | dice_throw(&dice, 1U << 24));
		prefixes[i].length = (uint8_t)(96 + 9 + dice_throw(&dice, 8));
		prefixes[i].entry &= ~MTLB_ENTRY_DENY;
	}
	error = error ?: trie_build(prefixes, count, nothing, &trie);
	free(prefixes);
	if (error)
		return error;
	trie_relocate(&trie, first, 2 * first);
	guard.root[0] = trie.root[0];
	guard.root[1] = trie.root[1];
	guard.node_first = first;
	guard.node_count = trie.node_count;
	guard.record_first = 2 * first;
	guard.record_count = trie.record_count;
	error = dataplane_put_trie(dataplane, first, trie.nodes, trie.node_count, 2 * first,
				   trie.records, trie.record_count);
	error = error ?: dataplane_put_guard(dataplane, tenant, &guard);
	trie_fini(&trie);
	return error;
}
