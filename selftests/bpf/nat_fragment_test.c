// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Fragments of translated datagrams, both ways: the later ones get the ends of their first. */
#include <linux/bpf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "translated.h"

#define REQUEST4 "eth / ip4 client > acme id "
#define SENT4	 "eth lb > hop / ip4 lb > member id "
#define REPLY4	 "eth hop > lb / ip4 member > lb id "
#define RETURN4	 "eth lb > client / ip4 acme > client id "
#define REQUEST6 "eth / ip6 client > acme / fragment id "
#define SENT6	 "eth lb > hop / ip6 lb > member / fragment id "
#define REPLY6	 "eth hop > lb / ip6 member > lb / fragment id "
#define RETURN6	 "eth lb > client / ip6 acme > client / fragment id "
#define MIDDLE4	 " more offset 100 next 17 / 800 bytes"
#define LAST4	 " offset 200 next 17 / 33 bytes"
#define MIDDLE6	 " more offset 100 next 17 / 800 bytes"
#define LAST6	 " offset 200 next 17 / 33 bytes"

static void requests(void **state)
{
	struct rig *rig = *state;

	translated_set(rig, 1);
	RIG_CHECK(rig, REQUEST4 "7 more / udp 1234 > 101 len 1641 / 792 bytes",
		  SENT(PORT4_UDP, SENT4 "7 more / udp 1031 > 8080 len 1641 / 792 bytes"), OPENED);
	RIG_CHECK(rig, REQUEST4 "7" LAST4, SENT(PORT4_UDP, SENT4 "7" LAST4));
	RIG_CHECK(rig, REQUEST4 "7" MIDDLE4, SENT(PORT4_UDP, SENT4 "7" MIDDLE4));
	RIG_CHECK(rig, REQUEST4 "8" LAST4, DROPPED(ACME, fragment_held));
	translated_set(rig, 1);
	RIG_CHECK(rig, REQUEST6 "7 more / udp 1234 > 101 len 1641 / 792 bytes",
		  SENT(PORT6_UDP, SENT6 "7 more / udp 1031 > 8080 len 1641 / 792 bytes"), OPENED);
	RIG_CHECK(rig, REQUEST6 "7" MIDDLE6, SENT(PORT6_UDP, SENT6 "7" MIDDLE6));
	RIG_CHECK(rig, REQUEST6 "7" LAST6, SENT(PORT6_UDP, SENT6 "7" LAST6));
	/* of TCP as well */
	RIG_CHECK(
		rig, "eth / ip4 client > acme id 9 more / tcp 1234 > 101 SYN / 788 bytes",
		SENT(PORT4_TCP,
		     "eth lb > hop / ip4 lb > member id 9 more / tcp 1030 > 8080 SYN / 788 bytes"),
		OPENED);
	RIG_CHECK(
		rig, "eth / ip4 client > acme id 9 offset 101 next 6 / 9 bytes",
		SENT(PORT4_TCP, "eth lb > hop / ip4 lb > member id 9 offset 101 next 6 / 9 bytes"));
}

static void replies(void **state)
{
	struct rig *rig = *state;

	translated_set(rig, 1);
	RIG_CHECK(rig, "eth / vlan 5 / ip4 client > acme / udp 1234 > 101",
		  SENT(PORT4_UDP, "eth lb > hop / vlan 5 / ip4 lb > member / udp 1031 > 8080"),
		  OPENED);
	RIG_CHECK(rig, REPLY4 "70 more / udp 8080 > 1031 len 1641 / 792 bytes",
		  RETURNED(PORT4_UDP, "eth lb > client / vlan 5 / ip4 acme > client id 70 more / "
				      "udp 101 > 1234 len 1641 / 792 bytes"));
	RIG_CHECK(
		rig, REPLY4 "70" MIDDLE4,
		RETURNED(PORT4_UDP, "eth lb > client / vlan 5 / ip4 acme > client id 70" MIDDLE4));
	RIG_CHECK(rig, REPLY4 "70" LAST4,
		  RETURNED(PORT4_UDP, "eth lb > client / vlan 5 / ip4 acme > client id 70" LAST4));
	translated_set(rig, 1);
	RIG_CHECK(rig, "eth / ip6 client > acme / udp 1234 > 101",
		  SENT(PORT6_UDP, "eth lb > hop / ip6 lb > member / udp 1031 > 8080"), OPENED);
	RIG_CHECK(rig, REPLY6 "70 more / udp 8080 > 1031 len 1641 / 792 bytes",
		  RETURNED(PORT6_UDP, RETURN6 "70 more / udp 101 > 1234 len 1641 / 792 bytes"));
	RIG_CHECK(rig, REPLY6 "70" LAST6, RETURNED(PORT6_UDP, RETURN6 "70" LAST6));
}

