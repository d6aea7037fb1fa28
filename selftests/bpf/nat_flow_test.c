// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Flows that are translated: how they open, live and end, and whom a port belongs to. */
#include <arpa/inet.h>
#include <linux/bpf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "translated.h"

#define CLIENT4 "eth / ip4 client > acme "
#define MEMBER4 "eth lb > hop / ip4 lb > member "

/* Shorthands for one service, KEPT4_TCP or KEPT4_UDP, of which the tests below are. */
#define CLIENT_TCP(port, flags) "eth / ip4 client > acme / tcp " #port " > 100 " flags
#define MEMBER_TCP(port, flags) "eth lb > hop / ip4 lb > member / tcp " #port " > 100 " flags
#define REPLY_TCP(port, flags)	"eth hop > lb / ip4 member > lb / tcp 100 > " #port " " flags
#define RETURN_TCP(port, flags) "eth lb > client / ip4 acme > client / tcp 100 > " #port " " flags
#define CLIENT_UDP(port)	"eth / ip4 client > acme / udp " #port " > 100 / 9 bytes"
#define MEMBER_UDP(port)	"eth lb > hop / ip4 lb > member / udp " #port " > 100 / 9 bytes"
#define REPLY_UDP(port)		"eth hop > lb / ip4 member > lb / udp 100 > " #port " / 9 bytes"
#define RETURN_UDP(port)	"eth lb > client / ip4 acme > client / udp 100 > " #port " / 9 bytes"

/* A handshake: afterwards the flow is proven. */
#define CONNECT(rig, port, nat)                                                                   \
	do {                                                                                      \
		RIG_CHECK(rig, CLIENT_TCP(port, "SYN"), SENT(KEPT4_TCP, MEMBER_TCP(nat, "SYN")),  \
			  OPENED);                                                                \
		RIG_CHECK(rig, REPLY_TCP(nat, "SYN ACK"),                                         \
			  RETURNED(KEPT4_TCP, RETURN_TCP(port, "SYN ACK")));                      \
		RIG_CHECK(rig, CLIENT_TCP(port, "ACK"), SENT(KEPT4_TCP, MEMBER_TCP(nat, "ACK"))); \
	} while (0)

static void a_connection(void **state)
{
	struct rig *rig = *state;
	const struct mtlb_flow_facts *facts;
	struct mtlb_vip_key key;

	translated_set(rig, 1);
	RIG_CHECK(rig, CLIENT_TCP(1234, "SYN"), SENT(KEPT4_TCP, MEMBER_TCP(1031, "SYN")), OPENED);
	translated_assert(rig, 1031, KEPT4_TCP, MTLB_FLOW_UNPROVEN);
	RIG_CHECK(rig, CLIENT_TCP(1234, "SYN"), SENT(KEPT4_TCP, MEMBER_TCP(1031, "SYN")));
	/* an answer alone proves nothing, nor does a client's word before it */
	RIG_CHECK(rig, CLIENT_TCP(1234, "ACK"), SENT(KEPT4_TCP, MEMBER_TCP(1031, "ACK")));
	translated_assert(rig, 1031, KEPT4_TCP, MTLB_FLOW_UNPROVEN);
	RIG_CHECK(rig, REPLY_TCP(1031, "SYN ACK"),
		  RETURNED(KEPT4_TCP, RETURN_TCP(1234, "SYN ACK")));
	translated_assert(rig, 1031, KEPT4_TCP, MTLB_FLOW_UNPROVEN);
	RIG_CHECK(rig, CLIENT_TCP(1234, "ACK"), SENT(KEPT4_TCP, MEMBER_TCP(1031, "ACK")));
	translated_assert(rig, 1031, KEPT4_TCP, MTLB_FLOW_ESTABLISHED);
	RIG_CHECK(rig, CLIENT_TCP(1234, "PSH ACK / 99 bytes"),
		  SENT(KEPT4_TCP, MEMBER_TCP(1031, "PSH ACK / 99 bytes")));
	RIG_CHECK(rig, REPLY_TCP(1031, "ACK / 1460 bytes"),
		  RETURNED(KEPT4_TCP, RETURN_TCP(1234, "ACK / 1460 bytes")));
	assert_int_equal(translated_count(rig), 1);
	/* what listings say of it */
	facts = translated_facts(rig, ACME, 1031);
	rig_key(&key, "198.51.100.7", 0, 0);
	assert_memory_equal(&facts->source, &key.address, sizeof(key.address));
	rig_key(&key, "192.0.2.1", 0, 0);
	assert_memory_equal(&facts->destination, &key.address, sizeof(key.address));
	assert_int_equal(ntohs(facts->source_port), 1234);
	assert_int_equal(ntohs(facts->destination_port), 100);
	assert_int_equal(facts->protocol, IPPROTO_TCP);
	assert_int_equal(facts->service, KEPT4_TCP);
	assert_true(facts->first_seen);
}

