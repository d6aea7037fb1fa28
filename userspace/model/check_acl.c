// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * A tenant's access list: each prefix once, whole, and no more of them than its tier grants.
 */
#include <errno.h>
#include <stdlib.h>

#include "check.h"

struct acl_check {
	struct check *check;
	struct state_acl *acl;
	struct names seen;
	size_t listed; /* right or wrong */
};

static int check_rule(struct acl_check *in, const struct tree_node *item, bool deny)
{
	struct prefix prefix;
	struct names_entry *entry;
	char text[PREFIX_TEXT_MAX];
	int r = prefix_parse(item->text, &prefix);

	in->listed++;
	if (r == -EINVAL)
		return 0; /* the schema told */
	prefix_format(&prefix, text);
	if (r == -EDOM) {
		errors_add(in->check->errors, tree_place(item),
			   "prefix \"%s\" has bits of an address beyond its length; write %s, or "
			   "the address alone",
			   item->text, text);
		return 0;
	}
	r = names_add(&in->seen, text, item, deny, &entry);
	if (r == -EEXIST)
		check_report_twice(in->check, item, entry->node,
				   (bool)entry->index == deny
					   ? "prefix %s is listed twice"
					   : "prefix %s is in both \"deny\" and \"allow\"",
				   text);
	if (r == 0)
		in->acl->rules[in->acl->rule_count++] = (struct state_rule){prefix, deny};
	return r == -ENOMEM ? r : 0;
}

static int check_rules(struct acl_check *in, const struct tree_node *list, bool deny)
{
	int r = 0;

	for (const struct tree_node *item = schema_first(list); item && r == 0;
	     item = schema_next(item))
		r = check_rule(in, item, deny);
	return r;
}

static void check_budget(const struct acl_check *in, const struct tree_node *acl, size_t index)
{
	const struct check_share *share = &in->check->shares[index];
	const char *quote = share->tier ? "\"" : "";

	if (in->listed > share->acl_prefixes)
		errors_add(in->check->errors, tree_key_place(acl),
			   "the access list has %zu prefixes, and l4.aclPrefixes of %s%s%s%s "
			   "grants %u; remove some, or ask the operator for more",
			   in->listed, share->tier ? "tier " : "a tenant without a tier", quote,
			   share->tier ? share->tier : "", quote, share->acl_prefixes);
}

int check_acl(struct check *check, const struct tree_node *acl, size_t index)
{
	const struct tree_node *deny = schema_find(acl, SCHEMA_acl_deny);
	const struct tree_node *allow = schema_find(acl, SCHEMA_acl_allow);
	struct state_acl nobodys = {};
	struct acl_check in = {.check = check, .acl = &nobodys};
	int r;

	if (!acl)
		return 0;
	if (index != CHECK_NOBODY)
		in.acl = &check->config->state.tenants[index].acl;
	in.acl->rules = calloc((deny ? deny->count : 0) + (allow ? allow->count : 0) + 1,
			       sizeof(*in.acl->rules));
	if (!in.acl->rules)
		return -ENOMEM;
	in.acl->default_deny = schema_number(acl, SCHEMA_acl_default) == 1;
	r = check_rules(&in, deny, true);
	if (r == 0)
		r = check_rules(&in, allow, false);
	if (index != CHECK_NOBODY) {
		check_budget(&in, acl, index);
		check->acl_prefixes += in.acl->rule_count + in.acl->default_deny;
	}
	names_fini(&in.seen);
	free(nobodys.rules);
	return r;
}
