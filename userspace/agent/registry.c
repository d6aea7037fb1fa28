// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "registry.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct mtlb_vip_key registry_key(const struct addr *address, uint16_t port, uint8_t protocol)
{
	struct mtlb_vip_key key = {.port = htons(port), .protocol = protocol};

	memcpy(&key.address, address->byte, sizeof(key.address));
	return key;
}

uint16_t registry_last(const struct state_vip *vip)
{
	return vip->last != vip->port ? vip->last : 0;
}

struct addr registry_addr(const struct mtlb_address *address)
{
	struct addr addr;

	memcpy(addr.byte, address, sizeof(addr.byte));
	return addr;
}

const uint8_t registry_port_protocols[MTLB_PORT_PROTOCOLS] = {
	[MTLB_PORT_TCP] = IPPROTO_TCP,
	[MTLB_PORT_UDP] = IPPROTO_UDP,
	[MTLB_PORT_SCTP] = IPPROTO_SCTP,
};

void registry_read_chain(const struct registry *registry, uint32_t first,
			 struct registry_chain *ret_chain)
{
	const struct dataplane_view *view = dataplane_view(registry->dataplane);
	uint32_t limit = dataplane_port_lines(view->node->vips);

	ret_chain->line_count = ret_chain->count = 0;
	while (first && first < limit && ret_chain->line_count < MTLB_PORT_LINES_MAX) {
		const struct mtlb_port_line *line = &view->port_lines[first];

		ret_chain->line[ret_chain->line_count++] = first;
		for (size_t i = 0; i < MTLB_PORT_RANGES_PER_LINE; i++)
			if (line->range[i].record)
				ret_chain->range[ret_chain->count++] = line->range[i];
		first = line->next;
	}
}

/* lookups */

struct registry_tenant *registry_tenant(const struct registry *registry, const char *name)
{
	struct registry_tenant *tenant;

	HASH_FIND(by_name, registry->tenants, name, strlen(name), tenant);
	return tenant;
}

struct registry_service *registry_service(const struct registry *registry, uint32_t tenant,
					  const char *name, uint8_t protocol)
{
	struct registry_service_key key = {.tenant = tenant, .protocol = protocol};
	struct registry_service *service;

	strncpy(key.name, name, sizeof(key.name) - 1);
	HASH_FIND(by_key, registry->services, &key, sizeof(key), service);
	return service;
}

uint32_t registry_member(const struct registry *registry, const struct registry_service *service,
			 const struct addr *address, uint16_t port)
{
	const struct dataplane_view *view = dataplane_view(registry->dataplane);

	for (size_t i = 0; i < service->member_count; i++) {
		const struct mtlb_member_name *name = &view->member_names[service->members[i]];

		if (memcmp(&name->address, address->byte, sizeof(name->address)) == 0 &&
		    name->port == htons(port))
			return service->members[i];
	}
	return 0;
}

struct registry_vip *registry_vip(struct registry_vip *list, const struct mtlb_vip_key *key,
				  uint16_t last)
{
	for (; list; list = list->next)
		if (memcmp(&list->key, key, sizeof(*key)) == 0 && list->last == last)
			return list;
	return NULL;
}

bool registry_met(const struct registry *registry, const struct registry_vip *vip)
{
	return vip->last || dataplane_find_vip(registry->dataplane, &vip->key) == vip->record;
}

/* additions and removals */

struct registry_tenant *registry_add_tenant(struct registry *registry, uint32_t index,
					    const char *name)
{
	struct registry_tenant *tenant = calloc(1, sizeof(*tenant));

	if (!tenant)
		return NULL;
	tenant->index = index;
	strncpy(tenant->name, name, sizeof(tenant->name) - 1);
	HASH_ADD(by_name, registry->tenants, name, strlen(tenant->name), tenant);
	registry->tenant_at[index] = tenant;
	return tenant;
}

