// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Tracking: which flows are remembered, as what, and where they go. */
#include <arpa/inet.h>
#include <linux/bpf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tracked.h"

#define CHANGED (MTLB_SLOT_CHANGED | OWNER)
#define LEARNS	(MTLB_SLOT_CHANGED | MTLB_SLOT_LEARN | OWNER)

#define TO(member)	SENT(member, DIRECT)
#define STORED		.stored = 1
#define STORED_EVICTING .stored = 1, .evicted = 1
#define UNSTORED	.unstored = 1

static const struct tracked changed = {.slot = CHANGED, .old_owner = OLD};
static const struct tracked crowded = {.slot = CHANGED, .old_owner = OLD, .one_bucket = true};

static void unflagged_slots_store_nothing(void **state)
{
	struct rig *rig = *state;

	tracked_set(rig, &(struct tracked){.slot = OWNER});
	RIG_CHECK(rig, TCP_FLOW(1, "SYN"), TO(OWNER), NEW_FLOW);
	RIG_CHECK(rig, TCP_FLOW(1, "ACK"), TO(OWNER));
	RIG_CHECK(rig, TCP_FLOW(2, "ACK"), TO(OWNER));
	RIG_CHECK(rig, TCP_FLOW(1, "FIN ACK"), TO(OWNER));
	RIG_CHECK(rig, UDP_FLOW(3), TO(OWNER));
	for (unsigned int port = 1000; port < 2000; port++) {
		char text[128];

		snprintf(text, sizeof(text), "eth / ip4 client > acme / tcp %u > 8000 SYN", port);
		RIG_CHECK(rig, text, TO(OWNER), NEW_FLOW);
	}
	for (uint32_t i = 0; i < RIG_BUCKETS * MTLB_FLOWS_PER_BUCKET; i++)
		assert_int_equal(
			rig->view->flows[i / MTLB_FLOWS_PER_BUCKET].word[i % MTLB_FLOWS_PER_BUCKET],
			0);
}

static void new_connection(void **state)
{
	struct rig *rig = *state;

	tracked_set(rig, &changed);
	RIG_CHECK(rig, TCP_FLOW(1, "SYN"), TO(OWNER), NEW_FLOW, STORED);
	tracked_assert(rig, TCP_FLOW(1, "SYN"), OWNER, MTLB_FLOW_UNPROVEN);
	RIG_CHECK(rig, TCP_FLOW(1, "ACK"), TO(OWNER));
	tracked_assert(rig, TCP_FLOW(1, "ACK"), OWNER, MTLB_FLOW_ESTABLISHED);
	RIG_CHECK(rig, TCP_FLOW(1, "ACK PSH / 100 bytes"), TO(OWNER));
	assert_int_equal(rig_count_flows(rig, ACME), 1);
}

static void new_connection_ipv6(void **state)
{
	struct rig *rig = *state;

	tracked_set(rig, &changed);
	RIG_CHECK(rig, "eth / ip6 client > acme / tcp 7 > 8000 SYN", TO(OWNER), NEW_FLOW, STORED);
	RIG_CHECK(rig, "eth / ip6 client > acme / tcp 7 > 8000 ACK", TO(OWNER));
	RIG_CHECK(rig, "eth / ip6 client > acme / tcp 8 > 8000 ACK", TO(OLD), STORED);
	/* addresses that differ in one word only are other flows */
	RIG_CHECK(rig, "eth / ip6 2001:db8:c:1::7 > acme / tcp 7 > 8000 ACK", TO(OLD), STORED);
	RIG_CHECK(rig, "eth / ip6 2001:db8:c::1:7 > acme / tcp 7 > 8000 ACK", TO(OLD), STORED);
	assert_int_equal(rig_count_flows(rig, ACME), 4);
}

static void old_connection(void **state)
{
	struct rig *rig = *state;

	tracked_set(rig, &changed);
	RIG_CHECK(rig, TCP_FLOW(1, "ACK / 5 bytes"), TO(OLD), STORED);
	tracked_assert(rig, TCP_FLOW(1, "ACK"), OLD, MTLB_FLOW_ADOPTED);
	RIG_CHECK(rig, TCP_FLOW(1, "ACK"), TO(OLD));
	tracked_assert(rig, TCP_FLOW(1, "ACK"), OLD, MTLB_FLOW_ADOPTED);
	/* a SYN ACK and a SYN RST open nothing */
	RIG_CHECK(rig, TCP_FLOW(2, "SYN ACK"), TO(OLD), STORED);
	RIG_CHECK(rig, TCP_FLOW(3, "SYN RST"), TO(OLD));
}

