// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* No packet reaches another tenant's member, whatever the maps hold; and whose slot a hash falls
 * in. */
#include <linux/bpf.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tracked.h"

/* A record that was given to another key while a packet was about to read it. */
static void a_record_of_another_key(void **state)
{
	static const char *const others[] = {"192.0.2.2", "192.0.2.50", "2001:db8:1::2"};
	struct rig *rig = *state;

	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++) {
		struct mtlb_vip right = rig_vip("192.0.2.1", DSR_TCP, IPPROTO_TCP, 4000);
		struct mtlb_vip wrong = rig_vip(others[i], GLOBEX_DSR, IPPROTO_TCP, 4000);

		rig_put_vip(rig, 110, &right);
		RIG_CHECK(rig, "eth / ip4 client > acme / tcp 1 > 4000 SYN", SENT(DSR_TCP, DIRECT),
			  NEW_FLOW);
		rig_put_vip(rig, 110, &wrong);
		RIG_CHECK(rig, "eth / ip4 client > acme / tcp 1 > 4000 SYN",
			  DROPPED(NODE, no_record));
	}
}

static void a_record_of_another_port_or_protocol(void **state)
{
	struct rig *rig = *state;
	struct mtlb_vip right = rig_vip("192.0.2.1", DSR_TCP, IPPROTO_TCP, 4001);
	struct mtlb_vip port = rig_vip("192.0.2.1", DSR_TCP, IPPROTO_TCP, 4002);
	struct mtlb_vip protocol = rig_vip("192.0.2.1", DSR_TCP, IPPROTO_UDP, 4001);

	rig_put_vip(rig, 110, &right);
	rig_put_vip(rig, 110, &port);
	RIG_CHECK(rig, "eth / ip4 client > acme / tcp 1 > 4001 SYN", DROPPED(NODE, no_record));
	rig_put_vip(rig, 110, &protocol);
	RIG_CHECK(rig, "eth / ip4 client > acme / tcp 1 > 4001 SYN", DROPPED(NODE, no_record));
	RIG_CHECK(rig, "eth / ip4 client > acme / udp 1 > 4001 / 1 bytes", SENT(DSR_TCP, DIRECT));
}

static void an_address_record_of_another_key(void **state)
{
	struct rig *rig = *state;
	struct mtlb_vip right = {.tenant = ACME, .flags = MTLB_VIP_ADDRESS};
	struct mtlb_vip wrong = {.tenant = GLOBEX, .flags = MTLB_VIP_ADDRESS};

	rig_key(&right.key, "192.0.2.77", 0, 0);
	rig_key(&wrong.key, "192.0.2.78", 0, 0);
	rig_put_vip(rig, 111, &right);
	RIG_CHECK(rig, "eth / ip4 client > 192.0.2.77 / icmp 8", DROPPED(ACME, icmp));
	rig_put_vip(rig, 111, &wrong);
	RIG_CHECK(rig, "eth / ip4 client > 192.0.2.77 / icmp 8", DROPPED(NODE, no_record));
	RIG_CHECK(rig, "eth / ip4 client > 192.0.2.77 / tcp 1 > 80 SYN", DROPPED(NODE, no_record));
}

static void a_record_out_of_range(void **state)
{
	struct rig *rig = *state;
	struct mtlb_vip vip = rig_vip("192.0.2.1", DSR_TCP, IPPROTO_TCP, 4003);

	vip.slot_first = 0xfffffff0;
	rig_put_vip(rig, 112, &vip);
	RIG_CHECK(rig, "eth / ip4 client > acme / tcp 1 > 4003 SYN", DROPPED(ACME, no_record));
	vip = rig_vip("192.0.2.1", DSR_TCP, IPPROTO_TCP, 4004);
	vip.flags = MTLB_VIP_TRACK_ALWAYS;
	vip.flow_first = 0xffffff;
	rig_put_vip(rig, 113, &vip);
	RIG_CHECK(rig, "eth / ip4 client > acme / tcp 1 > 4004 SYN", DROPPED(ACME, no_record));
}

static void a_slot_names_another_services_member(void **state)
{
	static const uint32_t strangers[] = {GLOBEX_DSR, DSR_TCP, RIG_MEMBERS - 1, RIG_MEMBERS,
					     MTLB_SLOT_MEMBER};
	struct rig *rig = *state;

	for (size_t i = 0; i < sizeof(strangers) / sizeof(*strangers); i++) {
		tracked_set(rig, &(struct tracked){.slot = strangers[i]});
		RIG_CHECK(rig, TCP_FLOW(1, "SYN"), DROPPED(ACME, no_record));
	}
}

