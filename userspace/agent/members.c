// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "members.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <string.h>
#include <time.h>

#include "../base/log.h"
#include "quic.h"

static const struct dataplane_view *view_of(const struct members *members)
{
	return dataplane_view(members->registry->dataplane);
}

static uint8_t state_flags(const struct mtlb_member_name *name)
{
	bool settled = name->state == MTLB_MEMBER_UP && !name->drain;

	return settled ? 0 : MTLB_MEMBER_NO_NEW;
}

static enum mtlb_encap encap_of(const struct members *members, uint32_t service,
				const struct addr *address)
{
	switch (view_of(members)->services[service].encap_wish) {
	case MTLB_FORWARD_IPIP:
		return addr_is_ipv4(address) ? MTLB_ENCAP_IPV4 : MTLB_ENCAP_IPV6;
	case MTLB_FORWARD_GUE:
		return addr_is_ipv4(address) ? MTLB_ENCAP_GUE4 : MTLB_ENCAP_GUE6;
	case MTLB_FORWARD_NAT:
		return MTLB_ENCAP_NAT;
	default:
		return MTLB_ENCAP_NONE;
	}
}

/* Zero: there is none, and no packet can be sent. */
static struct addr outer_source(const struct members *members, uint32_t service, bool ipv4)
{
	const struct dataplane_view *view = view_of(members);
	const struct mtlb_service *names = &view->services[service];
	const struct mtlb_tenant *tenant = &view->tenants[names->tenant];
	const struct members_source *pair;

	if (names->encap_wish != MTLB_FORWARD_NAT)
		return ipv4 ? members->encap_ipv4 : members->encap_ipv6;
	if (!tenant->nat_count)
		return (struct addr){};
	pair = &members->nat[registry_nat_pair(view->node, tenant->nat_first)];
	return ipv4 ? pair->ipv4 : pair->ipv6;
}

/* encap, and the fields of the outer header that follow from it. */
static void fill_outer(const struct members *members, struct mtlb_member *record, uint32_t service,
		       const struct addr *address, __be16 port)
{
	struct mtlb_address from, to;
	struct addr source;

	record->encap = encap_of(members, service, address);
	if (record->encap == MTLB_ENCAP_NONE)
		return;
	source = outer_source(members, service, addr_is_ipv4(address));
	memcpy(&from, source.byte, sizeof(from));
	memcpy(&to, address->byte, sizeof(to));
	dataplane_set_outer(record, &from, &to);
	if (record->encap == MTLB_ENCAP_NAT)
		record->port = port;
	else if (record->encap == MTLB_ENCAP_GUE4 || record->encap == MTLB_ENCAP_GUE6)
		record->port = htons(members->gue_port);
	if (addr_is_zero(&source))
		record->flags |= MTLB_MEMBER_NO_NEXT_HOP;
}

/*
 * The record as it ought to be. While a neighbour is being asked again the last known way is kept:
 * a flushed neighbour table must not stop traffic.
 */
static struct mtlb_member make_record(const struct members *members, uint32_t service,
				      const struct mtlb_member_name *name,
				      const struct mtlb_member *now, const struct next_hop *hop)
{
	struct addr address = registry_addr(&name->address);
	struct mtlb_member record = {.service = service};
	bool known = now->ifindex && !(now->flags & MTLB_MEMBER_NO_NEXT_HOP);

	record.flags = state_flags(name);
	/* one that gets new flows keeps them, even if a killed agent left it let go */
	if (record.flags & MTLB_MEMBER_NO_NEW)
		record.flags |= now->flags & MTLB_MEMBER_LET_GO;
	fill_outer(members, &record, service, &address, name->port);
	if (hop->tag == NEXT_HOP_TAG_SET)
		record.flags |= MTLB_MEMBER_TAG;
	else if (hop->tag == NEXT_HOP_TAG_NONE)
		record.flags |= MTLB_MEMBER_UNTAG;
	record.vlan = htons(hop->vlan);
	if (hop->status == NEXT_HOP_OK && (record.encap != MTLB_ENCAP_NONE || hop->on_link)) {
		memcpy(record.next_hop, hop->mac, sizeof(record.next_hop));
		memcpy(record.source_mac, hop->source_mac, sizeof(record.source_mac));
		record.ifindex = hop->ifindex;
		record.mtu = hop->mtu < UINT16_MAX ? (uint16_t)hop->mtu : UINT16_MAX;
	} else if (hop->status == NEXT_HOP_RESOLVING && known && now->ifindex == hop->ifindex &&
		   now->encap == record.encap) {
		memcpy(record.next_hop, now->next_hop, sizeof(record.next_hop));
		memcpy(record.source_mac, now->source_mac, sizeof(record.source_mac));
		record.ifindex = now->ifindex;
		record.mtu = now->mtu;
	} else {
		record.flags |= MTLB_MEMBER_NO_NEXT_HOP;
	}
	return record;
}

