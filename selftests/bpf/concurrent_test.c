// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The program on two CPUs at once, and against an agent that changes what it reads: the flow table
 * stays consistent, and no packet is lost or goes astray.
 */
#include <linux/bpf.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>
#include <cmocka.h>

#include "tracked.h"

#define FLOWS	 64
#define ROUNDS	 400
#define RACES	 10000
#define SWITCHES 10000

/* What a thread may do: cmocka's checks are the main thread's. */
struct sender {
	const struct rig *rig;
	struct frame *frames;
	uint32_t count, rounds, repeat;
	int cpu;
	atomic_bool *stop;	    /* NULL: after its rounds */
	pthread_barrier_t *barrier; /* before and after each round, unless NULL */
	unsigned long sent[RIG_MEMBERS], lost, failed;
	pthread_t thread;
};

static void send_one(struct sender *sender, const struct frame *frame, uint8_t *room, size_t size)
{
	LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = frame->byte,
		    .data_size_in = (uint32_t)frame->length, .data_out = room,
		    .data_size_out = (uint32_t)size, .repeat = (int)sender->repeat);

	if (bpf_prog_test_run_opts(dataplane_program_fd(sender->rig->dataplane), &run))
		sender->failed++;
	else if (run.retval != XDP_TX || room[5] >= RIG_MEMBERS)
		sender->lost++;
	else
		sender->sent[room[5]]++;
}

static void meet(pthread_barrier_t *barrier)
{
	if (barrier)
		pthread_barrier_wait(barrier);
}

static void *send_all(void *context)
{
	struct sender *sender = context;
	uint8_t room[256];
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET(sender->cpu, &cpus);
	sched_setaffinity(0, sizeof(cpus), &cpus);
	for (uint32_t i = 0; sender->stop ? !atomic_load(sender->stop) : i < sender->rounds; i++) {
		meet(sender->barrier);
		for (uint32_t j = 0; j < sender->count; j++)
			send_one(sender, &sender->frames[j], room, sizeof(room));
		meet(sender->barrier);
	}
	return NULL;
}

static void start(struct sender *sender)
{
	assert_int_equal(pthread_create(&sender->thread, NULL, send_all, sender), 0);
}

/* Both finish before either is judged. */
static void finish(struct sender *senders, size_t count)
{
	for (size_t i = 0; i < count; i++)
		assert_int_equal(pthread_join(senders[i].thread, NULL), 0);
	for (size_t i = 0; i < count; i++) {
		assert_int_equal(senders[i].failed, 0);
		assert_int_equal(senders[i].lost, 0);
	}
}

static struct frame *build_flows(const char *format, uint32_t first, uint32_t count)
{
	struct frame *frames = calloc(count, sizeof(*frames));
	char text[128];

	assert_non_null(frames);
	for (uint32_t i = 0; i < count; i++) {
		snprintf(text, sizeof(text), format, first + i);
		frame_build(&frames[i], text, NULL);
	}
	return frames;
}

/* Only the service's own members; and at most one word per CPU for a flow that both saw first. */
static void assert_consistent(const struct rig *rig)
{
	for (uint32_t i = 0; i < RIG_RANGE; i++) {
		const struct mtlb_flow_bucket *bucket = &rig->view->flows[RIG_FLOWS(ACME) + i];

		for (uint32_t j = 0; j < MTLB_FLOWS_PER_BUCKET; j++) {
			uint32_t same = 0;

			if (!bucket->word[j])
				continue;
			assert_in_range(mtlb_flow_member(bucket->word[j]), OLD, OWNER);
			for (uint32_t k = 0; k < MTLB_FLOWS_PER_BUCKET; k++)
				same += bucket->word[k] && mtlb_flow_tag(bucket->word[k]) ==
								   mtlb_flow_tag(bucket->word[j]);
			assert_in_range(same, 1, 2);
		}
	}
	for (uint32_t i = 0; i < RIG_BUCKETS; i++)
		if (i < RIG_FLOWS(ACME) || i >= RIG_FLOWS(ACME) + RIG_RANGE)
			for (uint32_t j = 0; j < MTLB_FLOWS_PER_BUCKET; j++)
				assert_int_equal(rig->view->flows[i].word[j], 0);
}

static void the_same_flows_on_two_cpus(void **state)
{
	static const char *const kinds[] = {
		"eth / ip4 client > acme / tcp %u > 8000 SYN",
		"eth / ip4 client > acme / tcp %u > 8000 ACK",
		"eth / ip4 client > acme / udp %u > 8000",
		"eth / ip4 client > acme / tcp %u > 8000 FIN ACK",
	};
	struct rig *rig = *state;

	tracked_set(rig, &(struct tracked){.slot = MTLB_SLOT_CHANGED | OWNER, .old_owner = OLD});
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		struct frame *frames = build_flows(kinds[i], 1, FLOWS);
		struct sender senders[2] = {
			{.rig = rig, .frames = frames, .count = FLOWS, .rounds = ROUNDS, .cpu = 0},
			{.rig = rig, .frames = frames, .count = FLOWS, .rounds = ROUNDS, .cpu = 1},
		};

		start(&senders[0]);
		start(&senders[1]);
		finish(senders, 2);
		free(frames);
		assert_consistent(rig);
		for (size_t j = 0; j < 2; j++)
			assert_int_equal(senders[j].sent[OLD] + senders[j].sent[OWNER],
					 FLOWS * ROUNDS);
	}
}