static void datagrams(void **state)
{
	struct rig *rig = *state;

	translated_set(rig, 1);
	RIG_CHECK(rig, CLIENT_UDP(1234), SENT(KEPT4_UDP, MEMBER_UDP(1031)), OPENED);
	RIG_CHECK(rig, REPLY_UDP(1031), RETURNED(KEPT4_UDP, RETURN_UDP(1234)));
	RIG_CHECK(rig, REPLY_UDP(1031), RETURNED(KEPT4_UDP, RETURN_UDP(1234)));
	translated_assert(rig, 1031, KEPT4_UDP, MTLB_FLOW_UNPROVEN);
	/* replies keep it alive */
	translated_change(rig, 1031, 5, mtlb_flow_tag(translated_word(rig, ACME, 1031)));
	RIG_CHECK(rig, REPLY_UDP(1031), RETURNED(KEPT4_UDP, RETURN_UDP(1234)));
	translated_assert(rig, 1031, KEPT4_UDP, MTLB_FLOW_UNPROVEN);
	RIG_CHECK(rig, CLIENT_UDP(1234), SENT(KEPT4_UDP, MEMBER_UDP(1031)));
	translated_assert(rig, 1031, KEPT4_UDP, MTLB_FLOW_ESTABLISHED);
	assert_int_equal(translated_count(rig), 1);
}

/* Clients, protocols and VIP ports that have anything in common have each their own port. */
static void flows_have_ports_of_their_own(void **state)
{
	struct rig *rig = *state;

	translated_set(rig, 1);
	CONNECT(rig, 1234, 1031);
	CONNECT(rig, 1235, 1030);
	RIG_CHECK(rig, "eth / ip4 198.51.100.8 > acme / tcp 1234 > 100 SYN",
		  SENT(KEPT4_TCP, MEMBER_TCP(1029, "SYN")), OPENED);
	RIG_CHECK(rig, CLIENT_UDP(1234), SENT(KEPT4_UDP, MEMBER_UDP(1028)), OPENED);
	RIG_CHECK(rig, "eth / ip4 client > acme / tcp 1234 > 101 SYN",
		  SENT(PORT4_TCP, "eth lb > hop / ip4 lb > member / tcp 1027 > 8080 SYN"), OPENED);
	RIG_CHECK(rig, "eth / ip4 client > globex / tcp 1234 > 100 SYN",
		  SENT(GLOBEX4_TCP, "eth lb > hop / ip4 10.0.0.2 > member / tcp 1031 > 100 SYN"),
		  OPENED, .tenant = GLOBEX);
	/* and every reply finds its way back */
	RIG_CHECK(rig, REPLY_TCP(1031, "ACK"), RETURNED(KEPT4_TCP, RETURN_TCP(1234, "ACK")));
	RIG_CHECK(rig, REPLY_TCP(1030, "ACK"), RETURNED(KEPT4_TCP, RETURN_TCP(1235, "ACK")));
	RIG_CHECK(rig, REPLY_TCP(1029, "ACK"),
		  RETURNED(KEPT4_TCP, "eth lb > client / ip4 acme > 198.51.100.8 / "
				      "tcp 100 > 1234 ACK"));
	RIG_CHECK(rig, REPLY_UDP(1028), RETURNED(KEPT4_UDP, RETURN_UDP(1234)));
	RIG_CHECK(rig, "eth hop > lb / ip4 member > lb / tcp 8080 > 1027 ACK",
		  RETURNED(PORT4_TCP, "eth lb > client / ip4 acme > client / tcp 101 > 1234 ACK"));
	RIG_CHECK(
		rig, "eth hop > lb / ip4 member > 10.0.0.2 / tcp 100 > 1031 ACK",
		RETURNED(GLOBEX4_TCP, "eth lb > client / ip4 globex > client / tcp 100 > 1234 ACK"),
		.tenant = GLOBEX);
	assert_int_equal(translated_count(rig), 5);
}

