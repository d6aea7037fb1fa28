/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * reconcile_test.c's node on the fake dataplane, and what must hold there at any time: whatever a
 * packet would look up leads to somebody who is meant to get it.
 */
#ifndef MTLB_SELFTESTS_RECONCILE_NODE_H
#define MTLB_SELFTESTS_RECONCILE_NODE_H

#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>
#include "userspace/agent/acl.h"
#include "userspace/agent/meters.h"
#include "userspace/agent/nat.h"
#include "userspace/agent/publish.h"
#include "userspace/agent/reconcile.h"
#include "userspace/agent/sweep.h"
#include "userspace/base/log.h"
#include "userspace/model/table.h"
#include "userspace/model/trie.h"

#define SECOND	     1000000000ULL
#define TENANTS	     3
#define SERVICES     3
#define MEMBERS	     8
#define NAT_SOURCES  2 /* at most: their tables are large, and slow to make */
#define PAIRS	     12
#define CHAINS	     40
#define CHAIN	     6
#define ACL_PREFIXES 12 /* that a list may have */

struct node {
	struct dataplane *dataplane;
	struct registry registry;
	struct members members;
	uint64_t now;
};

static struct addr ipv4(uint8_t a, uint8_t b, uint8_t c, uint8_t d)
{
	return (struct addr){{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, a, b, c, d}};
}

static struct state_vip one_port(struct addr address, int port)
{
	return (struct state_vip){address, (uint16_t)port, (uint16_t)port};
}

/* the node */

static void start_agent(struct node *node)
{
	assert_int_equal(registry_open(&node->registry, node->dataplane), 0);
	node->members = (struct members){
		.registry = &node->registry,
		.encap_ipv4 = ipv4(192, 0, 2, 1),
		.nat = {{.ipv4 = ipv4(192, 0, 2, 2)}, {.ipv4 = ipv4(192, 0, 2, 3)}},
	};
}

static uint64_t monotonic(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * SECOND + now.tv_nsec;
}

/* Used again, by the number of sources: with a sanitizer, memory of that size takes longer to get
 * and to give back than all that a run does with it. */
static struct dataplane *spare[NAT_SOURCES + 1];

/* sources: of NAT, 0 when no tenant wants ports */
static void open_node(struct node *node, uint32_t sources)
{
	struct dataplane_options options = {
		.capacity = {.tenants = 6,
			     .vips = 200,
			     .services = 15,
			     .members = 200,
			     .slots = 80000,
			     .flow_buckets = 600,
			     .acl_prefixes = 3 * ACL_PREFIXES,
			     .nat_sources = sources},
	};

	*node = (struct node){.dataplane = spare[sources], .now = monotonic()};
	log_set_level(LOG_LEVEL_ERROR);
	if (node->dataplane)
		dataplane_memory_clear(node->dataplane, &options);
	else
		assert_int_equal(dataplane_open_memory(&options, &node->dataplane), 0);
	spare[sources] = NULL;
	start_agent(node);
}

static void close_node(struct node *node)
{
	uint32_t sources = dataplane_view(node->dataplane)->node->nat_sources;

	registry_close(&node->registry);
	dataplane_close(spare[sources]);
	spare[sources] = node->dataplane;
}

static int close_spares(void **state)
{
	(void)state;
	for (size_t i = 0; i <= NAT_SOURCES; i++)
		dataplane_close(spare[i]);
	return 0;
}

static void make_plan(struct node *node, const struct state *wanted, struct state *ret_actual,
		      struct plan *ret_plan)
{
	assert_int_equal(registry_read_state(&node->registry, wanted, wanted, NULL, ret_actual), 0);
	assert_int_equal(plan_make(ret_actual, wanted, ret_plan), 0);
}

