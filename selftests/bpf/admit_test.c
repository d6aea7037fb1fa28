// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Meters: who is refused, for what, and that nothing else is charged. Where time must not matter a
 * unit is due every thousand seconds; where it does, what passed is held against the clock.
 */
#include <linux/bpf.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <cmocka.h>

#include "rig.h"

#define SECOND	    1000000000ULL
#define TO_ACME	    "eth / ip4 client > acme / tcp 1 > 97 "
#define PASSED_ON   SENT(METERED, DIRECT)
#define QUIC_RECORD 200

/* Seconds from one packet or flow, or one byte of forty, to the next: none falls due in a test. */
#define LONG	   1000
#define LONG_BYTES 1

static struct mtlb_meter_rate burst_only(uint64_t burst, uint64_t seconds, uint32_t batch)
{
	uint64_t interval = seconds * SECOND << MTLB_METER_INTERVAL_SHIFT;

	return (struct mtlb_meter_rate){
		.interval = interval,
		.burst = burst * (interval >> (MTLB_METER_INTERVAL_SHIFT - MTLB_METER_TICK_SHIFT)),
		.batch = batch,
	};
}

static struct mtlb_meter_rate per_second(uint64_t rate, uint64_t burst, uint32_t batch)
{
	uint64_t interval = (SECOND << MTLB_METER_INTERVAL_SHIFT) / rate;

	return (struct mtlb_meter_rate){
		.interval = interval,
		.burst = burst * interval >> (MTLB_METER_INTERVAL_SHIFT - MTLB_METER_TICK_SHIFT),
		.batch = batch,
	};
}

static void set(const struct rig *rig, enum rig_tenant tenant, enum mtlb_meter_kind kind,
		struct mtlb_meter_rate rate)
{
	struct mtlb_meter none = {}, meter = {};

	meter.rate[kind] = rate;
	assert_int_equal(dataplane_put_meter(rig->dataplane, tenant, &none), 0);
	assert_int_equal(dataplane_put_meter(rig->dataplane, tenant, &meter), 0);
}

static void no_rate_no_limit(void **state)
{
	struct rig *rig = *state;

	set(rig, ACME, MTLB_METER_PACKETS, (struct mtlb_meter_rate){});
	for (int i = 0; i < 100; i++)
		RIG_CHECK(rig, TO_ACME "ACK", PASSED_ON);
}

static void packets(void **state)
{
	struct rig *rig = *state;

	set(rig, ACME, MTLB_METER_PACKETS, burst_only(3, LONG, 1));
	for (int i = 0; i < 3; i++)
		RIG_CHECK(rig, TO_ACME "ACK", PASSED_ON);
	for (int i = 0; i < 3; i++)
		RIG_CHECK(rig, TO_ACME "ACK", DROPPED(ACME, over_packets));
	/* what the meter does not know of passes: another tenant, and a service without it */
	RIG_CHECK(rig, "eth / ip4 client > globex / tcp 1 > 97 ACK", SENT(METERED_2, DIRECT));
	RIG_CHECK(rig, "eth / ip4 client > acme / tcp 1 > 80 ACK", SENT(DSR_TCP, DIRECT));
	RIG_CHECK(rig, "eth / ip4 client > host / tcp 1 > 97 ACK", PASSED(not_vip));
}

static void packets_ipv6(void **state)
{
	struct rig *rig = *state;

	set(rig, ACME, MTLB_METER_PACKETS, burst_only(1, LONG, 1));
	RIG_CHECK(rig, "eth / ip6 client > acme / tcp 1 > 97 ACK", PASSED_ON);
	RIG_CHECK(rig, "eth / ip6 client > acme / tcp 1 > 97 ACK", DROPPED(ACME, over_packets));
	RIG_CHECK(rig, TO_ACME "ACK", DROPPED(ACME, over_packets)); /* one meter for both */
}

static void bytes(void **state)
{
	struct rig *rig = *state;

	set(rig, ACME, MTLB_METER_BYTES, burst_only(3 * 140 + 40, LONG_BYTES, 1));
	for (int i = 0; i < 3; i++)
		RIG_CHECK(rig, TO_ACME "ACK / 100 bytes", PASSED_ON);
	RIG_CHECK(rig, TO_ACME "ACK / 100 bytes", DROPPED(ACME, over_bits));
	RIG_CHECK(rig, TO_ACME "ACK", PASSED_ON);
	RIG_CHECK(rig, TO_ACME "ACK", DROPPED(ACME, over_bits));
}

