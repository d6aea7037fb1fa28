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

struct addr registry_addr(const struct mtlb_address *address)
{
	struct addr addr;

	memcpy(addr.byte, address, sizeof(addr.byte));
	return addr;
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

struct registry_vip *registry_vip(struct registry_vip *list, const struct mtlb_vip_key *key)
{
	for (; list; list = list->next)
		if (memcmp(&list->key, key, sizeof(*key)) == 0)
			return list;
	return NULL;
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
	return service;
}

void registry_remove_service(struct registry *registry, struct registry_service *service)
{
	HASH_DELETE(by_key, registry->services, service);
	registry->service_at[service->index] = NULL;
	free_vips(&service->vips);
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

int registry_add_vip(struct registry_vip **list, const struct mtlb_vip_key *key, uint32_t record)
{
	struct registry_vip *vip = calloc(1, sizeof(*vip));

	if (!vip)
		return -ENOMEM;
	vip->key = *key;
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

/* reading back what the maps hold */

static int init_ranges(struct registry *registry)
{
	const struct mtlb_node *node = dataplane_view(registry->dataplane)->node;

	return ranges_init(&registry->tenant_indices, node->tenants)
		       ?: ranges_init(&registry->service_indices, node->services)
		       ?: ranges_init(&registry->member_indices, node->members)
		       ?: ranges_init(&registry->records, 2 * node->vips)
		       ?: ranges_init(&registry->slot_lines, REGISTRY_LINES(node->slots))
		       ?: ranges_init(&registry->flow_buckets, node->flow_buckets);
}

static int read_names(struct registry *registry)
{
	const struct dataplane_view *view = dataplane_view(registry->dataplane);
	struct registry_service *service;

	for (uint32_t i = 1; i < view->node->tenants; i++) {
		const struct mtlb_tenant *tenant = &view->tenants[i];

		if (!tenant->used)
			continue;
		ranges_mark(&registry->tenant_indices, i, 1);
		ranges_mark(&registry->flow_buckets, tenant->flow_first, tenant->flow_count);
		if (!registry_add_tenant(registry, i, tenant->name))
			return -ENOMEM;
	}
	for (uint32_t i = 1; i < view->node->services; i++) {
		if (!view->services[i].used)
			continue;
		ranges_mark(&registry->service_indices, i, 1);
		service = registry_add_service(registry, i, view->services[i].tenant,
					       view->services[i].name, view->services[i].protocol);
		if (!service)
			return -ENOMEM;
		service->dirty = true;
	}
	for (uint32_t i = 1; i < view->node->members; i++) {
		const struct mtlb_member_name *name = &view->member_names[i];

		/* a member whose service is gone was being removed: it stays free */
		if (!name->used || name->service >= view->node->services ||
		    !registry->service_at[name->service])
			continue;
		ranges_mark(&registry->member_indices, i, 1);
		if (registry_add_member(registry->service_at[name->service], i))
			return -ENOMEM;
	}
	return 0;
}

/* Several VIPs of a service may name different tables when the agent was killed between them. */
static void take_table(struct registry_service *service, const struct mtlb_vip *vip)
{
	bool first = !service->vips;

	if (!first && (int32_t)(vip->generation - service->generation) <= 0)
		return;
	service->slot_first = vip->slot_first;
	service->slot_count = vip->slot_count;
	service->old_first = vip->old_first;
	service->old_count = vip->old_count;
	service->generation = vip->generation;
}

static void mark_slots(struct ranges *lines, uint32_t first, uint32_t count)
{
	ranges_mark(lines, first / MTLB_SLOTS_PER_LINE, REGISTRY_LINES(count));
}

struct reading {
	struct registry *registry;
	int error;
};

static void read_vip(void *context, const struct mtlb_vip_key *key, uint32_t record)
{
	struct reading *reading = context;
	struct registry *registry = reading->registry;
	const struct dataplane_view *view = dataplane_view(registry->dataplane);
	const struct mtlb_vip *vip = &view->vips[record < 2 * view->node->vips ? record : 0];
	struct registry_service *service = NULL;
	struct registry_tenant *tenant = NULL;

	if (vip->tenant < view->node->tenants)
		tenant = registry->tenant_at[vip->tenant];
	if (vip->service && vip->service < view->node->services)
		service = registry->service_at[vip->service];
	if (reading->error)
		return;
	if (!tenant || memcmp(&vip->key, key, sizeof(*key)) != 0 ||
	    (!service && !(vip->flags & MTLB_VIP_ADDRESS))) {
		/* leads nowhere: what a killed agent was adding or removing */
		reading->error = dataplane_delete_vip(registry->dataplane, key);
		return;
	}
	ranges_mark(&registry->records, record, 1);
	if (!service) {
		reading->error = registry_add_vip(&tenant->addresses, key, record);
		return;
	}
	mark_slots(&registry->slot_lines, vip->slot_first, vip->slot_count);
	mark_slots(&registry->slot_lines, vip->old_first, vip->old_count);
	ranges_mark(&registry->flow_buckets, vip->flow_first, vip->flow_mask + 1);
	take_table(service, vip);
	reading->error = registry_add_vip(&service->vips, key, record);
}

int registry_open(struct registry *registry, struct dataplane *dataplane)
{
	const struct mtlb_node *node = dataplane_view(dataplane)->node;
	struct reading reading = {registry, 0};

	*registry = (struct registry){.dataplane = dataplane, .strays = true};
	registry->tenant_at = calloc(node->tenants, sizeof(struct registry_tenant *));
	registry->service_at = calloc(node->services, sizeof(struct registry_service *));
	if (!registry->tenant_at || !registry->service_at)
		reading.error = -ENOMEM;
	if (!reading.error)
		reading.error = init_ranges(registry);
	if (!reading.error)
		reading.error = read_names(registry);
	if (!reading.error)
		reading.error = dataplane_each_vip(dataplane, read_vip, &reading) ?: reading.error;
	if (reading.error)
		registry_close(registry);
	return reading.error;
}

void registry_close(struct registry *registry)
{
	struct registry_service *service, *next_service;
	struct registry_tenant *tenant, *next_tenant;

	HASH_ITER (by_key, registry->services, service, next_service)
		registry_remove_service(registry, service);
	HASH_ITER (by_name, registry->tenants, tenant, next_tenant)
		registry_remove_tenant(registry, tenant);
	free(registry->tenant_at);
	free(registry->service_at);
	ranges_fini(&registry->tenant_indices);
	ranges_fini(&registry->service_indices);
	ranges_fini(&registry->member_indices);
	ranges_fini(&registry->records);
	ranges_fini(&registry->slot_lines);
	ranges_fini(&registry->flow_buckets);
	*registry = (struct registry){};
}

bool registry_rests(const struct registry *registry)
{
	return registry->tenant_indices.at_rest || registry->service_indices.at_rest ||
	       registry->member_indices.at_rest || registry->records.at_rest ||
	       registry->slot_lines.at_rest || registry->flow_buckets.at_rest;
}

int registry_settle(struct registry *registry)
{
	int error = registry_rests(registry) ? dataplane_grace(registry->dataplane) : 0;

	if (error)
		return error;
	ranges_settle(&registry->tenant_indices);
	ranges_settle(&registry->service_indices);
	ranges_settle(&registry->member_indices);
	ranges_settle(&registry->records);
	ranges_settle(&registry->slot_lines);
	ranges_settle(&registry->flow_buckets);
	return 0;
}

static void give_back_strays(struct ranges *ranges, const struct ranges *used)
{
	for (uint32_t i = 1; i < ranges->limit; i++)
		if (!ranges_has(used, i))
			ranges_give_back(ranges, i, 1);
}

int registry_reclaim(struct registry *registry)
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
	registry->strays = false;
done:
	ranges_fini(&lines);
	ranges_fini(&buckets);
	return error;
}
