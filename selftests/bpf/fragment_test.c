// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Fragments: the later ones go where the first one went, whichever way that is, and to nobody
 * else's member; those that come before it are handed over to be held, and not too many of them.
 */
#include <arpa/inet.h>
#include <linux/bpf.h>
#include <netinet/in.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "../../bpf/core/encap.h"
#include "../../bpf/core/hash.h"
#include "../../bpf/core/parse.h"
#include "rig.h"

#define HELD_MAX 128 /* per window, CPU and tenant */

/* Services and members of these tests. */
enum {
	GUE4 = RIG_OTHER,
	GUE6,
	ALONE,
	ALONE_2,
};

/* A datagram's fragments, as the client sends them. */
#define FIRST4(id, port) \
	"eth / ip4 client > acme id " #id " more / udp 9 > " #port " len 900 / 72 bytes"
#define LATER4(id) "eth / ip4 client > acme id " #id " offset 10 next 17 / 50 bytes"
#define FIRST6(id, port)                                                                    \
	"eth / ip6 client > acme / fragment id " #id " more / udp 9 > " #port " len 900 / " \
	"72 bytes"
#define LATER6(id) "eth / ip6 client > acme / fragment id " #id " offset 10 next 17 / 50 bytes"
#define HELD(who)  DROPPED(who, fragment_held)

struct taken {
	uint32_t count;
	struct mtlb_held last;
};

static void take_one(void *context, const struct mtlb_held *held)
{
	struct taken *taken = context;

	taken->count++;
	taken->last = *held;
}

static void take_held(const struct rig *rig, struct taken *taken)
{
	taken->count = 0;
	assert_int_equal(dataplane_each_held(rig->dataplane, take_one, taken), 0);
}

/* What the program writes, the tests may write too. */
static struct mtlb_fragment_bucket *buckets(const struct rig *rig)
{
	return (struct mtlb_fragment_bucket *)rig->view->fragments;
}

static struct mtlb_fragment_bucket *buckets_of(const struct rig *rig, enum rig_tenant tenant)
{
	return buckets(rig) + (size_t)tenant * MTLB_FRAGMENT_BUCKETS;
}

/* Nothing remembered, nothing held, and the budgets whole. */
static int forget(void **state)
{
	struct rig *rig = *state;
	struct taken taken;

	memset(buckets(rig), 0,
	       (RIG_TENANTS * MTLB_FRAGMENT_BUCKETS + MTLB_FRAGMENT_REPLY_BUCKETS) *
		       sizeof(struct mtlb_fragment_bucket));
	memset((void *)rig->view->answer_budgets, 0,
	       rig->view->node->cpus * rig->view->node->tenants *
		       sizeof(struct mtlb_answer_budget));
	take_held(rig, &taken);
	return 0;
}

static uint32_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &time);
	return (uint32_t)(((uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec) >>
			  MTLB_FRAGMENT_STAMP_SHIFT) &
	       MTLB_FLOW_STAMP_MASK;
}

/* The hash of the datagram that a later fragment belongs to. */
static uint64_t datagram(const struct rig *rig, const char *later)
{
	static struct frame frame;

	frame_build(&frame, later, NULL);
	return rig_hash(rig, &frame);
}

static uint32_t bucket_of(const struct rig *rig, const char *later)
{
	return datagram(rig, later) & (MTLB_FRAGMENT_BUCKETS - 1);
}

/* Remembers it as if its first fragment had gone to that member some stamps ago. */
static void plant(const struct rig *rig, enum rig_tenant tenant, const char *later, uint32_t member,
		  uint32_t age)
{
	buckets_of(rig, tenant)[bucket_of(rig, later)].word[3] = mtlb_flow_word(
		mtlb_flow_tag_of(datagram(rig, later)), member, now() - age, MTLB_FRAGMENT_MEMBER);
}

