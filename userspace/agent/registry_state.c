// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* registry_read_state(): what the maps hold, in the words of the model. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "acl.h"
#include "defence.h"
#include "meters.h"
#include "registry.h"

static size_t vip_count(const struct registry_vip *list)
{
	size_t count = 0;

	for (; list; list = list->next)
		count++;
	return count;
}

static enum state_forward forward_of(uint8_t wish)
{
	return wish == MTLB_FORWARD_DSR	   ? STATE_FORWARD_DSR
	       : wish == MTLB_FORWARD_IPIP ? STATE_FORWARD_IPIP
	       : wish == MTLB_FORWARD_GUE  ? STATE_FORWARD_GUE
	       : wish == MTLB_FORWARD_NAT  ? STATE_FORWARD_NAT
					   : STATE_FORWARD_LOCAL;
}

static enum state_affinity affinity_of(uint8_t affinity)
{
	return affinity == MTLB_AFFINITY_CLIENT_PORT ? STATE_AFFINITY_CLIENT_PORT
	       : affinity == MTLB_AFFINITY_CLIENT    ? STATE_AFFINITY_CLIENT
						     : STATE_AFFINITY_NONE;
}

static int read_service(const struct registry *registry, const struct registry_service *from,
			const struct state_service *like, struct state_service *to)
{
	const struct dataplane_view *view = dataplane_view(registry->dataplane);
	const struct mtlb_service *service = &view->services[from->index];
	const struct registry_vip *vip;

	if (like) { /* settings that the maps do not keep */
		to->drain_deadline_s = like->drain_deadline_s;
		to->stick_s = like->stick_s;
		to->learn_s = like->learn_s;
		to->slow_start_s = like->slow_start_s;
		if (state_copy_health(&like->health, &to->health))
			return -ENOMEM;
	}
	memcpy(to->name, service->name, sizeof(to->name));
	memcpy(to->pool, service->pool, sizeof(to->pool));
	to->protocol = service->protocol;
	to->forward = forward_of(service->encap_wish);
	to->affinity = affinity_of(service->affinity);
	to->track_always = service->track_always;
	to->quic_server_id_bytes = service->quic_bytes;
	to->mss = service->mss;
	to->idle_s = service->idle;

	to->vips = calloc(vip_count(from->vips) + 1, sizeof(*to->vips));
	to->members = calloc(from->member_count + 1, sizeof(*to->members));
	if (!to->vips || !to->members)
		return -ENOMEM;
	for (vip = from->vips; vip; vip = vip->next)
		if (registry_met(registry, vip))
			to->vips[to->vip_count++] = (struct state_vip){
				.address = registry_addr(&vip->key.address),
				.port = ntohs(vip->key.port),
				.last = vip->last ?: ntohs(vip->key.port),
			};
	for (size_t i = 0; i < from->member_count; i++) {
		const struct mtlb_member_name *name = &view->member_names[from->members[i]];

		struct state_member *member = &to->members[to->member_count];

		if (name->state == MTLB_MEMBER_GONE)
			continue;
		*member = (struct state_member){
			.address = registry_addr(&name->address),
			.port = ntohs(name->port),
			.weight = name->weight,
			.drain = name->drain,
			.server_id_bytes = name->server_id_bytes,
		};
		memcpy(member->server_id, name->server_id, sizeof(member->server_id));
		to->member_count++;
	}
	return 0;
}

static int read_tenant(const struct registry *registry, const struct registry_tenant *from,
		       struct state_tenant *to)
{
	const struct mtlb_tenant *tenant =
		&dataplane_view(registry->dataplane)->tenants[from->index];
	const struct registry_vip *vip;

	memcpy(to->name, tenant->name, sizeof(to->name));
	to->id = tenant->id;
	to->flows = tenant->flow_count * MTLB_FLOWS_PER_BUCKET;
	memcpy(to->flows_of, tenant->flows_of, sizeof(to->flows_of));
	to->nat_ports = tenant->nat_count * MTLB_FLOWS_PER_BUCKET;
	to->limits = meters_read(registry, from);
	to->cookies = defence_read(registry, from->index);
	if (acl_read(registry, from, &to->acl))
		return -ENOMEM;
	to->addresses = calloc(vip_count(from->addresses) + 1, sizeof(*to->addresses));
	if (!to->addresses)
		return -ENOMEM;
	for (vip = from->addresses; vip; vip = vip->next) {
		const struct mtlb_vip *record =
			&dataplane_view(registry->dataplane)->vips[vip->record];

		if (!registry_met(registry, vip))
			continue;
		to->addresses[to->address_count++] = (struct state_address){
			.address = registry_addr(&vip->key.address),
			.echo = record->flags & MTLB_VIP_ECHO,
		};
	}
	return 0;
}

static int read_services(const struct registry *registry, const struct registry_tenant *from,
			 const struct state *like, const struct state *wanted,
			 struct state_tenant *to)
{
	const struct registry_service *service;
	size_t count = 0;
	int error = 0;

	for (service = from->services; service; service = service->of_tenant)
		count++;
	to->services = calloc(count + 1, sizeof(*to->services));
	if (!to->services)
		return -ENOMEM;
	for (service = from->services; !error && service; service = service->of_tenant) {
		const struct state_service *settings =
			state_find_service(like, from->name, service->key.name)
				?: state_find_service(wanted, from->name, service->key.name);

		error = read_service(registry, service, settings,
				     &to->services[to->service_count++]);
	}
	return error;
}

int registry_read_state(const struct registry *registry, const struct state *like,
			const struct state *wanted, const struct state *only,
			struct state *ret_state)
{
	size_t tenants = only ? only->tenant_count : HASH_CNT(by_name, registry->tenants);
	struct state state = {.node = meters_read_node(registry)};
	struct registry_tenant *tenant = registry->tenants;
	int error;

	state.tenants = calloc(tenants + 1, sizeof(*state.tenants));
	error = state.tenants ? 0 : -ENOMEM;
	for (size_t i = 0; !error && i < tenants; i++) {
		struct state_tenant *to = &state.tenants[state.tenant_count];

		if (only)
			tenant = registry_tenant(registry, only->tenants[i].name);
		if (!tenant)
			continue;
		state.tenant_count++;
		error = read_tenant(registry, tenant, to);
		error = error ?: read_services(registry, tenant, like, wanted, to);
		tenant = tenant->by_name.next;
	}
	if (error) {
		state_fini(&state);
		return error;
	}
	state_sort(&state);
	*ret_state = state;
	return 0;
}