/* One whose first word since the change is FIN hears the other side out: its slot keeps the flag.
 */
static void last_words(void **state)
{
	struct rig *rig = *state;

	tracked_set(rig, &changed);
	RIG_CHECK(rig, TCP_FLOW(1, "RST"), TO(OLD));
	RIG_CHECK(rig, TCP_FLOW(1, "RST ACK"), TO(OLD));
	RIG_CHECK(rig, TCP_FLOW(1, "FIN RST"), TO(OLD));
	assert_int_equal(rig_count_flows(rig, ACME), 0);
	RIG_CHECK(rig, TCP_FLOW(2, "FIN ACK"), TO(OLD), STORED);
	tracked_assert(rig, TCP_FLOW(2, "ACK"), OLD, MTLB_FLOW_CLOSING);
	RIG_CHECK(rig, TCP_FLOW(2, "ACK"), TO(OLD));
	assert_int_equal(rig_count_flows(rig, ACME), 1);
}

static void closing_and_opening_again(void **state)
{
	struct rig *rig = *state;

	tracked_set(rig, &changed);
	RIG_CHECK(rig, TCP_FLOW(1, "ACK"), TO(OLD), STORED);
	RIG_CHECK(rig, TCP_FLOW(1, "FIN ACK"), TO(OLD));
	tracked_assert(rig, TCP_FLOW(1, "ACK"), OLD, MTLB_FLOW_CLOSING);
	RIG_CHECK(rig, TCP_FLOW(1, "ACK"), TO(OLD));
	tracked_assert(rig, TCP_FLOW(1, "ACK"), OLD, MTLB_FLOW_CLOSING);
	RIG_CHECK(rig, TCP_FLOW(1, "SYN"), TO(OWNER), NEW_FLOW, STORED);
	tracked_assert(rig, TCP_FLOW(1, "ACK"), OWNER, MTLB_FLOW_UNPROVEN);
	RIG_CHECK(rig, TCP_FLOW(1, "RST"), TO(OWNER));
	tracked_assert(rig, TCP_FLOW(1, "ACK"), OWNER, MTLB_FLOW_CLOSING);
	assert_int_equal(rig_count_flows(rig, ACME), 1);
}

static void a_repeated_syn(void **state)
{
	struct rig *rig = *state;

	tracked_set(rig, &changed);
	RIG_CHECK(rig, TCP_FLOW(1, "SYN"), TO(OWNER), NEW_FLOW, STORED);
	tracked_set_slot(rig, MTLB_SLOT_CHANGED | THIRD);
	RIG_CHECK(rig, TCP_FLOW(1, "SYN"), TO(OWNER));
	/* nobody answered it, and its member gets no new flows any more */
	tracked_set_member(rig, OWNER, MTLB_MEMBER_NO_NEW);
	RIG_CHECK(rig, TCP_FLOW(1, "SYN"), TO(THIRD), NEW_FLOW, STORED);
	tracked_assert(rig, TCP_FLOW(1, "ACK"), THIRD, MTLB_FLOW_UNPROVEN);
	/* one that is established stays, whatever its client sends */
	RIG_CHECK(rig, TCP_FLOW(1, "ACK"), TO(THIRD));
	tracked_set_member(rig, THIRD, MTLB_MEMBER_NO_NEW);
	RIG_CHECK(rig, TCP_FLOW(1, "SYN"), TO(THIRD));
	tracked_assert(rig, TCP_FLOW(1, "ACK"), THIRD, MTLB_FLOW_ESTABLISHED);
}

static void draining_keeps_flows(void **state)
{
	struct rig *rig = *state;

	tracked_set(rig, &changed);
	tracked_set_member(rig, OLD, MTLB_MEMBER_NO_NEW);
	RIG_CHECK(rig, TCP_FLOW(1, "ACK"), TO(OLD), STORED);
	RIG_CHECK(rig, TCP_FLOW(1, "ACK"), TO(OLD));
	RIG_CHECK(rig, TCP_FLOW(2, "SYN"), TO(OWNER), NEW_FLOW, STORED);
}

