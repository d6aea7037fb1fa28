// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "acl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "guard.h"

static int compare_rules(const void *left, const void *right)
{
	const struct registry_rule *a = left, *b = right;
	int order = (int)a->otherwise - (int)b->otherwise;

	order = order ? order : prefix_compare(&a->prefix, &b->prefix);
	return order ? order : (int)a->deny - (int)b->deny;
}

static void sort_rules(struct registry_tenant *tenant)
{
	if (tenant->rule_count > 1)
		qsort(tenant->rules, tenant->rule_count, sizeof(*tenant->rules), compare_rules);
}

/* reading back */

static int reserve(struct registry_tenant *tenant, size_t room)
{
	struct registry_rule *rules;

	if (room <= tenant->rule_room)
		return 0;
	rules = realloc(tenant->rules, room * sizeof(*rules));
	if (!rules)
		return -ENOMEM;
	tenant->rules = rules;
	tenant->rule_room = room;
	return 0;
}

static int take_rule(struct registry_tenant *tenant, uint32_t index, const struct mtlb_rule *from)
{
	size_t room = tenant->rule_room;

	if (tenant->rule_count == room && reserve(tenant, room ? 2 * room : 16))
		return -ENOMEM;
	tenant->rules[tenant->rule_count++] = (struct registry_rule){
		.prefix = {registry_addr(&from->address), from->length},
		.index = index,
		.deny = from->action == MTLB_RULE_DENY,
		.otherwise = from->otherwise,
		.in_force = from->used == ACL_IN_FORCE,
	};
	return 0;
}

int acl_open(struct registry *registry)
{
	const struct dataplane_view *view = dataplane_view(registry->dataplane);
	uint32_t limit = dataplane_rules(view->node->acl_prefixes);
	static const struct mtlb_rule none;
	struct registry_tenant *tenant, *next;
	int error = 0;

	ranges_mark(&registry->rules, 0, MTLB_RULES_OF_NODE);
	guard_mark(registry, 0);
	HASH_ITER (by_name, registry->tenants, tenant, next)
		guard_mark(registry, tenant->index);
	for (uint32_t i = MTLB_RULES_OF_NODE; !error && i < limit; i++) {
		const struct mtlb_rule *rule = &view->rules[i];

		if (!rule->used)
			continue;
		tenant = rule->tenant < view->node->tenants ? registry->tenant_at[rule->tenant]
							    : NULL;
		if (!tenant) { /* it must not become that of a tenant to come */
			error = dataplane_put_rule(registry->dataplane, i, &none);
			continue;
		}
		ranges_mark(&registry->rules, i, 1);
		error = take_rule(tenant, i, rule);
	}
	HASH_ITER (by_name, registry->tenants, tenant, next)
		sort_rules(tenant);
	return error;
}

uint32_t acl_flags(const struct mtlb_guard *guard)
{
	return guard->root[MTLB_GUARD_IPV4] || guard->root[MTLB_GUARD_IPV6] ? MTLB_VIP_GUARDED : 0;
}

int acl_read(const struct registry *registry, const struct registry_tenant *tenant,
	     struct state_acl *ret_acl)
{
	const struct dataplane_view *view = dataplane_view(registry->dataplane);
	const struct mtlb_guard *guard = &view->guards[tenant->index];
	struct state_acl acl = {.default_deny = guard->default_deny, .unfinished = guard->changing};

	acl.rules = calloc(tenant->rule_count + 1, sizeof(*acl.rules));
	if (!acl.rules)
		return -ENOMEM;
	for (size_t i = 0; i < tenant->rule_count; i++) {
		const struct registry_rule *rule = &tenant->rules[i];

		acl.unfinished |= !rule->in_force;
		if (!rule->otherwise)
			acl.rules[acl.rule_count++] = (struct state_rule){rule->prefix, rule->deny};
	}
	for (const struct registry_vip *vip = tenant->addresses; vip; vip = vip->next)
		acl.unfinished |=
			registry_met(registry, vip) &&
			(view->vips[vip->record].flags & MTLB_VIP_GUARDED) != acl_flags(guard);
	*ret_acl = acl;
	return 0;
}

/* room */