/* As the agent does it. */
static int reach(struct node *node, const struct state *wanted, struct err *err)
{
	struct reconcile reconcile = {&node->registry, &node->members, wanted, node->now, 0, false};
	struct state actual;
	struct plan plan;
	int error;

	make_plan(node, wanted, &actual, &plan);
	error = reconcile_check_room(&node->registry, &plan, err);
	if (!error && nat_publish_sources(&node->registry, &node->members))
		error = err_set(err, -EIO, "sources");
	error = error ?: reconcile_apply(&reconcile, &plan, err);
	if (!error && nat_withdraw_sources(&node->members))
		error = err_set(err, -EIO, "sources");
	plan_fini(&plan);
	state_fini(&actual);
	node->now += SECOND;
	return error;
}

static void expect_reach(struct node *node, const struct state *wanted)
{
	struct err err = {};

	if (reach(node, wanted, &err))
		fail_msg("%s", err.text);
}

static void expect_reached(struct node *node, const struct state *wanted)
{
	struct registry_service *service, *next;
	struct state actual;
	struct plan plan;
	char line[512];

	make_plan(node, wanted, &actual, &plan);
	if (plan.count)
		fail_msg("still to do: %s", op_format(&plan.ops[0], line, sizeof(line)));
	plan_fini(&plan);
	state_fini(&actual);
	HASH_ITER (by_key, node->registry.services, service, next)
		assert_false(service->dirty);
}

/* Lets an hour pass, again and again, until what lingers is gone. */
static void let_time_pass(struct node *node, const struct state *running)
{
	struct sweep sweep = {&node->registry, &node->members, running, 0, NULL};
	struct reconcile reconcile = {&node->registry, &node->members, running, 0, 0, false};
	struct err err = {};

	for (int i = 0; i < 4; i++) {
		node->now += 3600 * SECOND;
		reconcile.now = node->now;
		assert_int_equal(sweep_run(&sweep, node->now), 0);
		if (reconcile_publish_dirty(&reconcile, &err))
			fail_msg("%s", err.text);
		assert_int_equal(registry_settle(&node->registry), 0);
	}
}

struct usage {
	uint32_t tenants, services, members, records, lines, buckets, port_lines, nat;
	uint32_t rules, trie_nodes, trie_records;
};

static struct usage usage_of(const struct node *node)
{
	const struct registry *registry = &node->registry;
	uint32_t nat = 0;

	for (uint32_t i = 0; i < dataplane_view(node->dataplane)->node->nat_sources; i++)
		nat += registry->nat_buckets[i].in_use;
	assert_false(registry_rests(registry));
	return (struct usage){
		registry->tenant_indices.in_use, registry->service_indices.in_use,
		registry->member_indices.in_use, registry->records.in_use,
		registry->slot_lines.in_use,	 registry->flow_buckets.in_use,
		registry->port_lines.in_use,	 nat,
		registry->rules.in_use,		 registry->trie_nodes.in_use,
		registry->trie_records.in_use,
	};
}

/* What a packet for this key would meet. */

static void check_owners(const struct node *node, const struct mtlb_vip *vip, uint32_t first,
			 uint32_t count)
{
	const struct dataplane_view *view = dataplane_view(node->dataplane);

	assert_int_equal(first % MTLB_SLOTS_PER_LINE, 0);
	assert_true(first + count <= view->node->slots);
	for (uint32_t at = first; at < first + count; at++) {
		uint32_t word =
			view->slots[at / MTLB_SLOTS_PER_LINE].slot[at % MTLB_SLOTS_PER_LINE];
		uint32_t owner = word & MTLB_SLOT_MEMBER;

		if (!owner)
			continue;
		assert_true(owner < view->node->members);
		assert_int_equal(view->members[owner].service, vip->service);
		assert_true(view->member_names[owner].used);
		assert_int_equal(view->member_names[owner].service, vip->service);
	}
}

