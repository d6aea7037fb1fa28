// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Samples of what is dropped and of flows that are opened: what they tell, that a flood gets its
 * tenant's few and takes nobody else's, and that all else that is forwarded, passed or nobody's
 * leaves none. Time is that of the budgets,
 * which the tests set.
 */
#include <arpa/inet.h>
#include <linux/bpf.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "rig.h"

#define RING_BYTES (1U << 20)
#define CLOSED	   "eth / ip4 client > acme / tcp 1234 > 9999 "

struct taken {
	uint32_t count, of[RIG_TENANTS];
	uint64_t packets[RIG_TENANTS];
	struct mtlb_event last;
};

static void take_one(void *context, const struct mtlb_event *event)
{
	struct taken *taken = context;

	assert_in_range(event->tenant, 1, RIG_TENANTS - 1);
	taken->count++;
	taken->of[event->tenant]++;
	taken->packets[event->tenant] += event->packets;
	taken->last = *event;
}

static struct taken take(const struct rig *rig)
{
	struct taken taken = {};

	assert_int_equal(dataplane_each_event(rig->dataplane, take_one, &taken), 0);
	return taken;
}

/* This CPU's; what the program writes, the tests may write too. */
static struct mtlb_event_budget *budget(const struct rig *rig, enum rig_tenant tenant)
{
	return (struct mtlb_event_budget *)&rig->view
		->event_budgets[(uint32_t)sched_getcpu() * rig->view->node->tenants + tenant];
}

static void stay_on_this_cpu(void)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(sched_getcpu(), &set);
	assert_int_equal(sched_setaffinity(0, sizeof(set), &set), 0);
}

/* No sample left, and the budgets whole. */
static int forget(void **state)
{
	struct rig *rig = *state;

	stay_on_this_cpu();
	take(rig);
	memset((void *)rig->view->event_budgets, 0,
	       (size_t)rig->view->node->cpus * rig->view->node->tenants *
		       sizeof(struct mtlb_event_budget));
	return 0;
}

static void drop(const struct rig *rig, const char *text, uint32_t count)
{
	struct frame frame;

	frame_build(&frame, text, NULL);
	assert_int_equal(rig_repeat(rig, &frame, count), XDP_DROP);
}

static void assert_address(const struct mtlb_address *is, const char *expected)
{
	char text[INET6_ADDRSTRLEN];

	assert_non_null(inet_ntop(AF_INET6, is, text, sizeof(text)));
	assert_string_equal(text, expected);
}

static void tells_what_was_dropped(void **state)
{
	struct rig *rig = *state;
	struct taken taken;

	RIG_CHECK(rig, CLOSED "SYN", DROPPED(ACME, no_service));
	taken = take(rig);
	assert_int_equal(taken.count, 1);
	assert_int_equal(taken.last.tenant, ACME);
	assert_int_equal(taken.last.reason, MTLB_REASON_no_service);
	assert_int_equal(taken.last.service, 0);
	assert_int_equal(taken.last.packets, 1);
	assert_int_equal(taken.last.length, 40);
	assert_int_equal(taken.last.ifindex, RIG_IFINDEX);
	assert_int_equal(ntohs(taken.last.source_port), 1234);
	assert_int_equal(ntohs(taken.last.destination_port), 9999);
	assert_int_equal(taken.last.protocol, IPPROTO_TCP);
	assert_int_equal(taken.last.tcp_flags, 2);
	assert_int_equal(taken.last.related, 0);
	assert_true(taken.last.at != 0);
	assert_address(&taken.last.destination, "::ffff:192.0.2.1");
}

static void tells_of_ipv6_and_the_service(void **state)
{
	struct rig *rig = *state;
	struct taken taken;

	RIG_CHECK(rig, "eth / ip6 client > acme / tcp 7 > 174 ACK / 10 bytes",
		  DROPPED(ACME, no_next_hop));
	taken = take(rig);
	assert_int_equal(taken.count, 1);
	assert_int_equal(taken.last.reason, MTLB_REASON_no_next_hop);
	assert_int_equal(taken.last.service, NO_HOP_GUE4);
	assert_int_equal(taken.last.length, 70);
	assert_int_equal(taken.last.tcp_flags, 0x10);
	assert_address(&taken.last.destination, "2001:db8:1::1");
}