static int build(const struct state_acl *acl, const struct registry_tenant *tenant,
		 struct trie *ret_trie)
{
	uint32_t defaults[MTLB_GUARD_FAMILIES] = {}, otherwise = 0;
	struct trie_prefix *prefixes = calloc(acl->rule_count + 1, sizeof(*prefixes));
	size_t count = 0;
	int error;

	if (!prefixes)
		return -ENOMEM;
	/* without a tenant, how large it will be is asked: any number of a rule will do */
	for (size_t i = 0; !tenant && i < acl->rule_count; i++) {
		struct trie_prefix *to = &prefixes[count++];

		memcpy(&to->address, &acl->rules[i].prefix.address, sizeof(to->address));
		to->length = acl->rules[i].prefix.length;
		to->entry = (uint32_t)count | (acl->rules[i].deny ? MTLB_ENTRY_DENY : 0);
	}
	for (size_t i = 0; tenant && i < tenant->rule_count; i++) {
		const struct registry_rule *rule = &tenant->rules[i];
		uint32_t entry = rule->index | (rule->deny ? MTLB_ENTRY_DENY : 0);

		if (!rule->wanted)
			continue;
		if (rule->otherwise) {
			otherwise = entry;
			continue;
		}
		memcpy(&prefixes[count].address, &rule->prefix.address,
		       sizeof(prefixes[count].address));
		prefixes[count].length = rule->prefix.length;
		prefixes[count++].entry = entry;
	}
	if (!tenant && acl->default_deny)
		otherwise = MTLB_ENTRY_DENY | 1;
	defaults[MTLB_GUARD_IPV4] = defaults[MTLB_GUARD_IPV6] = otherwise;
	error = trie_build(prefixes, count, defaults, ret_trie);
	free(prefixes);
	return error;
}

struct room {
	int64_t nodes, records, rules;
};

/* One list replaces another: for a moment the tries are both there. */
static int use_room(const struct registry *registry, const struct op *op, struct room *room)
{
	const struct state_acl *acl = &op->new_tenant->acl;
	const struct registry_tenant *tenant = registry_tenant(registry, op->new_tenant->name);
	const struct mtlb_guard *now =
		tenant ? &dataplane_view(registry->dataplane)->guards[tenant->index] : NULL;
	struct trie trie;
	int error = build(acl, NULL, &trie);

	if (error)
		return error;
	room->nodes -= trie.node_count;
	room->records -= trie.record_count;
	room->rules -= (int64_t)acl->rule_count + acl->default_deny;
	room->rules += tenant ? (int64_t)tenant->rule_count : 0;
	trie_fini(&trie);
	if (room->nodes < 0 || room->records < 0 || room->rules < 0)
		return -ENOSPC;
	room->nodes += now ? now->node_count : 0;
	room->records += now ? now->record_count : 0;
	return 0;
}

int acl_check_room(const struct registry *registry, const struct plan *plan, struct err *err)
{
	struct room room = {
		(int64_t)registry->trie_nodes.limit - registry->trie_nodes.in_use,
		(int64_t)registry->trie_records.limit - registry->trie_records.in_use,
		(int64_t)registry->rules.limit - registry->rules.in_use,
	};

	for (size_t i = 0; i < plan->count; i++) {
		const struct op *op = &plan->ops[i];
		int error = op->kind == OP_ACL_SET ? use_room(registry, op, &room) : 0;

		if (error == -ENOSPC)
			return err_set(err, error,
				       "the running dataplane has no room for the access list of "
				       "tenant %s (%zu prefixes): raise node.capacity.aclPrefixes "
				       "(which takes a new dataplane), or make some lists shorter "
				       "first",
				       op->new_tenant->name, op->new_tenant->acl.rule_count);
		if (error)
			return err_set(err, error, "out of memory");
	}
	return 0;
}

/* setting */

static int put_rule(struct registry *registry, const struct registry_tenant *tenant,
		    const struct registry_rule *from, uint32_t use)
{
	struct mtlb_rule rule = {
		.used = use,
		.tenant = tenant->index,
		.length = from->prefix.length,
		.action = from->deny ? MTLB_RULE_DENY : MTLB_RULE_ALLOW,
		.reason = MTLB_REASON_denied_acl,
		.otherwise = from->otherwise,
	};

	memcpy(&rule.address, &from->prefix.address, sizeof(rule.address));
	return dataplane_put_rule(registry->dataplane, from->index, &rule);
}