static uint32_t count_words(const struct rig *rig, enum rig_tenant tenant)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < MTLB_FRAGMENT_BUCKETS * MTLB_FLOWS_PER_BUCKET; i++)
		count += buckets_of(rig, tenant)[i / MTLB_FLOWS_PER_BUCKET]
				 .word[i % MTLB_FLOWS_PER_BUCKET] != 0;
	return count;
}

/* each mode, in order */

static void dsr(void **state)
{
	struct rig *rig = *state;

	RIG_CHECK(rig, FIRST4(1, 80), SENT(DSR_UDP, DIRECT));
	RIG_CHECK(rig, LATER4(1), SENT(DSR_UDP, DIRECT));
	RIG_CHECK(rig, "eth / ip4 client > acme id 1 more offset 100 next 17 / 800 bytes",
		  SENT(DSR_UDP, DIRECT));
	RIG_CHECK(rig, FIRST6(1, 80), SENT(DSR_UDP, DIRECT));
	RIG_CHECK(rig, LATER6(1), SENT(DSR_UDP, DIRECT));
	RIG_CHECK(rig, LATER6(1), SENT(DSR_UDP, DIRECT));
}

static void ipip(void **state)
{
	struct rig *rig = *state;

	RIG_CHECK(rig, FIRST4(1, 84), SENT(IN4_UDP, IN_IP4));
	RIG_CHECK(rig, LATER4(1), SENT(IN4_UDP, IN_IP4));
	RIG_CHECK(rig, FIRST6(1, 84), SENT(IN4_UDP, IN_IP4));
	RIG_CHECK(rig, LATER6(1), SENT(IN4_UDP, IN_IP4));
	RIG_CHECK(rig, FIRST4(2, 86), SENT(IN6_UDP, IN_IP6));
	RIG_CHECK(rig, LATER4(2), SENT(IN6_UDP, IN_IP6));
	RIG_CHECK(rig, FIRST6(2, 86), SENT(IN6_UDP, IN_IP6));
	RIG_CHECK(rig, LATER6(2), SENT(IN6_UDP, IN_IP6));
}

static void put_gue(const struct rig *rig, uint32_t number, enum mtlb_encap encap, uint16_t port)
{
	struct mtlb_service service = {.used = 1, .tenant = ACME, .protocol = IPPROTO_UDP};
	static const char *const addresses[] = {"192.0.2.1", "2001:db8:1::1"};
	struct mtlb_member member;

	assert_int_equal(dataplane_put_service(rig->dataplane, number, &service), 0);
	rig_put_member(rig, number, number,
		       encap == MTLB_ENCAP_GUE4 ? MTLB_ENCAP_IPV4 : MTLB_ENCAP_IPV6, RIG_IFINDEX,
		       1500, 0);
	member = rig->view->members[number];
	member.encap = (uint8_t)encap;
	member.port = htons(6080);
	dataplane_set_outer(&member, &rig->view->members[number].outer_source,
			    &rig->view->members[number].outer_destination);
	assert_int_equal(dataplane_put_forwarding(rig->dataplane, number, &member), 0);
	rig_put_slots(rig, number, &number, 1);
	for (uint32_t i = 0; i < 2; i++) {
		struct mtlb_vip vip = rig_vip(addresses[i], number, IPPROTO_UDP, port);

		rig_put_vip(rig, 2 * number + i, &vip);
	}
}

/* The outer source port tells the flow; of a later fragment, which names no flow, the datagram. */
static void check_gue(const struct rig *rig, const char *in, uint32_t member)
{
	char out[128];

	snprintf(out, sizeof(out), "eth lb > hop / ip%s / udp %u > 6080 csum 0 / *",
		 member == GUE4 ? "4 lb > member df" : "6 lb > member label flow",
		 0xc000U | (uint32_t)(datagram(rig, in) >> 16 & 0x3fff));
	rig_check(rig, &(struct scenario){.name = in, .in = in, SENT(member, out)});
}

