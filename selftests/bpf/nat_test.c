// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Address translation: what a request looks like to the member, what its reply looks like to the
 * client, byte for byte. Which flows there are is for nat_flow_test.
 */
#include <linux/bpf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "translated.h"

/* A request that opens a flow, and the reply to it. The port is always 1031. */
struct exchange {
	const char *name;
	uint32_t service;
	const char *request, *sent, *reply, *returned;
	uint32_t by, reply_by; /* the interface each comes in by; 0: RIG_IFINDEX */
	bool redirected;       /* both leave by the other's */
};

#define THERE(service_, in, out) .service = service_, .request = in, .sent = out
#define BACK(in, out)		 .reply = in, .returned = out

#define CLIENT4 "eth / ip4 client > acme "
#define CLIENT6 "eth / ip6 client > acme "
#define MEMBER4 "eth lb > hop / ip4 lb > member "
#define MEMBER6 "eth lb > hop / ip6 lb > member "
#define REPLY4	"eth hop > lb / ip4 member > lb "
#define REPLY6	"eth hop > lb / ip6 member > lb "
#define RETURN4 "eth lb > client / ip4 acme > client "
#define RETURN6 "eth lb > client / ip6 acme > client "

static const struct exchange exchanges[] = {
	/* both protocols, both families, with the VIP's port and with another */
	{"IPv4 TCP",
	 THERE(KEPT4_TCP, CLIENT4 "/ tcp 1234 > 100 SYN", MEMBER4 "/ tcp 1031 > 100 SYN"),
	 BACK(REPLY4 "/ tcp 100 > 1031 SYN ACK", RETURN4 "/ tcp 100 > 1234 SYN ACK")},
	{"IPv4 UDP",
	 THERE(KEPT4_UDP, CLIENT4 "/ udp 1234 > 100 / 9 bytes",
	       MEMBER4 "/ udp 1031 > 100 / 9 bytes"),
	 BACK(REPLY4 "/ udp 100 > 1031 / 33 bytes", RETURN4 "/ udp 100 > 1234 / 33 bytes")},
	{"IPv6 TCP",
	 THERE(KEPT6_TCP, CLIENT6 "/ tcp 1234 > 100 SYN", MEMBER6 "/ tcp 1031 > 100 SYN"),
	 BACK(REPLY6 "/ tcp 100 > 1031 SYN ACK", RETURN6 "/ tcp 100 > 1234 SYN ACK")},
	{"IPv6 UDP",
	 THERE(KEPT6_UDP, CLIENT6 "/ udp 1234 > 100 / 9 bytes",
	       MEMBER6 "/ udp 1031 > 100 / 9 bytes"),
	 BACK(REPLY6 "/ udp 100 > 1031 / 33 bytes", RETURN6 "/ udp 100 > 1234 / 33 bytes")},
	{"IPv4 TCP, another port",
	 THERE(PORT4_TCP, CLIENT4 "/ tcp 1234 > 101 SYN options 20",
	       MEMBER4 "/ tcp 1031 > 8080 SYN options 20"),
	 BACK(REPLY4 "/ tcp 8080 > 1031 ACK / 1400 bytes",
	      RETURN4 "/ tcp 101 > 1234 ACK / 1400 bytes")},
	{"IPv4 UDP, another port",
	 THERE(PORT4_UDP, CLIENT4 "/ udp 1234 > 101 / 1001 bytes",
	       MEMBER4 "/ udp 1031 > 8080 / 1001 bytes"),
	 BACK(REPLY4 "/ udp 8080 > 1031", RETURN4 "/ udp 101 > 1234")},
	{"IPv6 TCP, another port",
	 THERE(PORT6_TCP, CLIENT6 "/ tcp 1234 > 101 SYN ECE CWR",
	       MEMBER6 "/ tcp 1031 > 8080 SYN ECE CWR"),
	 BACK(REPLY6 "/ tcp 8080 > 1031 RST ACK", RETURN6 "/ tcp 101 > 1234 RST ACK")},
	{"IPv6 UDP, another port",
	 THERE(PORT6_UDP, CLIENT6 "/ udp 1234 > 101 / 1 bytes",
	       MEMBER6 "/ udp 1031 > 8080 / 1 bytes"),
	 BACK(REPLY6 "/ udp 8080 > 1031 / 2 bytes", RETURN6 "/ udp 101 > 1234 / 2 bytes")},

	/* what is not translated stays */
	{"TTL, TOS, identification and DF",
	 THERE(KEPT4_TCP, CLIENT4 "ttl 3 tos 0xbb id 77 df / tcp 1234 > 100 SYN seq 12345",
	       MEMBER4 "ttl 3 tos 0xbb id 77 df / tcp 1031 > 100 SYN seq 12345"),
	 BACK(REPLY4 "ttl 1 tos 0x1 id 9 df / tcp 100 > 1031 SYN ACK seq 7",
	      RETURN4 "ttl 1 tos 0x1 id 9 df / tcp 100 > 1234 SYN ACK seq 7")},
	{"hop limit, traffic class and flow label",
	 THERE(KEPT6_UDP, CLIENT6 "hops 3 class 0xbb label 77 / udp 1234 > 100",
	       MEMBER6 "hops 3 class 0xbb label 77 / udp 1031 > 100"),
	 BACK(REPLY6 "hops 1 class 1 label 9 / udp 100 > 1031",
	      RETURN6 "hops 1 class 1 label 9 / udp 100 > 1234")},
	{"options",
	 THERE(PORT4_UDP, CLIENT4 "options 8 / udp 1234 > 101 / 3 bytes",
	       MEMBER4 "options 8 / udp 1031 > 8080 / 3 bytes"),
	 BACK(REPLY4 "options 40 / udp 8080 > 1031 / 3 bytes",
	      RETURN4 "options 40 / udp 101 > 1234 / 3 bytes")},
	{"extension headers",
	 THERE(PORT6_TCP, CLIENT6 "/ hopopts / dstopts 2 / tcp 1234 > 101 SYN / 3 bytes",
	       MEMBER6 "/ hopopts / dstopts 2 / tcp 1031 > 8080 SYN / 3 bytes"),
	 BACK(REPLY6 "/ dstopts / tcp 8080 > 1031 ACK", RETURN6 "/ dstopts / tcp 101 > 1234 ACK")},
	{"Ethernet padding",
	 THERE(KEPT4_TCP, CLIENT4 "/ tcp 1234 > 100 SYN / pad 6",
	       MEMBER4 "/ tcp 1031 > 100 SYN / pad 6"),
	 BACK(REPLY4 "/ tcp 100 > 1031 ACK / pad 6", RETURN4 "/ tcp 100 > 1234 ACK / pad 6")},
	/* UDP without a checksum */
	{"no checksum, IPv4",
	 THERE(PORT4_UDP, CLIENT4 "/ udp 1234 > 101 csum 0 / 9 bytes",
	       MEMBER4 "/ udp 1031 > 8080 csum 0 / 9 bytes"),
	 BACK(REPLY4 "/ udp 8080 > 1031 csum 0 / 5 bytes",
	      RETURN4 "/ udp 101 > 1234 csum 0 / 5 bytes")},

	/* the way there and back */
	{"a VLAN",
	 THERE(KEPT4_TCP, "eth / vlan 5 pcp 3 / ip4 client > acme / tcp 1234 > 100 SYN",
	       "eth lb > hop / vlan 5 pcp 3 / ip4 lb > member / tcp 1031 > 100 SYN"),
	 BACK("eth hop > lb / vlan 9 / ip4 member > lb / tcp 100 > 1031 SYN ACK",
	      "eth lb > client / vlan 5 pcp 3 / ip4 acme > client / tcp 100 > 1234 SYN ACK")},
	{"two VLANs, and none back",
	 THERE(KEPT6_UDP, "eth / qinq 6 / vlan 5 / ip6 client > acme / udp 1234 > 100",
	       "eth lb > hop / qinq 6 / vlan 5 / ip6 lb > member / udp 1031 > 100"),
	 BACK(REPLY6 "/ udp 100 > 1031",
	      "eth lb > client / qinq 6 / vlan 5 / ip6 acme > client / udp 100 > 1234")},
	{"no VLAN, and two back",
	 THERE(KEPT4_UDP, CLIENT4 "/ udp 1234 > 100 / 7 bytes",
	       MEMBER4 "/ udp 1031 > 100 / 7 bytes"),
	 BACK("eth hop > lb / qinq 6 / vlan 5 / ip4 member > lb / udp 100 > 1031 / 7 bytes",
	      RETURN4 "/ udp 100 > 1234 / 7 bytes")},
	{"members in a VLAN of their own",
	 THERE(TAG4_TCP, CLIENT4 "/ tcp 1234 > 103 SYN",
	       "eth lb > hop / vlan 7 / ip4 lb > member / tcp 1031 > 103 SYN"),
	 BACK("eth hop > lb / vlan 7 / ip4 member > lb / tcp 103 > 1031 SYN ACK",
	      RETURN4 "/ tcp 103 > 1234 SYN ACK")},
	{"clients in a VLAN, members in none",
	 THERE(UNTAG6_UDP, "eth / vlan 5 / ip6 client > acme / udp 1234 > 104 / 4 bytes",
	       MEMBER6 "/ udp 1031 > 104 / 4 bytes"),
	 BACK(REPLY6 "/ udp 104 > 1031 / 4 bytes",
	      "eth lb > client / vlan 5 / ip6 acme > client / udp 104 > 1234 / 4 bytes")},
	{"all by another interface",
	 THERE(AWAY4_TCP, CLIENT4 "/ tcp 1234 > 102 SYN", MEMBER4 "/ tcp 1031 > 102 SYN"),
	 BACK(REPLY4 "/ tcp 102 > 1031 SYN ACK", RETURN4 "/ tcp 102 > 1234 SYN ACK"),
	 .by = RIG_AWAY, .reply_by = RIG_AWAY},
	{"between two interfaces",
	 THERE(AWAY4_TCP, CLIENT4 "/ tcp 1234 > 102 SYN", MEMBER4 "/ tcp 1031 > 102 SYN"),
	 BACK(REPLY4 "/ tcp 102 > 1031 SYN ACK", RETURN4 "/ tcp 102 > 1234 SYN ACK"), .by = RIG_FAR,
	 .reply_by = RIG_AWAY, .redirected = true},

	{"the other tenant's",
	 THERE(GLOBEX4_TCP, "eth / ip4 client > globex / tcp 1234 > 100 SYN",
	       "eth lb > hop / ip4 10.0.0.2 > member / tcp 1031 > 100 SYN"),
	 BACK("eth hop > lb / ip4 member > 10.0.0.2 / tcp 100 > 1031 SYN ACK",
	      "eth lb > client / ip4 globex > client / tcp 100 > 1234 SYN ACK")},
};