static void new_flows(void **state)
{
	struct rig *rig = *state;

	set(rig, ACME, MTLB_METER_FLOWS, burst_only(2, LONG, 1));
	RIG_CHECK(rig, TO_ACME "SYN", PASSED_ON, NEW_FLOW);
	RIG_CHECK(rig, TO_ACME "SYN", PASSED_ON, NEW_FLOW);
	RIG_CHECK(rig, TO_ACME "SYN", DROPPED(ACME, over_new_flows));
	RIG_CHECK(rig, TO_ACME "ACK", PASSED_ON);
	RIG_CHECK(rig, TO_ACME "FIN ACK", PASSED_ON);
	RIG_CHECK(rig, TO_ACME "SYN ACK", PASSED_ON);
}

/* A QUIC client's first packets open a connection, what follows does not. */
static void quic_flows(void **state)
{
	struct mtlb_vip vip = rig_vip("192.0.2.1", DSR_UDP, IPPROTO_UDP, 4431);
	struct rig *rig = *state;

#define QUIC(rest) "eth / ip4 client > acme / udp 1 > 4431 / quic " rest " / 40 bytes"
	vip.flags = 4 << MTLB_VIP_QUIC_SHIFT | MTLB_VIP_METER_FLOWS;
	rig_put_vip(rig, QUIC_RECORD, &vip);
	set(rig, ACME, MTLB_METER_FLOWS, burst_only(4, LONG, 1));
	RIG_CHECK(rig, QUIC("long 0 00a1a2a3a4"), SENT(DSR_UDP, DIRECT));
	RIG_CHECK(rig, QUIC("short 00ffffffffffffffff"), SENT(DSR_UDP, DIRECT));
	RIG_CHECK(rig, QUIC("long 1 00a1a2a3a4 version 0x6b3343cf"), SENT(DSR_UDP, DIRECT));
	RIG_CHECK(rig, QUIC("long 2 00a1a2a3a4"), SENT(DSR_UDP, DIRECT));
	RIG_CHECK(rig, QUIC("long 0 00a1a2a3a4 version 0x6b3343cf"), SENT(DSR_UDP, DIRECT));
	RIG_CHECK(rig, QUIC("long 2 00a1a2a3a4 version 5"), SENT(DSR_UDP, DIRECT));
	RIG_CHECK(rig, "eth / ip4 client > acme / udp 1 > 4431", SENT(DSR_UDP, DIRECT));
	RIG_CHECK(rig, QUIC("long 0 00a1a2a3a4"), SENT(DSR_UDP, DIRECT));
	RIG_CHECK(rig, QUIC("long 0 00a1a2a3a4"), DROPPED(ACME, over_new_flows));
	RIG_CHECK(rig, QUIC("long 1 00a1a2a3a4"), SENT(DSR_UDP, DIRECT));
	RIG_CHECK(rig, QUIC("short 00ffffffffffffffff"), SENT(DSR_UDP, DIRECT));
	/* a service that does not speak it */
	vip.flags = MTLB_VIP_METER_FLOWS;
	rig_put_vip(rig, QUIC_RECORD + 1, &vip);
	RIG_CHECK(rig, QUIC("long 0 00a1a2a3a4"), SENT(DSR_UDP, DIRECT));
}

static uint64_t left(const struct rig *rig, enum mtlb_meter_kind kind)
{
	const struct mtlb_node *node = rig->view->node;
	uint64_t sum = 0;

	for (uint32_t cpu = 0; cpu < node->cpus; cpu++)
		sum += rig->view->leases[cpu * node->tenants + ACME].left[kind];
	return sum;
}

/* One meter refuses: the others have not been charged. */
static void charged_whole_or_not_at_all(void **state)
{
	struct mtlb_meter none = {}, meter = {};
	struct rig *rig = *state;

	meter.rate[MTLB_METER_PACKETS] = burst_only(10, LONG, 10);
	meter.rate[MTLB_METER_BYTES] = burst_only(10000, LONG_BYTES, 10000);
	meter.rate[MTLB_METER_FLOWS] = burst_only(1, LONG, 1);
	assert_int_equal(dataplane_put_meter(rig->dataplane, ACME, &none), 0);
	assert_int_equal(dataplane_put_meter(rig->dataplane, ACME, &meter), 0);
	RIG_CHECK(rig, TO_ACME "SYN", PASSED_ON, NEW_FLOW);
	assert_int_equal(left(rig, MTLB_METER_PACKETS), 9);
	assert_int_equal(left(rig, MTLB_METER_BYTES), 10000 - 40);
	RIG_CHECK(rig, TO_ACME "SYN", DROPPED(ACME, over_new_flows));
	assert_int_equal(left(rig, MTLB_METER_PACKETS), 9);
	assert_int_equal(left(rig, MTLB_METER_BYTES), 10000 - 40);
}