static void free_vips(struct registry_vip **list)
{
	while (*list)
		registry_remove_vip(list, *list);
}

void registry_remove_tenant(struct registry *registry, struct registry_tenant *tenant)
{
	HASH_DELETE(by_name, registry->tenants, tenant);
	registry->tenant_at[tenant->index] = NULL;
	free_vips(&tenant->addresses);
	free(tenant->rules);
	free(tenant);
}

struct registry_service *registry_add_service(struct registry *registry, uint32_t index,
					      uint32_t tenant, const char *name, uint8_t protocol)
{
	struct registry_service *service = calloc(1, sizeof(*service));

	if (!service)
		return NULL;
	service->index = index;
	service->key.tenant = tenant;
	service->key.protocol = protocol;
	strncpy(service->key.name, name, sizeof(service->key.name) - 1);
	HASH_ADD(by_key, registry->services, key, sizeof(service->key), service);
	registry->service_at[index] = service;
	if (registry->tenant_at[tenant]) {
		service->of_tenant = registry->tenant_at[tenant]->services;
		registry->tenant_at[tenant]->services = service;
	}
	return service;
}

void registry_remove_service(struct registry *registry, struct registry_service *service)
{
	struct registry_tenant *tenant = registry->tenant_at[service->key.tenant];
	struct registry_service **link = tenant ? &tenant->services : NULL;

	while (link && *link && *link != service)
		link = &(*link)->of_tenant;
	if (link && *link)
		*link = service->of_tenant;
	HASH_DELETE(by_key, registry->services, service);
	registry->service_at[service->index] = NULL;
	free_vips(&service->vips);
	while (service->quic)
		registry_remove_quic(service, service->quic);
	free(service->members);
	free(service);
}

int registry_add_member(struct registry_service *service, uint32_t index)
{
	uint32_t *members =
		realloc(service->members, (service->member_count + 1) * sizeof(*members));

	if (!members)
		return -ENOMEM;
	service->members = members;
	members[service->member_count++] = index;
	return 0;
}

void registry_remove_member(struct registry_service *service, uint32_t index)
{
	for (size_t i = 0; i < service->member_count; i++)
		if (service->members[i] == index) {
			service->members[i] = service->members[--service->member_count];
			return;
		}
}

/* Sorted, so that those of one address and protocol are neighbours. */
int registry_add_vip(struct registry_vip **list, const struct mtlb_vip_key *key, uint16_t last,
		     uint32_t record)
{
	struct registry_vip *vip = calloc(1, sizeof(*vip));

	if (!vip)
		return -ENOMEM;
	vip->key = *key;
	vip->last = last;
	vip->record = record;
	while (*list && memcmp(&(*list)->key, key, sizeof(*key)) < 0)
		list = &(*list)->next;
	vip->next = *list;
	*list = vip;
	return 0;
}

void registry_remove_vip(struct registry_vip **list, struct registry_vip *vip)
{
	for (; *list; list = &(*list)->next)
		if (*list == vip) {
			*list = vip->next;
			free(vip);
			return;
		}
}

int registry_add_quic(struct registry_service *service, const struct mtlb_quic_key *key,
		      uint32_t member)
{
	struct registry_quic *quic = calloc(1, sizeof(*quic));

	if (!quic)
		return -ENOMEM;
	quic->key = *key;
	quic->member = member;
	HASH_ADD(by_key, service->quic, key, sizeof(quic->key), quic);
	return 0;
}

void registry_remove_quic(struct registry_service *service, struct registry_quic *quic)
{
	HASH_DELETE(by_key, service->quic, quic);
	free(quic);
}

/* A range that lies where no pair of sources is was never handed out. */
static struct ranges *nat_ranges(struct registry *registry, uint32_t first, uint32_t *ret_at)
{
	const struct mtlb_node *node = dataplane_view(registry->dataplane)->node;

