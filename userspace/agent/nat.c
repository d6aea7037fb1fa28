// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "nat.h"

#include <errno.h>
#include <string.h>

#include "../base/log.h"
#include "flows.h"
#include "publish.h"
#include "publish_record.h"

static const struct dataplane_view *view_of(const struct registry *registry)
{
	return dataplane_view(registry->dataplane);
}

static bool has_address(const struct members *members, uint32_t pair)
{
	return pair < MTLB_NAT_SOURCES_MAX &&
	       (!addr_is_zero(&members->nat[pair].ipv4) || !addr_is_zero(&members->nat[pair].ipv6));
}

uint32_t nat_free(const struct registry *registry, const struct members *members)
{
	uint32_t sum = 0;

	for (uint32_t pair = 0; pair < view_of(registry)->node->nat_sources; pair++)
		if (has_address(members, pair))
			sum += MTLB_NAT_BUCKETS - registry->nat_buckets[pair].in_use;
	return sum;
}

/* The first bucket, 0 when there is no room. */
static uint32_t take(struct registry *registry, const struct members *members, uint32_t count)
{
	const struct mtlb_node *node = view_of(registry)->node;

	for (uint32_t pair = 0; pair < node->nat_sources; pair++) {
		uint32_t at = 0;

		if (has_address(members, pair))
			at = ranges_take(&registry->nat_buckets[pair], count);
		if (at)
			return node->nat_first + pair * MTLB_NAT_BUCKETS + at;
	}
	return 0;
}

static bool is_translated(const struct registry *registry, const struct registry_service *service)
{
	return view_of(registry)->services[service->index].encap_wish == MTLB_FORWARD_NAT;
}

/* Members first: a flow that finds the new range shall also find the address that goes with it. */
static int follow(struct members *members, const struct registry_tenant *tenant)
{
	struct registry *registry = members->registry;
	struct registry_service *service;
	size_t unsettled = 0;
	int error = 0;

	for (service = tenant->services; !error && service; service = service->of_tenant)
		if (is_translated(registry, service))
			error = members_refresh(members, service, &unsettled)
					?: publish_records(registry, service);
	/* half of them may look here, half there: the next publishing mends it */
	for (service = tenant->services; error && service; service = service->of_tenant)
		service->dirty |= is_translated(registry, service);
	return error;
}

static bool count_flow(void *context, const struct flows_flow *flow)
{
	uint32_t *count = context;

	(void)flow;
	++*count;
	return true;
}

int nat_set_ports(struct members *members, struct registry_tenant *tenant, uint32_t ports)
{
	struct registry *registry = members->registry;
	struct mtlb_tenant names = view_of(registry)->tenants[tenant->index], before = names;
	uint32_t count = ports / MTLB_FLOWS_PER_BUCKET, ended = 0;
	int error = 0;

	names.nat_first = 0;
	names.nat_count = count;
	if (count) {
		names.nat_first = take(registry, members, count);
		if (!names.nat_first && !registry_settle(registry))
			names.nat_first = take(registry, members, count);
		if (!names.nat_first)
			return -ENOSPC;
		error = dataplane_clear_flows(registry->dataplane, names.nat_first, count);
	}
	flows_each_translated(registry, tenant->index, count_flow, &ended);
	error = error ?: dataplane_put_tenant(registry->dataplane, tenant->index, &names);
	error = error ?: follow(members, tenant);
	if (!error && before.nat_count)
		error = dataplane_grace(registry->dataplane)
				?: dataplane_clear_flows(registry->dataplane, before.nat_first,
							 before.nat_count);
	if (error) {
		registry->strays = true;
		return error;
	}
	registry_give_back_nat(registry, before.nat_first, before.nat_count);
	if (ended)
		log_warn("nat", "tenant %s: its ports are others now: %u translated flows ended",
			 tenant->name, ended);
	return 0;
}

static int publish_source(struct registry *registry, const struct addr *address, uint32_t pair)
{
	struct mtlb_vip record = {
		.key = registry_key(address, 0, 0),
		.flags = MTLB_VIP_NAT_SOURCE,
		.flow_first = view_of(registry)->node->nat_first + pair * MTLB_NAT_BUCKETS,
		.flow_mask = MTLB_NAT_BUCKETS - 1,
	};
	struct registry_vip *known;
	uint32_t index = 0;
	int error;

	if (addr_is_zero(address))
		return 0;
	known = registry_vip(registry->nat_sources, &record.key, 0);
	if (known) {
		if (!memcmp(&view_of(registry)->vips[known->record], &record, sizeof(record)))
			return 0;
		return publish_put_record(registry, &record, &known->record);
	}
	error = publish_put_record(registry, &record, &index);
	return error ?: registry_add_vip(&registry->nat_sources, &record.key, 0, index);
}

int nat_publish_sources(struct registry *registry, const struct members *members)
{
	int error = 0;

	for (uint32_t pair = 0; !error && pair < view_of(registry)->node->nat_sources; pair++) {
		error = publish_source(registry, &members->nat[pair].ipv4, pair);
		error = error ?: publish_source(registry, &members->nat[pair].ipv6, pair);
	}
	return error;
}

static bool is_wanted(const struct members *members, const struct addr *address)
{
	for (uint32_t pair = 0; pair < MTLB_NAT_SOURCES_MAX; pair++)
		if (!addr_compare(&members->nat[pair].ipv4, address) ||
		    !addr_compare(&members->nat[pair].ipv6, address))
			return true;
	return false;
}

int nat_withdraw_sources(struct members *members)
{
	struct registry *registry = members->registry;
	const struct dataplane_view *view = view_of(registry);
	struct registry_tenant *tenant = NULL, *next = NULL;
	struct registry_vip *vip, *next_vip;
	int error = 0;

	HASH_ITER (by_name, registry->tenants, tenant, next) {
		const struct mtlb_tenant *names = &view->tenants[tenant->index];

		if (!error && names->nat_count &&
		    !has_address(members, registry_nat_pair(view->node, names->nat_first)))
			error = nat_set_ports(members, tenant,
					      names->nat_count * MTLB_FLOWS_PER_BUCKET);
	}
	for (vip = registry->nat_sources; !error && vip; vip = next_vip) {
		struct addr address = registry_addr(&vip->key.address);

		next_vip = vip->next;
		if (is_wanted(members, &address))
			continue;
		error = dataplane_delete_vip(registry->dataplane, &vip->key);
		if (error)
			break;
		ranges_give_back(&registry->records, vip->record, 1);
		registry_remove_vip(&registry->nat_sources, vip);
	}
	return error;
}