static void strangers_pass(void **state)
{
	static const char *const frames[] = {
		"eth hop > lb / ip4 host > lb / tcp 100 > 1031 ACK",	/* another host */
		"eth hop > lb / ip4 member > lb / tcp 101 > 1031 ACK",	/* another port of it */
		"eth hop > lb / ip4 member > lb / udp 100 > 1031",	/* another protocol */
		"eth hop > lb / ip4 member > lb / tcp 100 > 1030 ACK",	/* a port without flow */
		"eth hop > lb / ip4 member > lb / tcp 100 > 1023 ACK",	/* the host's ports */
		"eth hop > lb / ip4 member > lb / tcp 100 > 0 ACK",	/* none */
		"eth hop > lb / ip4 member > lb / tcp 100 > 65535 ACK", /* the last one */
		"eth hop > lb / ip4 member > 10.0.0.2 / tcp 100 > 1031 ACK", /* the other addresses
									      */
		"eth hop > lb / ip6 member > lb / tcp 100 > 1031 ACK",	     /* the other family */
		"eth hop > lb / ip4 member > lb / tcp 100 > 1031 doff 4",    /* no TCP at all */
		"eth hop > lb / ip4 member > lb len +1 / tcp 100 > 1031 ACK",
		"eth hop > lb / ip4 member > lb / icmp 8 / 9 bytes",
		"eth hop > lb / ip4 member > lb next 132 / 40 bytes",
		"eth hop > lb / ip4 member > lb next 47 / 40 bytes",
	};
	struct rig *rig = *state;
	uint64_t word;

	translated_set(rig, 1);
	CONNECT(rig, 1234, 1031);
	translated_change(rig, 1031, 5, mtlb_flow_tag(translated_word(rig, ACME, 1031)));
	word = translated_word(rig, ACME, 1031);
	for (size_t i = 0; i < sizeof(frames) / sizeof(*frames); i++) {
		static struct frame frame;

		frame_build(&frame, frames[i], &(struct frame_words){.member = KEPT4_TCP});
		RIG_CHECK(rig, frames[i], PASSED(not_vip), .from = KEPT4_TCP,
			  .bytes = i == 10 ? (uint32_t)frame.length : 0);
		assert_int_equal(translated_word(rig, ACME, 1031), word);
	}
	/* another member of the same service, and another service's */
	RIG_CHECK(rig, REPLY_TCP(1031, "ACK"), PASSED(not_vip), .from = SPARE);
	RIG_CHECK(rig, REPLY_TCP(1031, "ACK"), PASSED(not_vip), .from = AWAY4_TCP);
	assert_int_equal(translated_word(rig, ACME, 1031), word);
}

static void a_tag_in_common_is_not_enough(void **state)
{
	static struct frame frame;
	struct rig *rig = *state;

	translated_set(rig, 1);
	CONNECT(rig, 1234, 1031);
	/* that connection's word now has the tag of another one */
	frame_build(&frame, CLIENT_TCP(1235, "SYN"), NULL);
	translated_change(rig, 1031, 0, mtlb_flow_tag_of(rig_hash(rig, &frame)));
	RIG_CHECK(rig, CLIENT_TCP(1235, "ACK"), DROPPED(ACME, no_flow));
	RIG_CHECK(rig, CLIENT_TCP(1235, "RST"), DROPPED(ACME, no_flow));
	translated_assert(rig, 1031, KEPT4_TCP, MTLB_FLOW_ESTABLISHED);
	CONNECT(rig, 1235, 1030);
	RIG_CHECK(rig, REPLY_TCP(1031, "ACK"), RETURNED(KEPT4_TCP, RETURN_TCP(1234, "ACK")));
	RIG_CHECK(rig, REPLY_TCP(1030, "ACK"), RETURNED(KEPT4_TCP, RETURN_TCP(1235, "ACK")));
}