/* As the program looks it up: by key, else among the ranges of the address. */
static uint32_t find_record(const struct node *node, const struct addr *address, uint16_t port,
			    uint8_t protocol)
{
	const struct dataplane_view *view = dataplane_view(node->dataplane);
	struct mtlb_vip_key key = registry_key(address, port, protocol);
	uint32_t record = dataplane_find_vip(node->dataplane, &key), line = 0;

	if (record) {
		assert_memory_equal(&view->vips[record].key, &key, sizeof(key));
		return record;
	}
	key = registry_key(address, 0, 0);
	record = dataplane_find_vip(node->dataplane, &key);
	for (int i = 0; record && i < MTLB_PORT_PROTOCOLS; i++)
		if (registry_port_protocols[i] == protocol)
			line = view->vips[record].port_line[i];
	for (int i = 0; line && i < MTLB_PORT_LINES_MAX; i++) {
		const struct mtlb_port_line *at = &view->port_lines[line];

		for (int r = 0; r < MTLB_PORT_RANGES_PER_LINE; r++)
			if (at->range[r].record && port >= at->range[r].first &&
			    port <= at->range[r].last)
				return at->range[r].record;
		line = at->next;
	}
	return 0;
}

static bool overlap(uint32_t a, uint32_t a_count, uint32_t b, uint32_t b_count)
{
	return a < b + b_count && b < a + a_count;
}

static bool shares(const struct mtlb_tenant *tenant, const struct mtlb_vip *vip)
{
	return tenant->flows_of[0] && tenant->flow_first == vip->flow_first &&
	       tenant->flow_count == vip->flow_mask + 1;
}

/* Where the flows of this record are, none of another tenant's may be, unless they share it. */
static void check_flows(const struct node *node, const struct mtlb_vip *vip)
{
	const struct dataplane_view *view = dataplane_view(node->dataplane);
	uint32_t end = view->node->nat_first + view->node->nat_sources * MTLB_NAT_BUCKETS;

	assert_true(vip->flow_first);
	if (view->node->nat_sources && vip->flow_first >= view->node->nat_first) {
		assert_true(vip->flags & MTLB_VIP_NAT);
		assert_true(vip->flow_first + vip->flow_mask < end);
	} else {
		assert_true(vip->flow_first + vip->flow_mask < view->node->flow_buckets);
	}
	for (uint32_t t = 1; t < view->node->tenants; t++) {
		const struct mtlb_tenant *tenant = &view->tenants[t];

		if (!tenant->used || t == vip->tenant)
			continue;
		assert_true(shares(tenant, vip) ||
			    !overlap(vip->flow_first, vip->flow_mask + 1, tenant->flow_first,
				     tenant->flow_count));
		assert_false(tenant->nat_count && overlap(vip->flow_first, vip->flow_mask + 1,
							  tenant->nat_first, tenant->nat_count));
	}
}

static const struct mtlb_vip *check_port(const struct node *node, const struct addr *address,
					 uint16_t port, uint8_t protocol)
{
	const struct dataplane_view *view = dataplane_view(node->dataplane);
	uint32_t record = find_record(node, address, port, protocol);
	const struct mtlb_vip *vip = &view->vips[record];

	assert_int_not_equal(record, 0);
	assert_memory_equal(&vip->key.address, address, sizeof(*address));
	assert_int_equal(vip->key.protocol, protocol);
	assert_true(port >= ntohs(vip->key.port) &&
		    port <= (vip->port_last ?: ntohs(vip->key.port)));
	assert_true(view->tenants[vip->tenant].used);
	if (vip->flags & MTLB_VIP_ADDRESS)
		return vip;
	assert_true(view->services[vip->service].used);
	assert_int_equal(view->services[vip->service].tenant, vip->tenant);
	if (!(vip->flags & MTLB_VIP_LOCAL))
		assert_true(vip->slot_first && vip->slot_count);
	check_owners(node, vip, vip->slot_first, vip->slot_count);
	check_owners(node, vip, vip->old_first, vip->old_count);
	check_flows(node, vip);
	return vip;
}