static void a_vip_that_went(void **state)
{
	struct rig *rig = *state;
	struct mtlb_vip vip = rig_vip("192.0.2.90", DSR_TCP, IPPROTO_TCP, 80);

	rig_put_vip(rig, 114, &vip);
	RIG_CHECK(rig, "eth / ip4 client > 192.0.2.90 / tcp 1 > 80 ACK", SENT(DSR_TCP, DIRECT));
	assert_int_equal(dataplane_delete_vip(rig->dataplane, &vip.key), 0);
	RIG_CHECK(rig, "eth / ip4 client > 192.0.2.90 / tcp 1 > 80 ACK", PASSED(not_vip));
}

/* The same hash in the kernel and here, and two tables of different sizes. */
static void slots_and_hashes(void **state)
{
	enum {
		COUNT = 1009,
		OLD_COUNT = 251,
		OLD_FIRST = RIG_FREE_SLOT + 1024
	};
	static uint32_t owners[COUNT], old_owners[OLD_COUNT];
	static struct frame frame, out;
	struct rig *rig = *state;
	struct mtlb_vip vip = rig_vip("192.0.2.1", TRACKED, IPPROTO_TCP, 4005);
	uint32_t moved = 0;

	tracked_set(rig, &(struct tracked){.slot = OWNER});
	for (uint32_t i = 0; i < OLD_COUNT; i++)
		old_owners[i] = OLD + i % 2;
	for (uint32_t i = 0; i < COUNT; i++)
		owners[i] = i % 7 ? OWNER : THIRD | MTLB_SLOT_CHANGED;
	rig_put_slots(rig, RIG_FREE_SLOT / MTLB_SLOTS_PER_LINE, owners, COUNT);
	rig_put_slots(rig, OLD_FIRST / MTLB_SLOTS_PER_LINE, old_owners, OLD_COUNT);
	vip.slot_first = RIG_FREE_SLOT;
	vip.slot_count = COUNT;
	vip.old_first = OLD_FIRST;
	vip.old_count = OLD_COUNT;
	rig_put_vip(rig, 115, &vip);
	for (uint32_t i = 0; i < 3000; i++) {
		uint32_t hash, slot, member;
		char text[128];

		snprintf(text, sizeof(text), "eth / ip4 203.0.%u.%u > acme / tcp %u > 4005 ACK",
			 i / 250, i % 250, i * 17 % 65536);
		frame_build(&frame, text, NULL);
		hash = mtlb_flow_slot_hash(rig_hash(rig, &frame));
		slot = owners[(uint64_t)hash * COUNT >> 32];
		member = slot & MTLB_SLOT_CHANGED ? old_owners[(uint64_t)hash * OLD_COUNT >> 32]
						  : slot;
		moved += slot != member;
		assert_int_equal(rig_run(rig, &frame, &out, 0), XDP_TX);
		assert_int_equal(out.byte[5], member);
	}
	assert_in_range(moved, 300, 600);
}

/* Ports, sources and families spread; and a field that is not part of the flow moves nothing. */
static void one_flow_one_hash(void **state)
{
	static const char *const same[] = {
		"eth / ip4 client > acme / tcp 9 > 4005 SYN",
		"eth / ip4 client > acme ttl 3 tos 0xff id 77 df / tcp 9 > 4005 ACK seq 99 / 70 "
		"bytes",
		"eth / vlan 8 / ip4 client > acme options 8 / tcp 9 > 4005 FIN options 12",
	};
	static struct frame frame;
	struct rig *rig = *state;
	uint64_t hash;

	frame_build(&frame, same[0], NULL);
	hash = rig_hash(rig, &frame);
	for (size_t i = 1; i < sizeof(same) / sizeof(*same); i++) {
		frame_build(&frame, same[i], NULL);
		assert_int_equal(rig_hash(rig, &frame), hash);
	}
	frame_build(&frame, "eth / ip4 client > acme / udp 9 > 4005", NULL);
	assert_int_not_equal(rig_hash(rig, &frame), hash);
	frame_build(&frame, "eth / ip4 acme > client / tcp 9 > 4005", NULL);
	assert_int_not_equal(rig_hash(rig, &frame), hash);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_record_of_another_key),
		cmocka_unit_test(a_record_of_another_port_or_protocol),
		cmocka_unit_test(an_address_record_of_another_key),
		cmocka_unit_test(a_record_out_of_range),
		cmocka_unit_test(a_slot_names_another_services_member),
		cmocka_unit_test(a_vip_that_went),
		cmocka_unit_test(slots_and_hashes),
		cmocka_unit_test(one_flow_one_hash),
	};

	return cmocka_run_group_tests_name("isolate", tests, rig_setup, rig_teardown);
}
