// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "world.h"

#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define MEMBERS	     3
#define SLOTS	     7 /* both are primes: the old table has another size */
#define OLD_SLOTS    5
#define FIRST_RECORD (RIG_VIPS + 2 * RIG_MEMBERS) /* behind those of the rig and of its tests */
#define FAR_IFINDEX  RIG_AWAY

static const struct {
	enum rig_tenant tenant;
	uint16_t port;
	uint32_t flags, slot;
} services[] = {
	{ACME, WORLD_CHANGED, 0, MTLB_SLOT_CHANGED},
	{ACME, WORLD_LEARNING, 0, MTLB_SLOT_CHANGED | MTLB_SLOT_LEARN},
	{ACME, WORLD_ALWAYS, MTLB_VIP_TRACK_ALWAYS, 0},
	{GLOBEX, WORLD_CHANGED, 0, MTLB_SLOT_CHANGED},
	{GLOBEX, WORLD_LEARNING, 0, MTLB_SLOT_CHANGED | MTLB_SLOT_LEARN},
	{GLOBEX, WORLD_ALWAYS, MTLB_VIP_TRACK_ALWAYS, 0},
};

#define SERVICES (sizeof(services) / sizeof(*services))

/* A service is called by the number of its first member; the highest are the furthest from what the
 * rig's own tests use.
 */
#define FIRST_MEMBER (RIG_MEMBERS - MEMBERS * SERVICES)
_Static_assert(FIRST_MEMBER > RIG_OTHER, "no numbers are left for the tracked services");

static uint32_t number_of(size_t service)
{
	return (uint32_t)(FIRST_MEMBER + MEMBERS * service);
}

/* One member of each mode; the last is reached by another interface. */
static void put_member(const struct rig *rig, size_t service, uint32_t i, uint8_t flags)
{
	static const enum mtlb_encap encaps[MEMBERS] = {MTLB_ENCAP_NONE, MTLB_ENCAP_IPV4,
							MTLB_ENCAP_IPV6};

	rig_put_member(rig, number_of(service) + i, number_of(service), encaps[i],
		       i == MEMBERS - 1 ? FAR_IFINDEX : RIG_IFINDEX, 1500, flags);
}

static void put_tables(const struct rig *rig, size_t service)
{
	uint32_t slots[SLOTS], old[OLD_SLOTS];

	for (uint32_t i = 0; i < SLOTS; i++)
		slots[i] =
			(number_of(service) + i % MEMBERS) | (i % 3 ? services[service].slot : 0);
	for (uint32_t i = 0; i < OLD_SLOTS; i++)
		old[i] = number_of(service) + (i + 1) % MEMBERS;
	rig_put_slots(rig, number_of(service), slots, SLOTS);
	rig_put_slots(rig, RIG_OLD + number_of(service), old, OLD_SLOTS);
}

static void put_vips(const struct rig *rig, size_t service, uint32_t *record)
{
	static const char *const addresses[RIG_TENANTS][2] = {
		[ACME] = {"192.0.2.1", "2001:db8:1::1"},
		[GLOBEX] = {"192.0.2.2", "2001:db8:1::2"},
	};
	static const uint8_t protocols[] = {IPPROTO_TCP, IPPROTO_UDP};
	enum rig_tenant tenant = services[service].tenant;

	for (uint32_t i = 0; i < 4; i++) {
		struct mtlb_vip vip = rig_vip(addresses[tenant][i / 2], number_of(service),
					      protocols[i % 2], services[service].port);

		vip.tenant = tenant;
		vip.flow_first = RIG_FLOWS(tenant);
		vip.slot_count = SLOTS;
		vip.old_first = (RIG_OLD + number_of(service)) * MTLB_SLOTS_PER_LINE;
		vip.old_count = OLD_SLOTS;
		vip.flags = services[service].flags;
		vip.idle = WORLD_IDLE;
		rig_put_vip(rig, (*record)++, &vip);
	}
}

void world_add(const struct rig *rig)
{
	uint32_t record = FIRST_RECORD;

	for (size_t i = 0; i < SERVICES; i++) {
		struct mtlb_service service = {.used = 1, .tenant = services[i].tenant};

		strcpy(service.name, "tracked");
		assert_int_equal(dataplane_put_service(rig->dataplane, number_of(i), &service), 0);
		for (uint32_t j = 0; j < MEMBERS; j++)
			put_member(rig, i, j, 0);
		put_tables(rig, i);
		put_vips(rig, i, &record);
	}
}

void world_shake(const struct rig *rig, struct dice *dice)
{
	static const uint8_t flags[] = {0, 0, MTLB_MEMBER_LET_GO, MTLB_MEMBER_NO_NEW,
					MTLB_MEMBER_NO_NEXT_HOP};
	static const uint32_t slots[] = {0, MTLB_SLOT_CHANGED, MTLB_SLOT_CHANGED | MTLB_SLOT_LEARN};
	uint32_t service = dice_throw(dice, SERVICES), member = dice_throw(dice, MEMBERS);
	uint32_t slot = slots[dice_throw(dice, 3)], at = dice_throw(dice, SLOTS);

	if (dice_chance(dice, 50)) {
		put_member(rig, service, member, flags[dice_throw(dice, sizeof(flags))]);
		return;
	}
	if (dice_chance(dice, 90))
		slot |= number_of(service) + member;
	at += number_of(service) * MTLB_SLOTS_PER_LINE;
	assert_int_equal(dataplane_put_slot(rig->dataplane, at, slot), 0);
}