int members_next_hop(const struct members *members, uint32_t index, struct next_hop *ret_next_hop)
{
	struct addr address = registry_addr(&view_of(members)->member_names[index].address);

	if (members->netlink)
		return netlink_next_hop(members->netlink, &address, ret_next_hop);
	*ret_next_hop = (struct next_hop){
		.status = NEXT_HOP_OK, .on_link = true, .ifindex = 1, .mtu = 1500};
	return 0;
}

static void tell(struct members *members, uint32_t index, const struct mtlb_member *record,
		 const struct next_hop *hop)
{
	const struct mtlb_member_name *name = &view_of(members)->member_names[index];
	const struct mtlb_service *service = &view_of(members)->services[name->service];
	struct addr address = registry_addr(&name->address);
	const char *tenant = view_of(members)->tenants[service->tenant].name;
	char text[ADDR_TEXT_MAX];

	if (++members->told > MEMBERS_TELL_MAX) {
		if (members->told == MEMBERS_TELL_MAX + 1)
			log_info("members", "and more of them, too many to name each");
		return;
	}
	addr_format_endpoint(&address, ntohs(name->port), text);
	if (!(record->flags & MTLB_MEMBER_NO_NEXT_HOP))
		log_info("members", "service %s/%s: %s is reachable", tenant, service->name, text);
	else if (hop->status == NEXT_HOP_OK && record->encap == MTLB_ENCAP_NONE && !hop->on_link)
		log_warn("members",
			 "service %s/%s: %s is behind a router, which L2 DSR cannot reach: use "
			 "forward: ipip",
			 tenant, service->name, text);
	else if (hop->status == NEXT_HOP_OK)
		log_warn("members",
			 "service %s/%s: %s cannot be reached: there is no source address of its "
			 "family (node.encapSource, node.natSources), or packets cannot leave by "
			 "its interface",
			 tenant, service->name, text);
	else
		log_warn("members", "service %s/%s: %s cannot be reached: %s", tenant,
			 service->name, text, next_hop_status_name(hop->status));
}

void members_forget_interfaces(struct members *members)
{
	members->usable_count = 0;
	members->told = 0;
}

bool members_use_interface(struct members *members, uint32_t ifindex)
{
	char name[IF_NAMESIZE] = "?";
	int error;

	for (size_t i = 0; i < members->usable_count; i++)
		if (members->usable[i] == ifindex)
			return true;
	error = dataplane_put_interface(members->registry->dataplane, ifindex);
	if (!error) {
		if (members->usable_count < MEMBERS_INTERFACES)
			members->usable[members->usable_count++] = ifindex;
		members->unusable = 0;
		return true;
	}
	if (members->unusable != ifindex)
		log_error(
			"members",
			"interface %s: no packet can be sent by it (%s): members behind it get "
			"none; give it a driver with native XDP, or remove what routes lead there",
			if_indextoname(ifindex, name) ? name : "?", strerror(-error));
	members->unusable = ifindex;
	return false;
}