static void gue(void **state)
{
	struct rig *rig = *state;

	put_gue(rig, GUE4, MTLB_ENCAP_GUE4, 3004);
	put_gue(rig, GUE6, MTLB_ENCAP_GUE6, 3006);
	check_gue(rig, FIRST4(1, 3004), GUE4);
	check_gue(rig, LATER4(1), GUE4);
	check_gue(rig, FIRST6(1, 3004), GUE4);
	check_gue(rig, LATER6(1), GUE4);
	check_gue(rig, FIRST4(2, 3006), GUE6);
	check_gue(rig, LATER4(2), GUE6);
	check_gue(rig, FIRST6(2, 3006), GUE6);
	check_gue(rig, LATER6(2), GUE6);
}

static void by_another_interface(void **state)
{
	struct rig *rig = *state;

	RIG_CHECK(rig, "eth / ip4 client > acme id 5 more / tcp 9 > 90 SYN / 60 bytes",
		  REDIRECTED(AWAY_DSR, DIRECT), NEW_FLOW);
	RIG_CHECK(rig, "eth / ip4 client > acme id 5 offset 10 next 6 / 50 bytes",
		  REDIRECTED(AWAY_DSR, DIRECT));
	RIG_CHECK(rig, "eth / ip6 client > acme / fragment more id 5 / tcp 9 > 94 ACK / 60 bytes",
		  REDIRECTED(AWAY_IN4, IN_IP4));
	RIG_CHECK(rig, "eth / ip6 client > acme / fragment offset 10 id 5 next 6 / 50 bytes",
		  REDIRECTED(AWAY_IN4, IN_IP4));
}

static void tags_options_and_extension_headers(void **state)
{
	struct rig *rig = *state;

	RIG_CHECK(rig,
		  "eth / vlan 5 pcp 3 / ip4 client > acme id 7 more options 8 / tcp 9 > 84 ACK / "
		  "60 bytes",
		  SENT(IN4_TCP, "eth lb > hop / vlan 5 pcp 3 / ip4 lb > member df / *"));
	RIG_CHECK(rig,
		  "eth / vlan 5 / ip4 client > acme id 7 offset 10 next 6 options 4 / 50 bytes",
		  SENT(IN4_TCP, "eth lb > hop / vlan 5 / ip4 lb > member df / *"));
	RIG_CHECK(rig,
		  "eth / ip6 client > acme / hopopts / dstopts 1 / fragment id 7 more / "
		  "udp 9 > 86 len 900 / 72 bytes",
		  SENT(IN6_UDP, IN_IP6));
	RIG_CHECK(rig,
		  "eth / ip6 client > acme / hopopts / dstopts 1 / fragment id 7 offset 10 next 17 "
		  "/ 50 bytes",
		  SENT(IN6_UDP, IN_IP6));
	RIG_CHECK(rig, LATER6(7), SENT(IN6_UDP, IN_IP6));
}

/* A router's error may come in fragments: they are the router's datagram, not the flow's. */
static void of_an_icmp_error(void **state)
{
	struct rig *rig = *state;

	RIG_CHECK(rig,
		  "eth / ip4 host > acme id 8 more / icmp 3 code 4 / ip4 acme > client / "
		  "udp 80 > 9 / 60 bytes",
		  SENT(DSR_UDP, DIRECT));
	RIG_CHECK(rig, "eth / ip4 host > acme id 8 offset 12 next 1 / 50 bytes",
		  SENT(DSR_UDP, DIRECT));
	RIG_CHECK(rig, "eth / ip4 client > acme id 8 offset 12 next 1 / 50 bytes", HELD(ACME));
	RIG_CHECK(rig,
		  "eth / ip6 host > acme / fragment id 8 more / icmp6 2 mtu 1300 / "
		  "ip6 acme > client / udp 84 > 9 / 8 bytes",
		  SENT(IN4_UDP, IN_IP4));
	RIG_CHECK(rig, "eth / ip6 host > acme / fragment id 8 offset 8 next 58 / 50 bytes",
		  SENT(IN4_UDP, IN_IP4));
	RIG_CHECK(rig, "eth / ip6 client > acme / fragment id 8 offset 8 next 58 / 50 bytes",
		  HELD(ACME));
}