static void open_from(const struct rig *rig, unsigned int first, unsigned int count)
{
	char text[128];

	for (unsigned int i = 0; i < count; i++) {
		snprintf(text, sizeof(text), "eth / ip4 client > acme / udp %u > 100 / 9 bytes",
			 first + i);
		for (int twice = 0; twice < 2; twice++) {
			static struct frame in, out;

			frame_build(&in, text, NULL);
			assert_int_equal(rig_run(rig, &in, &out, 0), XDP_TX);
		}
	}
}

static void no_port_is_left(void **state)
{
	struct rig *rig = *state;

	translated_set(rig, 1);
	CONNECT(rig, 1, 1031);
	open_from(rig, 10, 7);
	assert_int_equal(translated_count(rig), 8);
	RIG_CHECK(rig, CLIENT_TCP(1234, "SYN"), DROPPED(ACME, no_port), .unstored = 1);
	RIG_CHECK(rig, CLIENT_UDP(1234), DROPPED(ACME, no_port), .unstored = 1);
	/* those that are there do not notice; the other tenant has its own */
	RIG_CHECK(rig, CLIENT_TCP(1, "ACK"), SENT(KEPT4_TCP, MEMBER_TCP(1031, "ACK")));
	RIG_CHECK(rig, REPLY_TCP(1031, "ACK"), RETURNED(KEPT4_TCP, RETURN_TCP(1, "ACK")));
	RIG_CHECK(rig, "eth / ip4 client > globex / tcp 1234 > 100 SYN",
		  SENT(GLOBEX4_TCP, "eth lb > hop / ip4 10.0.0.2 > member / tcp 1031 > 100 SYN"),
		  OPENED, .tenant = GLOBEX);
	/* until one ends */
	RIG_CHECK(rig, CLIENT_TCP(1, "FIN ACK"), SENT(KEPT4_TCP, MEMBER_TCP(1031, "FIN ACK")));
	RIG_CHECK(rig, CLIENT_TCP(1234, "SYN"), SENT(KEPT4_TCP, MEMBER_TCP(1031, "SYN")), OPENED,
		  .evicted = 1);
	/* a late word of the one that ended reaches nobody */
	RIG_CHECK(rig, CLIENT_TCP(1, "ACK"), DROPPED(ACME, no_flow));
}

static void a_full_bucket_is_not_the_end(void **state)
{
	struct rig *rig = *state;
	uint32_t count;

	translated_set(rig, 2);
	/* some flows hash to both buckets, so that both can be filled */
	for (unsigned int port = 1000; translated_count(rig) < 16; port++) {
		static struct frame in, out;
		char text[128];

		assert_in_range(port, 1000, 2000);
		snprintf(text, sizeof(text), "eth / ip4 client > acme / udp %u > 100", port);
		frame_build(&in, text, NULL);
		count = translated_count(rig);
		/* with nothing to give up, a place is refused only where both buckets are full */
		if (rig_run(rig, &in, &out, 0) == XDP_TX)
			assert_int_equal(rig_run(rig, &in, &out, 0), XDP_TX);
		else
			assert_true(count >= 8);
	}
	for (uint16_t port = 1024; port < 1040; port++)
		assert_true(translated_word(rig, ACME, port));
}