static void a_later_reply_first(void **state)
{
	struct rig *rig = *state;

	translated_set(rig, 1);
	RIG_CHECK(rig, "eth / ip4 client > acme / udp 1234 > 101",
		  SENT(PORT4_UDP, "eth lb > hop / ip4 lb > member / udp 1031 > 8080"), OPENED);
	/* whose it is cannot be told, so it is the node's */
	RIG_CHECK(rig, REPLY4 "80" LAST4, DROPPED(NODE, fragment_held), .from = PORT4_UDP);
	RIG_CHECK(rig, REPLY4 "80 more / udp 8080 > 1031 len 833 / 792 bytes",
		  RETURNED(PORT4_UDP, RETURN4 "80 more / udp 101 > 1234 len 833 / 792 bytes"));
	RIG_CHECK(rig, REPLY4 "80" LAST4, RETURNED(PORT4_UDP, RETURN4 "80" LAST4));
	/* another host's, or of another datagram */
	RIG_CHECK(rig, "eth hop > lb / ip4 host > lb id 80" LAST4, DROPPED(NODE, fragment_held));
	RIG_CHECK(rig, REPLY4 "81" LAST4, DROPPED(NODE, fragment_held), .from = PORT4_UDP);
	/* the member's flows are over: it is not held again and again */
	translated_set_member(rig, PORT4_UDP, MTLB_MEMBER_LET_GO);
	RIG_CHECK(rig, REPLY4 "80" LAST4, PASSED(not_vip), .from = PORT4_UDP);
}

static void too_many_to_hold(void **state)
{
	static struct frame in, out;
	static struct ledger was, is;
	struct rig *rig = *state;
	uint64_t held = 0, passed = 0;

	translated_set(rig, 1);
	ledger_take(rig, &was);
	/* however slow the machine is, so many are more than its windows allow */
	for (uint32_t id = 0; id < 3000; id++) {
		char text[128];

		snprintf(text, sizeof(text), "eth / ip4 host > lb id %u offset 9 next 17 / 8 bytes",
			 id);
		frame_build(&in, text, NULL);
		if (rig_run(rig, &in, &out, 0) == XDP_DROP) {
			held++;
			continue;
		}
		/* what cannot be held may be the host's own */
		frame_assert_equal(&out, &in, text);
		passed++;
	}
	ledger_take(rig, &is);
	assert_int_equal(is.reason[NODE][MTLB_REASON_fragment_held].packets -
				 was.reason[NODE][MTLB_REASON_fragment_held].packets,
			 held);
	assert_int_equal(is.reason[NODE][MTLB_REASON_not_vip].packets -
				 was.reason[NODE][MTLB_REASON_not_vip].packets,
			 passed);
	assert_true(held && passed);
}

static uint32_t bucket_of_reply(const struct rig *rig, uint32_t id)
{
	static struct frame frame;
	char text[128];

	snprintf(text, sizeof(text), REPLY4 "%u" LAST4, id);
	frame_build(&frame, text, &(struct frame_words){.member = PORT4_UDP});
	return mtlb_flow_bucket_hash(rig_hash(rig, &frame)) & (MTLB_FRAGMENT_REPLY_BUCKETS - 1);
}

static void reply(const struct rig *rig, uint32_t id, bool first, bool known)
{
	char in[160], out[160];

	snprintf(in, sizeof(in), REPLY4 "%u%s", id,
		 first ? " more / udp 8080 > 1031 len 833 / 792 bytes" : LAST4);
	snprintf(out, sizeof(out), RETURN4 "%u%s", id,
		 first ? " more / udp 101 > 1234 len 833 / 792 bytes" : LAST4);
	if (known)
		RIG_CHECK(rig, in, RETURNED(PORT4_UDP, out));
	else
		RIG_CHECK(rig, in, DROPPED(NODE, fragment_held), .from = PORT4_UDP);
}

/* All tenants' replies share the buckets: none may have more than two places of one. */
static void a_tenant_has_its_share(void **state)
{
	uint32_t ids[3] = {1000}, found = 1;
	struct rig *rig = *state;

	translated_set(rig, 1);
	/* what was remembered before may be in the same bucket */
	memset((void *)rig->view->fragments, 0,
	       (RIG_TENANTS * MTLB_FRAGMENT_BUCKETS + MTLB_FRAGMENT_REPLY_BUCKETS) *
		       sizeof(struct mtlb_fragment_bucket));
	RIG_CHECK(rig, "eth / ip4 client > acme / udp 1234 > 101",
		  SENT(PORT4_UDP, "eth lb > hop / ip4 lb > member / udp 1031 > 8080"), OPENED);
	for (uint32_t id = 1001; found < 3; id++) {
		assert_in_range(id, 1001, 65535);
		if (bucket_of_reply(rig, id) == bucket_of_reply(rig, ids[0]))
			ids[found++] = id;
	}
	for (size_t i = 0; i < 3; i++)
		reply(rig, ids[i], true, true);
	/* the oldest has gone; of those of one age, the one in the first place */
	assert_int_equal(MTLB_FRAGMENT_REPLY_SHARE, 2);
	reply(rig, ids[2], false, true);
	reply(rig, ids[0], false, false);
	reply(rig, ids[1], false, true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(requests),
		cmocka_unit_test(replies),
		cmocka_unit_test(a_later_reply_first),
		cmocka_unit_test(a_tenant_has_its_share),
		cmocka_unit_test(too_many_to_hold),
	};

	return cmocka_run_group_tests_name("nat_fragment", tests, rig_setup, rig_teardown);
}