static void let_go_frees_flows(void **state)
{
	struct rig *rig = *state;

	tracked_set(rig, &changed);
	RIG_CHECK(rig, TCP_FLOW(1, "ACK"), TO(OLD), STORED);
	tracked_set_member(rig, OLD, MTLB_MEMBER_LET_GO);
	RIG_CHECK(rig, TCP_FLOW(1, "ACK"), TO(OWNER), STORED);
	tracked_assert(rig, TCP_FLOW(1, "ACK"), OWNER, MTLB_FLOW_ESTABLISHED);
	/* unknown ones do not go there either, and are remembered, lest they move again */
	RIG_CHECK(rig, TCP_FLOW(2, "ACK"), TO(OWNER), STORED);
	tracked_assert(rig, TCP_FLOW(2, "ACK"), OWNER, MTLB_FLOW_ESTABLISHED);
	RIG_CHECK(rig, UDP_FLOW(3), TO(OWNER), NEW_FLOW, STORED);
	assert_int_equal(rig_count_flows(rig, ACME), 3);
}

static void nobody_owns_the_slot(void **state)
{
	struct rig *rig = *state;

	tracked_set(rig, &(struct tracked){.slot = MTLB_SLOT_CHANGED, .old_owner = OLD});
	RIG_CHECK(rig, TCP_FLOW(1, "SYN"), DROPPED(ACME, no_member));
	RIG_CHECK(rig, TCP_FLOW(2, "ACK"), TO(OLD), STORED);
	RIG_CHECK(rig, TCP_FLOW(2, "ACK"), TO(OLD));
	RIG_CHECK(rig, TCP_FLOW(3, "FIN"), TO(OLD), STORED);
	RIG_CHECK(rig, UDP_FLOW(4), DROPPED(ACME, no_member));
	tracked_set_slot(rig, MTLB_SLOT_CHANGED | MTLB_SLOT_LEARN);
	RIG_CHECK(rig, UDP_FLOW(4), TO(OLD), STORED);
	tracked_set_slot(rig, MTLB_SLOT_CHANGED);
	RIG_CHECK(rig, UDP_FLOW(4), TO(OLD));
}

static void track_always(void **state)
{
	struct rig *rig = *state;

	tracked_set(rig, &(struct tracked){.slot = OWNER, .flags = MTLB_VIP_TRACK_ALWAYS});
	RIG_CHECK(rig, TCP_FLOW(1, "SYN"), TO(OWNER), NEW_FLOW, STORED);
	tracked_assert(rig, TCP_FLOW(1, "SYN"), OWNER, MTLB_FLOW_UNPROVEN);
	RIG_CHECK(rig, TCP_FLOW(2, "ACK"), TO(OWNER), STORED);
	tracked_assert(rig, TCP_FLOW(2, "ACK"), OWNER, MTLB_FLOW_ADOPTED);
	RIG_CHECK(rig, UDP_FLOW(3), TO(OWNER), NEW_FLOW, STORED);
	RIG_CHECK(rig, UDP_FLOW(3), TO(OWNER));
	/* the pool changes: what is remembered stays */
	tracked_set_slot(rig, THIRD);
	RIG_CHECK(rig, TCP_FLOW(1, "ACK"), TO(OWNER));
	RIG_CHECK(rig, TCP_FLOW(2, "ACK"), TO(OWNER));
	RIG_CHECK(rig, UDP_FLOW(3), TO(OWNER));
	RIG_CHECK(rig, UDP_FLOW(4), TO(THIRD), NEW_FLOW, STORED);
}