/* reversed */

static void check_held(const struct rig *rig, enum rig_tenant tenant, const char *later)
{
	static struct taken taken;
	static struct frame frame;
	uint64_t hash = datagram(rig, later);

	frame_build(&frame, later, NULL);
	take_held(rig, &taken);
	assert_int_equal(taken.count, 1);
	assert_int_equal(taken.last.tenant, tenant);
	assert_int_equal(taken.last.ifindex, RIG_IFINDEX);
	assert_int_equal(taken.last.bucket, tenant * MTLB_FRAGMENT_BUCKETS + bucket_of(rig, later));
	assert_int_equal(taken.last.tag, mtlb_flow_tag_of(hash));
	assert_int_equal(taken.last.length, frame.length);
	assert_memory_equal(taken.last.frame, frame.byte, frame.length);
	assert_in_range((now() - (taken.last.since >> MTLB_FRAGMENT_STAMP_SHIFT)) &
				MTLB_FLOW_STAMP_MASK,
			0, 100);
}

/* The tag the agent was told to wait for is the one that the first fragment brings. */
static void check_claimed(const struct rig *rig, enum rig_tenant tenant, const char *later,
			  uint32_t member)
{
	const struct mtlb_fragment_bucket *bucket = &buckets_of(rig, tenant)[bucket_of(rig, later)];
	uint32_t tag = mtlb_flow_tag_of(datagram(rig, later)), found = 0;

	for (uint32_t i = 0; i < MTLB_FLOWS_PER_BUCKET; i++)
		found += mtlb_flow_tag(bucket->word[i]) == tag &&
			 mtlb_flow_member(bucket->word[i]) == member &&
			 mtlb_flow_state(bucket->word[i]) == MTLB_FRAGMENT_MEMBER;
	assert_int_equal(found, 1);
}

static void reversed(void **state)
{
	struct rig *rig = *state;

	RIG_CHECK(rig, LATER4(1), HELD(ACME));
	check_held(rig, ACME, LATER4(1));
	RIG_CHECK(rig, FIRST4(1, 84), SENT(IN4_UDP, IN_IP4));
	check_claimed(rig, ACME, LATER4(1), IN4_UDP);
	RIG_CHECK(rig, LATER4(1), SENT(IN4_UDP, IN_IP4));
	RIG_CHECK(rig, LATER6(1), HELD(ACME));
	check_held(rig, ACME, LATER6(1));
	RIG_CHECK(rig, FIRST6(1, 80), SENT(DSR_UDP, DIRECT));
	check_claimed(rig, ACME, LATER6(1), DSR_UDP);
	RIG_CHECK(rig, LATER6(1), SENT(DSR_UDP, DIRECT));
}

static void of_a_first_one_that_was_refused(void **state)
{
	struct rig *rig = *state;

	RIG_CHECK(rig, FIRST4(1, 81), DROPPED(ACME, no_service));
	RIG_CHECK(rig, LATER4(1), HELD(ACME));
	RIG_CHECK(rig, "eth / ip4 client > acme id 2 more / icmp 8 / 72 bytes",
		  DROPPED(ACME, icmp));
	RIG_CHECK(rig, "eth / ip4 client > acme id 2 offset 10 next 1 / 72 bytes", HELD(ACME));
	assert_int_equal(count_words(rig, ACME), 0);
}

