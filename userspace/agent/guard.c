// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "guard.h"

#include <errno.h>

static const struct mtlb_guard *guard_at(const struct registry *registry, uint32_t index)
{
	return &dataplane_view(registry->dataplane)->guards[index];
}

void guard_mark(struct registry *registry, uint32_t index)
{
	const struct mtlb_guard *guard = guard_at(registry, index);

	ranges_mark(&registry->trie_nodes, guard->node_first, guard->node_count);
	ranges_mark(&registry->trie_records, guard->record_first, guard->record_count);
	if (!guard->changing)
		return;
	ranges_mark(&registry->trie_nodes, guard->next_node_first, guard->next_node_count);
	ranges_mark(&registry->trie_records, guard->next_record_first, guard->next_record_count);
}

static void give_back(struct registry *registry, const struct mtlb_guard *guard)
{
	ranges_give_back(&registry->trie_nodes, guard->node_first, guard->node_count);
	ranges_give_back(&registry->trie_records, guard->record_first, guard->record_count);
	if (!guard->changing)
		return;
	ranges_give_back(&registry->trie_nodes, guard->next_node_first, guard->next_node_count);
	ranges_give_back(&registry->trie_records, guard->next_record_first,
			 guard->next_record_count);
}

static int take(struct registry *registry, struct ranges *ranges, uint32_t count,
		uint32_t *ret_first)
{
	*ret_first = ranges_take(ranges, count);
	if (count && !*ret_first && ranges->at_rest && !registry_settle(registry))
		*ret_first = ranges_take(ranges, count);
	return count && !*ret_first ? -ENOSPC : 0;
}

int guard_switch(struct registry *registry, uint32_t index, struct trie *trie,
		 const struct mtlb_guard *settings)
{
	struct mtlb_guard before = *guard_at(registry, index), guard = *settings;
	int error;

	guard.node_count = trie->node_count;
	guard.record_count = trie->record_count;
	error = take(registry, &registry->trie_nodes, trie->node_count, &guard.node_first);
	if (error)
		return error;
	error = take(registry, &registry->trie_records, trie->record_count, &guard.record_first);
	if (error) {
		ranges_give_back(&registry->trie_nodes, guard.node_first, guard.node_count);
		return error;
	}
	trie_relocate(trie, guard.node_first, guard.record_first);
	for (int family = 0; family < MTLB_GUARD_FAMILIES; family++)
		guard.root[family] = trie->root[family];
	error = trie->node_count + trie->record_count
			? dataplane_put_trie(registry->dataplane, guard.node_first, trie->nodes,
					     trie->node_count, guard.record_first, trie->records,
					     trie->record_count)
			: 0;
	error = error ?: dataplane_put_guard(registry->dataplane, index, &guard);
	if (error) {
		ranges_give_back(&registry->trie_nodes, guard.node_first, guard.node_count);
		ranges_give_back(&registry->trie_records, guard.record_first, guard.record_count);
		return error;
	}
	give_back(registry, &before);
	return 0;
}

uint32_t guard_take_rule(struct registry *registry)
{
	uint32_t rule = ranges_take(&registry->rules, 1);

	if (!rule && registry->rules.at_rest && !registry_settle(registry))
		rule = ranges_take(&registry->rules, 1);
	return rule;
}