static int refresh(struct members *members, struct registry_service *service, uint32_t index,
		   size_t *ret_unsettled)
{
	const struct mtlb_member *now = &view_of(members)->members[index];
	struct mtlb_member record;
	struct next_hop hop;
	bool changes;
	int error = members_next_hop(members, index, &hop);

	if (error)
		return error;
	if (hop.status == NEXT_HOP_RESOLVING)
		++*ret_unsettled;
	record = make_record(members, service->index, &view_of(members)->member_names[index], now,
			     &hop);
	if (!(record.flags & MTLB_MEMBER_NO_NEXT_HOP) &&
	    !members_use_interface(members, record.ifindex))
		record.flags |= MTLB_MEMBER_NO_NEXT_HOP;
	if (memcmp(&record, now, sizeof(record)) == 0)
		return 0;
	changes = (record.flags ^ now->flags) & MTLB_MEMBER_NO_NEXT_HOP;
	error = dataplane_put_forwarding(members->registry->dataplane, index, &record);
	if (error)
		return error;
	if (changes) {
		service->dirty = true;
		service->urgent |= (record.flags & MTLB_MEMBER_NO_NEXT_HOP) != 0;
		if (hop.status != NEXT_HOP_RESOLVING)
			tell(members, index, &record, &hop);
	}
	return 0;
}