static void frame_too_long(void **state)
{
	struct rig *rig = *state;

	RIG_CHECK(rig, "eth / ip4 client > acme id 1 offset 10 next 17 / 2014 bytes", HELD(ACME));
	check_held(rig, ACME, "eth / ip4 client > acme id 1 offset 10 next 17 / 2014 bytes");
	RIG_CHECK(rig, "eth / ip4 client > acme id 1 offset 10 next 17 / 2015 bytes",
		  DROPPED(ACME, fragment));
	/* once its first one has come, its length does not matter */
	RIG_CHECK(rig, FIRST4(1, 904), SENT(JUMBO_IN4, IN_IP4));
	RIG_CHECK(rig, "eth / ip4 client > acme id 1 offset 10 next 17 / 2900 bytes",
		  SENT(JUMBO_IN4, IN_IP4));
}

/* whose is it? */

static void overlapping_ids(void **state)
{
	struct rig *rig = *state;

	RIG_CHECK(rig, FIRST4(1, 84), SENT(IN4_UDP, IN_IP4));
	RIG_CHECK(rig, LATER4(2), HELD(ACME));
	RIG_CHECK(rig, "eth / ip4 host > acme id 1 offset 10 next 17 / 50 bytes", HELD(ACME));
	RIG_CHECK(rig, "eth / ip4 client > acme id 1 offset 10 next 6 / 50 bytes", HELD(ACME));
	RIG_CHECK(rig, "eth / ip4 client > globex id 1 offset 10 next 17 / 50 bytes", HELD(GLOBEX));
	RIG_CHECK(rig, "eth / ip4 host > acme id 1 more / udp 9 > 80 len 900 / 72 bytes",
		  SENT(DSR_UDP, DIRECT));
	RIG_CHECK(rig, "eth / ip4 client > globex id 1 more / tcp 9 > 80 SYN / 60 bytes",
		  SENT(GLOBEX_DSR, DIRECT), NEW_FLOW);
	RIG_CHECK(rig, "eth / ip4 client > acme id 1 more / tcp 9 > 86 SYN / 60 bytes",
		  SENT(IN6_TCP, IN_IP6), NEW_FLOW);
	RIG_CHECK(rig, LATER4(1), SENT(IN4_UDP, IN_IP4));
	RIG_CHECK(rig, "eth / ip4 host > acme id 1 offset 10 next 17 / 50 bytes",
		  SENT(DSR_UDP, DIRECT));
	RIG_CHECK(rig, "eth / ip4 client > acme id 1 offset 10 next 6 / 50 bytes",
		  SENT(IN6_TCP, IN_IP6));
	RIG_CHECK(rig, "eth / ip4 client > globex id 1 offset 10 next 6 / 50 bytes",
		  SENT(GLOBEX_DSR, DIRECT));

	RIG_CHECK(rig, FIRST6(0x12345678, 86), SENT(IN6_UDP, IN_IP6));
	RIG_CHECK(rig, LATER6(0x02345678), HELD(ACME));
	RIG_CHECK(rig,
		  "eth / ip6 client > globex / fragment id 0x12345678 offset 10 next 17 / 8 bytes",
		  HELD(GLOBEX));
	RIG_CHECK(rig, "eth / ip6 host > acme / fragment id 0x12345678 offset 10 next 17 / 8 bytes",
		  HELD(ACME));
	/* of a later fragment, this field says nothing (RFC 8200, 4.5) */
	RIG_CHECK(rig,
		  "eth / ip6 client > acme / fragment id 0x12345678 offset 10 next 6 / 8 bytes",
		  SENT(IN6_UDP, IN_IP6));
}

