// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * How a listing learns whose flows there are: packets write it into their CPU's log, and the agent
 * carries it over. What the log loses is missed by nobody but the listing.
 */
#include <arpa/inet.h>
#include <linux/bpf.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "tracked.h"

#define TO(member) SENT(member, DIRECT)
#define STORED	   .stored = 1
#define EVICTING   .evicted = 1

static const struct tracked changed = {.slot = MTLB_SLOT_CHANGED | OWNER, .old_owner = OLD};
static const struct tracked crowded = {
	.slot = MTLB_SLOT_CHANGED | OWNER, .old_owner = OLD, .one_bucket = true};

static void run_on(int cpu)
{
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET((size_t)cpu, &cpus);
	assert_int_equal(sched_setaffinity(0, sizeof(cpus), &cpus), 0);
}

static uint64_t hash_of(const struct rig *rig, const char *text)
{
	static struct frame frame;

	frame_build(&frame, text, NULL);
	return rig_hash(rig, &frame);
}

/* Where the flow is, as a position; fails when it is not stored. */
static uint32_t position_of(const struct rig *rig, const char *text)
{
	uint64_t hash = hash_of(rig, text);

	for (uint32_t i = 0; i < RIG_RANGE * MTLB_FLOWS_PER_BUCKET; i++) {
		uint32_t at = RIG_FLOWS(ACME) * MTLB_FLOWS_PER_BUCKET + i;
		const struct mtlb_flow_bucket *bucket =
			&rig->view->flows[at / MTLB_FLOWS_PER_BUCKET];

		if (bucket->word[at % MTLB_FLOWS_PER_BUCKET] &&
		    bucket->hash[at % MTLB_FLOWS_PER_BUCKET] == hash)
			return at;
	}
	fail_msg("%s: it is not remembered", text);
	return 0;
}

static void assert_facts(const struct rig *rig, const char *text, uint16_t source_port)
{
	uint32_t at = position_of(rig, text);
	const struct mtlb_flow_facts *facts = &rig->view->facts[at];

	assert_int_equal(facts->hash, hash_of(rig, text));
	assert_int_equal(facts->position, at);
	assert_int_equal(ntohs(facts->source_port), source_port);
}

/* So many stored flows of which nothing is known yet. */
static void flood(const struct rig *rig, uint32_t count)
{
	static struct frame frame, out;
	char text[128];

	for (uint32_t i = 0; i < count; i++) {
		snprintf(text, sizeof(text), "eth / ip4 198.51.%u.%u > acme / tcp %u > 8000 SYN",
			 i >> 8 & 0xff, i & 0xff, 1 + (i >> 16));
		frame_build(&frame, text, NULL);
		assert_int_equal(rig_run(rig, &frame, &out, 0), XDP_TX);
	}
}

/* Reads what earlier tests left, so that only this one's flows are in the logs. */
static void begin(const struct rig *rig, const struct tracked *tracked)
{
	run_on(0);
	dataplane_read_flow_logs(rig->dataplane);
	tracked_set(rig, tracked);
}

static void every_way_to_be_stored(void **state)
{
	struct rig *rig = *state;

	begin(rig, &changed);
	RIG_CHECK(rig, TCP_FLOW(1, "SYN"), TO(OWNER), NEW_FLOW, STORED);
	RIG_CHECK(rig, TCP_FLOW(2, "ACK"), TO(OLD), STORED);
	RIG_CHECK(rig, UDP_FLOW(3), TO(OWNER), NEW_FLOW, STORED);
	assert_int_not_equal(rig->view->facts[position_of(rig, UDP_FLOW(3))].hash,
			     hash_of(rig, UDP_FLOW(3)));
	dataplane_read_flow_logs(rig->dataplane);
	assert_facts(rig, TCP_FLOW(1, "SYN"), 1);
	assert_facts(rig, TCP_FLOW(2, "ACK"), 2);
	assert_facts(rig, UDP_FLOW(3), 3);
}

static void an_entry_is_written_for_each_stored_flow_only(void **state)
{
	struct rig *rig = *state;
	uint64_t written;

	begin(rig, &changed);
	written = rig->view->flow_logs[0].written;
	RIG_CHECK(rig, TCP_FLOW(1, "SYN"), TO(OWNER), NEW_FLOW, STORED);
	RIG_CHECK(rig, TCP_FLOW(1, "ACK"), TO(OWNER));
	RIG_CHECK(rig, TCP_FLOW(1, "ACK"), TO(OWNER));
	RIG_CHECK(rig, TCP_FLOW(2, "RST"), TO(OLD));
	assert_int_equal(rig->view->flow_logs[0].written, written + 1);
}

