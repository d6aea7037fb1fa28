// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Which arrays there are, and how long each is for a capacity. */
#include <string.h>
#include <time.h>

#include "internal.h"

static uint32_t nat_first(const struct dataplane_capacity *capacity)
{
	return (capacity->flow_buckets + MTLB_NAT_BUCKETS - 1) / MTLB_NAT_BUCKETS *
	       MTLB_NAT_BUCKETS;
}

/* Translated flows come after the tenants' own, where a bucket's number tells its ports. */
static size_t all_buckets(const struct dataplane_capacity *capacity)
{
	if (!capacity->nat_sources)
		return capacity->flow_buckets;
	return (size_t)nat_first(capacity) + (size_t)capacity->nat_sources * MTLB_NAT_BUCKETS;
}

size_t dataplane_array_length(enum dataplane_array array, const struct dataplane_capacity *capacity,
			      uint32_t cpus)
{
	switch (array) {
	case DATAPLANE_ARRAY_node:
	case DATAPLANE_ARRAY_share:
		return 1;
	case DATAPLANE_ARRAY_tenants:
	case DATAPLANE_ARRAY_meters:
	case DATAPLANE_ARRAY_meter_times:
	case DATAPLANE_ARRAY_defences:
	case DATAPLANE_ARRAY_guards:
	case DATAPLANE_ARRAY_active:
	case DATAPLANE_ARRAY_totals:
		return capacity->tenants;
	case DATAPLANE_ARRAY_services:
		return capacity->services;
	case DATAPLANE_ARRAY_members:
	case DATAPLANE_ARRAY_member_names:
		return capacity->members;
	case DATAPLANE_ARRAY_vips:
		return dataplane_records(capacity->vips, capacity->nat_sources);
	case DATAPLANE_ARRAY_port_lines:
		return dataplane_port_lines(capacity->vips);
	case DATAPLANE_ARRAY_slots:
		return (capacity->slots + MTLB_SLOTS_PER_LINE - 1) / MTLB_SLOTS_PER_LINE;
	case DATAPLANE_ARRAY_flows:
		return all_buckets(capacity);
	case DATAPLANE_ARRAY_facts:
		return all_buckets(capacity) * MTLB_FLOWS_PER_BUCKET;
	case DATAPLANE_ARRAY_flow_logs:
		return cpus;
	case DATAPLANE_ARRAY_nat_ways:
		return (size_t)capacity->nat_sources * MTLB_NAT_PORTS + 1;
	case DATAPLANE_ARRAY_fragments:
		return (size_t)capacity->tenants * MTLB_FRAGMENT_BUCKETS +
		       MTLB_FRAGMENT_REPLY_BUCKETS;
	case DATAPLANE_ARRAY_member_counters:
		return (size_t)cpus * capacity->members;
	case DATAPLANE_ARRAY_reason_counters:
		return (size_t)cpus * capacity->tenants * MTLB_REASONS_PER_TENANT;
	case DATAPLANE_ARRAY_tenant_counters:
	case DATAPLANE_ARRAY_answer_budgets:
	case DATAPLANE_ARRAY_leases:
	case DATAPLANE_ARRAY_event_budgets:
		return (size_t)cpus * capacity->tenants;
	case DATAPLANE_ARRAY_clients:
		return MTLB_CLIENT_LINES;
	case DATAPLANE_ARRAY_trie_nodes:
		return dataplane_trie_nodes(capacity->acl_prefixes, capacity->feed_prefixes);
	case DATAPLANE_ARRAY_trie_records:
		return dataplane_trie_records(capacity->acl_prefixes, capacity->feed_prefixes);
	case DATAPLANE_ARRAY_guard_ports:
		return (size_t)2 * MTLB_GUARD_PORT_WORDS;
	case DATAPLANE_ARRAY_rules:
		return dataplane_rules(capacity->acl_prefixes);
	case DATAPLANE_ARRAY_rule_counters:
		return (size_t)cpus * dataplane_rules(capacity->acl_prefixes);
	case DATAPLANE_ARRAY_COUNT:
		break;
	}
	return 0;
}

static const struct {
	const char *map;
	size_t size;
	size_t offset;
} arrays[] = {
#define ARRAY(field, map, type) {#map, sizeof(type), offsetof(struct dataplane_arrays, field)},
	DATAPLANE_ARRAYS(ARRAY)
#undef ARRAY
};

