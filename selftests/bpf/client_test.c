// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What one client may open: who stands in a line and gives way, on times that the test makes up;
 * and who is asked and who is refused, by the program, where what passed is held against the clock.
 */
#include <linux/bpf.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "rig.h"
#include "../../bpf/core/client.h"

#define SECOND	      1000000000ULL
#define WHO(n)	      ((__u64)(n) << MTLB_CLIENT_DUE_BITS)
#define LINE	      MTLB_CLIENTS_PER_LINE
#define NEVER	      (MTLB_CLIENT_SECOND + 1) /* more than there is room for: each is refused */
#define PER_SECOND(n) (MTLB_CLIENT_SECOND / (n))
#define PASSED_ON     SENT(METERED, DIRECT)
#define REFUSED	      DROPPED(ACME, over_client_flows)

/* A time that is not 0, and whose lower bits are not either. */
#define NOW 0x123456789aULL

static bool opens(__u64 *line, __u64 who, __u64 now, __u64 interval)
{
	struct client_place place = client_find(line, who, now);
	__u64 next = client_charge(&place, who, now, interval);

	if (next)
		line[place.at] = next;
	return next;
}

static void as_many_at_once_as_in_a_second(void **state)
{
	static const __u64 rates[] = {1, 3, 20, 300, 1000};

	(void)state;
	for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
		__u64 line[LINE] = {}, interval = PER_SECOND(rates[i]), left;

		for (__u64 n = 0; n < rates[i]; n++)
			assert_true(opens(line, WHO(7), NOW, interval));
		assert_false(opens(line, WHO(7), NOW, interval));
		left = MTLB_CLIENT_SECOND - rates[i] * interval; /* what the rate does not divide */
		assert_false(opens(line, WHO(7), NOW + interval - left - 1, interval));
		assert_true(opens(line, WHO(7), NOW + interval - left, interval));
		assert_false(opens(line, WHO(7), NOW + interval - left, interval));
		/* after a second in which it opened none, all of them again */
		for (__u64 n = 0; n < rates[i]; n++)
			assert_true(opens(line, WHO(7), NOW + 3 * MTLB_CLIENT_SECOND, interval));
		assert_false(opens(line, WHO(7), NOW + 3 * MTLB_CLIENT_SECOND, interval));
	}
}

static void clients_do_not_share(void **state)
{
	__u64 line[LINE] = {};

	(void)state;
	for (__u64 who = 0; who < LINE; who++) /* 0 is a client as well */
		for (int n = 0; n < 3; n++)
			assert_true(opens(line, WHO(who), NOW, PER_SECOND(3)));
	for (__u64 who = 0; who < LINE; who++)
		assert_false(opens(line, WHO(who), NOW, PER_SECOND(3)));
}

/* The one that is least ahead; whoever goes on stays while any number come once. */
static void who_gives_way(void **state)
{
	__u64 line[LINE] = {}, before[LINE];
	struct client_place place;

	(void)state;
	for (__u64 i = 0; i < LINE; i++)
		line[i] = WHO(10 + i) | (NOW + 1000 - 100 * i);
	place = client_find(line, WHO(99), NOW);
	assert_int_equal(place.at, LINE - 1);
	assert_int_equal(place.ahead, 0);
	assert_int_equal(place.entry, line[LINE - 1]);
	line[2] = WHO(12) | (NOW - 1); /* over: as if it were not there */
	assert_int_equal(client_find(line, WHO(99), NOW).at, 2);
	line[2] = WHO(12) | (NOW + MTLB_CLIENT_SECOND + 1); /* cannot be: days old */
	assert_int_equal(client_find(line, WHO(99), NOW).at, 2);
	assert_int_equal(client_find(line, WHO(12), NOW).ahead, 0);
	line[2] = WHO(12) | (NOW + MTLB_CLIENT_SECOND);
	assert_int_equal(client_find(line, WHO(99), NOW).at, LINE - 1);
	assert_int_equal(client_find(line, WHO(12), NOW).ahead, MTLB_CLIENT_SECOND);

	memset(line, 0, sizeof(line));
	for (int n = 0; n < 20; n++)
		assert_true(opens(line, WHO(7), NOW, PER_SECOND(20)));
	for (__u64 who = 1000; who < 100000; who++)
		assert_true(opens(line, WHO(who), NOW, PER_SECOND(20)));
	memcpy(before, line, sizeof(line));
	assert_false(opens(line, WHO(7), NOW, PER_SECOND(20)));
	assert_memory_equal(before, line, sizeof(line)); /* what is refused is not charged */
}

