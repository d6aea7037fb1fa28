// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "check.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void check_report_twice(struct check *check, const struct tree_node *node,
			const struct tree_node *first, const char *format, ...)
{
	char text[512];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (strcmp(node->file, first->file) == 0)
		errors_add(check->errors, tree_place(node), "%s; the first is at line %d", text,
			   first->line);
	else
		errors_add(check->errors, tree_place(node), "%s; the first is at %s:%d:%d", text,
			   first->file, first->line, first->column);
}

int check_add_name(struct check *check, struct names *names, const struct tree_node *node,
		   size_t index, const char *what)
{
	struct names_entry *entry;
	int r = names_add(names, node->text, node, index, &entry);

	if (r == -EEXIST)
		check_report_twice(check, node, entry->node, "duplicate %s \"%s\"", what,
				   node->text);
	return r;
}

void check_refuse_unknown(struct check *check, const struct tree_node *node,
			  const struct names *names, const char *what, const char *list)
{
	struct suggest_tail tail = {""};

	if (errors_few(check->errors))
		tail = names_nearest(names, node->text);
	if (tail.text[0])
		errors_add(check->errors, tree_place(node), "unknown %s \"%s\"%s", what, node->text,
			   tail.text);
	else
		errors_add(check->errors, tree_place(node),
			   "unknown %s \"%s\"; define it under \"%s\"", what, node->text, list);
}

const char *check_unusable(const struct addr *addr)
{
	const uint8_t *byte = addr->byte;
	static const uint8_t loopback[16] = {[15] = 1};

	if (addr_is_ipv4(addr)) {
		byte += 12;
		return byte[0] == 0			      ? "an unspecified address"
		       : byte[0] == 127			      ? "a loopback address"
		       : (byte[0] & 0xf0) == 0xe0	      ? "a multicast address"
		       : !memcmp(byte, "\xff\xff\xff\xff", 4) ? "the broadcast address"
							      : NULL;
	}
	return addr_is_zero(addr)			     ? "the unspecified address"
	       : !memcmp(byte, loopback, 16)		     ? "the loopback address"
	       : byte[0] == 0xff			     ? "a multicast address"
	       : byte[0] == 0xfe && (byte[1] & 0xc0) == 0x80 ? "a link-local address"
							     : NULL;
}

void check_copy_name(char to[STATE_NAME_MAX], const char *name)
{
	memccpy(to, name, 0, STATE_NAME_MAX);
	to[STATE_NAME_MAX - 1] = 0;
}

static void check_fits(struct check *check, uint64_t needed, uint64_t capacity, enum schema_key key,
		       const char *what, const char *remedy)
{
	const struct tree_node *node = schema_find(check->platform, SCHEMA_platform_node);
	const struct tree_node *given = schema_find(node, SCHEMA_node_capacity);

	if (needed <= capacity)
		return;
	given = schema_find(given, key);
	errors_add(check->errors, given ? tree_place(given) : tree_key_place(node),
		   "%s need node.capacity.%s of at least %llu, but it is %llu%s; %s", what,
		   schema_rows[key].key, (unsigned long long)needed, (unsigned long long)capacity,
		   given ? "" : " by default", remedy);
}

#define NAT_PORTS 64512 /* of a source: all but the first 1024 */

/*
 * How many NAT sources these tenants fill, whose ranges do not reach from one source into another.
 * Largest first leaves no gap that could be avoided, since each size divides the next one.
 */
static uint64_t count_nat_sources(const struct state *state)
{
	uint64_t ranges[17] = {}, left = 0, sources = 0; /* by logarithm of their size */

	for (size_t i = 0; i < state->tenant_count; i++) {
		uint32_t ports = state->tenants[i].nat_ports;

		if (ports) {
			ranges[__builtin_ctz(ports)]++;
			left++;
		}
	}
	for (; left; sources++) {
		uint64_t room = NAT_PORTS;

		for (int size = 16; size >= 0; size--) {
			uint64_t fit = room >> size;

			fit = fit < ranges[size] ? fit : ranges[size];
			ranges[size] -= fit;
			left -= fit;
			room -= fit << size;
		}
	}
	return sources;
}

static void check_nat(struct check *check)
{
	const struct tree_node *node = schema_find(check->platform, SCHEMA_platform_node);
	const struct tree_node *given = schema_find(node, SCHEMA_node_natSources);
	const struct config *config = check->config;
	uint64_t needed = count_nat_sources(&config->state);

	check_fits(check, config->nat_source_count, config->capacity.nat_sources,
		   SCHEMA_capacity_natSources, "the items of node.natSources", "raise it");
	if (config->nat_source_count && needed > config->nat_source_count)
		errors_add(check->errors, tree_key_place(given),
			   "the tenants' natPorts fill %llu items of node.natSources, but there "
			   "%s %zu; add source addresses, or lower l4.natPorts of the tiers",
			   (unsigned long long)needed, config->nat_source_count == 1 ? "is" : "are",
			   config->nat_source_count);
}

void check_capacity(struct check *check)
{
	const struct config_capacity *capacity = &check->config->capacity;
	size_t tenants = check->config->state.tenant_count;

	if (!schema_find(check->platform, SCHEMA_platform_node))
		return;
	check_fits(check, tenants, capacity->tenants, SCHEMA_capacity_tenants, "the tenants",
		   "raise it");
	check_fits(check, check->vip_entries, capacity->vips, SCHEMA_capacity_vips,
		   "the VIPs granted to tenants and the addresses and ports of services",
		   "raise it");
	check_fits(check, check->services, capacity->services, SCHEMA_capacity_services,
		   "the services", "raise it");
	check_fits(check, check->members, capacity->members, SCHEMA_capacity_members,
		   "the backends of all services", "raise it");
	check_fits(check, check->flows, capacity->flows, SCHEMA_capacity_flows,
		   "the tenants' flow quotas", "raise it, or lower l4.flows of the tiers");
	check_fits(check, check->acl_prefixes, capacity->acl_prefixes, SCHEMA_capacity_aclPrefixes,
		   "the tenants' access lists", "raise it, or lower l4.aclPrefixes of the tiers");
	check_nat(check);
}

void check_fini(struct check *check)
{
	names_fini(&check->tiers);
	names_fini(&check->vips);
	names_fini(&check->addresses);
	names_fini(&check->nat_sources);
	names_fini(&check->tenants);
	names_fini(&check->ids);
	names_fini(&check->documents);
	names_fini(&check->scripts);
	names_fini(&check->listeners);
	names_fini(&check->domains);
	for (size_t i = 0; i < check->domain_count; i++)
		free((char *)check->domain_list[i].name);
	free(check->domain_list);
	free(check->fronts);
	free(check->vip_list);
	free(check->tier_list);
	free(check->shares);
}
