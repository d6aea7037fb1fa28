// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Who may not send: the lines of access lists, and the deny feeds. */
#include "report.h"

static json_int_t hits_of(const struct agent *agent, uint32_t rule)
{
	struct mtlb_rule_counter sum;

	dataplane_sum_rule(agent->dataplane, rule, &sum);
	return (json_int_t)sum.packets;
}

static void add_rules(const struct agent *agent, const struct registry_tenant *tenant,
		      json_t *items)
{
	for (size_t i = 0; i < tenant->rule_count; i++) {
		const struct registry_rule *rule = &tenant->rules[i];
		char text[PREFIX_TEXT_MAX];

		json_array_append_new(
			items,
			json_pack("{s:s,s:s,s:s,s:I}", "tenant", tenant->name, "prefix",
				  rule->otherwise ? "default" : prefix_format(&rule->prefix, text),
				  "action", rule->deny ? "deny" : "allow", "hits",
				  hits_of(agent, rule->index)));
	}
}

static int tenant_order(const struct registry_tenant *a, const struct registry_tenant *b)
{
	return strcmp(a->name, b->name);
}

int report_acls(void *context, const struct http_request *request, struct http_reply *reply)
{
	struct agent *agent = context;
	struct registry_tenant *tenant, *next;
	json_t *items = json_array();

	(void)request;
	HASH_SRT(by_name, agent->registry.tenants, tenant_order);
	HASH_ITER (by_name, agent->registry.tenants, tenant, next)
		add_rules(agent, tenant, items);
	return report_items(reply, items);
}

int report_feeds(void *context, const struct http_request *request, struct http_reply *reply)
{
	struct agent *agent = context;
	json_t *items = json_array();

	(void)request;
	for (size_t i = 0; i < feeds_count(agent->feeds); i++) {
		struct feeds_status feed;

		feeds_get(agent->feeds, i, &feed);
		json_array_append_new(
			items, json_pack("{s:s,s:s,s:s,s:s,s:I,s:I,s:o,s:s,s:I}", "name", feed.name,
					 "file", feed.path, "type",
					 feed.udp_ports ? "udpSourcePorts" : "prefixes", "state",
					 feed.state, "entries", (json_int_t)feed.entries,
					 "badLines", (json_int_t)feed.bad_lines, "loadedAt",
					 report_time(feed.loaded_at), "error", feed.error, "hits",
					 hits_of(agent, feed.rule)));
	}
	return report_items(reply, items);
}