/* The clock's bits run out, and the entry does not become another client's. */
static void the_clock_wraps(void **state)
{
	__u64 line[LINE] = {}, now = CLIENT_DUE - PER_SECOND(20) * 3;

	(void)state;
	for (int n = 0; n < 20; n++)
		assert_true(opens(line, WHO(0xffffff), now, PER_SECOND(20)));
	for (int n = 0; n < 100; n++) {
		assert_false(opens(line, WHO(0xffffff), now, PER_SECOND(20)));
		now += PER_SECOND(20);
		assert_true(opens(line, WHO(0xffffff), now, PER_SECOND(20)));
	}
	assert_true(now > CLIENT_DUE);
	for (int i = 1; i < LINE; i++)
		assert_int_equal(line[i], 0);
}

/* --- the program */

static void set(const struct rig *rig, __u64 interval)
{
	struct mtlb_meter meter = {.client_interval = interval};

	assert_int_equal(dataplane_put_meter(rig->dataplane, ACME, &meter), 0);
	assert_int_equal(dataplane_put_meter(rig->dataplane, GLOBEX, &(struct mtlb_meter){}), 0);
}

static void who_is_asked(void **state)
{
	struct rig *rig = *state;

	set(rig, NEVER);
	RIG_CHECK(rig, "eth / ip4 client > acme / tcp 1 > 97 SYN", REFUSED);
	RIG_CHECK(rig, "eth / ip6 client > acme / tcp 1 > 97 SYN", REFUSED);
	RIG_CHECK(rig, "eth / ip4 client > acme / tcp 1 > 97 ACK", PASSED_ON);
	RIG_CHECK(rig, "eth / ip4 client > acme / tcp 1 > 97 SYN ACK", PASSED_ON);
	RIG_CHECK(rig, "eth / ip4 client > acme / tcp 1 > 80 SYN", SENT(DSR_TCP, DIRECT), NEW_FLOW);
	RIG_CHECK(rig, "eth / ip4 client > globex / tcp 1 > 97 SYN", SENT(METERED_2, DIRECT),
		  NEW_FLOW);
	/* a service of the node's own counts what is tried */
	RIG_CHECK(rig, "eth / ip4 client > acme / tcp 1 > 501 SYN", REFUSED, .syns = 1);
	set(rig, 0);
	RIG_CHECK(rig, "eth / ip4 client > acme / tcp 1 > 97 SYN", PASSED_ON, NEW_FLOW);
	RIG_CHECK(rig, "eth / ip4 client > acme / tcp 1 > 501 SYN", HANDED_OVER(ACME), .syns = 1);
}

/* What a client opened to one tenant, it may open to another one as well. */
static void each_tenant_has_its_own(void **state)
{
	const struct mtlb_meter meter = {.client_interval = PER_SECOND(500)};
	struct rig *rig = *state;
	struct frame acme, globex, out;
	int passed = 0;

	set(rig, PER_SECOND(500));
	assert_int_equal(dataplane_put_meter(rig->dataplane, GLOBEX, &meter), 0);
	frame_build(&acme, "eth / ip4 203.0.113.9 > acme / tcp 1 > 97 SYN", NULL);
	frame_build(&globex, "eth / ip4 203.0.113.9 > globex / tcp 1 > 97 SYN", NULL);
	/* more than fall due meanwhile */
	while (rig_run(rig, &acme, &out, 0) == XDP_TX)
		assert_true(++passed < 1000000);
	assert_true(passed >= 500);
	for (int i = 0; i < 500; i++)
		assert_int_equal(rig_run(rig, &globex, &out, 0), XDP_TX);
}