static void udp_learns(void **state)
{
	struct rig *rig = *state;

	tracked_set(rig, &(struct tracked){.slot = LEARNS, .old_owner = OLD});
	RIG_CHECK(rig, UDP_FLOW(1), TO(OLD), STORED);
	tracked_assert(rig, UDP_FLOW(1), OLD, MTLB_FLOW_ESTABLISHED);
	RIG_CHECK(rig, UDP_FLOW(1), TO(OLD));
	tracked_set_slot(rig, CHANGED);
	RIG_CHECK(rig, UDP_FLOW(1), TO(OLD));
	RIG_CHECK(rig, UDP_FLOW(2), TO(OWNER), NEW_FLOW, STORED);
	tracked_assert(rig, UDP_FLOW(2), OWNER, MTLB_FLOW_ESTABLISHED);
	RIG_CHECK(rig, UDP_FLOW(2), TO(OWNER));
	/* the same ports over TCP are another flow */
	RIG_CHECK(rig, TCP_FLOW(2, "ACK"), TO(OLD), STORED);
}

/* A router's word of a backend's packet: the flow's, but it neither begins nor prolongs it. */
#define ERROR_OF(protocol, port)                                                   \
	"eth / ip4 host > acme / icmp 3 code 4 / ip4 acme > client next " protocol \
	" / udp 8000 > " #port

static void icmp_errors_follow_the_flow(void **state)
{
	static const uint32_t states[] = {MTLB_FLOW_UNPROVEN, MTLB_FLOW_ESTABLISHED,
					  MTLB_FLOW_ADOPTED, MTLB_FLOW_CLOSING};
	static struct frame frame;
	struct rig *rig = *state;
	uint64_t word;

	for (size_t i = 0; i < sizeof(states) / sizeof(*states); i++) {
		tracked_set(rig, &crowded);
		frame_build(&frame, TCP_FLOW(1, "ACK"), NULL);
		word = tracked_write(rig, mtlb_flow_tag_of(rig_hash(rig, &frame)), THIRD, 3,
				     states[i]);
		RIG_CHECK(rig, ERROR_OF("6", 1), TO(THIRD));
		assert_true(tracked_holds(rig, word));
		assert_int_equal(rig_count_flows(rig, ACME), 1);
	}
	frame_build(&frame, UDP_FLOW(2), NULL);
	word = tracked_write(rig, mtlb_flow_tag_of(rig_hash(rig, &frame)), THIRD, 3,
			     MTLB_FLOW_ESTABLISHED);
	RIG_CHECK(rig, ERROR_OF("17", 2), TO(THIRD));
	assert_true(tracked_holds(rig, word));
}

static void icmp_errors_store_nothing(void **state)
{
	struct rig *rig = *state;

	tracked_set(rig, &changed);
	RIG_CHECK(rig, ERROR_OF("6", 1), TO(OLD));
	RIG_CHECK(rig, ERROR_OF("17", 2), TO(OWNER));
	RIG_CHECK(rig, "eth / ip6 host > acme / icmp6 2 / ip6 acme > client / tcp 8000 > 3 SYN ACK",
		  TO(OLD));
	tracked_set_slot(rig, LEARNS);
	RIG_CHECK(rig, ERROR_OF("17", 2), TO(OLD));
	assert_int_equal(rig_count_flows(rig, ACME), 0);
	tracked_set(rig, &(struct tracked){.slot = OWNER, .flags = MTLB_VIP_TRACK_ALWAYS});
	RIG_CHECK(rig, ERROR_OF("6", 1), TO(OWNER));
	RIG_CHECK(rig, ERROR_OF("17", 2), TO(OWNER));
	assert_int_equal(rig_count_flows(rig, ACME), 0);
	/* the flow's own packet does, and what it stores then leads the error */
	tracked_set(rig, &changed);
	RIG_CHECK(rig, TCP_FLOW(1, "SYN"), TO(OWNER), NEW_FLOW, STORED);
	RIG_CHECK(rig, ERROR_OF("6", 1), TO(OWNER));
	tracked_assert(rig, TCP_FLOW(1, "SYN"), OWNER, MTLB_FLOW_UNPROVEN);
	assert_int_equal(rig_count_flows(rig, ACME), 1);
}

/* crowding: eight flows in the one bucket */

static void fill(struct rig *rig, uint64_t words[8], uint32_t member, uint32_t age, uint32_t state)
{
	tracked_set(rig, &crowded);
	for (uint32_t i = 0; i < MTLB_FLOWS_PER_BUCKET; i++)
		words[i] = tracked_write(rig, 1000 + i, member, age, state);
}

static void assert_held(struct rig *rig, const uint64_t words[8])
{
	for (uint32_t i = 0; i < MTLB_FLOWS_PER_BUCKET; i++)
		assert_true(tracked_holds(rig, words[i]));
}

