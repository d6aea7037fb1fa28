// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* registry_open(): reading back what the maps hold. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "acl.h"

static int init_ranges(struct registry *registry)
{
	const struct mtlb_node *node = dataplane_view(registry->dataplane)->node;
	int error = ranges_init(&registry->tenant_indices, node->tenants)
			    ?: ranges_init(&registry->service_indices, node->services)
			    ?: ranges_init(&registry->member_indices, node->members)
			    ?: ranges_init(&registry->records,
					   dataplane_records(node->vips, node->nat_sources))
			    ?: ranges_init(&registry->slot_lines, REGISTRY_LINES(node->slots))
			    ?: ranges_init(&registry->flow_buckets, node->flow_buckets)
			    ?: ranges_init(&registry->port_lines, dataplane_port_lines(node->vips))
			    ?: ranges_init(&registry->rules, dataplane_rules(node->acl_prefixes))
			    ?: ranges_init(&registry->trie_nodes,
					   dataplane_trie_nodes(node->acl_prefixes,
								node->feed_prefixes))
			    ?: ranges_init(&registry->trie_records,
					   dataplane_trie_records(node->acl_prefixes,
								  node->feed_prefixes));

	for (uint32_t i = 0; !error && i < node->nat_sources; i++) {
		error = ranges_init(&registry->nat_buckets[i], MTLB_NAT_BUCKETS);
		if (!error) /* the host's own ports */
			ranges_mark(&registry->nat_buckets[i], 0,
				    MTLB_NAT_PORT_FIRST / MTLB_FLOWS_PER_BUCKET);
	}
	return error;
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
		registry_mark_nat(registry, tenant->nat_first, tenant->nat_count);
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

static const struct mtlb_vip *record_at(const struct dataplane_view *view, uint32_t record)
{
	uint32_t limit = dataplane_records(view->node->vips, view->node->nat_sources);

	return &view->vips[record < limit ? record : 0];
}

static struct registry_service *service_of(const struct registry *registry,
					   const struct mtlb_vip *vip)
{
	const struct mtlb_node *node = dataplane_view(registry->dataplane)->node;

	if (!vip->service || vip->service >= node->services)
		return NULL;
	return registry->service_at[vip->service];
}

static int take_vip(struct registry *registry, struct registry_service *service,
		    const struct mtlb_vip *vip, uint32_t record)
{
	ranges_mark(&registry->records, record, 1);
	mark_slots(&registry->slot_lines, vip->slot_first, vip->slot_count);
	mark_slots(&registry->slot_lines, vip->old_first, vip->old_count);
	if (vip->flags & MTLB_VIP_NAT)
		registry_mark_nat(registry, vip->flow_first, vip->flow_mask + 1);
	else
		ranges_mark(&registry->flow_buckets, vip->flow_first, vip->flow_mask + 1);
	take_table(service, vip);
	return registry_add_vip(&service->vips, &vip->key, vip->port_last, record);
}

/* Is the record what a line of this address says it is? */
static bool leads_to(const struct mtlb_vip *address, uint8_t protocol,
		     const struct mtlb_port_range *range, const struct mtlb_vip *vip)
{
	return memcmp(&vip->key.address, &address->key.address, sizeof(vip->key.address)) == 0 &&
	       vip->key.protocol == protocol && ntohs(vip->key.port) == range->first &&
	       vip->port_last == range->last;
}

static int take_ranges(struct registry *registry, const struct mtlb_vip *address)
{
	const struct dataplane_view *view = dataplane_view(registry->dataplane);
	struct registry_chain chain;
	int error = 0;

	for (uint32_t i = 0; i < MTLB_PORT_PROTOCOLS; i++) {
		registry_read_chain(registry, address->port_line[i], &chain);
		for (size_t line = 0; line < chain.line_count; line++)
			ranges_mark(&registry->port_lines, chain.line[line], 1);
		for (size_t range = 0; !error && range < chain.count; range++) {
			uint32_t record = chain.range[range].record;
			const struct mtlb_vip *vip = record_at(view, record);
			struct registry_service *service = service_of(registry, vip);

			/* no agent leaves one behind that is not so: services go after their VIPs
			 */
			if (service &&
			    leads_to(address, registry_port_protocols[i], &chain.range[range], vip))
				error = take_vip(registry, service, vip, record);
		}
	}
	return error;
}

/* 0, a negative errno, or 1: it leads nowhere. */
static int take_key(struct registry *registry, const struct mtlb_vip *vip, uint32_t record)
{
	const struct mtlb_node *node = dataplane_view(registry->dataplane)->node;
	struct registry_tenant *tenant = NULL;
	struct registry_service *service;

	if (vip->flags & MTLB_VIP_NAT_SOURCE) {
		ranges_mark(&registry->records, record, 1);
		return registry_add_vip(&registry->nat_sources, &vip->key, 0, record);
	}
	if (vip->tenant < node->tenants)
		tenant = registry->tenant_at[vip->tenant];
	if (!tenant)
		return 1;
	service = service_of(registry, vip);
	if (service)
		return take_vip(registry, service, vip, record);
	if (!(vip->flags & MTLB_VIP_ADDRESS))
		return 1;
	ranges_mark(&registry->records, record, 1);
	return registry_add_vip(&tenant->addresses, &vip->key, 0, record)
		       ?: take_ranges(registry, vip);
}

static void read_vip(void *context, const struct mtlb_vip_key *key, uint32_t record)
{
	struct reading *reading = context;
	struct registry *registry = reading->registry;
	const struct mtlb_vip *vip = record_at(dataplane_view(registry->dataplane), record);
	int error;

	if (reading->error)
		return;
	error = memcmp(&vip->key, key, sizeof(*key)) != 0 ? 1 : take_key(registry, vip, record);
	/* leads nowhere: what a killed agent was adding or removing */
	if (error > 0)
		error = dataplane_delete_vip(registry->dataplane, key);
	reading->error = error;
}

static void read_quic_id(void *context, const struct mtlb_quic_key *key, uint32_t member)
{
	struct reading *reading = context;
	struct registry *registry = reading->registry;
	const struct dataplane_view *view = dataplane_view(registry->dataplane);
	struct registry_service *service = NULL;

	if (reading->error)
		return;
	if (key->service < view->node->services && member < view->node->members &&
	    view->member_names[member].used && view->member_names[member].service == key->service)
		service = registry->service_at[key->service];
	reading->error = service ? registry_add_quic(service, key, member)
				 : dataplane_delete_quic_id(registry->dataplane, key);
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
		reading.error =
			dataplane_resume_folds(dataplane) ?: registry_retire_strays(registry);
	if (!reading.error)
		reading.error = acl_open(registry);
	if (!reading.error)
		reading.error = dataplane_each_vip(dataplane, read_vip, &reading) ?: reading.error;
	if (!reading.error)
		reading.error =
			dataplane_each_quic_id(dataplane, read_quic_id, &reading) ?: reading.error;
	if (reading.error)
		registry_close(registry);
	return reading.error;
}
