// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * One program, two machines: the same packets through the program in the kernel, as the verifier
 * and the JIT left it, and through the same sources compiled for the host with sanitizers, over two
 * worlds that begin and change alike. Verdict, bytes and every word of every map must agree after
 * each packet.
 *
 * The host's clock is the kernel's: a packet during which the kernel's coarse clock ticked is not
 * judged, as nobody knows which time it saw; the host's maps are then taken from the kernel's.
 *
 *   MTLB_SEED=n      the packets of an earlier run (their times are never the same)
 *   MTLB_PACKETS=n   how many are compared
 */
#include <inttypes.h>
#include <linux/bpf.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "../host/grammar.h"
#include "../host/judge.h"
#include "../host/world.h"
#include "../../userspace/dataplane/internal.h"

#define PACKETS	       200000
#define FAULT_PACKETS  20000 /* within which a fault must have shown */
#define SHAKE_EVERY    400   /* packets between two changes of the worlds */
#define STAMP_SHIFT    22    /* 4.2 ms: flows expire while the test runs */
#define REPORTED_BYTES 64

struct twins {
	struct rig kernel, host;
	uint32_t cpu;
	struct dice dice, shaken;
	uint64_t seed;
	uint32_t metadata; /* of the last packet */
	size_t number, compared, ticked;
	char text[GRAMMAR_TEXT];
	struct frame in, out;
	struct host_departure departure;
	struct judge judge;
};

static uint64_t coarse_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* The same part of an array in both worlds: of the counters the kernel has a row for each CPU. */
struct part {
	uint8_t *kernel, *host;
	size_t size;
};

static struct part part_of(const struct twins *twins, enum dataplane_array array)
{
	size_t size = dataplane_array_size(array);
	size_t length = dataplane_memory_length(twins->host.dataplane, array);
	struct dataplane_capacity capacity = {
		.tenants = twins->host.view->node->tenants,
		.vips = twins->host.view->node->vips,
		.services = twins->host.view->node->services,
		.members = twins->host.view->node->members,
		.slots = twins->host.view->node->slots,
		.flow_buckets = twins->host.view->node->flow_buckets,
		.nat_sources = twins->host.view->node->nat_sources,
		.acl_prefixes = twins->host.view->node->acl_prefixes,
		.feed_prefixes = twins->host.view->node->feed_prefixes,
	};
	bool per_cpu = dataplane_array_length(array, &capacity, 1) !=
		       dataplane_array_length(array, &capacity, 2);
	struct part part = {
		.kernel = *dataplane_array_slot(&twins->kernel.dataplane->arrays, array),
		.host = *dataplane_array_slot(&twins->host.dataplane->arrays, array),
		.size = size * length,
	};

	if (per_cpu)
		part.kernel += twins->cpu * part.size;
	return part;
}

static void print_bytes(const char *whose, const uint8_t *bytes, size_t size)
{
	print_error("  %s:", whose);
	for (size_t i = 0; i < size && i < REPORTED_BYTES; i++)
		print_error("%s%02x", i % 8 ? "" : " ", bytes[i]);
	print_error("\n");
}

static bool same_array(const struct twins *twins, enum dataplane_array array, bool loud)
{
	struct part part = part_of(twins, array);
	size_t size = dataplane_array_size(array), at = 0;

	if (!memcmp(part.kernel, part.host, part.size))
		return true;
	if (!loud)
		return false;
	while (!memcmp(part.kernel + at, part.host + at, size))
		at += size;
	print_error("%s[%zu] differs\n", dataplane_array_map(array), at / size);
	print_bytes("kernel", part.kernel + at, size);
	print_bytes("host  ", part.host + at, size);
	return false;
}

/* A log is long, and a packet writes one entry at most: the newest. */
static bool same_logs(const struct twins *twins, bool loud)
{
	const struct mtlb_flow_log *kernel = &twins->kernel.view->flow_logs[twins->cpu];
	const struct mtlb_flow_log *host = twins->host.view->flow_logs;
	size_t newest = (kernel->written - 1) & (MTLB_FLOW_LOG_ENTRIES - 1);

	if (kernel->written == host->written &&
	    !memcmp(&kernel->entry[newest], &host->entry[newest], sizeof(host->entry[0])))
		return true;
	if (loud)
		print_error("the flow logs differ, at entries %llu and %llu\n",
			    (unsigned long long)kernel->written, (unsigned long long)host->written);
	return false;
}