static void established_is_never_evicted(void **state)
{
	struct rig *rig = *state;
	uint64_t words[8];

	fill(rig, words, OWNER, 150, MTLB_FLOW_ESTABLISHED);
	RIG_CHECK(rig, TCP_FLOW(1, "SYN"), TO(OLD), NEW_FLOW, UNSTORED);
	RIG_CHECK(rig, TCP_FLOW(1, "ACK"), TO(OLD), UNSTORED);
	RIG_CHECK(rig, TCP_FLOW(2, "ACK"), TO(OLD), UNSTORED);
	/* not stored, so not counted as new: each of its packets would be */
	RIG_CHECK(rig, UDP_FLOW(3), TO(OWNER), UNSTORED);
	RIG_CHECK(rig, UDP_FLOW(3), TO(OWNER), UNSTORED);
	tracked_set_slot(rig, LEARNS);
	RIG_CHECK(rig, UDP_FLOW(4), TO(OLD), UNSTORED);
	assert_held(rig, words);
}

static void other_services_flows_are_not_judged_by_this_ones_patience(void **state)
{
	struct rig *rig = *state;
	uint64_t words[8];

	tracked_set(rig,
		    &(struct tracked){
			    .slot = CHANGED, .old_owner = OLD, .one_bucket = true, .idle = 20});
	for (uint32_t i = 0; i < 8; i++)
		words[i] = tracked_write(rig, 1000 + i, DSR_TCP, 100, MTLB_FLOW_ESTABLISHED);
	RIG_CHECK(rig, TCP_FLOW(1, "SYN"), TO(OLD), NEW_FLOW, UNSTORED);
	assert_held(rig, words);
}

static void adopted_evicts_nothing(void **state)
{
	struct rig *rig = *state;
	uint64_t words[8];

	fill(rig, words, OLD, 3, MTLB_FLOW_UNPROVEN);
	RIG_CHECK(rig, TCP_FLOW(1, "ACK"), TO(OLD), UNSTORED);
	assert_held(rig, words);
	fill(rig, words, OLD, 3, MTLB_FLOW_ADOPTED);
	RIG_CHECK(rig, TCP_FLOW(1, "ACK"), TO(OLD), UNSTORED);
	assert_held(rig, words);
}

static void oldest_unproven_goes_first(void **state)
{
	struct rig *rig = *state;
	uint64_t keep[6], oldest, next;

	tracked_set(rig, &crowded);
	for (uint32_t i = 0; i < 5; i++)
		keep[i] = tracked_write(rig, 1000 + i, OWNER, i, MTLB_FLOW_ESTABLISHED);
	keep[5] = tracked_write(rig, 1005, OWNER, 2, MTLB_FLOW_UNPROVEN);
	oldest = tracked_write(rig, 1006, OWNER, 6, MTLB_FLOW_UNPROVEN);
	next = tracked_write(rig, 1007, OWNER, 5, MTLB_FLOW_CLOSING);
	RIG_CHECK(rig, TCP_FLOW(1, "SYN"), TO(OWNER), NEW_FLOW, STORED_EVICTING);
	assert_false(tracked_holds(rig, oldest));
	assert_true(tracked_holds(rig, next));
	RIG_CHECK(rig, TCP_FLOW(2, "SYN"), TO(OWNER), NEW_FLOW, STORED_EVICTING);
	assert_false(tracked_holds(rig, next));
	for (uint32_t i = 0; i < 6; i++)
		assert_true(tracked_holds(rig, keep[i]));
	tracked_assert(rig, TCP_FLOW(1, "SYN"), OWNER, MTLB_FLOW_UNPROVEN);
	tracked_assert(rig, TCP_FLOW(2, "SYN"), OWNER, MTLB_FLOW_UNPROVEN);
}

static void adopted_goes_before_unproven(void **state)
{
	struct rig *rig = *state;
	uint64_t adopted;

	tracked_set(rig, &crowded);
	for (uint32_t i = 0; i < 7; i++)
		tracked_write(rig, 1000 + i, OWNER, 7, MTLB_FLOW_UNPROVEN);
	adopted = tracked_write(rig, 1007, OLD, 0, MTLB_FLOW_ADOPTED);
	RIG_CHECK(rig, UDP_FLOW(1), TO(OWNER), NEW_FLOW, STORED_EVICTING);
	assert_false(tracked_holds(rig, adopted));
}

