// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Affinity: by client, all flows of an address are in one slot and yet tracked one by one; none,
 * each datagram is balanced by itself and nothing is ever stored.
 */
#include <arpa/inet.h>
#include <linux/bpf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "../../bpf/core/hash.h"
#include "tracked.h"

#define CHANGED	   (MTLB_SLOT_CHANGED | OWNER)
#define LEARNS	   (MTLB_SLOT_CHANGED | MTLB_SLOT_LEARN | OWNER)
#define TO(member) SENT(member, DIRECT)
#define STORED	   .stored = 1

enum {
	SLOTS = 1009,
	OLD_SLOTS = 251,
	OLD_FIRST = RIG_FREE_SLOT + 1024,
	PORT = 8001, /* of the service with many slots */
	CLIENTS = 300,
	DATAGRAMS = 3000,
	TOLERANCE = 150, /* of the thousand that each of three gets: 5.8 standard deviations */
};

static const uint8_t protocols[] = {IPPROTO_TCP, IPPROTO_UDP, IPPROTO_SCTP};

/* The tracked service once more, with a table of many slots. */
static void put_table(const struct rig *rig, uint32_t slot_flags, uint32_t flags)
{
	static const char *const addresses[] = {"192.0.2.1", "2001:db8:1::1"};
	static uint32_t owners[SLOTS], old_owners[OLD_SLOTS];
	uint32_t record = 130;

	tracked_set(rig, &(struct tracked){.slot = OWNER});
	for (uint32_t i = 0; i < SLOTS; i++)
		owners[i] = (OLD + i % 3) | slot_flags;
	for (uint32_t i = 0; i < OLD_SLOTS; i++)
		old_owners[i] = OLD + i % 2;
	rig_put_slots(rig, RIG_FREE_SLOT / MTLB_SLOTS_PER_LINE, owners, SLOTS);
	rig_put_slots(rig, OLD_FIRST / MTLB_SLOTS_PER_LINE, old_owners, OLD_SLOTS);
	for (size_t i = 0; i < 2; i++)
		for (size_t j = 0; j < sizeof(protocols); j++) {
			struct mtlb_vip vip = rig_vip(addresses[i], TRACKED, protocols[j], PORT);

			vip.slot_first = RIG_FREE_SLOT;
			vip.slot_count = SLOTS;
			vip.old_first = OLD_FIRST;
			vip.old_count = OLD_SLOTS;
			vip.flags = flags;
			rig_put_vip(rig, record++, &vip);
		}
}

/* Which of the members it went to. */
static uint32_t reached(const struct rig *rig, const char *text)
{
	static struct frame frame, out;

	frame_build(&frame, text, NULL);
	assert_int_equal(rig_run(rig, &frame, &out, 0), XDP_TX);
	assert_in_range(out.byte[5], OLD, THIRD);
	return out.byte[5];
}

static uint32_t client_hash(const struct rig *rig, const char *address, bool ipv6)
{
	const __u64 *secret = rig->view->node->secret;
	struct mtlb_vip_key key;

	rig_key(&key, address, 0, 0);
	return (uint32_t)hash_client(&key.address, ipv6, secret[0], secret[1]);
}

static void name_client(char *text, size_t size, unsigned int i, bool ipv6)
{
	if (ipv6)
		snprintf(text, size, "2001:db8:c:%x::%x", i / 7, i);
	else
		snprintf(text, size, "203.0.%u.%u", i / 250 + 1, i % 250);
}

/* Every packet of a client, whatever its ports, protocol and kind, goes to one member. */
static void client_has_one_slot(void **state)
{
	static const char *const flows[] = {
		"tcp 1 > 8001 SYN",	"tcp 40000 > 8001 ACK / 9 bytes",
		"tcp 65535 > 8001 RST", "udp 1 > 8001 / 5 bytes",
		"udp 999 > 8001",	"sctp 7 > 8001 INIT",
		"sctp 8 > 8001 DATA"};
	struct rig *rig = *state;
	uint32_t had[3] = {};

	put_table(rig, 0, MTLB_VIP_CLIENT);
	for (unsigned int i = 0; i < CLIENTS; i++) {
		bool ipv6 = i % 2;
		char client[64], text[256];
		uint32_t hash, expected;

		name_client(client, sizeof(client), i, ipv6);
		hash = client_hash(rig, client, ipv6);
		expected = OLD + mtlb_slot_of(hash, SLOTS) % 3;
		had[expected - OLD]++;
		for (size_t j = 0; j < sizeof(flows) / sizeof(*flows); j++) {
			snprintf(text, sizeof(text), "eth / %s %s > acme / %s",
				 ipv6 ? "ip6" : "ip4", client, flows[j]);
			assert_int_equal(reached(rig, text), expected);
		}
		/* and so does an error about one of its flows, from a router anywhere */
		snprintf(text, sizeof(text),
			 "eth / %s host > acme / %s / %s acme > %s / udp 8001 > %u",
			 ipv6 ? "ip6" : "ip4", ipv6 ? "icmp6 2" : "icmp 3 code 4",
			 ipv6 ? "ip6" : "ip4", client, 5000 + i);
		assert_int_equal(reached(rig, text), expected);
	}
	/* clients are spread */
	for (uint32_t i = 0; i < 3; i++)
		assert_in_range(had[i], CLIENTS / 6, CLIENTS / 2);
	assert_int_equal(rig_count_flows(rig, ACME), 0);
}