static void what_is_overwritten_is_counted(void **state)
{
	struct rig *rig = *state;
	uint32_t last = MTLB_FLOW_LOG_ENTRIES - 1;
	uint64_t lost;

	begin(rig, &changed);
	lost = dataplane_sum_lost_facts(rig->dataplane);
	RIG_CHECK(rig, UDP_FLOW(1), TO(OWNER), NEW_FLOW, STORED);
	flood(rig, last - 1);
	dataplane_read_flow_logs(rig->dataplane);
	assert_int_equal(dataplane_sum_lost_facts(rig->dataplane), lost);
	assert_facts(rig, UDP_FLOW(1), 1);

	begin(rig, &changed);
	for (unsigned int port = 1000; port < 1010; port++) {
		char text[128];

		snprintf(text, sizeof(text), "eth / ip4 client > acme / udp %u > 8000", port);
		RIG_CHECK(rig, text, TO(OWNER), NEW_FLOW, STORED);
	}
	flood(rig, last);
	dataplane_read_flow_logs(rig->dataplane);
	assert_int_equal(dataplane_sum_lost_facts(rig->dataplane), lost + 10);
	/* those ten are nameless, and kept all the same */
	for (unsigned int port = 1000; port < 1010; port++) {
		char text[128];
		uint32_t at;

		snprintf(text, sizeof(text), "eth / ip4 client > acme / udp %u > 8000", port);
		at = position_of(rig, text);
		assert_int_not_equal(rig->view->facts[at].hash, hash_of(rig, text));
		RIG_CHECK(rig, text, TO(OWNER));
	}
}

static void a_restarted_agent_reads_on(void **state)
{
	struct rig *rig = *state;
	uint64_t lost;

	begin(rig, &changed);
	lost = dataplane_sum_lost_facts(rig->dataplane);
	RIG_CHECK(rig, TCP_FLOW(1, "ACK"), TO(OLD), STORED);
	dataplane_read_flow_logs(rig->dataplane);
	RIG_CHECK(rig, TCP_FLOW(2, "ACK"), TO(OLD), STORED);
	rig_adopt(rig);
	dataplane_read_flow_logs(rig->dataplane);
	assert_facts(rig, TCP_FLOW(1, "ACK"), 1);
	assert_facts(rig, TCP_FLOW(2, "ACK"), 2);
	assert_int_equal(dataplane_sum_lost_facts(rig->dataplane), lost);
	assert_int_equal(rig->view->flow_logs[0].read, rig->view->flow_logs[0].written);
}

/* Logs are read one after the other, which is not the order in which their entries came. */
static void an_older_entry_does_not_win(void **state)
{
	static struct frame frame, out;
	struct rig *rig = *state;
	uint32_t places[2];

	begin(rig, &crowded);
	for (uint32_t i = 0; i < 7; i++)
		tracked_write(rig, 1000 + i, OWNER, 0, MTLB_FLOW_ESTABLISHED);
	frame_build(&frame, TCP_FLOW(1, "SYN"), NULL);
	run_on(1);
	assert_int_equal(rig_run(rig, &frame, &out, 0), XDP_TX);
	places[0] = position_of(rig, TCP_FLOW(1, "SYN"));
	run_on(0);
	RIG_CHECK(rig, TCP_FLOW(2, "SYN"), TO(OWNER), NEW_FLOW, STORED, EVICTING);
	places[1] = position_of(rig, TCP_FLOW(2, "SYN"));
	assert_int_equal(places[0], places[1]);
	dataplane_read_flow_logs(rig->dataplane);
	assert_facts(rig, TCP_FLOW(2, "SYN"), 2);
}

static void hashes_that_crossed_are_mended(void **state)
{
	struct rig *rig = *state;
	struct mtlb_flow_bucket *bucket;
	uint32_t at;

	begin(rig, &changed);
	RIG_CHECK(rig, TCP_FLOW(1, "SYN"), TO(OWNER), NEW_FLOW, STORED);
	at = position_of(rig, TCP_FLOW(1, "SYN"));
	bucket = (struct mtlb_flow_bucket *)&rig->view->flows[at / MTLB_FLOWS_PER_BUCKET];
	bucket->hash[at % MTLB_FLOWS_PER_BUCKET] = ~0ULL;
	/* a SYN that is repeated at once changes nothing; the packet that proves the flow does */
	RIG_CHECK(rig, TCP_FLOW(1, "ACK"), TO(OWNER));
	assert_int_equal(position_of(rig, TCP_FLOW(1, "SYN")), at);
	/* and so does the first one of each stamp */
	bucket->hash[at % MTLB_FLOWS_PER_BUCKET] = ~0ULL;
	bucket->word[at % MTLB_FLOWS_PER_BUCKET] =
		mtlb_flow_word(mtlb_flow_tag(bucket->word[at % MTLB_FLOWS_PER_BUCKET]), OWNER,
			       rig_now(rig) - 3, MTLB_FLOW_ESTABLISHED);
	RIG_CHECK(rig, TCP_FLOW(1, "ACK"), TO(OWNER));
	assert_int_equal(position_of(rig, TCP_FLOW(1, "SYN")), at);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_way_to_be_stored),
		cmocka_unit_test(an_entry_is_written_for_each_stored_flow_only),
		cmocka_unit_test(what_is_overwritten_is_counted),
		cmocka_unit_test(a_restarted_agent_reads_on),
		cmocka_unit_test(an_older_entry_does_not_win),
		cmocka_unit_test(hashes_that_crossed_are_mended),
	};

	return cmocka_run_group_tests_name("flow_log", tests, rig_setup, rig_teardown);
}