	if (first < node->nat_first || registry_nat_pair(node, first) >= node->nat_sources)
		return NULL;
	*ret_at = (first - node->nat_first) % MTLB_NAT_BUCKETS;
	return &registry->nat_buckets[registry_nat_pair(node, first)];
}

void registry_mark_nat(struct registry *registry, uint32_t first, uint32_t count)
{
	struct ranges *ranges;
	uint32_t at;

	ranges = count ? nat_ranges(registry, first, &at) : NULL;
	if (ranges)
		ranges_mark(ranges, at, count);
}

void registry_give_back_nat(struct registry *registry, uint32_t first, uint32_t count)
{
	struct ranges *ranges;
	uint32_t at;

	ranges = count ? nat_ranges(registry, first, &at) : NULL;
	if (ranges)
		ranges_give_back(ranges, at, count);
}

/* All allocators by number, for what is done to each of them. */
#define REGISTRY_PLAIN_RANGES 10
#define REGISTRY_RANGES	      (REGISTRY_PLAIN_RANGES + MTLB_NAT_SOURCES_MAX)

static struct ranges *ranges_of(struct registry *registry, size_t number)
{
	struct ranges *const plain[REGISTRY_PLAIN_RANGES] = {
		&registry->tenant_indices, &registry->service_indices, &registry->member_indices,
		&registry->records,	   &registry->slot_lines,      &registry->flow_buckets,
		&registry->port_lines,	   &registry->rules,	       &registry->trie_nodes,
		&registry->trie_records,
	};

	return number < REGISTRY_PLAIN_RANGES
		       ? plain[number]
		       : &registry->nat_buckets[number - REGISTRY_PLAIN_RANGES];
}

void registry_close(struct registry *registry)
{
	struct registry_service *service, *next_service;
	struct registry_tenant *tenant, *next_tenant;

	HASH_ITER (by_key, registry->services, service, next_service)
		registry_remove_service(registry, service);
	HASH_ITER (by_name, registry->tenants, tenant, next_tenant)
		registry_remove_tenant(registry, tenant);
	free_vips(&registry->nat_sources);
	free(registry->tenant_at);
	free(registry->service_at);
	free(registry->retired);
	for (size_t i = 0; i < REGISTRY_RANGES; i++)
		ranges_fini(ranges_of(registry, i));
	*registry = (struct registry){};
}

bool registry_rests(const struct registry *registry)
{
	for (size_t i = 0; i < REGISTRY_RANGES; i++)
		if (ranges_of((struct registry *)registry, i)->at_rest)
			return true;
	return false;
}

int registry_settle(struct registry *registry)
{
	int error = registry_rests(registry) ? dataplane_grace(registry->dataplane) : 0;

	/* before an index is free: who gets it begins at nothing */
	error = error ?: registry_fold_retired(registry);
	for (size_t i = 0; !error && i < REGISTRY_RANGES; i++) {
		struct ranges *ranges = ranges_of(registry, i);

		if (ranges->at_rest)
			ranges_settle(ranges);
	}
	return error;
}

static void give_back_strays(struct ranges *ranges, const struct ranges *used)
{
	for (uint32_t i = 1; i < ranges->limit; i++)
		if (!ranges_has(used, i))
			ranges_give_back(ranges, i, 1);
}

static void mark_slots(struct ranges *lines, uint32_t first, uint32_t count)
{
	ranges_mark(lines, first / MTLB_SLOTS_PER_LINE, REGISTRY_LINES(count));
}

