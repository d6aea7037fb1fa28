// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The verbs of guards, the same for the kernel and for the fake. */
#include <stddef.h>

#include "internal.h"
#include "kept.h"
#include "words.h"

int dataplane_put_trie(struct dataplane *dataplane, uint32_t node_first,
		       const struct mtlb_trie_node *nodes, uint32_t node_count,
		       uint32_t record_first, const struct mtlb_trie_record *records,
		       uint32_t record_count)
{
	int error = gate(dataplane);

	if (error)
		return error;
	if (node_count)
		memcpy(&dataplane->arrays.trie_nodes[node_first], nodes,
		       (size_t)node_count * sizeof(*nodes));
	if (record_count)
		memcpy(&dataplane->arrays.trie_records[record_first], records,
		       (size_t)record_count * sizeof(*records));
	kept_write(dataplane, &dataplane->arrays.trie_nodes[node_first],
		   (size_t)node_count * sizeof(*nodes));
	kept_write(dataplane, &dataplane->arrays.trie_records[record_first],
		   (size_t)record_count * sizeof(*records));
	barrier_release();
	return 0;
}

static struct mtlb_rule_counter *counter_of(const struct dataplane *dataplane, uint32_t cpu,
					    uint32_t rule)
{
	size_t rules = dataplane_rules(dataplane->view.node->acl_prefixes);

	return &dataplane->arrays.rule_counters[cpu * rules + rule];
}

int dataplane_put_rule(struct dataplane *dataplane, uint32_t index, const struct mtlb_rule *rule)
{
	struct mtlb_rule *to = &dataplane->arrays.rules[index];
	int error = gate(dataplane);

	if (error)
		return error;
	if (rule->used && !to->used) {
		for (uint32_t cpu = 0; cpu < dataplane->view.node->cpus; cpu++)
			*counter_of(dataplane, cpu, index) = (struct mtlb_rule_counter){};
		barrier_release();
	}
	put_named(to, rule, sizeof(*rule));
	kept_write(dataplane, to, sizeof(*rule));
	return 0;
}

/* Its block, and the next one in the same form: four words each. */
#define BLOCK	   offsetof(struct mtlb_guard, node_first)
#define NEXT_BLOCK offsetof(struct mtlb_guard, next_node_first)
#define BLOCK_SIZE (4 * sizeof(__u32))

_Static_assert(offsetof(struct mtlb_guard, record_count) + sizeof(__u32) == BLOCK + BLOCK_SIZE,
	       "struct mtlb_guard");
_Static_assert(offsetof(struct mtlb_guard, next_record_count) + sizeof(__u32) ==
		       NEXT_BLOCK + BLOCK_SIZE,
	       "struct mtlb_guard");

int dataplane_put_guard(struct dataplane *dataplane, uint32_t tenant,
			const struct mtlb_guard *guard)
{
	char *to = (char *)&dataplane->arrays.guards[tenant];
	const char *from = (const char *)guard, none[BLOCK_SIZE] = {};
	const uint32_t changing[2] = {dataplane->arrays.guards[tenant].default_deny, 1};
	const uint32_t changed[2] = {guard->default_deny, 0};
	int error = gate(dataplane);

	if (error)
		return error;
	store_words(to + NEXT_BLOCK, from + BLOCK, BLOCK_SIZE);
	barrier_release();
	store_words(to + offsetof(struct mtlb_guard, default_deny), changing, sizeof(changing));
	barrier_release();
	store_words(to + offsetof(struct mtlb_guard, flags),
		    from + offsetof(struct mtlb_guard, flags), sizeof(uint64_t));
	barrier_release();
	store_words(to, from, sizeof(guard->root));
	barrier_release();
	store_words(to + BLOCK, from + BLOCK, BLOCK_SIZE);
	barrier_release();
	store_words(to + offsetof(struct mtlb_guard, default_deny), changed, sizeof(changed));
	barrier_release();
	store_words(to + NEXT_BLOCK, none, BLOCK_SIZE);
	kept_write(dataplane, to, sizeof(*guard));
	return 0;
}

int dataplane_put_guard_ports(struct dataplane *dataplane, uint32_t half,
			      const uint64_t words[MTLB_GUARD_PORT_WORDS])
{
	int error = gate(dataplane);

	if (error)
		return error;
	store_words(&dataplane->arrays.guard_ports[half * MTLB_GUARD_PORT_WORDS], words,
		    MTLB_GUARD_PORT_WORDS * sizeof(*words));
	kept_write(dataplane, &dataplane->arrays.guard_ports[half * MTLB_GUARD_PORT_WORDS],
		   MTLB_GUARD_PORT_WORDS * sizeof(*words));
	barrier_release();
	return 0;
}

void dataplane_sum_rule(const struct dataplane *dataplane, uint32_t rule,
			struct mtlb_rule_counter *ret_sum)
{
	*ret_sum = (struct mtlb_rule_counter){};
	for (uint32_t cpu = 0; cpu < dataplane->view.node->cpus; cpu++)
		ret_sum->packets += counter_of(dataplane, cpu, rule)->packets;
}