static bool serves(const struct state *state, const struct addr *address, uint16_t port,
		   uint8_t protocol)
{
	for (size_t t = 0; t < state->tenant_count; t++) {
		const struct state_tenant *tenant = &state->tenants[t];

		for (size_t i = 0; !protocol && i < tenant->address_count; i++)
			if (addr_compare(&tenant->addresses[i].address, address) == 0)
				return true;
		for (size_t s = 0; s < tenant->service_count; s++) {
			const struct state_service *service = &tenant->services[s];

			for (size_t i = 0; i < service->vip_count; i++) {
				const struct state_vip *vip = &service->vips[i];

				if (service->protocol == protocol && port >= vip->port &&
				    port <= vip->last && addr_compare(&vip->address, address) == 0)
					return true;
			}
		}
	}
	return false;
}

static void check_limits(const struct node *node, const struct mtlb_vip *vip,
			 const struct state_limits *limits)
{
	const struct mtlb_meter *is = &dataplane_view(node->dataplane)->meters[vip->tenant];
	struct mtlb_meter wanted = meters_make(limits);

	assert_memory_equal(is, &wanted, sizeof(wanted));
	assert_int_equal(vip->flags & MTLB_VIP_METERED, meters_flags(&wanted));
}

static void check_share(const struct node *node, const struct state *state)
{
	const struct mtlb_share *is = dataplane_view(node->dataplane)->share;
	struct mtlb_share wanted = meters_share(&state->node);

	assert_int_equal(is->capacity, wanted.capacity);
	assert_int_equal(is->interval, wanted.interval);
	for (int i = 0; i < MTLB_CHARGES; i++)
		assert_int_equal(is->charge[i] ?: 1, wanted.charge[i]); /* 0 in a new dataplane */
	assert_true(is->fair <= wanted.capacity << MTLB_FAIR_SHIFT);
}

/* Every port of state, at the ends of its ranges; those alone that other serves as well when it is
 * given. Else, it is for the service that state says.
 */
static void check_keys(const struct node *node, const struct state *state,
		       const struct state *other)
{
	const struct dataplane_view *view = dataplane_view(node->dataplane);

	if (!other)
		check_share(node, state);
	for (size_t t = 0; t < state->tenant_count; t++) {
		const struct state_tenant *tenant = &state->tenants[t];

		for (size_t i = 0; i < tenant->address_count; i++) {
			const struct addr *address = &tenant->addresses[i].address;
			const struct mtlb_vip *vip;

			if (other && !serves(other, address, 0, 0))
				continue;
			vip = check_port(node, address, 0, 0);
			if (other)
				continue;
			assert_string_equal(view->tenants[vip->tenant].name, tenant->name);
			assert_int_equal(!!(vip->flags & MTLB_VIP_ECHO), tenant->addresses[i].echo);
			check_limits(node, vip, &tenant->limits);
		}
		for (size_t s = 0; s < tenant->service_count; s++) {
			const struct state_service *service = &tenant->services[s];

			for (size_t i = 0; i < 2 * service->vip_count; i++) {
				const struct state_vip *at = &service->vips[i / 2];
				uint16_t port = i % 2 ? at->last : at->port;
				const struct mtlb_vip *vip;

				if (other && !serves(other, &at->address, port, service->protocol))
					continue;
				vip = check_port(node, &at->address, port, service->protocol);
				if (other)
					continue;
				assert_string_equal(view->services[vip->service].name,
						    service->name);
				assert_string_equal(view->tenants[vip->tenant].name, tenant->name);
			}
		}
	}
}

struct counted {
	const struct node *node;
	size_t keys, ranges;
};

static void count_key(void *context, const struct mtlb_vip_key *key, uint32_t record)
{
	struct counted *counted = context;
	const struct mtlb_vip *vip = &dataplane_view(counted->node->dataplane)->vips[record];
	struct registry_chain chain;

	(void)key;
	counted->keys++;
	for (int i = 0; vip->flags & MTLB_VIP_ADDRESS && i < MTLB_PORT_PROTOCOLS; i++) {
		registry_read_chain(&counted->node->registry, vip->port_line[i], &chain);
		counted->ranges += chain.count;
		assert_int_equal(chain.line_count, (chain.count + 6) / 7);
	}
}