static void floods_take_nothing(void **state)
{
	static struct frame in, out;
	static struct ledger was, is;
	struct rig *rig = *state;
	char text[128];

	translated_set(rig, 1);
	CONNECT(rig, 1, 1031);
	ledger_take(rig, &was);
	for (unsigned int port = 1000; port < 2000; port++) {
		snprintf(text, sizeof(text), "eth / ip4 client > acme / tcp %u > 100 %s", port,
			 port % 2   ? "ACK"
			 : port % 4 ? "SYN ACK"
				    : "RST");
		frame_build(&in, text, NULL);
		assert_int_equal(rig_run(rig, &in, &out, 0), XDP_DROP);
	}
	assert_int_equal(translated_count(rig), 1);
	ledger_take(rig, &is);
	assert_int_equal(is.reason[ACME][MTLB_REASON_no_flow].packets -
				 was.reason[ACME][MTLB_REASON_no_flow].packets,
			 1000);
	for (unsigned int port = 1000; port < 2000; port++) {
		snprintf(text, sizeof(text), "eth / ip4 client > acme / tcp %u > 100 SYN", port);
		frame_build(&in, text, NULL);
		assert_int_equal(rig_run(rig, &in, &out, 0), XDP_TX);
		/* words that follow a SYN which nobody answered prove it no better */
		snprintf(text, sizeof(text), "eth / ip4 client > acme / tcp %u > 100 ACK", port);
		frame_build(&in, text, NULL);
		assert_int_equal(rig_run(rig, &in, &out, 0), XDP_TX);
	}
	ledger_take(rig, &is);
	assert_int_equal(is.tenant[ACME].value[MTLB_COUNTER_flows_stored] -
				 was.tenant[ACME].value[MTLB_COUNTER_flows_stored],
			 1000);
	assert_int_equal(is.tenant[ACME].value[MTLB_COUNTER_flows_evicted] -
				 was.tenant[ACME].value[MTLB_COUNTER_flows_evicted],
			 1000 - 7);
	RIG_CHECK(rig, CLIENT_TCP(1, "ACK"), SENT(KEPT4_TCP, MEMBER_TCP(1031, "ACK")));
	RIG_CHECK(rig, REPLY_TCP(1031, "ACK"), RETURNED(KEPT4_TCP, RETURN_TCP(1, "ACK")));
}

/* Every way to end: who says so, and what. */
static void endings(void **state)
{
	static const struct {
		bool member;
		const char *frame, *out;
	} last[] = {
		{false, CLIENT_TCP(1234, "FIN ACK"), MEMBER_TCP(1031, "FIN ACK")},
		{false, CLIENT_TCP(1234, "RST"), MEMBER_TCP(1031, "RST")},
		{true, REPLY_TCP(1031, "FIN ACK"), RETURN_TCP(1234, "FIN ACK")},
		{true, REPLY_TCP(1031, "RST ACK"), RETURN_TCP(1234, "RST ACK")},
	};
	struct rig *rig = *state;
	uint32_t tag;

	for (size_t i = 0; i < sizeof(last) / sizeof(*last); i++) {
		translated_set(rig, 1);
		CONNECT(rig, 1234, 1031);
		open_from(rig, 10, 7);
		if (last[i].member)
			RIG_CHECK(rig, last[i].frame, RETURNED(KEPT4_TCP, last[i].out));
		else
			RIG_CHECK(rig, last[i].frame, SENT(KEPT4_TCP, last[i].out));
		translated_assert(rig, 1031, KEPT4_TCP, MTLB_FLOW_CLOSING);
		/* what is still to be said, gets there, and ends nothing earlier or later */
		RIG_CHECK(rig, CLIENT_TCP(1234, "ACK"), SENT(KEPT4_TCP, MEMBER_TCP(1031, "ACK")));
		RIG_CHECK(rig, REPLY_TCP(1031, "FIN ACK"),
			  RETURNED(KEPT4_TCP, RETURN_TCP(1234, "FIN ACK")));
		translated_assert(rig, 1031, KEPT4_TCP, MTLB_FLOW_CLOSING);
		tag = mtlb_flow_tag(translated_word(rig, ACME, 1031));
		translated_change(rig, 1031, MTLB_FLOW_IDLE_CLOSING + 2, tag);
		RIG_CHECK(rig, REPLY_TCP(1031, "ACK"), PASSED(not_vip), .from = KEPT4_TCP);
		RIG_CHECK(rig, CLIENT_TCP(1234, "ACK"), DROPPED(ACME, no_flow));
		/* the port, the only one, is free for anybody, which is no eviction */
		RIG_CHECK(rig, CLIENT_TCP(1235, "SYN"), SENT(KEPT4_TCP, MEMBER_TCP(1031, "SYN")),
			  OPENED);
	}
}