/* An outer header was put in front of this one before it turned out that there is no way. */
static void tells_the_packet_as_it_came(void **state)
{
	struct rig *rig = *state;
	struct taken taken;

	drop(rig, "eth / ip4 client > acme / tcp 5 > 95 ACK / 10 bytes", 1);
	taken = take(rig);
	assert_int_equal(taken.count, 1);
	assert_int_equal(taken.last.reason, MTLB_REASON_no_interface);
	assert_int_equal(taken.last.service, GONE_IN4);
	assert_int_equal(taken.last.length, 50);
	assert_int_equal(ntohs(taken.last.source_port), 5);
	assert_address(&taken.last.source, "::ffff:198.51.100.7");
	assert_address(&taken.last.destination, "::ffff:192.0.2.1");
}

static void nothing_of_what_is_not_dropped(void **state)
{
	struct rig *rig = *state;

	RIG_CHECK(rig, "eth / ip4 client > acme / tcp 1 > 80 ACK", SENT(DSR_TCP, DIRECT));
	RIG_CHECK(rig, "eth / ip4 client > host / tcp 1 > 80 ACK", PASSED(not_vip));
	RIG_CHECK(rig, "eth type 0x0806 / 28 bytes", PASSED(not_ip));
	RIG_CHECK(rig, "eth / ip4 client > acme id 1 offset 10 next 17 / 50 bytes",
		  DROPPED(ACME, fragment_held));
	assert_int_equal(take(rig).count, 0);
}

/* One in so many of the flows that a member gets on a CPU is told, within the same budget. */
static void tells_flows_that_are_opened(void **state)
{
	struct rig *rig = *state;
	uint32_t row = (uint32_t)sched_getcpu() * rig->view->node->members;
	struct mtlb_member_counter *counter =
		(struct mtlb_member_counter *)&rig->view->member_counters[row + DSR_TCP];
	struct taken taken;

	counter->new_flows = 5 * MTLB_EVENT_OPENED_EVERY - 2;
	RIG_CHECK(rig, "eth / ip4 client > acme / tcp 7001 > 80 SYN", SENT(DSR_TCP, DIRECT),
		  .new_flow = true);
	assert_int_equal(take(rig).count, 0);
	RIG_CHECK(rig, "eth / ip4 client > acme / tcp 7002 > 80 SYN", SENT(DSR_TCP, DIRECT),
		  .new_flow = true);
	taken = take(rig);
	assert_int_equal(taken.count, 1);
	assert_int_equal(taken.last.reason, MTLB_REASON_sent);
	assert_int_equal(taken.last.packets, MTLB_EVENT_OPENED_EVERY);
	assert_int_equal(ntohs(taken.last.source_port), 7002);
	assert_int_equal(ntohs(taken.last.destination_port), 80);
	assert_address(&taken.last.destination, "::ffff:192.0.2.1");
	/* packets of a flow open none */
	RIG_CHECK(rig, "eth / ip4 client > acme / tcp 7002 > 80 ACK", SENT(DSR_TCP, DIRECT));
	assert_int_equal(take(rig).count, 0);
	/* what is dropped afterwards counts for itself */
	assert_int_equal(budget(rig, ACME)->waiting, 0);
	/* none is due for an hour */
	budget(rig, ACME)->due += 3600000000000ULL;
	counter->new_flows = 6 * MTLB_EVENT_OPENED_EVERY - 1;
	RIG_CHECK(rig, "eth / ip4 client > acme / tcp 7003 > 80 SYN", SENT(DSR_TCP, DIRECT),
		  .new_flow = true);
	assert_int_equal(take(rig).count, 0);
}

/* The first ones at once, then none until one is due; the next one tells what was left out. */
static void a_flood_gets_a_few(void **state)
{
	struct rig *rig = *state;
	struct taken taken;

	budget(rig, ACME)->due = 0;
	drop(rig, CLOSED "SYN", MTLB_EVENT_BURST);
	taken = take(rig);
	assert_int_equal(taken.count, MTLB_EVENT_BURST);
	assert_int_equal(taken.packets[ACME], MTLB_EVENT_BURST);
	/* none is due for an hour */
	budget(rig, ACME)->due += 3600000000000ULL;
	drop(rig, CLOSED "SYN", 1000);
	assert_int_equal(take(rig).count, 0);
	assert_int_equal(budget(rig, ACME)->waiting, 1000);
	/* one is: within as many packets as the clock is not looked at */
	budget(rig, ACME)->due -= 3600000000000ULL + MTLB_EVENT_INTERVAL_NS;
	for (taken.count = 0; !taken.count;) {
		drop(rig, CLOSED "SYN", 1);
		taken = take(rig);
		assert_in_range(taken.last.packets, 0, 1016);
	}
	assert_in_range(taken.last.packets, 1001, 1016);
	assert_int_equal(budget(rig, ACME)->crowded, 0);
}