/* The limit goes before its flag does: nobody may be refused in between. */
static void no_limit_any_more(void **state)
{
	const struct mtlb_meter none = {};
	struct rig *rig = *state;

	set(rig, ACME, MTLB_METER_PACKETS, burst_only(1, LONG, 1));
	RIG_CHECK(rig, TO_ACME "ACK", PASSED_ON);
	for (int i = 0; i < 10; i++)
		RIG_CHECK(rig, TO_ACME "ACK", DROPPED(ACME, over_packets));
	assert_int_equal(dataplane_put_meter(rig->dataplane, ACME, &none), 0);
	for (int i = 0; i < 10; i++)
		RIG_CHECK(rig, TO_ACME "ACK", PASSED_ON);
}

/* A rate that is changed resets nothing: what was spent stays spent. */
static void another_rate(void **state)
{
	struct mtlb_meter meter = {};
	struct rig *rig = *state;

	set(rig, ACME, MTLB_METER_PACKETS, burst_only(2, LONG, 1));
	RIG_CHECK(rig, TO_ACME "ACK", PASSED_ON);
	RIG_CHECK(rig, TO_ACME "ACK", PASSED_ON);
	meter.rate[MTLB_METER_PACKETS] = burst_only(3, LONG, 1);
	assert_int_equal(dataplane_put_meter(rig->dataplane, ACME, &meter), 0);
	RIG_CHECK(rig, TO_ACME "ACK", PASSED_ON);
	RIG_CHECK(rig, TO_ACME "ACK", DROPPED(ACME, over_packets));
}

/* many packets, on a CPU of one's own */

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * SECOND + now.tv_nsec;
}

struct sender {
	const struct rig *rig;
	struct frame frame;
	uint32_t cpu, count;
	uint64_t start, end;
	uint64_t busy; /* ns during which packets were running */
	int error;
	pthread_t thread;
};

static void *send_all(void *context)
{
	struct sender *sender = context;
	LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = sender->frame.byte,
		    .data_size_in = (uint32_t)sender->frame.length, .repeat = (int)sender->count);
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET(sender->cpu, &cpus);
	sched_setaffinity(0, sizeof(cpus), &cpus);
	sender->start = now_ns();
	sender->error = bpf_prog_test_run_opts(dataplane_program_fd(sender->rig->dataplane), &run);
	sender->end = now_ns();
	sender->busy = (uint64_t)run.duration * sender->count;
	return NULL;
}

static uint64_t sent_packets(const struct rig *rig)
{
	struct ledger ledger;

	ledger_take(rig, &ledger);
	return ledger.member[METERED].packets;
}

/* Who has used up a small rate does not wait by it for a large one. */
static void a_larger_rate(void **state)
{
	struct mtlb_meter meter = {};
	struct rig *rig = *state;
	struct frame frame, out;
	uint64_t until;

	set(rig, ACME, MTLB_METER_PACKETS, burst_only(3, LONG, 1));
	for (int i = 0; i < 3; i++)
		RIG_CHECK(rig, TO_ACME "ACK", PASSED_ON);
	RIG_CHECK(rig, TO_ACME "ACK", DROPPED(ACME, over_packets));
	/* what it gives until the next change has to be less than a packet, on a machine under load
	 * too */
	meter.rate[MTLB_METER_PACKETS] = per_second(10, 3, 1);
	assert_int_equal(dataplane_put_meter(rig->dataplane, ACME, &meter), 0);
	frame_build(&frame, TO_ACME "ACK", NULL);
	until = now_ns() + 60 * SECOND;
	while (rig_run(rig, &frame, &out, 0) != XDP_TX)
		assert_true(now_ns() < until);
	/* and back: what passed does not come again */
	meter.rate[MTLB_METER_PACKETS] = burst_only(1, LONG, 1);
	while (rig_run(rig, &frame, &out, 0) == XDP_TX)
		;
	assert_int_equal(dataplane_put_meter(rig->dataplane, ACME, &meter), 0);
	RIG_CHECK(rig, TO_ACME "ACK", DROPPED(ACME, over_packets));
}