static void silence(void **state)
{
	struct rig *rig = *state;
	uint32_t tag;

	/* a SYN that nobody answered, and one that was */
	for (int answered = 0; answered < 2; answered++) {
		translated_set(rig, 1);
		RIG_CHECK(rig, CLIENT_TCP(1234, "SYN"), SENT(KEPT4_TCP, MEMBER_TCP(1031, "SYN")),
			  OPENED);
		tag = mtlb_flow_tag(translated_word(rig, ACME, 1031));
		translated_change(rig, 1031, MTLB_FLOW_IDLE_UNPROVEN - 2, tag);
		if (answered)
			RIG_CHECK(rig, REPLY_TCP(1031, "SYN ACK"),
				  RETURNED(KEPT4_TCP, RETURN_TCP(1234, "SYN ACK")));
		translated_change(rig, 1031, 4, tag);
		RIG_CHECK(rig, REPLY_TCP(1031, "SYN ACK"), PASSED(not_vip), .from = KEPT4_TCP);
		RIG_CHECK(rig, CLIENT_TCP(1234, "ACK"), DROPPED(ACME, no_flow));
	}
	/* the service's patience is 200 */
	translated_set(rig, 1);
	CONNECT(rig, 1234, 1031);
	translated_change(rig, 1031, 198, tag);
	RIG_CHECK(rig, CLIENT_TCP(1234, "ACK"), SENT(KEPT4_TCP, MEMBER_TCP(1031, "ACK")));
	translated_assert(rig, 1031, KEPT4_TCP, MTLB_FLOW_ESTABLISHED);
	translated_change(rig, 1031, 198, tag);
	RIG_CHECK(rig, REPLY_TCP(1031, "ACK"), RETURNED(KEPT4_TCP, RETURN_TCP(1234, "ACK")));
	translated_assert(rig, 1031, KEPT4_TCP, MTLB_FLOW_ESTABLISHED);
	translated_change(rig, 1031, 202, tag);
	RIG_CHECK(rig, CLIENT_TCP(1234, "ACK"), DROPPED(ACME, no_flow));
	RIG_CHECK(rig, CLIENT_TCP(1234, "SYN"), SENT(KEPT4_TCP, MEMBER_TCP(1031, "SYN")), OPENED);
}

static void a_port_is_used_again(void **state)
{
	struct rig *rig = *state;

	translated_set(rig, 1);
	CONNECT(rig, 1234, 1031);
	/* within a connection a SYN opens nothing */
	RIG_CHECK(rig, CLIENT_TCP(1234, "SYN"), SENT(KEPT4_TCP, MEMBER_TCP(1031, "SYN")));
	RIG_CHECK(rig, CLIENT_TCP(1234, "FIN ACK"), SENT(KEPT4_TCP, MEMBER_TCP(1031, "FIN ACK")));
	/* after it, it opens the next one, with whom the slot is now */
	translated_set_owner(rig, KEPT4_TCP, SPARE);
	RIG_CHECK(rig, CLIENT_TCP(1234, "ACK"), SENT(KEPT4_TCP, MEMBER_TCP(1031, "ACK")));
	RIG_CHECK(rig, CLIENT_TCP(1234, "SYN"), SENT(SPARE, MEMBER_TCP(1031, "SYN")), OPENED);
	translated_assert(rig, 1031, SPARE, MTLB_FLOW_UNPROVEN);
	RIG_CHECK(rig, REPLY_TCP(1031, "ACK"), PASSED(not_vip), .from = KEPT4_TCP);
	RIG_CHECK(rig, REPLY_TCP(1031, "SYN ACK"), RETURNED(SPARE, RETURN_TCP(1234, "SYN ACK")));
	assert_int_equal(translated_count(rig), 1);
}