/* What no one wants must be gone. */
static void check_no_more(const struct node *node, const struct state *state)
{
	struct counted counted = {.node = node}, wanted = {};

	wanted.keys = dataplane_view(node->dataplane)->node->nat_sources;
	for (size_t t = 0; t < state->tenant_count; t++) {
		const struct state_tenant *tenant = &state->tenants[t];

		wanted.keys += tenant->address_count;
		for (size_t s = 0; s < tenant->service_count; s++)
			for (size_t i = 0; i < tenant->services[s].vip_count; i++)
				if (registry_last(&tenant->services[s].vips[i]))
					wanted.ranges++;
				else
					wanted.keys++;
	}
	assert_int_equal(dataplane_each_vip(node->dataplane, count_key, &counted), 0);
	assert_int_equal(counted.keys, wanted.keys);
	assert_int_equal(counted.ranges, wanted.ranges);
}

/* What a member sees is the address whose replies come to this tenant's range. */
static void check_source(const struct node *node, const struct mtlb_tenant *tenant,
			 const struct mtlb_member *member)
{
	const struct dataplane_view *view = dataplane_view(node->dataplane);
	uint32_t pair = registry_nat_pair(view->node, tenant->nat_first), record;
	struct mtlb_address source, destination;
	struct mtlb_member expected = {.encap = MTLB_ENCAP_NAT};
	struct mtlb_vip_key key = registry_key(&node->members.nat[pair].ipv4, 0, 0);
	struct addr address = ipv4(192, 0, 2, (uint8_t)(2 + pair));

	assert_int_equal(member->encap, MTLB_ENCAP_NAT);
	memcpy(&source, address.byte, sizeof(source));
	memset(&destination, 0, sizeof(destination));
	dataplane_set_outer(&expected, &source, &destination);
	assert_memory_equal(&member->outer_source, &expected.outer_source,
			    sizeof(expected.outer_source));
	record = dataplane_find_vip(node->dataplane, &key);
	assert_true(view->vips[record].flags & MTLB_VIP_NAT_SOURCE);
	assert_true(tenant->nat_first >= view->vips[record].flow_first &&
		    tenant->nat_first + tenant->nat_count <=
			    view->vips[record].flow_first + MTLB_NAT_BUCKETS);
}

/* Beyond check_keys: the record says what the service's and the tenant's entries say now. */
static void check_settings(const struct node *node)
{
	const struct dataplane_view *view = dataplane_view(node->dataplane);
	struct registry_service *service, *next;

	HASH_ITER (by_key, node->registry.services, service, next) {
		const struct mtlb_service *names = &view->services[service->index];
		const struct mtlb_tenant *tenant = &view->tenants[names->tenant];
		bool nat = names->encap_wish == MTLB_FORWARD_NAT;
		bool local = names->encap_wish == MTLB_FORWARD_LOCAL;

		assert_int_equal(!service->slot_count, local);

		for (const struct registry_vip *i = service->vips; i; i = i->next) {
			const struct mtlb_vip *vip = &view->vips[i->record];
			struct addr address = registry_addr(&i->key.address);

			assert_int_equal(
				find_record(node, &address, ntohs(i->key.port), i->key.protocol),
				i->record);
			assert_int_equal(vip->port_last, i->last);
			assert_int_equal(vip->service, service->index);
			assert_int_equal(vip->slot_first, service->slot_first);
			assert_int_equal(vip->flow_first,
					 nat ? tenant->nat_first : tenant->flow_first);
			assert_int_equal(vip->flow_mask,
					 (nat ? tenant->nat_count : tenant->flow_count) - 1);
			assert_int_equal(!!(vip->flags & MTLB_VIP_NAT), nat);
			assert_int_equal(!!(vip->flags & MTLB_VIP_LOCAL), local);
			assert_int_equal(vip->slot_count, service->slot_count);
			if (local)
				continue;
			assert_int_equal(vip->flags & MTLB_VIP_TRACK_ALWAYS,
					 !nat && names->track_always);
			assert_int_equal(vip->flags >> MTLB_VIP_MSS_SHIFT, names->mss);
			assert_int_equal(vip->flags & MTLB_VIP_METERED,
					 meters_flags(&view->meters[names->tenant]));
			assert_int_equal(vip->flags & MTLB_VIP_GUARDED,
					 acl_flags(&view->guards[names->tenant]));
			assert_int_equal(!!(vip->flags & MTLB_VIP_CLIENT),
					 names->affinity == MTLB_AFFINITY_CLIENT);
			assert_int_equal(!!(vip->flags & MTLB_VIP_ALONE),
					 names->affinity == MTLB_AFFINITY_NONE);
		}
		for (size_t i = 0; i < service->member_count; i++) {
			const struct mtlb_member_name *name =
				&view->member_names[service->members[i]];
			uint8_t flags = view->members[service->members[i]].flags;
			bool takes_new = name->state == MTLB_MEMBER_UP && !name->drain;

			assert_int_equal(!(flags & MTLB_MEMBER_NO_NEW), takes_new);
			assert_false(takes_new && flags & MTLB_MEMBER_LET_GO);
			assert_false(flags & MTLB_MEMBER_NO_NEXT_HOP);
			if (nat)
				check_source(node, tenant, &view->members[service->members[i]]);
		}
	}
}