/* Whatever the words hold, nobody but the tenant's own usable members is reached. */
static void a_word_that_must_not_be_trusted(void **state)
{
	struct mtlb_service gone = {};
	struct rig *rig = *state;

	plant(rig, ACME, LATER4(1), GLOBEX_IN4, 0);
	RIG_CHECK(rig, LATER4(1), DROPPED(ACME, fragment));
	plant(rig, ACME, LATER4(1), RIG_MEMBERS - 1, 0);
	RIG_CHECK(rig, LATER4(1), DROPPED(ACME, fragment));
	plant(rig, ACME, LATER4(1), 0xfffff, 0);
	RIG_CHECK(rig, LATER4(1), DROPPED(ACME, fragment));
	plant(rig, ACME, LATER4(1), NOBODY, 0);
	RIG_CHECK(rig, LATER4(1), HELD(ACME));
	plant(rig, ACME, LATER4(1), LET_GO, 0);
	RIG_CHECK(rig, LATER4(1), DROPPED(ACME, fragment));
	plant(rig, ACME, LATER4(1), NO_HOP_DSR, 0);
	RIG_CHECK(rig, LATER4(1), DROPPED(ACME, no_next_hop));
	plant(rig, ACME, LATER4(1), DRAINED, 0);
	RIG_CHECK(rig, LATER4(1), SENT(DRAINED, DIRECT));
	/* a reply's word is not a request's */
	buckets_of(rig, ACME)[bucket_of(rig, LATER4(1))].word[3] = mtlb_flow_word(
		mtlb_flow_tag_of(datagram(rig, LATER4(1))), DSR_UDP, now(), MTLB_FRAGMENT_REPLY);
	RIG_CHECK(rig, LATER4(1), HELD(ACME));
	rig_put_member(rig, ALONE, ALONE, MTLB_ENCAP_NONE, RIG_IFINDEX, 1500, 0);
	assert_int_equal(dataplane_put_service(rig->dataplane, ALONE, &gone), 0);
	plant(rig, ACME, LATER4(1), ALONE, 0);
	RIG_CHECK(rig, LATER4(1), DROPPED(ACME, fragment));
}

static void too_big(void **state)
{
	struct rig *rig = *state;

	RIG_CHECK(rig, FIRST4(1, 84), SENT(IN4_UDP, IN_IP4));
	RIG_CHECK(rig, "eth / ip4 client > acme id 1 offset 10 next 17 / 1460 bytes",
		  SENT(IN4_UDP, IN_IP4));
	/* an answer would have to quote ports, which it does not have */
	RIG_CHECK(rig, "eth / ip4 client > acme df id 1 offset 10 next 17 / 1461 bytes",
		  DROPPED(ACME, too_big));
	RIG_CHECK(rig, FIRST6(1, 86), SENT(IN6_UDP, IN_IP6));
	RIG_CHECK(rig, "eth / ip6 client > acme / fragment id 1 offset 10 next 17 / 1413 bytes",
		  DROPPED(ACME, too_big));
}

/* affinity: none sends each datagram somewhere, but all of it to one place. */
static void each_datagram_by_itself(void **state)
{
	struct mtlb_service service = {.used = 1, .tenant = ACME, .protocol = IPPROTO_UDP};
	struct mtlb_vip vip = rig_vip("192.0.2.1", ALONE, IPPROTO_UDP, 3008);
	static struct frame first, later, out;
	uint32_t slots[32], to[2] = {};
	struct rig *rig = *state;

	for (uint32_t i = 0; i < 31; i++)
		slots[i] = i % 2 ? ALONE : ALONE_2;
	vip.flags = MTLB_VIP_ALONE;
	vip.slot_count = 31;
	vip.slot_first = RIG_FREE_SLOT;
	rig_put_member(rig, ALONE, ALONE, MTLB_ENCAP_NONE, RIG_IFINDEX, 1500, 0);
	rig_put_member(rig, ALONE_2, ALONE, MTLB_ENCAP_NONE, RIG_IFINDEX, 1500, 0);
	assert_int_equal(dataplane_put_service(rig->dataplane, ALONE, &service), 0);
	rig_put_slots(rig, RIG_FREE_SLOT / MTLB_SLOTS_PER_LINE, slots, 31);
	rig_put_vip(rig, 100, &vip);
	for (uint32_t i = 0; i < 200; i++) {
		char text[128];
		uint8_t member;

		snprintf(text, sizeof(text),
			 "eth / ip4 client > acme id %u more / udp 9 > 3008 len 900 / 72 bytes", i);
		frame_build(&first, text, NULL);
		assert_int_equal(rig_run(rig, &first, &out, 0), XDP_TX);
		member = out.byte[5];
		snprintf(text, sizeof(text),
			 "eth / ip4 client > acme id %u offset 10 next 17 / 50 bytes", i);
		frame_build(&later, text, NULL);
		assert_int_equal(rig_run(rig, &later, &out, 0), XDP_TX);
		assert_int_equal(out.byte[5], member);
		assert_in_range(member, ALONE, ALONE_2);
		to[member - ALONE]++;
	}
	assert_in_range(to[0], 50, 150);
}

