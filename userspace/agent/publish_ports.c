// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Addresses, and the ranges of ports they lead to. The kernel has no key for a range: the record of
 * its address leads to lines, and a line to the record of the range. So each change of a range, and
 * each new record of one, takes fresh lines and a fresh record of the address, which is switched to
 * in one step. What the lines say is read from the maps each time: an agent that is killed in
 * between leaves the old ones in force.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "publish.h"
#include "acl.h"
#include "meters.h"
#include "publish_record.h"

/* An address as packets meet it. */
struct place {
	struct registry_vip *vip; /* whose record it is */
	struct mtlb_vip record;
	uint32_t protocol; /* enum mtlb_port_protocol */
	struct registry_chain chain;
};

static uint32_t port_protocol(uint8_t protocol)
{
	for (uint32_t i = 0; i < MTLB_PORT_PROTOCOLS; i++)
		if (registry_port_protocols[i] == protocol)
			return i;
	return MTLB_PORT_TCP;
}

/* -ENOENT: the address is nobody's. */
static int find_place(const struct registry *registry, const struct mtlb_vip_key *range,
		      struct place *ret_place)
{
	const struct dataplane_view *view = dataplane_view(registry->dataplane);
	struct mtlb_vip_key key = {.address = range->address};
	uint32_t index = dataplane_find_vip(registry->dataplane, &key);
	const struct mtlb_vip *record = &view->vips[index];
	const struct registry_tenant *tenant;

	if (!index || !(record->flags & MTLB_VIP_ADDRESS))
		return -ENOENT;
	tenant = registry->tenant_at[record->tenant];
	ret_place->vip = tenant ? registry_vip(tenant->addresses, &key, 0) : NULL;
	if (!ret_place->vip || ret_place->vip->record != index)
		return -ENOENT;
	ret_place->record = *record;
	ret_place->protocol = port_protocol(range->protocol);
	registry_read_chain(registry, record->port_line[ret_place->protocol], &ret_place->chain);
	return 0;
}

static void give_back_lines(struct registry *registry, const uint32_t *lines, size_t count)
{
	for (size_t i = 0; i < count; i++)
		ranges_give_back(&registry->port_lines, lines[i], 1);
}

static int take_lines(struct registry *registry, uint32_t *lines, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		lines[i] = ranges_take(&registry->port_lines, 1);
		if (!lines[i] && registry_rests(registry) && !registry_settle(registry))
			lines[i] = ranges_take(&registry->port_lines, 1);
		if (!lines[i]) {
			give_back_lines(registry, lines, i);
			return -ENOSPC;
		}
	}
	return 0;
}

static int put_lines(struct registry *registry, const struct registry_chain *chain,
		     const uint32_t *lines, size_t count)
{
	int error = 0;

	for (size_t i = 0; !error && i < count; i++) {
		size_t from = i * MTLB_PORT_RANGES_PER_LINE, left = chain->count - from;
		struct mtlb_port_line line = {.next = i + 1 < count ? lines[i + 1] : 0};

		if (left > MTLB_PORT_RANGES_PER_LINE)
			left = MTLB_PORT_RANGES_PER_LINE;
		memcpy(line.range, &chain->range[from], left * sizeof(line.range[0]));
		error = dataplane_put_port_lines(registry->dataplane, lines[i], &line);
	}
	return error;
}

/* Makes the ranges of place->chain those of its address. */
static int switch_chain(struct registry *registry, struct place *place)
{
	const struct registry_chain *chain = &place->chain;
	uint32_t lines[MTLB_PORT_LINES_MAX];
	size_t count = (chain->count + MTLB_PORT_RANGES_PER_LINE - 1) / MTLB_PORT_RANGES_PER_LINE;
	int error = take_lines(registry, lines, count);

	if (error)
		return error;
	place->record.port_line[place->protocol] = count ? lines[0] : 0;
	error = put_lines(registry, chain, lines, count);
	error = error ?: publish_put_record(registry, &place->record, &place->vip->record);
	if (error)
		give_back_lines(registry, lines, count);
	else
		give_back_lines(registry, chain->line, chain->line_count);
	return error;
}

int publish_ports_add(struct registry *registry, const struct mtlb_vip *record, uint32_t *ret_index)
{
	struct place place;
	uint32_t index;
	int error = find_place(registry, &record->key, &place);

	if (error)
		return error;
	if (place.chain.count == REGISTRY_CHAIN_MAX)
		return -EMLINK;
	index = publish_take_record(registry);
	if (!index)
		return -ENOSPC;
	memmove(&place.chain.range[1], &place.chain.range[0],
		place.chain.count * sizeof(place.chain.range[0]));
	place.chain.count++;
	place.chain.range[0] = (struct mtlb_port_range){
		.first = ntohs(record->key.port), .last = record->port_last, .record = index};
	error = dataplane_put_record(registry->dataplane, index, record)
			?: switch_chain(registry, &place);
	if (error)
		ranges_give_back(&registry->records, index, 1);
	else
		*ret_index = index;
	return error;
}