struct ids {
	const struct node *node;
	size_t count;
};

static void check_id(void *context, const struct mtlb_quic_key *key, uint32_t member)
{
	struct ids *ids = context;
	const struct dataplane_view *view = dataplane_view(ids->node->dataplane);
	const struct mtlb_member_name *name = &view->member_names[member];

	ids->count++;
	assert_true(name->used);
	assert_int_equal(name->service, key->service);
	assert_true(view->services[key->service].used);
	assert_int_equal(view->services[key->service].quic_bytes, key->length);
	assert_int_equal(name->server_id_bytes, key->length);
	assert_memory_equal(&key->id, name->server_id, sizeof(key->id));
}

/* Each member's server ID leads to it, or, when it lingers, at least to somebody. */
static void check_ids(const struct node *node)
{
	const struct dataplane_view *view = dataplane_view(node->dataplane);
	struct registry_service *service, *next;
	struct ids ids = {.node = node};
	size_t known = 0;

	assert_int_equal(dataplane_each_quic_id(node->dataplane, check_id, &ids), 0);
	HASH_ITER (by_key, node->registry.services, service, next) {
		uint8_t bytes = view->services[service->index].quic_bytes;

		known += HASH_CNT(by_key, service->quic);
		for (size_t i = 0; i < service->member_count; i++) {
			const struct mtlb_member_name *name =
				&view->member_names[service->members[i]];
			struct mtlb_quic_key key = {.service = service->index, .length = bytes};
			struct registry_quic *quic;

			if (!bytes || name->server_id_bytes != bytes)
				continue;
			memcpy(&key.id, name->server_id, bytes);
			HASH_FIND(by_key, service->quic, &key, sizeof(key), quic);
			assert_non_null(quic);
			if (name->state != MTLB_MEMBER_GONE)
				assert_int_equal(quic->member, service->members[i]);
		}
	}
	assert_int_equal(ids.count, known);
}

/* No table may still give slots to whom the configuration does not want there. */
static void check_tables(const struct node *node)
{
	const struct dataplane_view *view = dataplane_view(node->dataplane);
	struct registry_service *service, *next;

	HASH_ITER (by_key, node->registry.services, service, next) {
		struct table table;

		assert_int_equal(publish_read_table(&node->registry, service, &table), 0);
		for (uint32_t i = 0; i < table.count; i++) {
			uint32_t owner = table.slots[i] & MTLB_SLOT_MEMBER;

			assert_false(owner &&
				     (view->member_names[owner].drain ||
				      view->member_names[owner].state == MTLB_MEMBER_GONE));
		}
		table_fini(&table);
	}
}

#endif