static uint64_t monotonic(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* Do the service's members have other outer headers than they ought to? One tells for all. */
static bool encap_changes(const struct members *members, const struct registry_service *service)
{
	for (size_t i = 0; i < service->member_count; i++) {
		const struct mtlb_member *now = &view_of(members)->members[service->members[i]];
		const struct mtlb_member_name *name =
			&view_of(members)->member_names[service->members[i]];
		struct addr address = registry_addr(&name->address);
		struct mtlb_member wanted = {};

		fill_outer(members, &wanted, service->index, &address, name->port);
		if (wanted.encap != now->encap || wanted.port != now->port ||
		    memcmp(&wanted.outer_source, &now->outer_source, sizeof(now->outer_source)) !=
			    0)
			return true;
	}
	return false;
}

/* All at once, so that one grace period serves them all when they open again. */
static int close_all(struct members *members, struct registry_service *service)
{
	int error = 0;

	for (size_t i = 0; !error && i < service->member_count; i++) {
		struct mtlb_member record = view_of(members)->members[service->members[i]];

		record.flags |= MTLB_MEMBER_NO_NEXT_HOP;
		error = dataplane_put_forwarding(members->registry->dataplane, service->members[i],
						 &record);
	}
	return error;
}

int members_refresh(struct members *members, struct registry_service *service,
		    size_t *ret_unsettled)
{
	uint64_t began = monotonic();
	size_t unsettled = 0;
	int error = 0;

	if (encap_changes(members, service))
		error = close_all(members, service);
	for (size_t i = 0; !error && i < service->member_count; i++)
		error = refresh(members, service, service->members[i], &unsettled);
	service->settled_at = error || unsettled ? 0 : began;
	*ret_unsettled += unsettled;
	return error;
}

/* The flags that follow from its state; the way to it stays. */
static int put_flags(struct members *members, uint32_t index, uint8_t set, uint8_t clear)
{
	struct mtlb_member record = view_of(members)->members[index];
	uint8_t flags = (record.flags & ~clear) | set;

	if (flags == record.flags)
		return 0;
	record.flags = flags;
	return dataplane_put_forwarding(members->registry->dataplane, index, &record);
}

static int put_name(struct members *members, struct registry_service *service, uint32_t index,
		    const struct mtlb_member_name *name, bool keep_let_go)
{
	uint8_t flags = state_flags(name);
	int error = dataplane_put_member_name(members->registry->dataplane, index, name);

	service->dirty = true;
	return error
		       ?: put_flags(members, index, flags,
				    (MTLB_MEMBER_NO_NEW & ~flags) |
					    (keep_let_go ? 0 : MTLB_MEMBER_LET_GO));
}

static void set_server_id(struct mtlb_member_name *name, const struct state_member *member)
{
	memset(name->server_id, 0, sizeof(name->server_id));
	memcpy(name->server_id, member->server_id, member->server_id_bytes);
	name->server_id_bytes = member->server_id_bytes;
}

int members_add(struct members *members, struct registry_service *service,
		const struct state_member *member, enum mtlb_member_state state, uint64_t now)
{
	struct registry *registry = members->registry;
	uint32_t index = registry_member(registry, service, &member->address, member->port);
	struct mtlb_member_name name = {
		.used = 1,
		.service = service->index,
		.port = htons(member->port),
		.drain = member->drain,
		.state = state,
		.weight = member->weight,
		.since = now,
		.drained_at = member->drain ? now : 0,
	};
	struct mtlb_member record = {.service = service->index, .flags = MTLB_MEMBER_NO_NEXT_HOP};
	int error;

	memcpy(&name.address, member->address.byte, sizeof(name.address));
	set_server_id(&name, member);
	if (index)
		return put_name(members, service, index, &name, false);
	index = ranges_take(&registry->member_indices, 1);
	if (!index && !registry_settle(registry))
		index = ranges_take(&registry->member_indices, 1);
	if (!index)
		return -ENOSPC;
	record.flags |= state_flags(&name);
	fill_outer(members, &record, service->index, &member->address, name.port);
	error = dataplane_reset_member_counters(registry->dataplane, index, service->key.tenant);
	error = error ?: dataplane_put_member(registry->dataplane, index, &record, &name);
	error = error ?: registry_add_member(service, index);
	service->dirty = true;
	service->settled_at = 0;
	if (error)
		ranges_give_back(&registry->member_indices, index, 1);
	return error;
}

int members_set(struct members *members, struct registry_service *service, uint32_t index,
		const struct state_member *member, uint64_t now)
{
	struct mtlb_member_name name = view_of(members)->member_names[index];
	bool same_drain = name.drain == member->drain;

	if (!same_drain)
		name.drained_at = member->drain ? now : 0;
	if (name.drain && !member->drain)
		name.since = now; /* it starts anew, slowly if its pool says so */
	name.drain = member->drain;
	name.weight = member->weight;
	set_server_id(&name, member);
	/* a new weight does not bring back one whose time was up */
	return put_name(members, service, index, &name, same_drain);
}

int members_set_state(struct members *members, struct registry_service *service, uint32_t index,
		      enum mtlb_member_state state, uint64_t now)
{
	struct mtlb_member_name name = view_of(members)->member_names[index];

	if (name.state == state)
		return 0;
	name.state = state;
	name.since = now;
	service->urgent |= state == MTLB_MEMBER_DOWN;
	/* one that was let go and comes back up has lost its flows: they belong to others now */
	return put_name(members, service, index, &name, state != MTLB_MEMBER_UP || name.drain);
}

int members_let_go(struct members *members, struct registry_service *service, uint32_t index)
{
	service->dirty = true;
	service->urgent = true;
	return put_flags(members, index, MTLB_MEMBER_LET_GO, 0);
}

int members_free(struct members *members, struct registry_service *service, uint32_t index)
{
	struct mtlb_member_name name = view_of(members)->member_names[index];
	struct mtlb_member record = view_of(members)->members[index];
	int error = quic_forget(members->registry, service, index);

	if (error)
		return error;
	name.used = 0;
	/* should a stale flow still name it, it is nobody's */
	record.service = 0;
	record.flags |= MTLB_MEMBER_LET_GO | MTLB_MEMBER_NO_NEXT_HOP;
	error = dataplane_put_member(members->registry->dataplane, index, &record, &name);
	error = error ?: registry_retire(members->registry, index, service->key.tenant);
	if (error)
		return error;
	registry_remove_member(service, index);
	ranges_give_back(&members->registry->member_indices, index, 1);
	return 0;
}