static struct mtlb_port_range *find_range(struct registry_chain *chain, uint32_t record)
{
	for (size_t i = 0; i < chain->count; i++)
		if (chain->range[i].record == record)
			return &chain->range[i];
	return NULL;
}

int publish_ports_remove(struct registry *registry, const struct registry_vip *vip)
{
	struct mtlb_port_range *range;
	struct place place;
	size_t at;
	int error = find_place(registry, &vip->key, &place);

	if (error)
		return error == -ENOENT ? 0 : error;
	range = find_range(&place.chain, vip->record);
	if (!range)
		return 0;
	at = (size_t)(range - place.chain.range);
	memmove(range, range + 1, (--place.chain.count - at) * sizeof(*range));
	return switch_chain(registry, &place);
}

struct renewal {
	struct registry_vip *vip;
	uint32_t fresh;
};

static void end_renewals(struct registry *registry, const struct renewal *renewals, size_t count,
			 bool done)
{
	for (size_t i = 0; i < count; i++) {
		const struct renewal *renewal = &renewals[i];

		ranges_give_back(&registry->records, done ? renewal->vip->record : renewal->fresh,
				 1);
		if (done)
			renewal->vip->record = renewal->fresh;
	}
}

static int renew(struct registry *registry, const struct registry_service *service,
		 struct registry_chain *chain, struct renewal *renewal)
{
	struct registry_vip *vip = renewal->vip;
	struct mtlb_vip record = publish_make_record(registry, service, &vip->key, vip->last);
	struct mtlb_port_range *range = find_range(chain, vip->record);

	if (!range || memcmp(&dataplane_view(registry->dataplane)->vips[vip->record], &record,
			     sizeof(record)) == 0)
		return 0;
	renewal->fresh = publish_take_record(registry);
	if (!renewal->fresh)
		return -ENOSPC;
	range->record = renewal->fresh;
	return dataplane_put_record(registry->dataplane, renewal->fresh, &record);
}

int publish_ports_renew(struct registry *registry, struct registry_service *service,
			struct registry_vip *vip)
{
	const struct mtlb_address address = vip->key.address;
	struct renewal renewals[REGISTRY_CHAIN_MAX];
	struct place place;
	size_t count = 0;
	int error = find_place(registry, &vip->key, &place);

	for (; !error && vip && count < REGISTRY_CHAIN_MAX; vip = vip->next) {
		if (!vip->last || memcmp(&vip->key.address, &address, sizeof(address)) != 0)
			continue;
		renewals[count] = (struct renewal){.vip = vip};
		error = renew(registry, service, &place.chain, &renewals[count]);
		count += renewals[count].fresh != 0;
	}
	if (!error && count)
		error = switch_chain(registry, &place);
	end_renewals(registry, renewals, count, !error);
	return error;
}

/* addresses */

int publish_address(struct registry *registry, struct registry_tenant *tenant,
		    const struct mtlb_vip_key *key, bool echo)
{
	const struct dataplane_view *view = dataplane_view(registry->dataplane);
	struct registry_vip *vip = registry_vip(tenant->addresses, key, 0);
	uint32_t index = dataplane_find_vip(registry->dataplane, key);
	const struct mtlb_vip *now = &view->vips[index];
	struct mtlb_vip record = {
		.key = *key,
		.tenant = tenant->index,
		.flags = MTLB_VIP_ADDRESS | (echo ? MTLB_VIP_ECHO : 0) |
			 meters_flags(&view->meters[tenant->index]) |
			 acl_flags(&view->guards[tenant->index]),
	};
	int error;

	/* an address that comes from another tenant brings its ranges along, until they go */
	if (index && now->flags & MTLB_VIP_ADDRESS)
		memcpy(record.port_line, now->port_line, sizeof(record.port_line));
	if (vip && vip->record == index && memcmp(&record, now, sizeof(record)) == 0)
		return 0;
	index = vip ? vip->record : 0;
	error = publish_put_record(registry, &record, &index);
	if (error || !vip)
		return error ?: registry_add_vip(&tenant->addresses, key, 0, index);
	vip->record = index;
	return 0;
}

int publish_withdraw_address(struct registry *registry, struct registry_tenant *tenant,
			     struct registry_vip *vip)
{
	struct mtlb_vip record = dataplane_view(registry->dataplane)->vips[vip->record];
	bool leads = dataplane_find_vip(registry->dataplane, &vip->key) == vip->record;
	struct registry_chain chain;
	int error = publish_withdraw_key(registry, &tenant->addresses, vip);

	for (uint32_t i = 0; !error && leads && i < MTLB_PORT_PROTOCOLS; i++) {
		registry_read_chain(registry, record.port_line[i], &chain);
		give_back_lines(registry, chain.line, chain.line_count);
	}
	return error;
}