static void members_come_and_go(void **state)
{
	struct rig *rig = *state;

	translated_set(rig, 1);
	CONNECT(rig, 1234, 1031);
	translated_set_owner(rig, KEPT4_TCP, SPARE);
	RIG_CHECK(rig, CLIENT_TCP(1, "SYN"), SENT(SPARE, MEMBER_TCP(1030, "SYN")), OPENED);
	/* draining: what it has, it keeps */
	translated_set_member(rig, KEPT4_TCP, MTLB_MEMBER_NO_NEW);
	RIG_CHECK(rig, CLIENT_TCP(1234, "ACK"), SENT(KEPT4_TCP, MEMBER_TCP(1031, "ACK")));
	RIG_CHECK(rig, REPLY_TCP(1031, "ACK"), RETURNED(KEPT4_TCP, RETURN_TCP(1234, "ACK")));
	/* let go: its flows are over, on both ways */
	translated_set_member(rig, KEPT4_TCP, MTLB_MEMBER_NO_NEW | MTLB_MEMBER_LET_GO);
	RIG_CHECK(rig, CLIENT_TCP(1234, "ACK"), DROPPED(ACME, no_flow));
	RIG_CHECK(rig, REPLY_TCP(1031, "ACK"), PASSED(not_vip), .from = KEPT4_TCP);
	RIG_CHECK(rig, CLIENT_TCP(1234, "SYN"), SENT(SPARE, MEMBER_TCP(1031, "SYN")), OPENED);
	/* a SYN that is repeated when its member takes no new ones goes to another */
	translated_set(rig, 1);
	RIG_CHECK(rig, CLIENT_TCP(1234, "SYN"), SENT(KEPT4_TCP, MEMBER_TCP(1031, "SYN")), OPENED);
	translated_set_member(rig, KEPT4_TCP, MTLB_MEMBER_NO_NEW);
	translated_set_owner(rig, KEPT4_TCP, SPARE);
	RIG_CHECK(rig, CLIENT_TCP(1234, "SYN"), SENT(SPARE, MEMBER_TCP(1031, "SYN")), OPENED);
	/* nobody owns the slot */
	translated_set_owner(rig, KEPT4_TCP, 0);
	RIG_CHECK(rig, CLIENT_TCP(1234, "SYN"), SENT(SPARE, MEMBER_TCP(1031, "SYN")));
	RIG_CHECK(rig, CLIENT_TCP(2, "SYN"), DROPPED(ACME, no_member));
	RIG_CHECK(rig, CLIENT_TCP(2, "ACK"), DROPPED(ACME, no_flow));
	/* a slot that names another service's member */
	translated_set_owner(rig, KEPT4_TCP, GLOBEX4_TCP);
	RIG_CHECK(rig, CLIENT_TCP(2, "SYN"), DROPPED(ACME, no_record));
	assert_int_equal(translated_count(rig), 1);
}

static void what_cannot_be_sent(void **state)
{
	struct rig *rig = *state;

	translated_set(rig, 1);
	RIG_CHECK(rig, CLIENT4 "/ tcp 1234 > 105 SYN", DROPPED(ACME, no_next_hop));
	assert_int_equal(translated_count(rig), 0);
	/* the answer shows the packet as it came */
	RIG_CHECK(rig, CLIENT4 "df / udp 1234 > 108 / 973 bytes",
		  TOLD(ACME, "eth lb > client / ip4 acme > client / icmp 3 code 4 mtu 1000 / "
			     "quote 28"),
		  .stored = 1);
	RIG_CHECK(rig, CLIENT4 "/ udp 1234 > 108 / 973 bytes", DROPPED(ACME, too_big));
	RIG_CHECK(rig, CLIENT4 "df / udp 1234 > 108 / 972 bytes",
		  SENT(SMALL4_UDP, MEMBER4 "df / udp 1031 > 108 / 972 bytes"));
	/* a member of the other family */
	RIG_CHECK(rig, CLIENT4 "/ tcp 1234 > 107 SYN", DROPPED(ACME, no_record), .stored = 1);
}

