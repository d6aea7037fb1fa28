// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "publish.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../model/maglev.h"
#include "../model/slow_start.h"
#include "../model/table.h"
#include "acl.h"
#include "flows.h"
#include "meters.h"
#include "publish_record.h"
#include "quota.h"
#include "quic.h"

/* who is eligible */

enum tier {
	TIER_READY, /* up, and there is a way to it */
	TIER_HOPE,  /* not known to be up, but nobody is: its flows are better kept than refused */
	TIER_NONE,
};

static enum tier member_tier(const struct dataplane_view *view, uint32_t index)
{
	const struct mtlb_member_name *name = &view->member_names[index];
	uint8_t flags = view->members[index].flags;

	if (name->drain || name->state == MTLB_MEMBER_GONE || name->state == MTLB_MEMBER_DRAIN)
		return TIER_NONE;
	if (name->state == MTLB_MEMBER_UP && !(flags & MTLB_MEMBER_NO_NEXT_HOP))
		return TIER_READY;
	return flags & MTLB_MEMBER_LET_GO ? TIER_NONE : TIER_HOPE;
}

uint32_t publish_step(const struct registry *registry, uint32_t member, uint64_t slow_start_ns,
		      uint64_t now)
{
	const struct mtlb_member_name *name =
		&dataplane_view(registry->dataplane)->member_names[member];

	if (name->state != MTLB_MEMBER_UP)
		return SLOW_START_STEPS;
	return slow_start_step(now > name->since ? now - name->since : 0, slow_start_ns);
}

/* Weights are in sixteenths, so that one of 1 has a beginning as well. */
static size_t eligible(const struct registry *registry, const struct registry_service *service,
		       enum tier tier, const struct publish_times *times,
		       struct maglev_member *members)
{
	const struct dataplane_view *view = dataplane_view(registry->dataplane);
	size_t count = 0;

	for (size_t i = 0; i < service->member_count; i++) {
		uint32_t index = service->members[i];
		const struct mtlb_member_name *name = &view->member_names[index];
		struct addr address = registry_addr(&name->address);

		if (member_tier(view, index) != tier)
			continue;
		maglev_identify(&members[count], &address, ntohs(name->port));
		members[count].weight =
			name->weight *
			publish_step(registry, index, times->slow_start_ns, times->now);
		members[count++].owner = index;
	}
	return count;
}

/* The size follows from what is configured, not from who is up: a failure must not change it. */
static uint32_t table_size(const struct registry *registry, const struct registry_service *service,
			   uint32_t *weights)
{
	const struct dataplane_view *view = dataplane_view(registry->dataplane);
	size_t count = 0;

	for (size_t i = 0; i < service->member_count; i++) {
		const struct mtlb_member_name *name = &view->member_names[service->members[i]];

		if (name->state != MTLB_MEMBER_GONE)
			weights[count++] = name->weight;
	}
	if (!count && service->slot_count)
		return service->slot_count;
	return maglev_size(weights, count);
}

static int choose_owners(const struct registry *registry, const struct registry_service *service,
			 const struct publish_times *times, uint32_t **ret_owners,
			 uint32_t *ret_count)
{
	struct maglev_member *members = calloc(service->member_count + 1, sizeof(*members));
	uint32_t *weights = calloc(service->member_count + 1, sizeof(*weights));
	uint32_t *owners = NULL, size = 0;
	int error = -ENOMEM;
	size_t count;

	if (!members || !weights)
		goto done;
	size = table_size(registry, service, weights);
	error = size ? 0 : -E2BIG;
	if (error)
		goto done;
	owners = calloc(size, sizeof(*owners));
	error = owners ? 0 : -ENOMEM;
	if (error)
		goto done;
	count = eligible(registry, service, TIER_READY, times, members);
	if (!count)
		count = eligible(registry, service, TIER_HOPE, times, members);
	if (count)
		error = maglev_fill(members, count, size, owners);
done:
	free(members);
	free(weights);
	if (error) {
		free(owners);
		return error;
	}
	*ret_owners = owners;
	*ret_count = size;
	return 0;
}

