// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * A range of flows that two tenants share: even with the same tag in the same bucket, neither gets
 * the other's member, and neither takes an established flow's place from the other.
 */
#include <linux/bpf.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "tracked.h"

#define GLOBEX_RECORD 110
#define GLOBEX_FLOW   "eth / ip4 client > globex / tcp 5 > 8000 "
#define TO(member)    SENT(member, DIRECT)
#define STORED	      .stored = 1

/* Globex's service, whose flows are all remembered, in acme's range. */
static void share(const struct rig *rig)
{
	struct mtlb_vip vip = rig_vip("192.0.2.2", GLOBEX_DSR, IPPROTO_TCP, 8000);

	tracked_set(rig, &(struct tracked){.slot = MTLB_SLOT_CHANGED | OWNER,
					   .old_owner = OLD,
					   .one_bucket = true});
	vip.flow_first = RIG_FLOWS(ACME);
	vip.flow_mask = 0;
	vip.flags = MTLB_VIP_TRACK_ALWAYS;
	rig_put_vip(rig, GLOBEX_RECORD, &vip);
}

static uint32_t tag_of(const struct rig *rig, const char *text)
{
	struct frame frame;

	frame_build(&frame, text, NULL);
	return mtlb_flow_tag_of(rig_hash(rig, &frame));
}

/* As a packet would have stored it, whatever stands there already. */
static uint64_t write(const struct rig *rig, uint32_t place, uint32_t tag, uint32_t member,
		      uint32_t state)
{
	struct mtlb_flow_bucket *bucket =
		(struct mtlb_flow_bucket *)&rig->view->flows[RIG_FLOWS(ACME)];

	bucket->word[place] = mtlb_flow_word(tag, member, rig_now(rig), state);
	return bucket->word[place];
}

static void both_go_their_way(void **state)
{
	struct rig *rig = *state;

	share(rig);
	RIG_CHECK(rig, TCP_FLOW(1, "SYN"), TO(OWNER), NEW_FLOW, STORED);
	RIG_CHECK(rig, GLOBEX_FLOW "SYN", TO(GLOBEX_DSR), NEW_FLOW, STORED, .tenant = GLOBEX);
	RIG_CHECK(rig, TCP_FLOW(2, "ACK"), TO(OLD), STORED);
	RIG_CHECK(rig, TCP_FLOW(1, "ACK"), TO(OWNER));
	RIG_CHECK(rig, GLOBEX_FLOW "ACK", TO(GLOBEX_DSR));
	assert_int_equal(rig_count_flows(rig, ACME), 3);
	assert_int_equal(rig_count_flows(rig, GLOBEX), 0);
}

static void the_same_tag(void **state)
{
	uint64_t acme, globex;
	struct rig *rig = *state;

	share(rig);
	globex = write(rig, 0, tag_of(rig, TCP_FLOW(1, "ACK")), GLOBEX_DSR, MTLB_FLOW_ESTABLISHED);
	acme = write(rig, 1, tag_of(rig, GLOBEX_FLOW "ACK"), OLD, MTLB_FLOW_ESTABLISHED);
	RIG_CHECK(rig, TCP_FLOW(1, "ACK"), TO(OLD), STORED);
	RIG_CHECK(rig, GLOBEX_FLOW "ACK", TO(GLOBEX_DSR), STORED, .tenant = GLOBEX);
	RIG_CHECK(rig, TCP_FLOW(1, "FIN ACK"), TO(OLD));
	RIG_CHECK(rig, TCP_FLOW(1, "SYN"), TO(OWNER), NEW_FLOW, STORED);
	assert_true(tracked_holds(rig, globex));
	assert_true(tracked_holds(rig, acme));
	assert_int_equal(rig_count_flows(rig, ACME), 4);
}

/* What is full of one tenant's established flows has no room for the other's; it goes on unstored.
 */
static void full_of_established(void **state)
{
	uint64_t words[MTLB_FLOWS_PER_BUCKET];
	struct rig *rig = *state;

	share(rig);
	for (uint32_t i = 0; i < MTLB_FLOWS_PER_BUCKET; i++)
		words[i] = write(rig, i, tag_of(rig, TCP_FLOW(1, "SYN")), GLOBEX_DSR,
				 MTLB_FLOW_ESTABLISHED);
	RIG_CHECK(rig, TCP_FLOW(1, "SYN"), TO(OLD), NEW_FLOW, .unstored = 1);
	RIG_CHECK(rig, TCP_FLOW(1, "ACK"), TO(OLD), .unstored = 1);
	for (uint32_t i = 0; i < MTLB_FLOWS_PER_BUCKET; i++)
		assert_true(tracked_holds(rig, words[i]));
}

/* What gives way is counted for who took its place, and is never mistaken for his own flow. */
static void full_of_unproven(void **state)
{
	struct rig *rig = *state;

	share(rig);
	for (uint32_t i = 0; i < MTLB_FLOWS_PER_BUCKET; i++)
		write(rig, i, tag_of(rig, TCP_FLOW(1, "SYN")), GLOBEX_DSR, MTLB_FLOW_UNPROVEN);
	RIG_CHECK(rig, TCP_FLOW(1, "SYN"), TO(OWNER), NEW_FLOW, STORED, .evicted = 1);
	RIG_CHECK(rig, TCP_FLOW(1, "ACK"), TO(OWNER));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_go_their_way),
		cmocka_unit_test(the_same_tag),
		cmocka_unit_test(full_of_established),
		cmocka_unit_test(full_of_unproven),
	};

	return cmocka_run_group_tests_name("shared", tests, rig_setup, rig_teardown);
}
