// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The Platform document: the node's settings, VIPs, tiers, and what each tenant is granted.
 */
#include "check_share.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int check_interfaces(struct check *check, const struct tree_node *node)
{
	const struct tree_node *list = schema_find(node, SCHEMA_node_interfaces), *item;
	struct config *config = check->config;
	struct names seen = {};
	int r = 0;

	if (!list || !list->count)
		return 0;
	config->interfaces = calloc(list->count, sizeof(*config->interfaces));
	if (!config->interfaces)
		return -ENOMEM;
	for (item = schema_first(list); item && r != -ENOMEM; item = schema_next(item)) {
		const struct tree_node *name = schema_find(item, SCHEMA_interface_name);
		struct config_interface *interface = &config->interfaces[config->interface_count];

		if (!name)
			continue;
		r = check_add_name(check, &seen, name, 0, "interface");
		if (r < 0)
			continue;
		snprintf(interface->name, sizeof(interface->name), "%s", name->text);
		snprintf(interface->place, sizeof(interface->place), "%s:%d:%d", name->file,
			 name->line, name->column);
		interface->mode = (enum config_mode)schema_number(item, SCHEMA_interface_mode);
		config->interface_count++;
	}
	names_fini(&seen);
	return r == -ENOMEM ? r : 0;
}

static void check_encap_source(struct check *check, const struct tree_node *encap,
			       enum schema_key key, struct addr *ret_addr)
{
	const struct tree_node *value = schema_find(encap, key);
	const char *why;
	struct addr addr;

	if (!value || addr_parse(value->text, &addr) < 0)
		return;
	why = check_unusable(&addr);
	if (why)
		errors_add(check->errors, tree_place(value),
			   "a tunnel cannot start at %s, which is %s; use an address of this node",
			   value->text, why);
	/* A wrong one is kept: backends need not complain as well. */
	*ret_addr = addr;
}

static int check_node(struct check *check, const struct tree_node *platform)
{
	const struct tree_node *node = schema_find(platform, SCHEMA_platform_node);
	const struct tree_node *capacity = schema_find(node, SCHEMA_node_capacity);
	const struct tree_node *encap = schema_find(node, SCHEMA_node_encapSource);
	struct config *config = check->config;

	config->capacity = (struct config_capacity){
		.tenants = (uint32_t)schema_number(capacity, SCHEMA_capacity_tenants),
		.vips = (uint32_t)schema_number(capacity, SCHEMA_capacity_vips),
		.services = (uint32_t)schema_number(capacity, SCHEMA_capacity_services),
		.members = (uint32_t)schema_number(capacity, SCHEMA_capacity_members),
		.slots = (uint32_t)schema_number(capacity, SCHEMA_capacity_slots),
		.flows = (uint32_t)schema_number(capacity, SCHEMA_capacity_flows),
		.nat_sources = (uint32_t)schema_number(capacity, SCHEMA_capacity_natSources),
		.acl_prefixes = (uint32_t)schema_number(capacity, SCHEMA_capacity_aclPrefixes),
		.feed_prefixes = (uint32_t)schema_number(capacity, SCHEMA_capacity_feedPrefixes),
	};
	config->state.node = check_share_node(node);
	/* a typing error in it must not make each tier complain */
	check->capacity_known = !schema_written(capacity, SCHEMA_capacity_packets) && node &&
				(capacity || !schema_written(node, SCHEMA_node_capacity));
	if (schema_text(node, SCHEMA_node_zone))
		snprintf(config->zone, sizeof(config->zone), "%s",
			 schema_text(node, SCHEMA_node_zone));
	config->gue_port = (uint16_t)schema_number(node, SCHEMA_node_guePort);
	config->flow_window_s = (uint32_t)schema_number(node, SCHEMA_node_flowWindow);
	config->drift = (enum config_drift)schema_number(node, SCHEMA_node_drift);
	if (schema_written(node, SCHEMA_node_encapSource) ? encap != NULL : node != NULL) {
		check->lacks_encap_ipv4 = !schema_written(encap, SCHEMA_encap_ipv4);
		check->lacks_encap_ipv6 = !schema_written(encap, SCHEMA_encap_ipv6);
	}
	check_encap_source(check, encap, SCHEMA_encap_ipv4, &config->encap_ipv4);
	check_encap_source(check, encap, SCHEMA_encap_ipv6, &config->encap_ipv6);
	return check_interfaces(check, node);
}

/* One address of an item of natSources; one that is wrong is left out. 0 or -ENOMEM. */
static int check_nat_address(struct check *check, const struct tree_node *item, enum schema_key key,
			     struct addr *ret_addr)
{
	const struct tree_node *value = schema_find(item, key);
	struct config *config = check->config;
	struct names_entry *entry;
	char text[ADDR_TEXT_MAX];
	const char *why;
	struct addr addr;
	int r;