/* the table in the kernel */

static int read_slots(const struct registry *registry, uint32_t first, uint32_t count,
		      uint32_t **ret_slots)
{
	const struct mtlb_slot_line *lines = dataplane_view(registry->dataplane)->slots;
	uint32_t *slots = NULL;

	if (count) {
		slots = malloc(count * sizeof(*slots));
		if (!slots)
			return -ENOMEM;
		memcpy(slots, &lines[first / MTLB_SLOTS_PER_LINE], count * sizeof(*slots));
	}
	*ret_slots = slots;
	return 0;
}

int publish_read_table(const struct registry *registry, const struct registry_service *service,
		       struct table *ret_table)
{
	struct table table = {.count = service->slot_count, .old_count = service->old_count};
	int error = read_slots(registry, service->slot_first, table.count, &table.slots);

	error = error ?: read_slots(registry, service->old_first, table.old_count, &table.old);
	if (error)
		table_fini(&table);
	else
		*ret_table = table;
	return error;
}

static uint32_t record_flags(const struct mtlb_service *names)
{
	uint32_t flags = (uint32_t)names->mss << MTLB_VIP_MSS_SHIFT;

	flags |= (names->quic_bytes & MTLB_VIP_QUIC_MASK) << MTLB_VIP_QUIC_SHIFT;
	if (names->encap_wish == MTLB_FORWARD_LOCAL)
		return MTLB_VIP_LOCAL; /* no packet of it chooses or remembers anything */
	if (names->encap_wish == MTLB_FORWARD_NAT)
		flags |= MTLB_VIP_NAT; /* its flows are all remembered, by a stage of their own */
	else if (names->track_always)
		flags |= MTLB_VIP_TRACK_ALWAYS;
	if (names->affinity == MTLB_AFFINITY_CLIENT)
		flags |= MTLB_VIP_CLIENT;
	else if (names->affinity == MTLB_AFFINITY_NONE)
		flags |= MTLB_VIP_ALONE;
	return flags;
}

struct mtlb_vip publish_make_record(const struct registry *registry,
				    const struct registry_service *service,
				    const struct mtlb_vip_key *key, uint16_t last)
{
	const struct dataplane_view *view = dataplane_view(registry->dataplane);
	const struct mtlb_service *names = &view->services[service->index];
	const struct mtlb_tenant *tenant = &view->tenants[names->tenant];
	struct mtlb_vip record = {
		.key = *key,
		.tenant = names->tenant,
		.service = service->index,
		.flags = record_flags(names),
		.slot_first = service->slot_first,
		.slot_count = service->slot_count,
		.old_first = service->old_first,
		.old_count = service->old_count,
		.flow_first = tenant->flow_first,
		.flow_mask = tenant->flow_count - 1,
		.idle = flows_stamps(view->node, names->idle),
		.port_last = last,
		.generation = service->generation,
	};

	record.flags |= meters_flags(&view->meters[names->tenant]) |
			acl_flags(&view->guards[names->tenant]);
	if (record.flags & MTLB_VIP_NAT && tenant->nat_count) {
		record.flow_first = tenant->nat_first;
		record.flow_mask = tenant->nat_count - 1;
	}
	return record;
}

uint32_t publish_take_record(struct registry *registry)
{
	uint32_t fresh = ranges_take(&registry->records, 1);

	if (!fresh && registry_rests(registry) && !registry_settle(registry))
		fresh = ranges_take(&registry->records, 1);
	return fresh;
}

int publish_put_record(struct registry *registry, const struct mtlb_vip *record, uint32_t *index)
{
	uint32_t fresh = publish_take_record(registry);
	int error;

	if (!fresh)
		return -ENOSPC;
	error = dataplane_put_vip(registry->dataplane, fresh, record);
	ranges_give_back(&registry->records, error ? fresh : *index, 1);
	if (!error)
		*index = fresh;
	return error;
}