/* memory */

static void expiry(void **state)
{
	struct rig *rig = *state;

	plant(rig, ACME, LATER4(1), DSR_UDP, MTLB_FRAGMENT_LIFE - 1);
	RIG_CHECK(rig, LATER4(1), SENT(DSR_UDP, DIRECT));
	plant(rig, ACME, LATER4(1), DSR_UDP, MTLB_FRAGMENT_LIFE + 1);
	RIG_CHECK(rig, LATER4(1), HELD(ACME));
	/* stamped by a CPU whose clock is a little ahead */
	plant(rig, ACME, LATER4(1), DSR_UDP, (uint32_t)-2);
	RIG_CHECK(rig, LATER4(1), SENT(DSR_UDP, DIRECT));
}

/* The n-th datagram that falls in acme's first bucket. */
static void in_first_bucket(const struct rig *rig, uint32_t n, char first[128], char later[128])
{
	for (uint32_t id = 0;; id++) {
		snprintf(first, 128,
			 "eth / ip4 client > acme id %u more / udp 9 > 84 len 900 / 72 bytes", id);
		snprintf(later, 128, "eth / ip4 client > acme id %u offset 10 next 17 / 50 bytes",
			 id);
		if (!bucket_of(rig, later) && !n--)
			return;
	}
}

static void send_first(const struct rig *rig, uint32_t n)
{
	char first[128], later[128];

	in_first_bucket(rig, n, first, later);
	RIG_CHECK(rig, first, SENT(IN4_UDP, IN_IP4));
}

static void check_known(const struct rig *rig, uint32_t n, bool known)
{
	char first[128], later[128];

	in_first_bucket(rig, n, first, later);
	if (known)
		RIG_CHECK(rig, later, SENT(IN4_UDP, IN_IP4));
	else
		RIG_CHECK(rig, later, HELD(ACME));
}

/* Stamps wrap: what is taken from them must not be borrowed from the state above. */
static void make_older(struct mtlb_fragment_bucket *bucket, uint32_t place, uint32_t stamps)
{
	uint64_t word = bucket->word[place];

	bucket->word[place] = mtlb_flow_word(mtlb_flow_tag(word), mtlb_flow_member(word),
					     mtlb_flow_stamp(word) - stamps, mtlb_flow_state(word));
}

static void full(void **state)
{
	struct mtlb_fragment_bucket *bucket;
	struct rig *rig = *state;
	static struct mtlb_fragment_bucket others[MTLB_FRAGMENT_BUCKETS];

	RIG_CHECK(rig, "eth / ip4 client > globex id 1 more / udp 9 > 84 len 900 / 72 bytes",
		  SENT(GLOBEX_IN4, IN_IP4));
	memcpy(others, buckets_of(rig, GLOBEX), sizeof(others));
	bucket = &buckets_of(rig, ACME)[0];
	for (uint32_t i = 0; i < MTLB_FLOWS_PER_BUCKET; i++)
		send_first(rig, i);
	assert_int_equal(count_words(rig, ACME), MTLB_FLOWS_PER_BUCKET);
	/* the same one again takes its own place, however young */
	send_first(rig, 4);
	for (uint32_t i = 0; i < MTLB_FLOWS_PER_BUCKET; i++)
		check_known(rig, i, true);

	/* the oldest goes, wherever it is */
	make_older(bucket, 5, 9);
	make_older(bucket, 2, 8);
	send_first(rig, 8);
	send_first(rig, 9);
	for (uint32_t i = 0; i < 10; i++)
		check_known(rig, i, i != 5 && i != 2);

	/* what expired before what is old, what is free before that */
	make_older(bucket, 1, 50);
	make_older(bucket, 6, MTLB_FRAGMENT_LIFE + 5);
	send_first(rig, 10);
	check_known(rig, 1, true);
	check_known(rig, 10, true);
	bucket->word[7] = 0;
	send_first(rig, 11);
	check_known(rig, 1, true);
	check_known(rig, 11, true);
	assert_int_equal(count_words(rig, ACME), MTLB_FLOWS_PER_BUCKET);
	assert_memory_equal(buckets_of(rig, GLOBEX), others, sizeof(others));
}