static void clients_move(void **state)
{
	struct rig *rig = *state;

	translated_set(rig, 1);
	CONNECT(rig, 1234, 1031);
	/* through another router, in a VLAN */
	RIG_CHECK(rig, "eth all > lldp / vlan 5 / ip4 client > acme / tcp 1234 > 100 ACK",
		  SENT(KEPT4_TCP, "eth lb > hop / vlan 5 / ip4 lb > member / tcp 1031 > 100 ACK"));
	RIG_CHECK(rig, REPLY_TCP(1031, "ACK"),
		  RETURNED(KEPT4_TCP,
			   "eth lldp > all / vlan 5 / ip4 acme > client / tcp 100 > 1234 ACK"));
	/* and by another interface */
	RIG_CHECK(rig, CLIENT4 "/ tcp 1234 > 102 SYN", OPENED, .verdict = XDP_TX,
		  .member = AWAY4_TCP, .out = MEMBER4 "/ tcp 1030 > 102 SYN", .by = RIG_AWAY);
	RIG_CHECK(rig, CLIENT4 "/ tcp 1234 > 102 ACK", .verdict = XDP_REDIRECT, .member = AWAY4_TCP,
		  .out = MEMBER4 "/ tcp 1030 > 102 ACK", .by = RIG_FAR);
	RIG_CHECK(rig, "eth hop > lb / ip4 member > lb / tcp 102 > 1030 ACK",
		  .verdict = XDP_REDIRECT, .reply = AWAY4_TCP, .from = AWAY4_TCP, .by = RIG_AWAY,
		  .out = "eth lb > client / ip4 acme > client / tcp 102 > 1234 ACK");
}

#define SHORT "/ quic short 00a0a1 / 30 bytes"

/* A connection ID that names a server is obeyed, by a flow of its own if need be. */
static void quic_names_its_server(void **state)
{
	struct rig *rig = *state;

	translated_set(rig, 1);
	RIG_CHECK(rig, CLIENT4 "/ udp 1234 > 109 / 60 bytes",
		  SENT(QUIC4_UDP, MEMBER4 "/ udp 1031 > 109 / 60 bytes"), OPENED);
	RIG_CHECK(rig, CLIENT4 "/ udp 1234 > 109 " SHORT,
		  SENT(NAMED, MEMBER4 "/ udp 1030 > 109 " SHORT), OPENED);
	RIG_CHECK(rig, CLIENT4 "/ udp 1234 > 109 " SHORT,
		  SENT(NAMED, MEMBER4 "/ udp 1030 > 109 " SHORT));
	/* the client comes from another address, and the server is the same */
	RIG_CHECK(rig, "eth / ip4 203.0.113.5 > acme / udp 9 > 109 " SHORT,
		  SENT(NAMED, MEMBER4 "/ udp 1029 > 109 " SHORT), OPENED);
	RIG_CHECK(rig, "eth hop > lb / ip4 member > lb / udp 109 > 1029",
		  RETURNED(NAMED, "eth lb > client / ip4 acme > 203.0.113.5 / udp 109 > 9"));
	RIG_CHECK(rig, "eth hop > lb / ip4 member > lb / udp 109 > 1031",
		  RETURNED(QUIC4_UDP, "eth lb > client / ip4 acme > client / udp 109 > 1234"));
}

/* Its checksum would have to be made anew (CRC32c), so no configuration allows it. */
static void sctp_is_not_translated(void **state)
{
	struct rig *rig = *state;
	struct mtlb_vip vip;

	translated_set(rig, 1);
	vip = rig_vip("192.0.2.1", KEPT4_TCP, IPPROTO_SCTP, 100);
	vip.flags = MTLB_VIP_NAT;
	vip.flow_first = rig->view->node->nat_first + MTLB_NAT_PORT_FIRST / MTLB_FLOWS_PER_BUCKET;
	vip.flow_mask = 0;
	rig_put_vip(rig, 400, &vip);
	RIG_CHECK(rig, CLIENT4 "/ sctp 1234 > 100 INIT", DROPPED(ACME, no_flow));
	assert_int_equal(translated_count(rig), 0);
}

#define TEST(name) cmocka_unit_test(name)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_connection),
		TEST(datagrams),
		TEST(flows_have_ports_of_their_own),
		TEST(strangers_pass),
		TEST(a_tag_in_common_is_not_enough),
		TEST(no_port_is_left),
		TEST(a_full_bucket_is_not_the_end),
		TEST(floods_take_nothing),
		TEST(endings),
		TEST(silence),
		TEST(a_port_is_used_again),
		TEST(members_come_and_go),
		TEST(what_cannot_be_sent),
		TEST(clients_move),
		TEST(quic_names_its_server),
		TEST(sctp_is_not_translated),
	};

	return cmocka_run_group_tests_name("nat_flow", tests, rig_setup, rig_teardown);
}
