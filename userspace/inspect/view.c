// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "view.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../base/addr.h"

struct array {
	const char *map;
	size_t size, offset;
};

static const struct array arrays[VIEW_ARRAY_COUNT] = {
#define ARRAY(field, map, type) \
	[VIEW_ARRAY_##field] = {#map, sizeof(type), offsetof(struct view, field)},
	VIEW_NAMES(ARRAY) VIEW_FIGURES(ARRAY)
#undef ARRAY
};

static void **view_slot(struct view *view, enum view_array which)
{
	return (void **)((char *)view + arrays[which].offset);
}

static int read_whole(const struct pinned_map *map, void **ret_elements)
{
	*ret_elements = malloc((size_t)map->info.max_entries * map->info.value_size);
	return *ret_elements ? pinned_read(map, 0, map->info.max_entries, *ret_elements) : -ENOMEM;
}

static int copy_array(struct view *view, enum view_array which, struct err *err)
{
	const struct array *array = &arrays[which];
	struct pinned_map map;
	int error = pinned_open(view->directory, array->map, &map, err);

	if (error)
		return error;
	if (map.info.value_size != array->size)
		error = err_set(err, -EPROTO,
				"%s/%s: its entries have %u bytes, this program knows them with "
				"%zu: use the mtlb that this dataplane came with",
				view->directory, array->map, map.info.value_size, array->size);
	else
		error = read_whole(&map, view_slot(view, which));
	if (error && error != -EPROTO)
		error = pinned_explain(view->directory, array->map, error, err);
	pinned_close(&map);
	return error;
}

static int check_abi(const struct view *view, struct err *err)
{
	uint32_t version = view->node->abi_version;

	if (!version)
		return err_set(err, -EAGAIN,
			       "the dataplane in %s is not complete yet: mtlbd is just "
			       "making it, or was killed while it did",
			       view->directory);
	if (version != MTLB_ABI_VERSION)
		return err_set(err, -EPROTO,
			       "the dataplane pinned in %s has ABI version %u, this program speaks "
			       "%u: use the mtlb that it came with",
			       view->directory, version, MTLB_ABI_VERSION);
	return 0;
}

int view_open(struct view *view, const char *directory, struct err *err)
{
	int error = 0;

	*view = (struct view){.directory = directory};
	/* the node first: what else there is makes sense only in its ABI */
	for (int i = 0; !error && i <= VIEW_ARRAY_member_names; i++) {
		error = copy_array(view, i, err);
		if (!error && i == VIEW_ARRAY_node)
			error = check_abi(view, err);
	}
	if (error)
		view_close(view);
	return error;
}

int view_open_figures(struct view *view, struct err *err)
{
	int error = 0;

	for (int i = VIEW_ARRAY_member_names + 1; !error && i < VIEW_ARRAY_COUNT; i++)
		error = copy_array(view, i, err);
	return error;
}

void view_close(struct view *view)
{
	for (int i = 0; i < VIEW_ARRAY_COUNT; i++)
		free(*view_slot(view, i));
	*view = (struct view){};
}

uint32_t view_find_tenant(const struct view *view, const char *name)
{
	for (uint32_t i = 1; i < view->node->tenants; i++)
		if (view->tenants[i].used &&
		    !strncmp(view->tenants[i].name, name, sizeof(view->tenants[i].name)))
			return i;
	return 0;
}

const char *view_tenant_name(const struct view *view, uint32_t tenant)
{
	if (!tenant)
		return "-";
	return tenant < view->node->tenants && view->tenants[tenant].used
		       ? view->tenants[tenant].name
		       : NULL;
}

static bool is_service(const struct view *view, uint32_t service)
{
	return service && service < view->node->services && view->services[service].used;
}

uint32_t view_tenant_of(const struct view *view, uint32_t service)
{
	return is_service(view, service) ? view->services[service].tenant : 0;
}

const char *view_service_text(const struct view *view, uint32_t service, char text[VIEW_TEXT_MAX])
{
	const char *tenant;

	if (!is_service(view, service))
		return NULL;
	tenant = view_tenant_name(view, view->services[service].tenant);
	snprintf(text, VIEW_TEXT_MAX, "%.*s/%.*s", MTLB_NAME_MAX, tenant ? tenant : "?",
		 MTLB_NAME_MAX, view->services[service].name);
	return text;
}

const char *view_member_text(const struct view *view, uint32_t member, char text[VIEW_TEXT_MAX])
{
	const struct mtlb_member_name *name;
	char service[VIEW_TEXT_MAX], endpoint[ADDR_TEXT_MAX];

	if (!member || member >= view->node->members || !view->member_names[member].used)
		return NULL;
	name = &view->member_names[member];
	if (!view_service_text(view, name->service, service))
		return NULL;
	snprintf(text, VIEW_TEXT_MAX, "%.130s/%s", service,
		 view_endpoint_text(&name->address, name->port, endpoint));
	return text;
}

char *view_endpoint_text(const struct mtlb_address *address, __be16 port, char text[])
{
	struct addr addr;

	memcpy(&addr, address, sizeof(addr));
	return addr_format_endpoint(&addr, ntohs(port), text);
}

char *view_address_text(const struct mtlb_address *address, char text[])
{
	return view_endpoint_text(address, 0, text);
}

const char *view_protocol_name(uint8_t protocol)
{
	return protocol == IPPROTO_TCP ? "TCP" : protocol == IPPROTO_UDP ? "UDP" : "any";
}

const char *view_flow_state_name(uint32_t state)
{
	static const char *const names[] = {"unproven", "established", "closing", "adopted"};

	return names[state & 3];
}

struct mtlb_reason_counter view_sum_reason(const struct view *view, uint32_t tenant,
					   enum mtlb_reason reason)
{
	const struct mtlb_node *node = view->node;
	struct mtlb_reason_counter sum = {};

	for (uint32_t cpu = 0; cpu < node->cpus; cpu++) {
		const struct mtlb_reason_counter *row =
			&view->reason_counters[((size_t)cpu * node->tenants + tenant) *
						       MTLB_REASONS_PER_TENANT +
					       reason];

		sum.packets += row->packets;
		sum.bytes += row->bytes;
	}
	return sum;
}