/* A minute of it in real time would not be worth more: rate and burst are one number, the time. */
static void the_rate_is_kept(void **state)
{
	struct rig *rig = *state;
	uint64_t due;

	drop(rig, CLOSED "SYN", MTLB_EVENT_BURST);
	due = budget(rig, ACME)->due;
	take(rig);
	for (int i = 0; i < 20; i++) {
		budget(rig, ACME)->due = due - MTLB_EVENT_INTERVAL_NS; /* so much time went by */
		budget(rig, ACME)->look = 0;
		drop(rig, CLOSED "SYN", 1);
		assert_in_range(take(rig).count, 1, 1);
		assert_int_equal(budget(rig, ACME)->due, due);
	}
}

static void nobody_takes_anothers(void **state)
{
	struct rig *rig = *state;
	struct taken taken;

	drop(rig, CLOSED "SYN", 100000);
	drop(rig, "eth / ip4 client > globex / tcp 1234 > 9999 SYN", 3);
	taken = take(rig);
	assert_int_equal(taken.of[GLOBEX], 3);
	assert_int_equal(taken.packets[GLOBEX], 3);
	assert_in_range(taken.of[ACME], MTLB_EVENT_BURST, MTLB_EVENT_BURST + 20);
}

/* Samples of a tenant's that the agent does not take, until there is no room for its next. */
static uint32_t fill(const struct rig *rig, enum rig_tenant tenant, const char *text,
		     uint32_t at_a_time)
{
	uint32_t samples = 0;

	while (!budget(rig, tenant)->crowded) {
		budget(rig, tenant)->due = 0;
		budget(rig, tenant)->look = 0;
		samples += at_a_time;
		drop(rig, text, at_a_time);
	}
	return samples;
}

static void a_full_ring_is_counted(void **state)
{
	struct rig *rig = *state;
	uint32_t room = RING_BYTES / (sizeof(struct mtlb_event) + 8), sent, more;
	uint64_t crowded;
	struct taken taken;

	/* half of the ring is the flooding tenant's at most */
	sent = fill(rig, ACME, CLOSED "SYN", MTLB_EVENT_BURST);
	assert_in_range(sent, room / 2, room / 2 + 2 * MTLB_EVENT_BURST);
	/* whoever had none for a while gets one all the same, and one only */
	drop(rig, "eth / ip4 client > globex / tcp 1234 > 9999 SYN", 10);
	crowded = budget(rig, GLOBEX)->crowded;
	assert_in_range(crowded, 1, 9);
	budget(rig, ACME)->crowded = 0;
	more = fill(rig, ACME, CLOSED "SYN", 1);
	assert_in_range(sent + more, room - MTLB_EVENT_BURST, room + MTLB_EVENT_BURST);
	assert_int_equal(dataplane_sum_crowded_events(rig->dataplane),
			 crowded + budget(rig, ACME)->crowded);
	taken = take(rig);
	assert_int_equal(taken.of[GLOBEX], 1);
	assert_in_range(taken.count, room - 1, room);
	/* and again when it was read */
	budget(rig, ACME)->due = budget(rig, ACME)->look = 0;
	drop(rig, CLOSED "SYN", 1);
	taken = take(rig);
	assert_int_equal(taken.count, 1);
	assert_in_range(taken.packets[ACME], 2, 100);
}

/* A number that is given to another tenant brings none of the old one's past. */
static void forgotten_with_its_tenant(void **state)
{
	struct rig *rig = *state;

	drop(rig, CLOSED "SYN", 1000);
	assert_true(budget(rig, ACME)->waiting != 0);
	assert_int_equal(dataplane_reset_tenant_counters(rig->dataplane, ACME), 0);
	assert_int_equal(budget(rig, ACME)->waiting, 0);
	assert_int_equal(budget(rig, ACME)->due, 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(tells_what_was_dropped, forget),
		cmocka_unit_test_setup(tells_of_ipv6_and_the_service, forget),
		cmocka_unit_test_setup(tells_the_packet_as_it_came, forget),
		cmocka_unit_test_setup(nothing_of_what_is_not_dropped, forget),
		cmocka_unit_test_setup(tells_flows_that_are_opened, forget),
		cmocka_unit_test_setup(a_flood_gets_a_few, forget),
		cmocka_unit_test_setup(the_rate_is_kept, forget),
		cmocka_unit_test_setup(nobody_takes_anothers, forget),
		cmocka_unit_test_setup(a_full_ring_is_counted, forget),
		cmocka_unit_test_setup(forgotten_with_its_tenant, forget),
	};

	return cmocka_run_group_tests_name("event", tests, rig_setup, rig_teardown);
}