/* Each has its own birth in its node, and looks at the fine clock for itself. */
static bool same_arrays(const struct twins *twins, bool loud)
{
	for (int i = 0; i < DATAPLANE_ARRAY_COUNT; i++)
		if (i != DATAPLANE_ARRAY_node && i != DATAPLANE_ARRAY_flow_logs &&
		    i != DATAPLANE_ARRAY_meter_times && !same_array(twins, i, loud))
			return false;
	return same_logs(twins, loud);
}

static void take_arrays(const struct twins *twins)
{
	for (int i = 0; i < DATAPLANE_ARRAY_COUNT; i++) {
		struct part part = part_of(twins, i);

		if (i != DATAPLANE_ARRAY_node)
			memcpy(part.host, part.kernel, part.size);
	}
}

static bool same_packet(const struct twins *twins, int verdict, bool loud)
{
	const struct frame *out = &twins->departure.frame;

	if (verdict == twins->departure.verdict && out->length == twins->out.length &&
	    !memcmp(out->byte, twins->out.byte, out->length))
		return true;
	if (!loud)
		return false;
	print_error("verdict %d and %zu bytes in the kernel, %d and %zu on the host\n", verdict,
		    twins->out.length, twins->departure.verdict, out->length);
	print_bytes("kernel", twins->out.byte, twins->out.length);
	print_bytes("host  ", out->byte, out->length);
	return false;
}

/* Of a page, what headroom and the end leave: so much of a packet lies in the kernel's first piece.
 */
#define FIRST_PIECE (4096 - 256 - 320)

/* First every frame of the other tests, as it is and spoiled; from then on the grammar. */
static void next_packet(struct twins *twins, struct host_arrival *arrival)
{
	const char *text = twins->text;

	if (twins->number < 2 * host_frame_count)
		text = host_frames[twins->number / 2];
	else
		grammar_sentence(&twins->dice, twins->text);
	grammar_build(&twins->in, text);
	if (text == twins->text ? dice_chance(&twins->dice, 15) : twins->number % 2)
		grammar_spoil(&twins->dice, &twins->in);
	if (text != twins->text)
		strncpy(twins->text, text, sizeof(twins->text) - 1);
	if (twins->in.length < 14)
		twins->in.length = 14; /* the kernel takes no shorter one */
	*arrival = (struct host_arrival){.ifindex = RIG_IFINDEX};
	if (dice_chance(&twins->dice, 4))
		arrival->metadata = 4 * dice_throw(&twins->dice, 55);
	if (twins->in.length > FIRST_PIECE)
		arrival->linear = FIRST_PIECE + arrival->metadata;
	if (twins->number++ % SHAKE_EVERY == SHAKE_EVERY - 1) {
		struct dice again = twins->shaken;

		world_shake(&twins->kernel, &twins->shaken);
		world_shake(&twins->host, &again);
	}
}

/* Returns false when the two disagree, after telling how if loud. */
static bool compare_next(struct twins *twins, bool loud)
{
	struct host_arrival arrival;
	const char *broken;
	int verdict;

	next_packet(twins, &arrival);
	twins->metadata = arrival.metadata;
	arrival.now = coarse_now();
	verdict = rig_run(&twins->kernel, &twins->in, &twins->out, arrival.metadata);
	if (coarse_now() != arrival.now) {
		twins->ticked++;
		take_arrays(twins);
		return true;
	}
	judge_before(&twins->judge, &twins->host);
	host_run(&twins->in, &arrival, &twins->departure);
	twins->compared++;
	if (!same_packet(twins, verdict, loud) || !same_arrays(twins, loud))
		return false;
	broken = judge_after(&twins->judge, &twins->in, &arrival, &twins->departure);
	if (broken && loud)
		print_error("both break a law: %s\n", broken);
	return !broken;
}

