// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Listeners on VIPs that are granted to a tenant: each is a service of it with "forward: local", so
 * that the tenant's access list, limits and flood defence hold for its packets before any worker
 * sees them.
 */
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>

#include "check_tenant.h"

int check_add_front(struct check *check, const struct check_front *front)
{
	if (check->front_count == check->front_room) {
		size_t room = check->front_room ? check->front_room * 2 : 16;
		struct check_front *list = realloc(check->fronts, room * sizeof(*list));

		if (!list)
			return -ENOMEM;
		check->fronts = list;
		check->front_room = room;
	}
	check->fronts[check->front_count++] = *front;
	return 0;
}

static int by_tenant(const void *left, const void *right)
{
	const struct check_front *a = left, *b = right;
	int order = (a->tenant > b->tenant) - (a->tenant < b->tenant);

	order = order ? order : (a->listener > b->listener) - (a->listener < b->listener);
	return order ? order : addr_compare(&a->address, &b->address);
}

void check_sort_fronts(struct check *check)
{
	if (check->front_count > 1)
		qsort(check->fronts, check->front_count, sizeof(*check->fronts), by_tenant);
}

const struct check_front *check_find_fronts(const struct check *check, size_t tenant,
					    size_t *ret_count)
{
	size_t low = 0, high = check->front_count, end;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (check->fronts[middle].tenant < tenant)
			low = middle + 1;
		else
			high = middle;
	}
	for (end = low; end < check->front_count && check->fronts[end].tenant == tenant; end++)
		;
	*ret_count = end - low;
	return check->fronts + low;
}

/* One listener of the tenant's, of which the first front is given. */
static int add_service(struct tenant_check *in, const struct check_front *front, size_t count)
{
	const struct config_listener *listener = &in->check->config->listeners[front->listener];
	struct state_service *service = &in->tenant->services[in->tenant->service_count];
	struct names_entry *entry;
	int r = 0;

	service->vips = calloc(count, sizeof(*service->vips));
	if (!service->vips)
		return -ENOMEM;
	in->tenant->service_count++;
	check_copy_name(service->name, listener->name);
	service->protocol = IPPROTO_TCP;
	service->forward = STATE_FORWARD_LOCAL;
	service->idle_s = (uint32_t)schema_number_for(NULL, SCHEMA_service_idleTimeout, "TCP");
	in->check->vip_entries += count;
	for (size_t i = 0; i < count && r == 0; i++) {
		struct state_vip *vip = &service->vips[service->vip_count++];

		*vip = (struct state_vip){front[i].address, listener->port, listener->port};
		if (front->port)
			r = check_listen_add(&in->listens, service, "TCP", vip, front->port);
	}
	if (r == 0 && front->name)
		r = names_add(&in->services, front->name->text, front->name, 0, &entry);
	return r == -EEXIST ? 0 : r; /* of listeners: told where they are looked at */
}

int check_fronts(struct tenant_check *in)
{
	size_t count, same;
	const struct check_front *front = check_find_fronts(in->check, in->index, &count);
	int r = 0;

	for (; count && r == 0; front += same, count -= same) {
		for (same = 1; same < count && front[same].listener == front->listener; same++)
			;
		r = add_service(in, front, same);
	}
	return r;
}

int check_idle_fronts(struct check *check)
{
	int r = 0;

	for (size_t i = 0; i < check->front_count && r == 0; i++) {
		struct state_tenant *tenant =
			&check->config->state.tenants[check->fronts[i].tenant];
		struct tenant_check in = {
			.check = check, .tenant = tenant, .index = check->fronts[i].tenant};
		size_t count;

		if (tenant->services || names_find(&check->documents, tenant->name))
			continue;
		check_find_fronts(check, in.index, &count);
		tenant->services = calloc(count, sizeof(*tenant->services));
		r = tenant->services ? check_fronts(&in) : -ENOMEM;
		check->services += tenant->service_count;
		names_fini(&in.services);
		check_listens_fini(&in.listens);
	}
	return r;
}
