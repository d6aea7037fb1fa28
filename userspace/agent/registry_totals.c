// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Members that are no longer had, whose counters are still to be carried over to their tenants'
 * totals: at the next grace period, or else at the next agent's start.
 */
#include <errno.h>
#include <stdlib.h>

#include "registry.h"

int registry_retire(struct registry *registry, uint32_t member, uint32_t tenant)
{
	struct registry_retired *more;

	if (registry->retired_count == registry->retired_room) {
		size_t room = registry->retired_room * 2 + 64;

		more = realloc(registry->retired, room * sizeof(*more));
		if (!more)
			return -ENOMEM;
		registry->retired = more;
		registry->retired_room = room;
	}
	registry->retired[registry->retired_count++] = (struct registry_retired){member, tenant};
	return 0;
}

int registry_fold_retired(struct registry *registry)
{
	int error = 0;

	while (!error && registry->retired_count) {
		const struct registry_retired *last =
			&registry->retired[registry->retired_count - 1];

		error = dataplane_fold_member(registry->dataplane, last->member, last->tenant);
		registry->retired_count -= !error;
	}
	return error;
}

static void add_member(const struct registry *registry, uint32_t member, struct mtlb_amount *to)
{
	struct mtlb_member_counter sum;

	dataplane_sum_member(registry->dataplane, member, &sum);
	to->packets += sum.packets;
	to->bytes += sum.bytes;
	to->new_flows += sum.new_flows;
	to->reply_packets += sum.reply_packets;
	to->reply_bytes += sum.reply_bytes;
}

struct mtlb_amount registry_amount(const struct registry *registry, uint32_t tenant)
{
	struct mtlb_amount sum = dataplane_view(registry->dataplane)->totals[tenant].now;
	const struct registry_tenant *known = registry->tenant_at[tenant];

	for (const struct registry_service *service = known ? known->services : NULL; service;
	     service = service->of_tenant)
		for (size_t i = 0; i < service->member_count; i++)
			add_member(registry, service->members[i], &sum);
	for (size_t i = 0; i < registry->retired_count; i++)
		if (registry->retired[i].tenant == tenant)
			add_member(registry, registry->retired[i].member, &sum);
	return sum;
}

struct mtlb_amount registry_accepted(const struct registry *registry, uint32_t tenant)
{
	struct mtlb_amount sum = registry_amount(registry, tenant);
	struct mtlb_reason_counter local;

	dataplane_sum_reason(registry->dataplane, tenant, MTLB_REASON_local, &local);
	sum.packets += local.packets;
	sum.bytes += local.bytes;
	return sum;
}

void registry_on_reset(struct registry *registry, struct registry_reader *reader)
{
	reader->next = registry->readers;
	registry->readers = reader;
}

void registry_off_reset(struct registry *registry, const struct registry_reader *reader)
{
	struct registry_reader **at = &registry->readers;

	while (*at && *at != reader)
		at = &(*at)->next;
	if (*at)
		*at = reader->next;
}

void registry_before_reset(struct registry *registry, uint32_t tenant)
{
	for (struct registry_reader *reader = registry->readers; reader; reader = reader->next)
		reader->before_reset(reader->context, tenant);
}

struct owner {
	uint64_t id;
	uint32_t tenant;
	UT_hash_handle hh;
};

static void find_owners(const struct dataplane_view *view, struct owner *owners,
			struct owner **ret_by_id)
{
	for (uint32_t i = 1; i < view->node->tenants; i++) {
		owners[i] = (struct owner){.id = view->totals[i].id, .tenant = i};
		if (owners[i].id)
			HASH_ADD(hh, *ret_by_id, id, sizeof(owners[i].id), &owners[i]);
	}
}

static bool is_had(const struct registry *registry, uint32_t member)
{
	const struct mtlb_member_name *name =
		&dataplane_view(registry->dataplane)->member_names[member];
	const struct registry_service *service;

	if (!name->used || name->service >= dataplane_view(registry->dataplane)->node->services)
		return false;
	service = registry->service_at[name->service];
	for (size_t i = 0; service && i < service->member_count; i++)
		if (service->members[i] == member)
			return true;
	return false;
}

int registry_retire_strays(struct registry *registry)
{
	const struct dataplane_view *view = dataplane_view(registry->dataplane);
	struct owner *owners = calloc(view->node->tenants, sizeof(*owners)), *by_id = NULL, *owner;
	int error = 0;

	if (!owners)
		return -ENOMEM;
	find_owners(view, owners, &by_id);
	for (uint32_t i = 1; !error && i < view->node->members; i++) {
		uint64_t id = view->member_counters[i].owner;

		if (!id || is_had(registry, i))
			continue;
		HASH_FIND(hh, by_id, &id, sizeof(id), owner);
		error = registry_retire(registry, i, owner ? owner->tenant : 0);
	}
	HASH_CLEAR(hh, by_id);
	free(owners);
	if (!error && registry->retired_count)
		error = dataplane_grace(registry->dataplane) ?: registry_fold_retired(registry);
	return error;
}