static int reclaim_slots_and_flows(struct registry *registry)
{
	const struct dataplane_view *view = dataplane_view(registry->dataplane);
	struct ranges lines = {}, buckets = {};
	struct registry_service *service, *next_service;
	struct registry_tenant *tenant, *next_tenant;
	int error = ranges_init(&lines, registry->slot_lines.limit)
			    ?: ranges_init(&buckets, registry->flow_buckets.limit);

	if (error)
		goto done;
	HASH_ITER (by_key, registry->services, service, next_service) {
		mark_slots(&lines, service->slot_first, service->slot_count);
		mark_slots(&lines, service->old_first, service->old_count);
	}
	HASH_ITER (by_name, registry->tenants, tenant, next_tenant)
		ranges_mark(&buckets, view->tenants[tenant->index].flow_first,
			    view->tenants[tenant->index].flow_count);
	give_back_strays(&registry->slot_lines, &lines);
	give_back_strays(&registry->flow_buckets, &buckets);
done:
	ranges_fini(&lines);
	ranges_fini(&buckets);
	return error;
}

static bool holds_flows(const struct dataplane_view *view, uint32_t bucket)
{
	uint64_t any = 0;

	for (size_t i = 0; i < MTLB_FLOWS_PER_BUCKET; i++)
		any |= view->flows[bucket].word[i];
	return any;
}

/* Of one pair of sources: a flow where no tenant is would answer to its port for ever. */
static int reclaim_nat(struct registry *registry, uint32_t pair)
{
	const struct dataplane_view *view = dataplane_view(registry->dataplane);
	uint32_t first = view->node->nat_first + pair * MTLB_NAT_BUCKETS;
	struct ranges *ranges = &registry->nat_buckets[pair];
	struct registry_tenant *tenant, *next;
	struct ranges used = {};
	int error = ranges_init(&used, MTLB_NAT_BUCKETS);

	if (error)
		return error;
	ranges_mark(&used, 0, MTLB_NAT_PORT_FIRST / MTLB_FLOWS_PER_BUCKET);
	HASH_ITER (by_name, registry->tenants, tenant, next) {
		const struct mtlb_tenant *names = &view->tenants[tenant->index];

		if (names->nat_count && registry_nat_pair(view->node, names->nat_first) == pair)
			ranges_mark(&used, names->nat_first - first, names->nat_count);
	}
	give_back_strays(ranges, &used);
	for (uint32_t i = 0; !error && i < MTLB_NAT_BUCKETS; i++)
		if (!ranges_has(ranges, i) && holds_flows(view, first + i))
			error = dataplane_clear_flows(registry->dataplane, first + i, 1);
	ranges_fini(&used);
	return error;
}

int registry_reclaim(struct registry *registry)
{
	const struct mtlb_node *node = dataplane_view(registry->dataplane)->node;
	int error = reclaim_slots_and_flows(registry);

	/* no packet may store a flow in a range that is just being cleared */
	if (!error && node->nat_sources)
		error = dataplane_grace(registry->dataplane);
	for (uint32_t pair = 0; !error && pair < node->nat_sources; pair++)
		error = reclaim_nat(registry, pair);
	registry->strays = error != 0;
	return error;
}

/* Number 0 of each is taken from the start, and is nobody's. */
void registry_fill(const struct registry *registry, struct registry_fill ret_fills[REGISTRY_FILLS])
{
	const struct mtlb_node *node = dataplane_view(registry->dataplane)->node;
	uint64_t slots = (uint64_t)(registry->slot_lines.in_use - 1) * MTLB_SLOTS_PER_LINE;
	uint64_t flows = (uint64_t)(registry->flow_buckets.in_use - 1) * MTLB_FLOWS_PER_BUCKET;
	const struct registry_fill fills[REGISTRY_FILLS] = {
		{"tenants", registry->tenant_indices.in_use - 1, node->tenants - 1},
		{"vips", registry->records.in_use - 1, node->vips},
		{"services", registry->service_indices.in_use - 1, node->services - 1},
		{"members", registry->member_indices.in_use - 1, node->members - 1},
		{"slots", slots, node->slots - MTLB_SLOTS_PER_LINE},
		{"flows", flows, (uint64_t)(node->flow_buckets - 1) * MTLB_FLOWS_PER_BUCKET},
	};

	for (size_t i = 0; i < REGISTRY_FILLS; i++)
		ret_fills[i] = fills[i];
}