static int renew_record(struct registry *registry, const struct registry_service *service,
			struct registry_vip *vip)
{
	struct mtlb_vip record = publish_make_record(registry, service, &vip->key, 0);
	const struct mtlb_vip *now = &dataplane_view(registry->dataplane)->vips[vip->record];

	if (memcmp(now, &record, sizeof(record)) == 0 || !registry_met(registry, vip))
		return 0;
	return publish_put_record(registry, &record, &vip->record);
}

static bool is_local(const struct registry *registry, const struct registry_service *service)
{
	return dataplane_view(registry->dataplane)->services[service->index].encap_wish ==
	       MTLB_FORWARD_LOCAL;
}

int publish_records(struct registry *registry, struct registry_service *service)
{
	const struct mtlb_address *done = NULL;
	int error = 0;

	/* it was this node's own until now: packets are better there until it has a table */
	if (!service->slot_count && !is_local(registry, service))
		return 0;
	for (struct registry_vip *vip = service->vips; !error && vip; vip = vip->next) {
		if (!vip->last) {
			error = renew_record(registry, service, vip);
		} else if (!done || memcmp(done, &vip->key.address, sizeof(*done)) != 0) {
			/* all ranges of one address at once; the list is sorted by address */
			error = publish_ports_renew(registry, service, vip);
			done = &vip->key.address;
		}
	}
	return error;
}

static uint32_t take_slots(struct registry *registry, uint32_t count)
{
	uint32_t lines = REGISTRY_LINES(count);
	uint32_t first = ranges_take(&registry->slot_lines, lines);

	if (!first && registry_rests(registry) && !registry_settle(registry))
		first = ranges_take(&registry->slot_lines, lines);
	return first * MTLB_SLOTS_PER_LINE;
}

static void give_back_slots(struct registry *registry, uint32_t first, uint32_t count)
{
	ranges_give_back(&registry->slot_lines, first / MTLB_SLOTS_PER_LINE, REGISTRY_LINES(count));
}

static int put_slots(struct registry *registry, const uint32_t *slots, uint32_t count,
		     uint32_t *ret_first)
{
	int error;

	*ret_first = 0;
	if (!count)
		return 0;
	*ret_first = take_slots(registry, count);
	if (!*ret_first)
		return -ENOSPC;
	error = dataplane_put_slots(registry->dataplane, *ret_first, slots, count);
	if (error)
		give_back_slots(registry, *ret_first, count);
	return error;
}

/* Fresh ranges, then every record; what was there before rests until no packet can hold it. */
static int switch_table(struct registry *registry, struct registry_service *service,
			const struct table *table)
{
	struct registry_service before = *service;
	uint32_t first, old_first = 0;
	int error = put_slots(registry, table->slots, table->count, &first);

	if (error)
		return error;
	error = put_slots(registry, table->old, table->old_count, &old_first);
	if (error) {
		give_back_slots(registry, first, table->count);
		return error;
	}
	service->slot_first = first;
	service->slot_count = table->count;
	service->old_first = old_first;
	service->old_count = table->old_count;
	service->generation++;
	/* should a record fail, both tables stay taken: some VIPs may use the one, some the other
	 */
	error = publish_records(registry, service);
	if (error) {
		registry->strays = true;
		return error;
	}
	give_back_slots(registry, before.slot_first, before.slot_count);
	give_back_slots(registry, before.old_first, before.old_count);
	return 0;
}

/* One time for all slots of a service: those that learn already learn on with the newest. */
static uint64_t learn_until(const struct mtlb_service *names, uint64_t learn_ns, uint64_t now)
{
	if (names->learn_until && (!learn_ns || names->learn_until > now + learn_ns))
		return names->learn_until;
	return now + learn_ns;
}

/*
 * A change that was cut off leaves VIPs of one service with different tables, or looking for their
 * flows where those of the others are not.
 */
static bool is_torn(const struct registry *registry, const struct registry_service *service,
		    struct mtlb_tenant *ret_flows)
{
	const struct dataplane_view *view = dataplane_view(registry->dataplane);
	const struct mtlb_tenant *tenant = &view->tenants[service->key.tenant];
	bool torn = false;

