/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What sources a tenant's access list must deny, and what a change of it may leave behind. */
#ifndef MTLB_SELFTESTS_RECONCILE_ACL_H
#define MTLB_SELFTESTS_RECONCILE_ACL_H

#include "reconcile_node.h"

static struct prefix acl_prefix(size_t number)
{
	static const char *const texts[ACL_PREFIXES] = {
		"0.0.0.0/0",	 "10.0.0.0/8",	  "10.0.0.0/9",	     "10.1.0.0/16",
		"10.1.2.0/24",	 "10.1.2.3",	  "172.16.0.0/12",   "::/0",
		"2001:db8::/32", "2001:db8::/45", "2001:db8:8::/48", "2001:db8::7",
	};
	struct prefix prefix;

	assert_int_equal(prefix_parse(texts[number], &prefix), 0);
	return prefix;
}

static const char *const acl_sources[] = {
	"10.1.2.3",	"10.1.2.4",    "10.1.3.1",    "10.2.0.1",    "10.128.0.1",
	"11.0.0.1",	"172.16.0.1",  "2001:db8::7", "2001:db8::8", "2001:db8:8::1",
	"2001:db8:9::", "2001:db9::1", "fe80::1",
};

/* As the configuration means it: the longest prefix, else the default. NULL: the default. */
static const struct state_rule *decides(const struct state_acl *acl, const struct addr *source)
{
	const struct state_rule *best = NULL;

	for (size_t i = 0; i < acl->rule_count; i++) {
		const struct prefix *prefix = &acl->rules[i].prefix;

		/* ::/0 is of IPv6 alone */
		if (addr_is_ipv4(source) && prefix->length < PREFIX_IPV4_BITS)
			continue;
		if (prefix_holds(prefix, source) && (!best || best->prefix.length < prefix->length))
			best = &acl->rules[i];
	}
	return best;
}

static bool denies(const struct state_acl *acl, const struct addr *source)
{
	const struct state_rule *rule = decides(acl, source);

	return rule ? rule->deny : acl->default_deny;
}

/* As packets that come to an address of the tenant meet it. */
static void check_source_of(const struct node *node, const struct state_tenant *a,
			    const struct state_tenant *b, const struct addr *source)
{
	const struct dataplane_view *view = dataplane_view(node->dataplane);
	const struct registry_tenant *tenant = registry_tenant(&node->registry, a->name);
	const struct mtlb_guard *guard = &view->guards[tenant->index];
	struct trie trie = {
		.nodes = (struct mtlb_trie_node *)view->trie_nodes,
		.records = (struct mtlb_trie_record *)view->trie_records,
		.node_count = node->registry.trie_nodes.limit,
		.record_count = node->registry.trie_records.limit,
		.root = {guard->root[0], guard->root[1]},
	};
	struct mtlb_address address;
	const struct mtlb_rule *rule;
	uint32_t entry;
	bool deny;

	memcpy(&address, source->byte, sizeof(address));
	entry = trie_look_up(&trie, &address, !addr_is_ipv4(source));
	deny = entry & MTLB_ENTRY_DENY;
	assert_true(deny == denies(&a->acl, source) || deny == denies(&b->acl, source));
	if (!entry)
		return;
	rule = &view->rules[entry & MTLB_ENTRY_INDEX];
	assert_true(rule->used);
	assert_int_equal(rule->tenant, tenant->index);
	assert_int_equal(rule->action == MTLB_RULE_DENY, deny);
	if (a == b && decides(&a->acl, source)) {
		assert_int_equal(rule->length, decides(&a->acl, source)->prefix.length);
		assert_false(rule->otherwise);
	}
}

/* For tenants that are in both states: one of the two lists holds, whole. */
static void check_acls(const struct node *node, const struct state *before,
		       const struct state *after)
{
	for (size_t t = 0; t < before->tenant_count; t++) {
		const struct state_tenant *a = &before->tenants[t];
		const struct state_tenant *b = state_find_tenant(after, a->name);

		for (size_t i = 0; b && i < sizeof(acl_sources) / sizeof(*acl_sources); i++) {
			struct addr source;

			assert_int_equal(addr_parse(acl_sources[i], &source), 0);
			check_source_of(node, a, b, &source);
		}
	}
}

/* There are as many rules as the lists have, and no packet looks for more than it has to. */
static void check_rules(const struct node *node, const struct state *state)
{
	const struct dataplane_view *view = dataplane_view(node->dataplane);
	size_t wanted = 0, rules = 0;

	for (size_t t = 0; t < state->tenant_count; t++) {
		const struct state_tenant *tenant = &state->tenants[t];
		uint32_t index = registry_tenant(&node->registry, tenant->name)->index;
		bool any = tenant->acl.rule_count || tenant->acl.default_deny;

		wanted += tenant->acl.rule_count + tenant->acl.default_deny;
		for (const struct registry_vip *vip = node->registry.tenant_at[index]->addresses;
		     vip; vip = vip->next)
			assert_int_equal(!!(view->vips[vip->record].flags & MTLB_VIP_GUARDED), any);
	}
	for (uint32_t i = 0; i < dataplane_rules(view->node->acl_prefixes); i++)
		rules += view->rules[i].used;
	assert_int_equal(rules, 2 * wanted); /* all of them in force */
}

#endif