static void open_twins(struct twins *twins, uint64_t seed)
{
	cpu_set_t here;

	memset(twins, 0, sizeof(*twins));
	twins->seed = seed;
	twins->dice.state = seed;
	twins->shaken.state = ~seed;
	/* counters have a row per CPU */
	twins->cpu = (uint32_t)sched_getcpu();
	CPU_ZERO(&here);
	CPU_SET(twins->cpu, &here);
	assert_int_equal(sched_setaffinity(0, sizeof(here), &here), 0);
	/* every word is compared after each packet: the maps of translation are too large */
	twins->kernel.without_nat = twins->host.without_nat = true;
	rig_open(&twins->kernel, STAMP_SHIFT);
	rig_open_memory(&twins->host, (const uint8_t *)twins->kernel.view->node->secret,
			STAMP_SHIFT);
	world_add(&twins->kernel);
	world_add(&twins->host);
	host_open(twins->host.dataplane);
}

static void close_twins(struct twins *twins)
{
	host_break(HOST_FAULT_NONE);
	rig_close(&twins->host);
	rig_close(&twins->kernel);
	memset(&twins->kernel, 0, sizeof(twins->kernel));
}

static uint64_t seed_of_run(void)
{
	const char *text = getenv("MTLB_SEED");

	return text ? strtoull(text, NULL, 0) : (uint64_t)time(NULL);
}

static struct twins twins;

/* So that agreement means something: packets of every fate the rig has one for. */
static void assert_variety(void)
{
	static struct ledger ledger;
	uint32_t sent = 0, fates = 0;

	ledger_take(&twins.kernel, &ledger);
	for (uint32_t i = 1; i < RIG_MEMBERS; i++)
		sent += ledger.member[i].packets != 0;
	for (uint32_t i = 0; i < MTLB_REASON_COUNT; i++)
		fates += ledger.reason[NODE][i].packets || ledger.reason[ACME][i].packets;
	print_message(
		"%zu packets agree, %zu were not judged; %u members, %u reasons; seed %" PRIu64
		"\n",
		twins.compared, twins.ticked, sent, fates, twins.seed);
	for (uint32_t i = ACME; i < RIG_TENANTS; i++)
		for (uint32_t j = 0; j <= MTLB_COUNTER_flows_unstored; j++)
			assert_int_not_equal(ledger.tenant[i].value[j], 0);
	assert_int_not_equal(ledger.tenant[ACME].value[MTLB_COUNTER_local_syns], 0);
	assert_in_range(sent, 30, RIG_MEMBERS);
	assert_in_range(fates, 14, MTLB_REASON_COUNT);
}

static void same_in_both(void **state)
{
	const char *wanted = getenv("MTLB_PACKETS");
	size_t packets = wanted ? strtoul(wanted, NULL, 0) : PACKETS;

	(void)state;
	open_twins(&twins, seed_of_run());
	while (twins.compared < packets)
		if (!compare_next(&twins, true)) {
			print_bytes("in    ", twins.in.byte, twins.in.length);
			fail_msg("packet %zu of MTLB_SEED=%" PRIu64
				 " (\"%s\", %zu bytes, %u of metadata)",
				 twins.number, twins.seed, twins.text, twins.in.length,
				 twins.metadata);
		}
	assert_variety();
}

/* A test that cannot fail is none: with each of these something is wrong on one side. */
static void a_fault_shows(void **state)
{
	(void)state;
	for (enum host_fault fault = HOST_FAULT_NONE + 1; fault < HOST_FAULT_COUNT; fault++) {
		bool same = true;

		open_twins(&twins, 1);
		host_break(fault);
		while (same && twins.compared < FAULT_PACKETS)
			same = compare_next(&twins, false);
		print_message("fault %u shows at packet %zu\n", fault, twins.number);
		close_twins(&twins);
		if (same)
			fail_msg("fault %u does not show in %u packets", fault, FAULT_PACKETS);
	}
}

static int close_opened(void **state)
{
	(void)state;
	if (twins.kernel.dataplane)
		close_twins(&twins);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(same_in_both, close_opened),
		cmocka_unit_test_teardown(a_fault_shows, close_opened),
	};

	return cmocka_run_group_tests_name("differential", tests, NULL, NULL);
}