	*ret_flows = (struct mtlb_tenant){};
	for (const struct registry_vip *vip = service->vips; vip; vip = vip->next) {
		const struct mtlb_vip *record = &view->vips[vip->record];

		torn |= record->slot_first != service->slot_first;
		/* translated flows cannot move: where they are is the port they have */
		if (!(record->flags & MTLB_VIP_NAT) && record->flow_first != tenant->flow_first)
			*ret_flows = (struct mtlb_tenant){.flow_first = record->flow_first,
							  .flow_count = record->flow_mask + 1};
	}
	return torn;
}

/* Some VIPs see the table's flags only now: they are as new as that. */
static int mend(struct registry *registry, struct registry_service *service, uint64_t now)
{
	const struct dataplane_view *view = dataplane_view(registry->dataplane);
	const struct mtlb_tenant *to = &view->tenants[service->key.tenant];
	struct mtlb_tenant from;
	int error = 0;

	if (is_torn(registry, service, &from) && service->old_count)
		error = dataplane_put_service_times(registry->dataplane, service->index, now,
						    view->services[service->index].learn_until);
	if (from.flow_count)
		flows_copy(registry, service->key.tenant, &from, to);
	error = error ?: publish_records(registry, service);
	error = error ?: quic_sync(registry, service);
	if (error || !from.flow_count)
		return error;
	error = dataplane_grace(registry->dataplane);
	if (error)
		return error;
	flows_copy(registry, service->key.tenant, &from, to);
	if (quota_in_use(registry, from.flow_first))
		flows_forget(registry, &from, service->key.tenant, service->index);
	return 0;
}

/* One of this node's own has no members, and needs no slots. What table it had before goes. */
static int publish_local(struct registry *registry, struct registry_service *service, uint64_t now)
{
	const struct table none = {};
	int error = service->dirty ? mend(registry, service, now) : 0;

	if (!error && service->slot_count)
		error = switch_table(registry, service, &none);
	if (!error && dataplane_view(registry->dataplane)->services[service->index].changed_at)
		error = dataplane_put_service_times(registry->dataplane, service->index, 0, 0);
	service->dirty = error != 0;
	service->urgent &= service->dirty;
	return error;
}

int publish_table(struct registry *registry, struct registry_service *service,
		  const struct publish_times *times)
{
	const struct mtlb_service *names =
		&dataplane_view(registry->dataplane)->services[service->index];
	struct table table = {}, next = {};
	uint32_t *owners = NULL, count = 0;
	/* even if all flows are remembered: they may be so only since a moment ago */
	uint64_t now = times->now;
	bool learn = times->learn_ns && names->protocol == IPPROTO_UDP;
	int error;

	if (is_local(registry, service))
		return publish_local(registry, service, now);
	error = choose_owners(registry, service, times, &owners, &count);
	if (error)
		return error;
	error = service->dirty ? mend(registry, service, now) : 0;
	if (error)
		goto done;
	error = publish_read_table(registry, service, &table);
	if (error)
		goto done;
	if (table_same_owners(&table, owners, count)) {
		service->dirty = service->urgent = false;
		goto done;
	}
	error = table_change(&table, owners, count, learn, &next);
	if (error)
		goto done;
	/* the times first: a flag must never seem older than it is */
	if (next.old_count)
		error = dataplane_put_service_times(
			registry->dataplane, service->index, now,
			table_any(&next, MTLB_SLOT_LEARN) ? learn_until(names, times->learn_ns, now)
							  : 0);
	error = error ?: switch_table(registry, service, &next);
	service->dirty = error != 0;
	service->urgent &= service->dirty;
done:
	table_fini(&table);
	table_fini(&next);
	free(owners);
	return error;
}