	if (!value || addr_parse(value->text, &addr) < 0)
		return 0;
	addr_format(&addr, text);
	why = check_unusable(&addr);
	if (!why && names_find(&check->addresses, text))
		why = "a VIP as well";
	if (!why && (addr_compare(&addr, &config->encap_ipv4) == 0 ||
		     addr_compare(&addr, &config->encap_ipv6) == 0))
		why = "in node.encapSource as well";
	if (why) {
		errors_add(check->errors, tree_place(value),
			   "NAT source %s is %s; use an address that is routed to this node and "
			   "that nothing else uses",
			   text, why);
		return 0;
	}
	r = names_add(&check->nat_sources, text, value, 0, &entry);
	if (r == -EEXIST)
		check_report_twice(check, value, entry->node, "NAT source %s is listed twice",
				   text);
	if (r == 0)
		*ret_addr = addr;
	return r == -ENOMEM ? r : 0;
}

static int check_nat_source(struct check *check, const struct tree_node *item)
{
	struct config *config = check->config;
	struct config_nat_source *source = &config->nat_sources[config->nat_source_count++];
	bool ipv4 = schema_written(item, SCHEMA_nat_source_ipv4);
	bool ipv6 = schema_written(item, SCHEMA_nat_source_ipv6);
	int r;

	if (!ipv4 && !ipv6)
		errors_add(check->errors, tree_place(item),
			   "a NAT source needs \"ipv4\", \"ipv6\" or both");
	else if (!ipv4 && !check->lacks_nat_ipv4)
		check->lacks_nat_ipv4 = item;
	else if (!ipv6 && !check->lacks_nat_ipv6)
		check->lacks_nat_ipv6 = item;
	r = check_nat_address(check, item, SCHEMA_nat_source_ipv4, &source->ipv4);
	return r ?: check_nat_address(check, item, SCHEMA_nat_source_ipv6, &source->ipv6);
}

/* After the VIPs, which they must not be. */
static int check_nat_sources(struct check *check, const struct tree_node *platform)
{
	const struct tree_node *node = schema_find(platform, SCHEMA_platform_node), *item;
	const struct tree_node *list = schema_find(node, SCHEMA_node_natSources);
	int r = 0;

	check->lacks_nat = node && !schema_written(node, SCHEMA_node_natSources);
	if (!list)
		return 0;
	check->lacks_nat = !list->count;
	check->config->nat_sources = calloc(list->count + 1, sizeof(*check->config->nat_sources));
	if (!check->config->nat_sources)
		return -ENOMEM;
	for (item = schema_first(list); item && r == 0; item = schema_next(item))
		r = check_nat_source(check, item);
	return r;
}

static int check_vip(struct check *check, const struct tree_node *item)
{
	const struct tree_node *name = schema_find(item, SCHEMA_vip_name);
	const struct tree_node *address = schema_find(item, SCHEMA_vip_address);
	struct check_vip *vip = &check->vip_list[check->vip_count];
	struct names_entry *entry;
	char text[ADDR_TEXT_MAX];
	struct addr addr;
	const char *why;
	int r = 0;

	if (name)
		r = check_add_name(check, &check->vips, name, check->vip_count, "VIP");
	if (r == 0 && name) {
		vip->name = name->text;
		vip->echo = schema_number(item, SCHEMA_vip_echo) == 1;
		vip->tenant = CHECK_NOBODY;
		check->vip_count++;
	} else {
		vip = NULL; /* its address is checked all the same */
	}
	if (r == -ENOMEM || !address)
		return r;
	if (addr_parse(address->text, &addr) < 0)
		return 0;
	why = check_unusable(&addr);
	if (why) {
		errors_add(
			check->errors, tree_place(address),
			"VIP address %s is %s; use a unicast address that is routed to this node",
			address->text, why);
		return 0;
	}
	r = names_add(&check->addresses, addr_format(&addr, text), address, 0, &entry);
	if (r == -EEXIST)
		check_report_twice(check, address, entry->node, "duplicate VIP address %s", text);
	if (r == 0 && vip)
		vip->address = addr;
	return r == -ENOMEM ? r : 0;
}

static int check_vips(struct check *check, const struct tree_node *platform)
{
	const struct tree_node *list = schema_find(platform, SCHEMA_platform_vips), *item;
	int r = 0;

	if (!list || !list->count)
		return 0;
	check->vip_list = calloc(list->count, sizeof(*check->vip_list));
	if (!check->vip_list)
		return -ENOMEM;
	for (item = schema_first(list); item && r != -ENOMEM; item = schema_next(item))
		r = check_vip(check, item);
	return r == -ENOMEM ? r : 0;
}