/* Without it, the same flows of one client are spread. */
static void otherwise_ports_spread(void **state)
{
	struct rig *rig = *state;
	uint32_t had[3] = {};

	put_table(rig, 0, 0);
	for (unsigned int i = 0; i < 600; i++) {
		char text[128];

		snprintf(text, sizeof(text), "eth / ip4 client > acme / udp %u > 8001", i);
		had[reached(rig, text) - OLD]++;
	}
	for (uint32_t i = 0; i < 3; i++)
		assert_in_range(had[i], 100, 300);
}

/* The old table is asked with the same hash: a client's flows had one owner before, too. */
static void client_had_one_old_owner(void **state)
{
	struct rig *rig = *state;

	put_table(rig, MTLB_SLOT_CHANGED, MTLB_VIP_CLIENT);
	for (unsigned int i = 0; i < CLIENTS; i++) {
		bool ipv6 = i % 2;
		char client[64], text[128];
		uint32_t hash, is, was;

		name_client(client, sizeof(client), i, ipv6);
		hash = client_hash(rig, client, ipv6);
		is = OLD + mtlb_slot_of(hash, SLOTS) % 3;
		was = OLD + mtlb_slot_of(hash, OLD_SLOTS) % 2;
		rig_clear_flows(rig);
		for (unsigned int port = 1; port < 4; port++) {
			snprintf(text, sizeof(text), "eth / %s %s > acme / tcp %u > 8001 SYN",
				 ipv6 ? "ip6" : "ip4", client, port);
			assert_int_equal(reached(rig, text), is);
			snprintf(text, sizeof(text), "eth / %s %s > acme / tcp %u > 8001 ACK",
				 ipv6 ? "ip6" : "ip4", client, port + 1000);
			assert_int_equal(reached(rig, text), was);
		}
	}
}

/* What tells the agent in which slot a stored flow is: the same for all of a client's. */
static void assert_slot_hash(const struct rig *rig, uint32_t expected, uint32_t count)
{
	uint32_t seen = 0;

	dataplane_read_flow_logs(rig->dataplane);
	for (uint32_t i = 0; i < RIG_RANGE * MTLB_FLOWS_PER_BUCKET; i++) {
		uint32_t at = RIG_FLOWS(ACME) * MTLB_FLOWS_PER_BUCKET + i;
		uint64_t word = rig->view->flows[at / MTLB_FLOWS_PER_BUCKET]
					.word[at % MTLB_FLOWS_PER_BUCKET];

		if (!word)
			continue;
		seen++;
		assert_int_equal(
			dataplane_client_slot_hash(rig->dataplane, &rig->view->facts[at].source),
			expected);
		assert_int_equal(mtlb_flow_tag_of(rig->view->facts[at].hash), mtlb_flow_tag(word));
	}
	assert_int_equal(seen, count);
}

/* In a changed slot, a client's new flows and old ones are told apart. */
static void clients_flows_are_tracked_apart(void **state)
{
	struct rig *rig = *state;

	tracked_set(rig,
		    &(struct tracked){.slot = CHANGED, .old_owner = OLD, .flags = MTLB_VIP_CLIENT});
	RIG_CHECK(rig, TCP_FLOW(1, "SYN"), TO(OWNER), NEW_FLOW, STORED);
	RIG_CHECK(rig, TCP_FLOW(2, "ACK"), TO(OLD), STORED);
	RIG_CHECK(rig, UDP_FLOW(3), TO(OWNER), NEW_FLOW, STORED);
	assert_int_equal(rig_count_flows(rig, ACME), 3);
	tracked_set_slot(rig, MTLB_SLOT_CHANGED | THIRD);
	RIG_CHECK(rig, TCP_FLOW(1, "ACK"), TO(OWNER));
	RIG_CHECK(rig, TCP_FLOW(2, "ACK"), TO(OLD));
	RIG_CHECK(rig, UDP_FLOW(3), TO(OWNER));
	RIG_CHECK(rig, TCP_FLOW(4, "SYN"), TO(THIRD), NEW_FLOW, STORED);
	/* one that closes does not close another */
	RIG_CHECK(rig, TCP_FLOW(1, "FIN ACK"), TO(OWNER));
	RIG_CHECK(rig, TCP_FLOW(4, "ACK"), TO(THIRD));
	RIG_CHECK(rig, TCP_FLOW(2, "ACK"), TO(OLD));
	assert_int_equal(rig_count_flows(rig, ACME), 4);
	tracked_set_slot(rig, LEARNS);
	RIG_CHECK(rig, UDP_FLOW(5), TO(OLD), STORED);
	assert_slot_hash(rig, client_hash(rig, "198.51.100.7", false), 5);
}

