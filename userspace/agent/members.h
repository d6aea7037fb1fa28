/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The members' records: how each is reached (from the kernel's routes and neighbours), and what its
 * state means for its flows. A member that changes makes its service dirty; publishing is up to the
 * caller.
 */
#ifndef MTLB_AGENT_MEMBERS_H
#define MTLB_AGENT_MEMBERS_H

#include "../sys/netlink.h"
#include "registry.h"

/* Addresses that flows are translated to; all zero: not given. Which pair it is follows from where
 * the tenant's ports are (registry_nat_pair()).
 */
struct members_source {
	struct addr ipv4, ipv6;
};

#define MEMBERS_INTERFACES 64
#define MEMBERS_TELL_MAX   1000 /* lines of one round */

struct members {
	struct registry *registry;
	struct netlink *netlink; /* NULL: nothing is resolved (tests on the fake) */
	struct addr encap_ipv4, encap_ipv6;
	uint16_t gue_port; /* host order */
	struct members_source nat[MTLB_NAT_SOURCES_MAX];
	/* Interfaces that packets may leave by, as far as it is known in this round. */
	uint32_t usable[MEMBERS_INTERFACES];
	size_t usable_count;
	uint32_t unusable; /* said of this one last */
	uint32_t told;	   /* whether members can be reached, in this round */
};

/* A new round: interfaces may have gone and come back, and are made usable again. */
void members_forget_interfaces(struct members *members);
/* Packets may leave by it from now on; false, and said once, when they may not. */
bool members_use_interface(struct members *members, uint32_t ifindex);

/* Adds a member, or takes back one that lingered. state: MTLB_MEMBER_UP or MTLB_MEMBER_CHECKING.
 * The way to it is not asked for before members_refresh(). */
int members_add(struct members *members, struct registry_service *service,
		const struct state_member *member, enum mtlb_member_state state, uint64_t now);
/* A new weight, wish to drain or server ID. */
int members_set(struct members *members, struct registry_service *service, uint32_t index,
		const struct state_member *member, uint64_t now);
/* Up, down or gone. Does nothing when it is so already. */
int members_set_state(struct members *members, struct registry_service *service, uint32_t index,
		      enum mtlb_member_state state, uint64_t now);
/* Its flows are no longer kept. */
int members_let_go(struct members *members, struct registry_service *service, uint32_t index);
/* Takes it out of the maps; its service's table must not name it any more. */
int members_free(struct members *members, struct registry_service *service, uint32_t index);

/* Asks for the way to each member of service and writes what differs. *ret_unsettled grows by the
 * number of members whose neighbour is being asked for.
 */
int members_refresh(struct members *members, struct registry_service *service,
		    size_t *ret_unsettled);

/* For reports: "ok", "no route", ... as of the last time it was asked. */
int members_next_hop(const struct members *members, uint32_t index, struct next_hop *ret_next_hop);

#endif