static uint32_t power_of_two(uint64_t number)
{
	uint32_t power = 64;

	while (power < number)
		power *= 2;
	return power;
}

static struct state_cookies read_cookies(struct check *check, const struct tree_node *l4)
{
	const struct tree_node *rate = schema_find(l4, SCHEMA_tier_l4_synRate);
	struct state_cookies cookies = {
		.mode = (enum state_cookies_mode)schema_number(l4, SCHEMA_tier_l4_synCookies),
		.rate = schema_number(l4, SCHEMA_tier_l4_synRate),
	};

	if (rate && cookies.mode != STATE_COOKIES_AUTO)
		errors_add(check->errors, tree_key_place(rate),
			   "\"synRate\" says when \"synCookies: auto\" begins, and has no meaning "
			   "with \"synCookies: %s\"; leave it out",
			   schema_text(l4, SCHEMA_tier_l4_synCookies));
	return cookies;
}

/* tier NULL: none. */
static struct check_tier read_tier(struct check *check, const struct tree_node *tier)
{
	const struct tree_node *l4 = schema_find(tier, SCHEMA_tier_l4);
	const struct tree_node *http = schema_find(tier, SCHEMA_tier_http);

	return (struct check_tier){
		.flows = power_of_two(schema_number(l4, SCHEMA_tier_l4_flows)),
		.flows_shared = schema_number(l4, SCHEMA_tier_l4_flowsShared) == 1,
		.nat_ports = power_of_two(schema_number(l4, SCHEMA_tier_l4_natPorts)),
		.acl_prefixes = (uint32_t)schema_number(l4, SCHEMA_tier_l4_aclPrefixes),
		.limits = check_share_limits(check, tier),
		.http_connections = (uint32_t)schema_number(http, SCHEMA_tier_http_connections),
		.http_requests = (uint32_t)schema_number(http, SCHEMA_tier_http_requests),
		.http_handshakes = (uint32_t)schema_number(http, SCHEMA_tier_http_handshakes),
		.http_stalled = (uint32_t)schema_number(http, SCHEMA_tier_http_stalled),
		.cookies = read_cookies(check, l4),
	};
}

static int check_tiers(struct check *check, const struct tree_node *platform)
{
	const struct tree_node *list = schema_find(platform, SCHEMA_platform_tiers), *item;
	size_t count = 0;
	int r = 0;

	if (!list || !list->count)
		return 0;
	check->tier_list = calloc(list->count, sizeof(*check->tier_list));
	if (!check->tier_list)
		return -ENOMEM;
	for (item = schema_first(list); item && r != -ENOMEM; item = schema_next(item)) {
		const struct tree_node *name = schema_find(item, SCHEMA_tier_name);

		check->tier_list[count] = read_tier(check, item);
		if (!name)
			continue;
		check->tier_list[count].name = name->text;
		r = check_add_name(check, &check->tiers, name, count++, "tier");
	}
	return r == -ENOMEM ? r : 0;
}

static struct check_tier find_tier(struct check *check, const struct tree_node *item)
{
	const struct tree_node *name = schema_find(item, SCHEMA_tenant_tier);
	const struct names_entry *entry = name ? names_find(&check->tiers, name->text) : NULL;
	struct check_tier tier;

	if (name && !entry)
		check_refuse_unknown(check, name, &check->tiers, "tier", "tiers");
	if (!entry)
		return read_tier(check, NULL);
	tier = check->tier_list[entry->index];
	check->tier_list[entry->index].in_use = true;
	return tier;
}

static int check_grants(struct check *check, const struct tree_node *item,
			struct state_tenant *tenant, size_t index)
{
	const struct tree_node *list = schema_find(item, SCHEMA_tenant_vips), *name;

	if (!list || !list->count)
		return 0;
	tenant->addresses = calloc(list->count, sizeof(*tenant->addresses));
	if (!tenant->addresses)
		return -ENOMEM;
	for (name = schema_first(list); name; name = schema_next(name)) {
		const struct names_entry *entry = names_find(&check->vips, name->text);
		struct check_vip *vip;

		if (!entry) {
			check_refuse_unknown(check, name, &check->vips, "VIP", "vips");
			continue;
		}
		vip = &check->vip_list[entry->index];
		if (vip->tenant == index) {
			check_report_twice(check, name, vip->grant, "VIP \"%s\" is granted twice",
					   name->text);
		} else if (vip->tenant != CHECK_NOBODY) {
			check_report_twice(check, name, vip->grant,
					   "VIP \"%s\" is already granted to tenant \"%s\": an "
					   "address belongs to exactly one tenant",
					   name->text,
					   check->config->state.tenants[vip->tenant].name);
		} else {
			vip->tenant = index;
			vip->grant = name;
			if (!addr_is_zero(&vip->address))
				tenant->addresses[tenant->address_count++] =
					(struct state_address){vip->address, vip->echo};
		}
	}
	check->vip_entries += tenant->address_count;
	return 0;
}