int publish_vip(struct registry *registry, struct registry_service *service,
		const struct mtlb_vip_key *key, uint16_t last)
{
	struct mtlb_vip record = publish_make_record(registry, service, key, last);
	uint32_t index = 0;
	int error;

	if (registry_vip(service->vips, key, last))
		return 0;
	error = last ? publish_ports_add(registry, &record, &index)
		     : publish_put_record(registry, &record, &index);
	return error ?: registry_add_vip(&service->vips, key, last, index);
}

int publish_withdraw_key(struct registry *registry, struct registry_vip **list,
			 struct registry_vip *vip)
{
	int error = 0;

	if (registry_met(registry, vip))
		error = dataplane_delete_vip(registry->dataplane, &vip->key);
	if (error)
		return error;
	ranges_give_back(&registry->records, vip->record, 1);
	registry_remove_vip(list, vip);
	return 0;
}

static void forget_lost(struct registry *registry, struct registry_vip **list)
{
	struct registry_vip *next;

	for (struct registry_vip *vip = *list; vip; vip = next) {
		next = vip->next;
		if (registry_met(registry, vip))
			continue;
		ranges_give_back(&registry->records, vip->record, 1);
		registry_remove_vip(list, vip);
	}
}

void publish_forget_lost(struct registry *registry)
{
	struct registry_service *service, *next_service;
	struct registry_tenant *tenant, *next_tenant;

	HASH_ITER (by_key, registry->services, service, next_service)
		forget_lost(registry, &service->vips);
	HASH_ITER (by_name, registry->tenants, tenant, next_tenant)
		forget_lost(registry, &tenant->addresses);
}

int publish_withdraw(struct registry *registry, struct registry_service *service,
		     struct registry_vip *vip)
{
	int error;

	if (!vip->last)
		return publish_withdraw_key(registry, &service->vips, vip);
	error = publish_ports_remove(registry, vip);
	if (error)
		return error;
	ranges_give_back(&registry->records, vip->record, 1);
	registry_remove_vip(&service->vips, vip);
	return 0;
}

static int put_word(struct registry *registry, const struct registry_service *service, uint32_t i,
		    uint32_t word)
{
	return dataplane_put_slot(registry->dataplane, service->slot_first + i, word);
}

int publish_end_learning(struct registry *registry, struct registry_service *service)
{
	const struct mtlb_service *names =
		&dataplane_view(registry->dataplane)->services[service->index];
	struct table table;
	int error = publish_read_table(registry, service, &table);

	if (error)
		return error;
	for (uint32_t i = 0; !error && i < table.count; i++)
		if (table.slots[i] & MTLB_SLOT_LEARN)
			error = put_word(registry, service, i, table.slots[i] & ~MTLB_SLOT_LEARN);
	table_fini(&table);
	return error
		       ?: dataplane_put_service_times(registry->dataplane, service->index,
						      names->changed_at, 0);
}

int publish_clear_flags(struct registry *registry, struct registry_service *service,
			const bool *keep)
{
	struct table table;
	bool any_kept = false;
	int error = publish_read_table(registry, service, &table);

	if (error)
		return error;
	for (uint32_t i = 0; i < table.count; i++)
		any_kept |= keep[i] && table.slots[i] & MTLB_SLOT_CHANGED;
	/* tables of two sizes agree only where nothing is flagged: all flags go, or none
	 * (model/table.h) */
	if (any_kept && table.old_count != table.count)
		goto done;
	for (uint32_t i = 0; !error && i < table.count; i++) {
		if (!(table.slots[i] & MTLB_SLOT_CHANGED) || keep[i])
			continue;
		table.slots[i] &= MTLB_SLOT_MEMBER;
		if (any_kept)
			error = put_word(registry, service, i, table.slots[i]);
	}
	if (any_kept)
		goto done;
	/* and all at once: an agent that is killed must not leave some of them cleared */
	free(table.old);
	table.old = NULL;
	table.old_count = 0;
	error = switch_table(registry, service, &table);
	service->dirty |= error != 0;
	error = error ?: dataplane_put_service_times(registry->dataplane, service->index, 0, 0);
done:
	table_fini(&table);
	return error;
}