/* The rate is set again and again while packets spend it: they get no more for that. */
static void set_under_traffic(void **state)
{
	struct rig *rig = *state;
	struct mtlb_meter meter = {};
	struct sender sender = {.rig = rig, .count = 3000000};
	uint64_t before;

	meter.rate[MTLB_METER_PACKETS] = burst_only(10, LONG, 2);
	set(rig, ACME, MTLB_METER_PACKETS, meter.rate[MTLB_METER_PACKETS]);
	before = sent_packets(rig);
	frame_build(&sender.frame, TO_ACME "ACK", NULL);
	assert_int_equal(pthread_create(&sender.thread, NULL, send_all, &sender), 0);
	for (int i = 0; i < 200000; i++)
		assert_int_equal(dataplane_put_meter(rig->dataplane, ACME, &meter), 0);
	pthread_join(sender.thread, NULL);
	assert_int_equal(sender.error, 0);
	assert_true(sent_packets(rig) - before <= 10);
}

/* accuracy */

/*
 * What passes on so many CPUs at once is the burst and the rate times the time, within 1 %: at most
 * that from the first run's beginning to the last one's end, at least that during which packets
 * were running. In between the kernel prepares itself, for tens of milliseconds.
 */
static void hold_rate(struct rig *rig, uint32_t cpus, uint64_t rate, uint32_t batch, uint32_t count)
{
	uint64_t before, start = UINT64_MAX, end = 0, busy = 0, least, most, passed, burst = rate;
	struct sender senders[2];

	set(rig, ACME, MTLB_METER_PACKETS, per_second(rate, burst, batch));
	before = sent_packets(rig);
	for (uint32_t i = 0; i < cpus; i++) {
		senders[i] = (struct sender){.rig = rig, .cpu = i, .count = count};
		frame_build(&senders[i].frame, TO_ACME "ACK", NULL);
		assert_int_equal(pthread_create(&senders[i].thread, NULL, send_all, &senders[i]),
				 0);
	}
	for (uint32_t i = 0; i < cpus; i++) {
		pthread_join(senders[i].thread, NULL);
		assert_int_equal(senders[i].error, 0);
		start = senders[i].start < start ? senders[i].start : start;
		end = senders[i].end > end ? senders[i].end : end;
		busy = senders[i].busy > busy ? senders[i].busy : busy;
	}
	passed = sent_packets(rig) - before;
	most = burst + rate * (end - start) / SECOND;
	least = burst + rate * busy / SECOND;
	/* all of it was asked for, unless the machine stood still for long */
	assert_true((uint64_t)count * cpus > most);
	/* a batch may not have been due yet, and some is left on each CPU */
	if (passed + (uint64_t)batch * (cpus + 1) + least / 100 < least ||
	    passed > most + most / 100)
		fail_msg("%llu passed, not %llu to %llu", (unsigned long long)passed,
			 (unsigned long long)least, (unsigned long long)most);
}

/* Packets a second that one CPU asks for: an emulated one is a hundred times slower. */
static uint64_t speed_of(struct rig *rig)
{
	struct sender sender = {.rig = rig, .count = 50000};

	set(rig, ACME, MTLB_METER_PACKETS, (struct mtlb_meter_rate){});
	frame_build(&sender.frame, TO_ACME "ACK", NULL);
	send_all(&sender);
	assert_int_equal(sender.error, 0);
	return sender.count * SECOND / sender.busy;
}

/* A few to many, up to an eighth of what is asked for in a second or so. */
static void hold_rates(struct rig *rig, uint32_t cpus)
{
	static const uint32_t parts[] = {2000, 80, 8};
	uint64_t speed = speed_of(rig);

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		uint64_t rate = speed / parts[i];

		hold_rate(rig, cpus, rate, rate / 10000 ? (uint32_t)(rate / 10000) : 1,
			  (uint32_t)(speed / 2));
	}
}

static void one_cpu(void **state)
{
	hold_rates(*state, 1);
}

static void two_cpus(void **state)
{
	if (sysconf(_SC_NPROCESSORS_ONLN) < 2)
		fail_msg("this test needs two CPUs");
	hold_rates(*state, 2);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_rate_no_limit),
		cmocka_unit_test(packets),
		cmocka_unit_test(packets_ipv6),
		cmocka_unit_test(bytes),
		cmocka_unit_test(new_flows),
		cmocka_unit_test(quic_flows),
		cmocka_unit_test(charged_whole_or_not_at_all),
		cmocka_unit_test(no_limit_any_more),
		cmocka_unit_test(another_rate),
		cmocka_unit_test(a_larger_rate),
		cmocka_unit_test(set_under_traffic),
		cmocka_unit_test(one_cpu),
		cmocka_unit_test(two_cpus),
	};

	return cmocka_run_group_tests_name("admit", tests, rig_setup, rig_teardown);
}