static void expired_goes_first_and_is_no_eviction(void **state)
{
	static const struct {
		uint32_t age, state;
	} over[] = {{9, MTLB_FLOW_UNPROVEN},
		    {17, MTLB_FLOW_CLOSING},
		    {201, MTLB_FLOW_ESTABLISHED},
		    {201, MTLB_FLOW_ADOPTED}};
	struct rig *rig = *state;

	for (size_t i = 0; i < sizeof(over) / sizeof(*over); i++) {
		uint64_t word;

		tracked_set(rig, &crowded);
		for (uint32_t j = 0; j < 7; j++)
			tracked_write(rig, 1000 + j, OLD, 0, MTLB_FLOW_ADOPTED);
		word = tracked_write(rig, 1007, OWNER, over[i].age, over[i].state);
		RIG_CHECK(rig, TCP_FLOW(1, "SYN"), TO(OWNER), NEW_FLOW, STORED);
		assert_false(tracked_holds(rig, word));
	}
}

static void a_syn_flood_reaches_nobody_else(void **state)
{
	static struct mtlb_flow_bucket before[RIG_BUCKETS];
	struct rig *rig = *state;
	struct ledger was, is;
	uint32_t stored;

	tracked_set(rig, &changed);
	ledger_take(rig, &was);
	memset(before, 0x5a, sizeof(before));
	for (uint32_t i = 0; i < RIG_BUCKETS; i++)
		if (i < RIG_FLOWS(ACME) || i >= RIG_FLOWS(ACME) + RIG_RANGE)
			for (uint32_t j = 0; j < MTLB_FLOWS_PER_BUCKET; j++)
				assert_true(dataplane_move_flow(
					rig->dataplane, i, 0x1234567890000 + j + i * 8, i, NULL));
	memcpy(before, rig->view->flows, sizeof(before));
	for (unsigned int i = 0; i < 1000; i++) {
		static struct frame frame, out;
		char text[128];

		snprintf(text, sizeof(text), "eth / ip4 198.51.%u.%u > acme / tcp %u > 8000 SYN",
			 i / 250, i % 250, i + 1);
		frame_build(&frame, text, NULL);
		assert_int_equal(rig_run(rig, &frame, &out, 0), XDP_TX);
	}
	for (uint32_t i = 0; i < RIG_BUCKETS; i++)
		if (i < RIG_FLOWS(ACME) || i >= RIG_FLOWS(ACME) + RIG_RANGE)
			assert_memory_equal(&before[i], &rig->view->flows[i], sizeof(before[i]));
	assert_int_equal(rig_count_flows(rig, ACME), RIG_RANGE * MTLB_FLOWS_PER_BUCKET);
	ledger_take(rig, &is);
	stored = is.tenant[ACME].value[MTLB_COUNTER_flows_stored] -
		 was.tenant[ACME].value[MTLB_COUNTER_flows_stored];
	assert_int_equal(stored, 1000);
	assert_int_equal(is.tenant[ACME].value[MTLB_COUNTER_flows_evicted] -
				 was.tenant[ACME].value[MTLB_COUNTER_flows_evicted],
			 1000 - RIG_RANGE * MTLB_FLOWS_PER_BUCKET);
	assert_memory_equal(&is.tenant[GLOBEX], &was.tenant[GLOBEX], sizeof(is.tenant[GLOBEX]));
}