static void exchange(const struct rig *rig, const struct exchange *e)
{
	int verdict = e->redirected ? XDP_REDIRECT : XDP_TX;
	enum rig_tenant tenant = e->service == GLOBEX4_TCP ? GLOBEX : ACME;

	translated_set(rig, 1);
	RIG_CHECK(rig, e->request, .verdict = verdict, .out = e->sent, .member = e->service, OPENED,
		  .tenant = tenant, .by = e->by);
	RIG_CHECK(rig, e->reply, .verdict = verdict, .out = e->returned, .reply = e->service,
		  .from = e->service, .tenant = tenant, .by = e->reply_by);
}

static void exchanges_are_translated(void **state)
{
	for (size_t i = 0; i < sizeof(exchanges) / sizeof(*exchanges); i++) {
		print_message("# %s\n", exchanges[i].name);
		exchange(*state, &exchanges[i]);
	}
}

/* Both ends' SYN: the service has 1,200 bytes. */
static const struct exchange clamped[] = {
	{"IPv4",
	 THERE(MSS4_TCP, CLIENT4 "/ tcp 1234 > 106 SYN mss 1460",
	       MEMBER4 "/ tcp 1031 > 106 SYN mss 1200"),
	 BACK(REPLY4 "/ tcp 106 > 1031 SYN ACK mss 1460",
	      RETURN4 "/ tcp 106 > 1234 SYN ACK mss 1200")},
	{"IPv6, behind other options",
	 THERE(MSS6_TCP, CLIENT6 "/ tcp 1234 > 106 SYN options 3 mss 9000 options 1",
	       MEMBER6 "/ tcp 1031 > 106 SYN options 3 mss 1200 options 1"),
	 BACK(REPLY6 "/ tcp 106 > 1031 SYN ACK options 4 mss 1440",
	      RETURN6 "/ tcp 106 > 1234 SYN ACK options 4 mss 1200")},
	{"less than that",
	 THERE(MSS4_TCP, CLIENT4 "/ tcp 1234 > 106 SYN mss 1199",
	       MEMBER4 "/ tcp 1031 > 106 SYN mss 1199"),
	 BACK(REPLY4 "/ tcp 106 > 1031 SYN ACK mss 536",
	      RETURN4 "/ tcp 106 > 1234 SYN ACK mss 536")},
	{"in a VLAN",
	 THERE(MSS4_TCP, "eth / vlan 5 / ip4 client > acme / tcp 1234 > 106 SYN mss 1460",
	       "eth lb > hop / vlan 5 / ip4 lb > member / tcp 1031 > 106 SYN mss 1200"),
	 BACK(REPLY4 "options 8 / tcp 106 > 1031 SYN ACK mss 1460",
	      "eth lb > client / vlan 5 / ip4 acme > client options 8 / tcp 106 > 1234 SYN ACK mss "
	      "1200")},
	{"no SYN", THERE(MSS4_TCP, CLIENT4 "/ tcp 1234 > 106 SYN", MEMBER4 "/ tcp 1031 > 106 SYN"),
	 BACK(REPLY4 "/ tcp 106 > 1031 ACK mss 1460", RETURN4 "/ tcp 106 > 1234 ACK mss 1460")},
	{"a service without",
	 THERE(KEPT4_TCP, CLIENT4 "/ tcp 1234 > 100 SYN mss 1460",
	       MEMBER4 "/ tcp 1031 > 100 SYN mss 1460"),
	 BACK(REPLY4 "/ tcp 100 > 1031 SYN ACK mss 1460",
	      RETURN4 "/ tcp 100 > 1234 SYN ACK mss 1460")},
};

static void both_syns_are_clamped(void **state)
{
	for (size_t i = 0; i < sizeof(clamped) / sizeof(*clamped); i++) {
		print_message("# %s\n", clamped[i].name);
		exchange(*state, &clamped[i]);
	}
}

/* A checksum that is wrong stays so, and by as much: nobody repairs what was damaged before. */
static void damage_is_kept(void **state)
{
	static struct frame in, out, good;
	struct rig *rig = *state;

	translated_set(rig, 1);
	frame_build(&in, CLIENT4 "/ udp 1234 > 101 / 30 bytes", NULL);
	in.byte[in.length - 1] ^= 1;
	assert_int_equal(rig_run(rig, &in, &out, 0), XDP_TX);
	frame_build(&good, MEMBER4 "/ udp 1031 > 8080 / 30 bytes",
		    &(struct frame_words){.member = PORT4_UDP});
	good.byte[good.length - 1] ^= 1;
	frame_assert_equal(&out, &good, "a damaged byte");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(exchanges_are_translated),
		cmocka_unit_test(both_syns_are_clamped),
		cmocka_unit_test(damage_is_kept),
	};

	return cmocka_run_group_tests_name("nat", tests, rig_setup, rig_teardown);
}