/* Elements of an array map lie at multiples of eight bytes: a type of another size would shift. */
#define ARRAY(field, map, type) _Static_assert(sizeof(type) % 8 == 0, #type);
DATAPLANE_ARRAYS(ARRAY)
#undef ARRAY

/* A cache line, each, where the packets' cost depends on it. */
_Static_assert(sizeof(struct mtlb_vip) == 64, "struct mtlb_vip");
_Static_assert(sizeof(struct mtlb_member) == 64, "struct mtlb_member");
_Static_assert(sizeof(struct mtlb_flow_bucket) == 128, "struct mtlb_flow_bucket");
_Static_assert(sizeof(struct mtlb_flow_facts) == 64, "struct mtlb_flow_facts");
_Static_assert(sizeof(struct mtlb_flow_log) % 64 == 0, "struct mtlb_flow_log");
_Static_assert(sizeof(struct mtlb_port_line) == 64, "struct mtlb_port_line");
_Static_assert(sizeof(struct mtlb_member_counter) == 64, "struct mtlb_member_counter");
_Static_assert(sizeof(struct mtlb_meter) == 192, "struct mtlb_meter");
_Static_assert(sizeof(struct mtlb_share) == 128, "struct mtlb_share");
_Static_assert(sizeof(struct mtlb_meter_time) == 64, "struct mtlb_meter_time");
_Static_assert(sizeof(struct mtlb_lease) == 32, "struct mtlb_lease");
_Static_assert(sizeof(struct mtlb_client_line) == 64, "struct mtlb_client_line");
_Static_assert(sizeof(struct mtlb_event_budget) == 32, "struct mtlb_event_budget");
_Static_assert(sizeof(struct mtlb_guard) == 64, "struct mtlb_guard");
_Static_assert(sizeof(struct mtlb_trie_node) == 64, "struct mtlb_trie_node");
_Static_assert(sizeof(struct mtlb_trie_record) == 32, "struct mtlb_trie_record");
_Static_assert(sizeof(struct mtlb_active) == 1024, "struct mtlb_active");
_Static_assert(sizeof(struct mtlb_total) == 128, "struct mtlb_total");
_Static_assert(sizeof(struct mtlb_nat_way) == 32, "struct mtlb_nat_way");
_Static_assert(MTLB_REASON_COUNT <= MTLB_REASONS_PER_TENANT, "reasons.def outgrew its row");
_Static_assert(MTLB_COUNTER_COUNT <= 8, "counters.def outgrew struct mtlb_tenant_counter");

size_t dataplane_array_size(enum dataplane_array array)
{
	return arrays[array].size;
}

const char *dataplane_array_map(enum dataplane_array array)
{
	return arrays[array].map;
}

void **dataplane_array_slot(struct dataplane_arrays *all, enum dataplane_array array)
{
	return (void **)((char *)all + arrays[array].offset);
}

void dataplane_fill_node(struct mtlb_node *node, const struct dataplane_options *options,
			 uint32_t cpus)
{
	const struct dataplane_capacity *capacity = &options->capacity;
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	*node = (struct mtlb_node){
		.abi_version = MTLB_ABI_VERSION,
		.cpus = cpus,
		.created_at = (uint64_t)now.tv_sec * 1000000000 + now.tv_nsec,
		.tenants = capacity->tenants,
		.vips = capacity->vips,
		.services = capacity->services,
		.members = capacity->members,
		.slots = capacity->slots,
		.flow_buckets = capacity->flow_buckets,
		.nat_sources = capacity->nat_sources,
		.acl_prefixes = capacity->acl_prefixes,
		.feed_prefixes = capacity->feed_prefixes,
		.nat_first = capacity->nat_sources ? nat_first(capacity) : 0,
		.stamp_shift = options->stamp_shift ?: MTLB_FLOW_STAMP_SHIFT_NS,
	};
	if (options->secret)
		memcpy(node->secret, options->secret, sizeof(node->secret));
}

void dataplane_make_view(struct dataplane *dataplane)
{
#define ARRAY(field, map, type) dataplane->view.field = dataplane->arrays.field;
	DATAPLANE_ARRAYS(ARRAY)
#undef ARRAY
}