static int check_tenant_item(struct check *check, const struct tree_node *item)
{
	const struct tree_node *name = schema_find(item, SCHEMA_tenant_name);
	const struct tree_node *id = schema_find(item, SCHEMA_tenant_id);
	struct state *state = &check->config->state;
	size_t index = state->tenant_count;
	struct state_tenant *tenant = &state->tenants[index];
	struct names_entry *entry;
	struct check_tier tier;
	int r;

	if (!name)
		return 0;
	r = check_add_name(check, &check->tenants, name, index, "tenant");
	if (r < 0)
		return r;
	state->tenant_count++;
	check_copy_name(tenant->name, name->text);
	if (id) {
		char text[24];

		snprintf(text, sizeof(text), "%" PRIu64, id->number);
		r = names_add(&check->ids, text, id, index, &entry);
		if (r == -ENOMEM)
			return r;
		if (r == -EEXIST)
			check_report_twice(check, id, entry->node, "duplicate tenant id %s", text);
		tenant->id = (uint32_t)id->number;
	}
	tier = find_tier(check, item);
	tenant->flows = tier.flows;
	tenant->limits = tier.limits;
	tenant->http_connections = tier.http_connections;
	tenant->http_requests = tier.http_requests;
	tenant->http_handshakes = tier.http_handshakes;
	tenant->http_stalled = tier.http_stalled;
	tenant->cookies = tier.cookies;
	check->shares[index] = (struct check_share){
		.nat_ports = tier.nat_ports,
		.acl_prefixes = tier.acl_prefixes,
		.tier = tier.name,
	};
	r = check_add_domains(check, item, index);
	if (r < 0)
		return r;
	if (tier.flows_shared)
		check_copy_name(tenant->flows_of, tier.name);
	if (!tier.flows_shared || !tier.in_use) /* what is shared counts once */
		check->flows += tenant->flows;
	return check_grants(check, item, tenant, index);
}

static int check_tenants(struct check *check, const struct tree_node *platform)
{
	const struct tree_node *list = schema_find(platform, SCHEMA_platform_tenants), *item;
	struct state *state = &check->config->state;
	int r = 0;

	if (!list || !list->count)
		return 0;
	state->tenants = calloc(list->count, sizeof(*state->tenants));
	check->shares = calloc(list->count, sizeof(*check->shares));
	if (!state->tenants || !check->shares)
		return -ENOMEM;
	for (item = schema_first(list); item && r != -ENOMEM; item = schema_next(item))
		r = check_tenant_item(check, item);
	check_share_sum(check, platform);
	check_domains(check);
	return r == -ENOMEM ? r : 0;
}

/* Whether a list is as the operator meant it: there, or left out on purpose. */
static bool is_known(const struct tree_node *platform, enum schema_key key)
{
	if (schema_find(platform, key))
		return true;
	for (const struct tree_node *node = platform->first; node; node = node->next)
		if (node->bad)
			return false;
	return true;
}

int check_platform(struct check *check, const struct tree_node *document)
{
	const struct tree_node *metadata = schema_find(document, SCHEMA_platform_metadata);
	const char *name = schema_text(metadata, SCHEMA_platform_metadata_name);
	int r;

	check->platform = document;
	check->tenants_known = is_known(document, SCHEMA_platform_tenants);
	check->vips_known = is_known(document, SCHEMA_platform_vips);
	check->listeners_known = is_known(document, SCHEMA_platform_listeners);
	if (name)
		check_copy_name(check->config->name, name);
	r = check_api(check, document);
	check_metrics(check, document);
	if (r == 0)
		r = check_usage(check, document);
	if (r == 0)
		r = check_access_log(check, document);
	if (r == 0)
		r = check_scripts(check, document);
	if (r == 0)
		r = check_node(check, document);
	if (r == 0)
		r = check_vips(check, document);
	if (r == 0)
		r = check_nat_sources(check, document);
	if (r == 0)
		r = check_guard(check, document);
	if (r == 0)
		r = check_tiers(check, document);
	if (r == 0)
		r = check_tenants(check, document);
	if (r == 0)
		r = check_listeners(check, document);
	return r;
}