/* The budget of holding is a CPU's. */
static void stay(cpu_set_t *ret_were)
{
	cpu_set_t here;

	assert_int_equal(sched_getaffinity(0, sizeof(*ret_were), ret_were), 0);
	CPU_ZERO(&here);
	CPU_SET(sched_getcpu(), &here);
	assert_int_equal(sched_setaffinity(0, sizeof(here), &here), 0);
}

struct spent {
	uint32_t held;	/* of twice as many as may be */
	uint32_t other; /* of the other tenant's one, afterwards */
};

/* Returns false when a window ended meanwhile. */
static bool spend(const struct rig *rig, struct spent *spent)
{
	static struct frame later, other, out;
	static struct taken taken;
	uint32_t begun;

	frame_build(&later, LATER4(1), NULL);
	frame_build(&other, "eth / ip4 client > globex id 1 offset 10 next 17 / 50 bytes", NULL);
	for (begun = now(); now() == begun;)
		nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
	begun = now();
	for (uint32_t i = 0; i < 2 * HELD_MAX; i++)
		assert_int_equal(rig_run(rig, &later, &out, 0), XDP_DROP);
	take_held(rig, &taken);
	spent->held = taken.count;
	assert_int_equal(rig_run(rig, &other, &out, 0), XDP_DROP);
	take_held(rig, &taken);
	spent->other = taken.count;
	return now() == begun;
}

static void budget(void **state)
{
	static struct ledger before, after;
	struct rig *rig = *state;
	struct spent spent;
	cpu_set_t were;

	stay(&were);
	do
		ledger_take(rig, &before);
	while (!spend(rig, &spent));
	ledger_take(rig, &after);
	assert_int_equal(sched_setaffinity(0, sizeof(were), &were), 0);
	assert_int_equal(spent.held, HELD_MAX);
	assert_int_equal(spent.other, 1);
	before.reason[ACME][MTLB_REASON_fragment_held].packets += HELD_MAX;
	before.reason[ACME][MTLB_REASON_fragment_held].bytes += HELD_MAX * 70;
	before.reason[ACME][MTLB_REASON_fragment].packets += HELD_MAX;
	before.reason[ACME][MTLB_REASON_fragment].bytes += HELD_MAX * 70;
	before.reason[GLOBEX][MTLB_REASON_fragment_held].packets++;
	before.reason[GLOBEX][MTLB_REASON_fragment_held].bytes += 70;
	ledger_assert_equal(&after, &before, "budget");
}

#define TEST(name) cmocka_unit_test_setup(name, forget)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(dsr),
		TEST(ipip),
		TEST(gue),
		TEST(by_another_interface),
		TEST(tags_options_and_extension_headers),
		TEST(of_an_icmp_error),
		TEST(reversed),
		TEST(of_a_first_one_that_was_refused),
		TEST(frame_too_long),
		TEST(overlapping_ids),
		TEST(a_word_that_must_not_be_trusted),
		TEST(too_big),
		TEST(each_datagram_by_itself),
		TEST(expiry),
		TEST(full),
		TEST(budget),
	};

	return cmocka_run_group_tests(tests, rig_setup, rig_teardown);
}
