// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What is remembered is forgotten in time. Time in this table runs 4,096 times as fast as in a real
 * one, about a millisecond a stamp; the tests wait for the table's clock and never for a guess.
 */
#include <linux/bpf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "tracked.h"

#define STAMP_SHIFT 20
#define IDLE	    40

#define CHANGED	   (MTLB_SLOT_CHANGED | OWNER)
#define TO(member) SENT(member, DIRECT)
#define STORED	   .stored = 1

static const struct tracked changed = {
	.slot = CHANGED, .old_owner = OLD, .idle = IDLE, .one_bucket = true};

static int setup(void **state)
{
	struct rig *rig = calloc(1, sizeof(*rig));

	*state = rig;
	rig_open(rig, STAMP_SHIFT);
	return 0;
}

/* Until the flow's word is more than limit stamps old, and not a moment of sleep longer. */
static void await_age(const struct rig *rig, const char *frame, uint32_t limit)
{
	while (mtlb_flow_age(tracked_word(rig, frame), rig_now(rig)) <= limit)
		usleep(500);
}

/*
 * Sends the next packet of a flow last seen at since, which must go to its owner if it went in
 * time: the test itself may be too slow for a flow that lives for 8 ms.
 */
static bool send_in_time(const struct rig *rig, const char *text, uint32_t since, uint32_t limit)
{
	static struct frame frame, out;

	frame_build(&frame, text, NULL);
	assert_int_equal(rig_run(rig, &frame, &out, 0), XDP_TX);
	if (((rig_now(rig) - since) & MTLB_FLOW_STAMP_MASK) > limit)
		return false;
	assert_int_equal(out.byte[5], OWNER);
	return true;
}

/* A flow that owner has, last seen age stamps ago. */
static void remember(const struct rig *rig, const char *text, uint32_t age, uint32_t state)
{
	static struct frame frame;

	frame_build(&frame, text, NULL);
	tracked_set(rig, &changed);
	tracked_write(rig, mtlb_flow_tag_of(rig_hash(rig, &frame)), OWNER, age, state);
}

static void syn(void **state)
{
	struct rig *rig = *state;

	tracked_set(rig, &changed);
	RIG_CHECK(rig, TCP_FLOW(1, "SYN"), TO(OWNER), NEW_FLOW, STORED);
	await_age(rig, TCP_FLOW(1, "SYN"), MTLB_FLOW_IDLE_UNPROVEN);
	RIG_CHECK(rig, TCP_FLOW(1, "ACK"), TO(OLD), STORED);
	assert_int_equal(rig_count_flows(rig, ACME), 1);
}

static void each_state_has_its_time(void **state)
{
	static const struct {
		uint32_t state, limit;
	} times[] = {{MTLB_FLOW_UNPROVEN, MTLB_FLOW_IDLE_UNPROVEN},
		     {MTLB_FLOW_CLOSING, MTLB_FLOW_IDLE_CLOSING},
		     {MTLB_FLOW_ESTABLISHED, IDLE},
		     {MTLB_FLOW_ADOPTED, IDLE}};
	struct rig *rig = *state;

	for (size_t i = 0; i < sizeof(times) / sizeof(*times); i++) {
		uint32_t now = rig_now(rig);

		remember(rig, TCP_FLOW(1, "ACK"), 0, times[i].state);
		send_in_time(rig, TCP_FLOW(1, "ACK"), now, times[i].limit);
		now = rig_now(rig);
		remember(rig, TCP_FLOW(1, "ACK"), times[i].limit - 4, times[i].state);
		send_in_time(rig, TCP_FLOW(1, "ACK"), now, 4);
		remember(rig, TCP_FLOW(1, "ACK"), 0, times[i].state);
		await_age(rig, TCP_FLOW(1, "ACK"), times[i].limit);
		RIG_CHECK(rig, TCP_FLOW(1, "ACK"), TO(OLD), STORED);
	}
}

static void udp(void **state)
{
	struct rig *rig = *state;

	tracked_set(rig, &changed);
	RIG_CHECK(rig, UDP_FLOW(1), TO(OWNER), NEW_FLOW, STORED);
	tracked_set_slot(rig, MTLB_SLOT_CHANGED | THIRD);
	await_age(rig, UDP_FLOW(1), IDLE);
	RIG_CHECK(rig, UDP_FLOW(1), TO(THIRD), NEW_FLOW, STORED);
}

/* Each packet begins the time anew. */
static void what_is_used_stays(void **state)
{
	struct rig *rig = *state;
	uint32_t begun = rig_now(rig), last = begun, renewed = 0;

	remember(rig, TCP_FLOW(1, "ACK"), 0, MTLB_FLOW_ESTABLISHED);
	while (((rig_now(rig) - begun) & MTLB_FLOW_STAMP_MASK) <= 10 * IDLE) {
		uint32_t now = rig_now(rig);

		if (((now - last) & MTLB_FLOW_STAMP_MASK) < 10) {
			usleep(500);
			continue;
		}
		if (send_in_time(rig, TCP_FLOW(1, "ACK"), last, IDLE))
			renewed++;
		else
			remember(rig, TCP_FLOW(1, "ACK"), 0, MTLB_FLOW_ESTABLISHED);
		last = now;
	}
	assert_true(renewed);
}

static void written_at(const struct rig *rig, uint32_t when, uint32_t state)
{
	static struct frame frame;

	frame_build(&frame, TCP_FLOW(1, "ACK"), NULL);
	tracked_set(rig,
		    &(struct tracked){
			    .slot = CHANGED, .old_owner = OLD, .one_bucket = true, .idle = 10000});
	tracked_write(rig, mtlb_flow_tag_of(rig_hash(rig, &frame)), OWNER, when, state);
}

/* Another CPU's clock may be a little ahead, and the stamps wrap. */
static void a_stamp_from_the_near_future(void **state)
{
	struct rig *rig = *state;

	written_at(rig, (uint32_t)-2, MTLB_FLOW_UNPROVEN);
	RIG_CHECK(rig, TCP_FLOW(1, "ACK"), TO(OWNER));
	written_at(rig, 9000, MTLB_FLOW_ESTABLISHED);
	RIG_CHECK(rig, TCP_FLOW(1, "ACK"), TO(OWNER));
	written_at(rig, 11000, MTLB_FLOW_ESTABLISHED);
	RIG_CHECK(rig, TCP_FLOW(1, "ACK"), TO(OLD), STORED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(syn),
		cmocka_unit_test(each_state_has_its_time),
		cmocka_unit_test(udp),
		cmocka_unit_test(what_is_used_stays),
		cmocka_unit_test(a_stamp_from_the_near_future),
	};

	return cmocka_run_group_tests_name("expire", tests, setup, rig_teardown);
}