static void another_services_flow_is_not_believed(void **state)
{
	static struct frame frame;
	struct rig *rig = *state;
	uint64_t stale;

	tracked_set(rig, &crowded);
	frame_build(&frame, TCP_FLOW(1, "ACK"), NULL);
	stale = tracked_write(rig, mtlb_flow_tag_of(rig_hash(rig, &frame)), GLOBEX_DSR, 0,
			      MTLB_FLOW_ESTABLISHED);
	RIG_CHECK(rig, TCP_FLOW(1, "ACK"), TO(OLD), STORED);
	RIG_CHECK(rig, TCP_FLOW(1, "ACK"), TO(OLD));
	assert_true(tracked_holds(rig, stale));
	assert_int_equal(rig_count_flows(rig, ACME), 2);
	/* neither a member that does not exist nor nobody */
	tracked_set(rig, &crowded);
	tracked_write(rig, mtlb_flow_tag_of(rig_hash(rig, &frame)), 0xfffff, 0,
		      MTLB_FLOW_ESTABLISHED);
	tracked_write(rig, mtlb_flow_tag_of(rig_hash(rig, &frame)) ^ 1, 0, 0,
		      MTLB_FLOW_ESTABLISHED);
	RIG_CHECK(rig, TCP_FLOW(1, "ACK"), TO(OLD), STORED);
}

static void another_services_old_owner_is_not_believed(void **state)
{
	struct rig *rig = *state;

	tracked_set(rig, &(struct tracked){.slot = CHANGED, .old_owner = GLOBEX_DSR});
	RIG_CHECK(rig, TCP_FLOW(1, "ACK"), TO(OWNER), STORED);
	tracked_set_slot(rig, LEARNS);
	RIG_CHECK(rig, UDP_FLOW(2), TO(OWNER), NEW_FLOW, STORED);
}

static void facts_tell_who_it_is(void **state)
{
	const char *text = "eth / vlan 3 / ip6 client > acme / udp 5555 > 8000";
	static struct frame frame;
	struct rig *rig = *state;
	struct mtlb_flow_facts facts;
	uint64_t hash, word;
	uint32_t bucket, place = 0;
	struct mtlb_vip_key key;

	tracked_set(rig, &changed);
	RIG_CHECK(rig, text, SENT(OWNER, "eth lb > hop / vlan 3 / *"), NEW_FLOW, STORED);
	frame_build(&frame, text, NULL);
	hash = rig_hash(rig, &frame);
	bucket = RIG_FLOWS(ACME) + (mtlb_flow_bucket_hash(hash) & (RIG_RANGE - 1));
	word = tracked_word(rig, text);
	assert_true(word);
	while (place < 7 && rig->view->flows[bucket].word[place] != word)
		place++;
	assert_int_equal(rig->view->flows[bucket].word[place], word);
	assert_int_equal(rig->view->flows[bucket].hash[place], hash);
	dataplane_read_flow_logs(rig->dataplane);
	facts = rig->view->facts[bucket * MTLB_FLOWS_PER_BUCKET + place];
	assert_int_equal(facts.hash, hash);
	rig_key(&key, "2001:db8:c::7", 0, 0);
	assert_memory_equal(&facts.source, &key.address, sizeof(key.address));
	rig_key(&key, "2001:db8:1::1", 0, 0);
	assert_memory_equal(&facts.destination, &key.address, sizeof(key.address));
	assert_int_equal(ntohs(facts.source_port), 5555);
	assert_int_equal(ntohs(facts.destination_port), 8000);
	assert_int_equal(facts.protocol, IPPROTO_UDP);
	assert_int_equal(facts.service, TRACKED);
	assert_true(facts.first_seen);
}

#define TEST(name) cmocka_unit_test(name)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(unflagged_slots_store_nothing),
		TEST(new_connection),
		TEST(new_connection_ipv6),
		TEST(old_connection),
		TEST(last_words),
		TEST(closing_and_opening_again),
		TEST(a_repeated_syn),
		TEST(draining_keeps_flows),
		TEST(let_go_frees_flows),
		TEST(nobody_owns_the_slot),
		TEST(track_always),
		TEST(udp_learns),
		TEST(icmp_errors_follow_the_flow),
		TEST(icmp_errors_store_nothing),
		TEST(established_is_never_evicted),
		TEST(other_services_flows_are_not_judged_by_this_ones_patience),
		TEST(adopted_evicts_nothing),
		TEST(oldest_unproven_goes_first),
		TEST(adopted_goes_before_unproven),
		TEST(expired_goes_first_and_is_no_eviction),
		TEST(a_syn_flood_reaches_nobody_else),
		TEST(another_services_flow_is_not_believed),
		TEST(another_services_old_owner_is_not_believed),
		TEST(facts_tell_who_it_is),
	};

	return cmocka_run_group_tests_name("track", tests, rig_setup, rig_teardown);
}