/* One that is refused is not charged to its tenant. */
static void refused_for_free(void **state)
{
	struct mtlb_meter meter = {.client_interval = NEVER};
	struct rig *rig = *state;

	meter.rate[MTLB_METER_FLOWS] = (struct mtlb_meter_rate){
		.interval = 1000 * SECOND << MTLB_METER_INTERVAL_SHIFT,
		.burst = 1000 * SECOND << MTLB_METER_TICK_SHIFT,
		.batch = 1,
	};
	assert_int_equal(dataplane_put_meter(rig->dataplane, ACME, &(struct mtlb_meter){}), 0);
	assert_int_equal(dataplane_put_meter(rig->dataplane, ACME, &meter), 0);
	for (int i = 0; i < 3; i++)
		RIG_CHECK(rig, "eth / ip4 client > acme / tcp 1 > 97 SYN", REFUSED);
	meter.client_interval = 1;
	assert_int_equal(dataplane_put_meter(rig->dataplane, ACME, &meter), 0);
	RIG_CHECK(rig, "eth / ip4 client > acme / tcp 1 > 97 SYN", PASSED_ON, NEW_FLOW);
	RIG_CHECK(rig, "eth / ip4 client > acme / tcp 1 > 97 SYN", DROPPED(ACME, over_new_flows));
}

static __u64 now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (__u64)now.tv_sec * SECOND + (__u64)now.tv_nsec;
}

static __u64 passed_on(const struct rig *rig)
{
	struct ledger ledger;

	ledger_take(rig, &ledger);
	return ledger.member[METERED].packets;
}

/* Sends 3,000 SYNs of each source in turn, of which a second's and what falls due meanwhile pass.
 */
static void hold(const struct rig *rig, const char *const *sources, size_t count, __u64 clients)
{
	const __u64 rate = 100;
	__u64 before = passed_on(rig), start, took, passed;
	struct frame frame, out;
	char text[160];

	set(rig, PER_SECOND(rate));
	start = now_ns();
	for (int i = 0; i < 3000; i++)
		for (size_t j = 0; j < count; j++) {
			snprintf(text, sizeof(text), "eth / %s > acme / tcp %d > 97 SYN",
				 sources[j], 1000 + i);
			frame_build(&frame, text, NULL);
			assert_true(rig_run(rig, &frame, &out, 0) == XDP_TX || i >= 20);
		}
	took = now_ns() - start;
	passed = passed_on(rig) - before;
	assert_in_range(passed, clients * rate, clients * (rate + rate * took / SECOND + 2));
	assert_true(passed < 3000 * count); /* or nobody was refused */
}

static void as_many_as_were_sold(void **state)
{
	static const char *const one[] = {"ip4 203.0.113.1"};
	static const char *const three[] = {"ip4 203.0.113.2", "ip4 203.0.113.3",
					    "ip6 2001:db8:7:1::1"};
	/* all bits but the first 64 are the client's to choose */
	static const char *const same[] = {"ip6 2001:db8:7:2::1", "ip6 2001:db8:7:2:ffff::1",
					   "ip6 2001:db8:7:2:1:2:3:4"};
	static const char *const next[] = {"ip6 2001:db8:7:4::1", "ip6 2001:db8:7:5::1"};
	struct rig *rig = *state;

	hold(rig, one, 1, 1);
	hold(rig, three, 3, 3);
	hold(rig, same, 3, 1);
	hold(rig, next, 2, 2);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(as_many_at_once_as_in_a_second),
		cmocka_unit_test(clients_do_not_share),
		cmocka_unit_test(who_gives_way),
		cmocka_unit_test(the_clock_wraps),
		cmocka_unit_test(who_is_asked),
		cmocka_unit_test(each_tenant_has_its_own),
		cmocka_unit_test(refused_for_free),
		cmocka_unit_test(as_many_as_were_sold),
	};

	return cmocka_run_group_tests_name("client", tests, rig_setup, rig_teardown);
}
