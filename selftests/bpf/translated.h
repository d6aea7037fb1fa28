/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Services that translate, for the tests of forward: nat. Each has one member of the same number,
 * at `member`, and listens on one address of its tenant's; acme's flows are translated to the
 * addresses that the tests call lb, globex's to 10.0.0.2 and fd00::2.
 *
 * A tenant has one bucket of ports, TRANSLATED_PORT - 7 to TRANSLATED_PORT, and the last one is
 * given out first: so a table can tell what a packet looks like on the wire.
 */
#ifndef MTLB_SELFTESTS_TRANSLATED_H
#define MTLB_SELFTESTS_TRANSLATED_H

#include "rig.h"

#define TRANSLATED_PORT 1031

/* KEPT: to the VIP's port; PORT: to another one. */
enum translated_service {
	KEPT4_TCP = RIG_OTHER, /* port 100 */
	KEPT4_UDP,
	KEPT6_TCP,
	KEPT6_UDP,
	PORT4_TCP, /* port 101 to 8080 */
	PORT4_UDP,
	PORT6_TCP,
	PORT6_UDP,
	AWAY4_TCP,   /* port 102, by RIG_AWAY */
	TAG4_TCP,    /* port 103, in VLAN 7 */
	UNTAG6_UDP,  /* port 104, in none */
	NO_HOP4_TCP, /* port 105 */
	MSS4_TCP,    /* port 106, 1,200 bytes */
	MSS6_TCP,
	WRONG4_TCP,  /* port 107: its member is an IPv6 one */
	SMALL4_UDP,  /* port 108: the way takes 1,000 bytes */
	QUIC4_UDP,   /* port 109, server IDs of two bytes: a0a1 is NAMED's */
	GLOBEX4_TCP, /* port 100 */
	TRANSLATED_END,
	SPARE = TRANSLATED_END, /* a second member of KEPT4_TCP, whom nothing is sent to */
	NAMED,			/* and of QUIC4_UDP */
};

#define OPENED .new_flow = true, .stored = 1

/* Forgets all flows, and makes all members usable. buckets: of ports, a power of two. */
void translated_set(const struct rig *rig, uint32_t buckets);
void translated_set_member(const struct rig *rig, uint32_t service, uint8_t flags);
/* The slot of a service is that member's. */
void translated_set_owner(const struct rig *rig, uint32_t service, uint32_t member);

/* What stands at that port of a tenant's. */
uint64_t translated_word(const struct rig *rig, enum rig_tenant tenant, uint16_t port);
const struct mtlb_flow_facts *translated_facts(const struct rig *rig, enum rig_tenant tenant,
					       uint16_t port);
/* Makes a flow older by so many stamps, and gives it that tag. */
void translated_change(const struct rig *rig, uint16_t port, uint32_t age, uint32_t tag);
/* Fails unless acme's flow at that port is with that member, in that state. */
void translated_assert(const struct rig *rig, uint16_t port, uint32_t member, uint32_t state);
/* Ports of acme's that are taken. */
uint32_t translated_count(const struct rig *rig);

#endif