static void client_and_always_tracked(void **state)
{
	struct rig *rig = *state;

	tracked_set(rig, &(struct tracked){.slot = OWNER,
					   .flags = MTLB_VIP_CLIENT | MTLB_VIP_TRACK_ALWAYS});
	RIG_CHECK(rig, TCP_FLOW(1, "SYN"), TO(OWNER), NEW_FLOW, STORED);
	RIG_CHECK(rig, UDP_FLOW(1), TO(OWNER), NEW_FLOW, STORED);
	RIG_CHECK(rig, TCP_FLOW(1, "ACK"), TO(OWNER));
	assert_int_equal(rig_count_flows(rig, ACME), 2);
}

/* One flow's datagrams: all members get their share, and there is no order in who does. */
static void each_datagram_alone(void **state)
{
	static const char *const datagrams[] = {
		"eth / ip4 client > acme / udp 1 > 8001 / 9 bytes",
		"eth / ip6 client > acme / udp 1 > 8001 / 9 bytes",
	};
	struct rig *rig = *state;

	put_table(rig, 0, MTLB_VIP_ALONE);
	for (size_t i = 0; i < 2; i++) {
		uint32_t had[3] = {}, again = 0, last = 0;

		for (uint32_t j = 0; j < DATAGRAMS; j++) {
			uint32_t member = reached(rig, datagrams[i]);

			had[member - OLD]++;
			again += member == last;
			last = member;
		}
		for (uint32_t j = 0; j < 3; j++)
			assert_in_range(had[j], DATAGRAMS / 3 - TOLERANCE,
					DATAGRAMS / 3 + TOLERANCE);
		assert_in_range(again, DATAGRAMS / 3 - TOLERANCE, DATAGRAMS / 3 + TOLERANCE);
	}
}

/* Whatever is asked for besides, and whatever becomes of the slots. */
static void alone_is_never_stored(void **state)
{
	static const uint32_t slots[] = {OWNER, CHANGED, LEARNS};
	static const uint32_t flags[] = {MTLB_VIP_ALONE, MTLB_VIP_ALONE | MTLB_VIP_TRACK_ALWAYS};
	struct rig *rig = *state;

	for (size_t i = 0; i < sizeof(slots) / sizeof(*slots); i++)
		for (size_t j = 0; j < sizeof(flags) / sizeof(*flags); j++) {
			tracked_set(rig, &(struct tracked){.slot = slots[i],
							   .old_owner = OLD,
							   .flags = flags[j]});
			/* unlike flows, they are the owner's at once */
			RIG_CHECK(rig, UDP_FLOW(1), TO(OWNER));
			RIG_CHECK(rig, UDP_FLOW(1), TO(OWNER));
			RIG_CHECK(rig, "eth / ip6 client > acme / udp 2 > 8000", TO(OWNER));
			RIG_CHECK(rig,
				  "eth / ip4 host > acme / icmp 3 code 4 / ip4 acme > client / "
				  "udp 8000 > 1",
				  TO(OWNER));
			assert_int_equal(rig_count_flows(rig, ACME), 0);
		}
}

static void nobody_to_send_alone_to(void **state)
{
	struct rig *rig = *state;

	tracked_set(rig, &(struct tracked){.slot = 0, .old_owner = OLD, .flags = MTLB_VIP_ALONE});
	RIG_CHECK(rig, UDP_FLOW(1), DROPPED(ACME, no_member));
	tracked_set_slot(rig, MTLB_SLOT_CHANGED | MTLB_SLOT_LEARN);
	RIG_CHECK(rig, UDP_FLOW(1), DROPPED(ACME, no_member));
	tracked_set_slot(rig, GLOBEX_DSR);
	RIG_CHECK(rig, UDP_FLOW(1), DROPPED(ACME, no_record));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(client_has_one_slot),
		cmocka_unit_test(otherwise_ports_spread),
		cmocka_unit_test(client_had_one_old_owner),
		cmocka_unit_test(clients_flows_are_tracked_apart),
		cmocka_unit_test(client_and_always_tracked),
		cmocka_unit_test(each_datagram_alone),
		cmocka_unit_test(alone_is_never_stored),
		cmocka_unit_test(nobody_to_send_alone_to),
	};

	return cmocka_run_group_tests_name("affinity", tests, rig_setup, rig_teardown);
}