/*
 * Two CPUs fill one bucket with four flows each, again and again: there is room for all, so what
 * was counted as stored is there. Whoever came too late for a place is counted as not stored.
 */
static void a_race_for_a_place(void **state)
{
	struct rig *rig = *state;
	struct frame *frames = build_flows("eth / ip4 client > acme / udp %u > 8000", 1, 8);
	unsigned long stored = 0, held = 0;
	pthread_barrier_t barrier;
	struct sender senders[2] = {
		{.rig = rig, .frames = frames, .count = 4, .cpu = 0},
		{.rig = rig, .frames = frames + 4, .count = 4, .cpu = 1},
	};

	tracked_set(rig, &(struct tracked){.slot = MTLB_SLOT_CHANGED | OWNER, .one_bucket = true});
	pthread_barrier_init(&barrier, NULL, 3);
	for (uint32_t i = 0; i < 2; i++) {
		senders[i].barrier = &barrier;
		senders[i].rounds = RACES;
		start(&senders[i]);
	}
	for (uint32_t i = 0; i < RACES; i++) {
		struct mtlb_tenant_counter before, after;

		rig_clear_flows(rig);
		dataplane_sum_tenant(rig->dataplane, ACME, &before);
		meet(&barrier);
		meet(&barrier);
		dataplane_sum_tenant(rig->dataplane, ACME, &after);
		stored += after.value[MTLB_COUNTER_flows_stored] -
			  before.value[MTLB_COUNTER_flows_stored];
		held += rig_count_flows(rig, ACME);
	}
	finish(senders, 2);
	pthread_barrier_destroy(&barrier);
	free(frames);
	assert_int_equal(held, stored);
}

/* A record is used again only after a packet that may have read it is over, as the agent does it.
 */
static void switch_records(const struct rig *rig, struct mtlb_vip vip[2], uint32_t keys,
			   uint32_t first, uint32_t records)
{
	for (uint32_t i = 0; i < SWITCHES; i++) {
		if (i % (records / 2) == 0)
			assert_int_equal(dataplane_grace(rig->dataplane), 0);
		vip[i / keys % 2].key.port = htons((uint16_t)(9000 + i % keys));
		rig_put_vip(rig, first + i % records, &vip[i / keys % 2]);
	}
}

static void records_switched_under_traffic(void **state)
{
	enum {
		KEYS = 16,
		FIRST = 48,
		RING = 130,
		RING_LENGTH = 120
	};
	struct rig *rig = *state;
	struct frame *frames = build_flows("eth / ip4 client > acme / tcp 1 > %u ACK", 9000, KEYS);
	struct mtlb_vip vip[2] = {rig_vip("192.0.2.1", TRACKED, IPPROTO_TCP, 9000),
				  rig_vip("192.0.2.1", TRACKED, IPPROTO_TCP, 9000)};
	atomic_bool stop = false;
	struct sender sender = {
		.rig = rig, .frames = frames, .count = KEYS, .repeat = 50, .cpu = 1, .stop = &stop};
	uint32_t owners[2] = {OLD, OWNER};
	static struct ledger before, after;

	tracked_set(rig, &(struct tracked){.slot = OLD});
	for (uint32_t i = 0; i < 2; i++) {
		vip[i].slot_first = RIG_FREE_SLOT + i * MTLB_SLOTS_PER_LINE;
		rig_put_slots(rig, vip[i].slot_first / MTLB_SLOTS_PER_LINE, &owners[i], 1);
	}
	for (uint32_t i = 0; i < KEYS; i++) {
		vip[0].key.port = htons((uint16_t)(9000 + i));
		rig_put_vip(rig, FIRST + i, &vip[0]);
	}
	ledger_take(rig, &before);
	start(&sender);
	switch_records(rig, vip, KEYS, RING, RING_LENGTH);
	atomic_store(&stop, true);
	finish(&sender, 1);
	free(frames);
	/* the kernel tells the verdict of the last repetition only; the counters know of all */
	ledger_take(rig, &after);
	for (uint32_t i = 0; i < MTLB_REASON_COUNT; i++)
		for (uint32_t tenant = 0; tenant < RIG_TENANTS; tenant++)
			before.reason[tenant][i] =
				after.reason[tenant][i].packets == before.reason[tenant][i].packets
					? after.reason[tenant][i]
					: before.reason[tenant][i];
	for (uint32_t i = 0; i < RIG_MEMBERS; i++)
		before.member[i] = after.member[i];
	ledger_assert_equal(&after, &before, "a packet was lost");
	assert_true(sender.sent[OLD] && sender.sent[OWNER]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_same_flows_on_two_cpus),
		cmocka_unit_test(a_race_for_a_place),
		cmocka_unit_test(records_switched_under_traffic),
	};

	return cmocka_run_group_tests_name("concurrent", tests, rig_setup, rig_teardown);
}