/* The number of one that goes, when there is no other: it may count a packet for its successor. */
static uint32_t reuse_rule(struct registry *registry, struct registry_tenant *tenant)
{
	for (size_t i = 0; i < tenant->rule_count; i++) {
		struct registry_rule going = tenant->rules[i];

		if (going.wanted)
			continue;
		if (put_rule(registry, tenant, &going, 0))
			return 0;
		tenant->rules[i] = tenant->rules[--tenant->rule_count];
		return going.index;
	}
	return 0;
}

static struct registry_rule wish(const struct state_acl *acl, size_t number)
{
	if (number == acl->rule_count)
		return (struct registry_rule){.deny = true, .otherwise = true, .wanted = true};
	return (struct registry_rule){.prefix = acl->rules[number].prefix,
				      .deny = acl->rules[number].deny,
				      .wanted = true};
}

static int add_rule(struct registry *registry, struct registry_tenant *tenant,
		    struct registry_rule *rule)
{
	int error;

	rule->index = guard_take_rule(registry) ?: reuse_rule(registry, tenant);
	if (!rule->index)
		return -ENOSPC;
	error = put_rule(registry, tenant, rule, ACL_PENDING);
	if (error)
		ranges_give_back(&registry->rules, rule->index, 1);
	else
		tenant->rules[tenant->rule_count++] = *rule;
	return error;
}

/* Rules that come and rules that go are both there, and pending: whoever reads them back after a
 * kill does not have to know on which side of the switch it was. */
static int prepare(struct registry *registry, struct registry_tenant *tenant,
		   const struct state_acl *acl)
{
	size_t count = acl->rule_count + acl->default_deny, known = tenant->rule_count, missing = 0;
	struct registry_rule *add = calloc(count + 1, sizeof(*add));
	int error = add ? reserve(tenant, known + count) : -ENOMEM;

	for (size_t i = 0; i < known; i++)
		tenant->rules[i].wanted = false;
	for (size_t i = 0; !error && i < count; i++) {
		struct registry_rule wanted = wish(acl, i), *found = NULL;

		if (known)
			found = bsearch(&wanted, tenant->rules, known, sizeof(wanted),
					compare_rules);
		if (found)
			found->wanted = true;
		else
			add[missing++] = wanted;
	}
	for (size_t i = 0; !error && i < known; i++) {
		struct registry_rule *rule = &tenant->rules[i];

		if (rule->wanted || !rule->in_force)
			continue;
		error = put_rule(registry, tenant, rule, ACL_PENDING);
		rule->in_force = error != 0;
	}
	for (size_t i = 0; !error && i < missing; i++)
		error = add_rule(registry, tenant, &add[i]);
	free(add);
	sort_rules(tenant);
	return error;
}

static int settle(struct registry *registry, struct registry_tenant *tenant)
{
	size_t kept = 0, i;
	int error = 0;

	for (i = 0; i < tenant->rule_count; i++) {
		struct registry_rule rule = tenant->rules[i];

		if (!error && !rule.wanted) {
			error = put_rule(registry, tenant, &rule, 0);
			if (!error) {
				ranges_give_back(&registry->rules, rule.index, 1);
				continue;
			}
		} else if (!error && !rule.in_force) {
			error = put_rule(registry, tenant, &rule, ACL_IN_FORCE);
			rule.in_force = !error;
		}
		tenant->rules[kept++] = rule;
	}
	tenant->rule_count = kept;
	return error;
}

int acl_set(struct registry *registry, struct registry_tenant *tenant, const struct state_acl *acl)
{
	struct mtlb_guard guard = {.default_deny = acl->default_deny};
	struct trie trie = {};
	int error = prepare(registry, tenant, acl);

	error = error ?: build(acl, tenant, &trie);
	error = error ?: guard_switch(registry, tenant->index, &trie, &guard);
	trie_fini(&trie);
	return error ?: settle(registry, tenant);
}
