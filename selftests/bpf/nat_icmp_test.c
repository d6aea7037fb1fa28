// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* ICMP errors about translated packets, to either end: byte for byte, checksums included. */
#include <linux/bpf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "translated.h"

/* A flow is opened by the request, its port is 1031; then comes an error about it. */
struct error {
	const char *name;
	uint32_t service;
	const char *request;
	const char *in, *out;
	bool about_request; /* it is for the client */
};

#define TCP4		     PORT4_TCP, "eth / ip4 client > acme / tcp 1234 > 101 SYN"
#define UDP4		     PORT4_UDP, "eth / ip4 client > acme / udp 1234 > 101"
#define TCP6		     PORT6_TCP, "eth / ip6 client > acme / tcp 1234 > 101 SYN"
#define UDP6		     PORT6_UDP, "eth / ip6 client > acme / udp 1234 > 101"
#define TO_CLIENT(in_, out_) .about_request = true, .in = in_, .out = out_
#define TO_MEMBER(in_, out_) .in = in_, .out = out_

#define HOST_TO_LB4	"eth hop > lb / ip4 host > lb "
#define HOST_TO_CLIENT4 "eth lb > client / ip4 host > client "
#define HOST_TO_LB6	"eth hop > lb / ip6 host > lb "
#define HOST_TO_CLIENT6 "eth lb > client / ip6 host > client "
#define HOST_TO_ACME4	"eth / ip4 host > acme "
#define HOST_TO_MEMBER4 "eth lb > hop / ip4 host > member "
#define HOST_TO_ACME6	"eth / ip6 host > acme "
#define HOST_TO_MEMBER6 "eth lb > hop / ip6 host > member "

static const struct error errors[] = {
	/* about requests */
	{"Fragmentation Needed, TCP", TCP4,
	 TO_CLIENT(HOST_TO_LB4 "/ icmp 3 code 4 mtu 1400 / ip4 lb > member df ttl 60 id 5 / "
			       "tcp 1031 > 8080 PSH ACK seq 5 / 700 bytes",
		   HOST_TO_CLIENT4 "/ icmp 3 code 4 mtu 1400 / ip4 client > acme df ttl 60 id 5 / "
				   "tcp 1234 > 101 PSH ACK seq 5 / 700 bytes")},
	{"eight bytes of TCP, which begin as UDP's", TCP4,
	 TO_CLIENT(HOST_TO_LB4 "/ icmp 3 code 4 mtu 1400 / ip4 lb > member df len 1500 next 6 / "
			       "udp 1031 > 8080 len 7 csum 77",
		   HOST_TO_CLIENT4 "/ icmp 3 code 4 mtu 1400 / ip4 client > acme df len 1500 "
				   "next 6 / udp 1234 > 101 len 7 csum 77")},
	{"eight bytes of TCP, and padding", TCP4,
	 TO_CLIENT(HOST_TO_LB4 "/ icmp 11 / ip4 lb > member len 1500 next 6 / "
			       "udp 1031 > 8080 len 7 csum 77 / pad 20",
		   HOST_TO_CLIENT4 "/ icmp 11 / ip4 client > acme len 1500 next 6 / "
				   "udp 1234 > 101 len 7 csum 77 / pad 20")},
	{"UDP", UDP4,
	 TO_CLIENT(HOST_TO_LB4 "/ icmp 11 / ip4 lb > member / udp 1031 > 8080 / 9 bytes",
		   HOST_TO_CLIENT4 "/ icmp 11 / ip4 client > acme / udp 1234 > 101 / 9 bytes")},
	{"UDP without a checksum", UDP4,
	 TO_CLIENT(HOST_TO_LB4 "/ icmp 3 code 4 mtu 576 / ip4 lb > member / "
			       "udp 1031 > 8080 csum 0 / 9 bytes",
		   HOST_TO_CLIENT4 "/ icmp 3 code 4 mtu 576 / ip4 client > acme / "
				   "udp 1234 > 101 csum 0 / 9 bytes")},
	{"options within and without", TCP4,
	 TO_CLIENT("eth hop > lb / ip4 host > lb options 8 / icmp 12 / "
		   "ip4 lb > member options 40 / tcp 1031 > 8080 ACK",
		   "eth lb > client / ip4 host > client options 8 / icmp 12 / "
		   "ip4 client > acme options 40 / tcp 1234 > 101 ACK")},
	{"from the member itself: it has no name of its own outside", UDP4,
	 TO_CLIENT("eth hop > lb / ip4 member > lb / icmp 3 code 3 / ip4 lb > member / "
		   "udp 1031 > 8080 / 9 bytes",
		   "eth lb > client / ip4 acme > client / icmp 3 code 3 / ip4 client > acme / "
		   "udp 1234 > 101 / 9 bytes")},
	{"in a VLAN", TCP4,
	 TO_CLIENT("eth hop > lb / vlan 5 / ip4 host > lb / icmp 11 / ip4 lb > member / "
		   "tcp 1031 > 8080 ACK",
		   HOST_TO_CLIENT4 "/ icmp 11 / ip4 client > acme / tcp 1234 > 101 ACK")},
	{"about a first fragment", UDP4,
	 TO_CLIENT(HOST_TO_LB4 "/ icmp 11 code 1 / ip4 lb > member more / udp 1031 > 8080",
		   HOST_TO_CLIENT4 "/ icmp 11 code 1 / ip4 client > acme more / udp 1234 > 101")},
	{"Packet Too Big, TCP", TCP6,
	 TO_CLIENT(HOST_TO_LB6 "/ icmp6 2 mtu 1300 / ip6 lb > member hops 3 label 9 / "
			       "tcp 1031 > 8080 ACK / 1100 bytes",
		   HOST_TO_CLIENT6 "/ icmp6 2 mtu 1300 / ip6 client > acme hops 3 label 9 / "
				   "tcp 1234 > 101 ACK / 1100 bytes")},
	{"Packet Too Big, UDP", UDP6,
	 TO_CLIENT(HOST_TO_LB6 "/ icmp6 2 mtu 1300 / ip6 lb > member / udp 1031 > 8080 / 9 bytes",
		   HOST_TO_CLIENT6
		   "/ icmp6 2 mtu 1300 / ip6 client > acme / udp 1234 > 101 / 9 bytes")},
	{"Packet Too Big, a first fragment", UDP6,
	 TO_CLIENT(HOST_TO_LB6 "/ icmp6 2 mtu 1300 / ip6 lb > member / fragment more / "
			       "udp 1031 > 8080 / 9 bytes",
		   HOST_TO_CLIENT6 "/ icmp6 2 mtu 1300 / ip6 client > acme / fragment more / "
				   "udp 1234 > 101 / 9 bytes")},
	{"from the member itself, IPv6", UDP6,
	 TO_CLIENT("eth hop > lb / ip6 member > lb / icmp6 1 code 4 / ip6 lb > member / "
		   "udp 1031 > 8080 / 9 bytes",
		   "eth lb > client / ip6 acme > client / icmp6 1 code 4 / ip6 client > acme / "
		   "udp 1234 > 101 / 9 bytes")},
	{"behind extension headers", TCP6,
	 TO_CLIENT("eth hop > lb / ip6 host > lb / dstopts / icmp6 3 / ip6 lb > member / "
		   "tcp 1031 > 8080 ACK",
		   "eth lb > client / ip6 host > client / dstopts / icmp6 3 / "
		   "ip6 client > acme / tcp 1234 > 101 ACK")},

	/* about replies */
	{"Packet Too Big, a first fragment", UDP6,
	 TO_MEMBER(HOST_TO_ACME6 "/ icmp6 2 mtu 1300 / ip6 acme > client / fragment more / "
				 "udp 101 > 1234 / 9 bytes",
		   HOST_TO_MEMBER6 "/ icmp6 2 mtu 1300 / ip6 member > lb / fragment more / "
				   "udp 8080 > 1031 / 9 bytes")},
	{"Fragmentation Needed, TCP", TCP4,
	 TO_MEMBER(HOST_TO_ACME4 "/ icmp 3 code 4 mtu 1400 / ip4 acme > client df / "
				 "tcp 101 > 1234 ACK / 700 bytes",
		   HOST_TO_MEMBER4 "/ icmp 3 code 4 mtu 1400 / ip4 member > lb df / "
				   "tcp 8080 > 1031 ACK / 700 bytes")},
	{"eight bytes of TCP", TCP4,
	 TO_MEMBER(HOST_TO_ACME4 "/ icmp 3 code 4 mtu 1400 / ip4 acme > client len 1500 next 6 / "
				 "udp 101 > 1234 len 7 csum 77",
		   HOST_TO_MEMBER4 "/ icmp 3 code 4 mtu 1400 / ip4 member > lb len 1500 next 6 / "
				   "udp 8080 > 1031 len 7 csum 77")},
	{"from the client itself", UDP4,
	 TO_MEMBER("eth / ip4 client > acme / icmp 3 code 3 / ip4 acme > client / "
		   "udp 101 > 1234 / 9 bytes",
		   "eth lb > hop / ip4 lb > member / icmp 3 code 3 / ip4 member > lb / "
		   "udp 8080 > 1031 / 9 bytes")},
	{"in a VLAN, with options", UDP4,
	 TO_MEMBER("eth / vlan 5 / ip4 host > acme / icmp 11 / ip4 acme > client options 8 / "
		   "udp 101 > 1234 csum 0",
		   "eth lb > hop / vlan 5 / ip4 host > member / icmp 11 / "
		   "ip4 member > lb options 8 / udp 8080 > 1031 csum 0")},
	{"Packet Too Big, TCP", TCP6,
	 TO_MEMBER(HOST_TO_ACME6 "/ icmp6 2 mtu 1300 / ip6 acme > client / "
				 "tcp 101 > 1234 ACK / 1100 bytes",
		   HOST_TO_MEMBER6 "/ icmp6 2 mtu 1300 / ip6 member > lb / "
				   "tcp 8080 > 1031 ACK / 1100 bytes")},
	{"from the client itself, IPv6", UDP6,
	 TO_MEMBER("eth / ip6 client > acme / icmp6 1 code 4 / ip6 acme > client / "
		   "udp 101 > 1234 / 9 bytes",
		   "eth lb > hop / ip6 lb > member / icmp6 1 code 4 / ip6 member > lb / "
		   "udp 8080 > 1031 / 9 bytes")},
};

static void open_flow(const struct rig *rig, uint32_t service, const char *request)
{
	static struct frame in, out;

	translated_set(rig, 1);
	frame_build(&in, request, NULL);
	assert_int_equal(rig_run(rig, &in, &out, 0), XDP_TX);
	translated_assert(rig, 1031, service, MTLB_FLOW_UNPROVEN);
}

static void errors_reach_the_sender(void **state)
{
	struct rig *rig = *state;

	for (size_t i = 0; i < sizeof(errors) / sizeof(*errors); i++) {
		const struct error *e = &errors[i];

		print_message("# %s, to the %s\n", e->name, e->about_request ? "client" : "member");
		open_flow(rig, e->service, e->request);
		if (e->about_request)
			RIG_CHECK(rig, e->in, RETURNED(e->service, e->out));
		else
			RIG_CHECK(rig, e->in, SENT(e->service, e->out));
	}
}

static void they_change_no_flow(void **state)
{
	struct rig *rig = *state;
	uint64_t word;

	for (size_t i = 0; i < sizeof(errors) / sizeof(*errors); i++) {
		const struct error *e = &errors[i];
		static struct frame in, out;

		open_flow(rig, e->service, e->request);
		translated_change(rig, 1031, 5, mtlb_flow_tag(translated_word(rig, ACME, 1031)));
		word = translated_word(rig, ACME, 1031);
		frame_build(&in, e->in, &(struct frame_words){.member = (uint8_t)e->service});
		assert_int_equal(rig_run(rig, &in, &out, 0), XDP_TX);
		assert_int_equal(translated_word(rig, ACME, 1031), word);
		assert_int_equal(translated_count(rig), 1);
		/* nor the way: another router's error does not lead the client's replies there */
	}
}

static void the_way_stays_the_clients(void **state)
{
	struct rig *rig = *state;

	open_flow(rig, UDP4);
	RIG_CHECK(rig,
		  "eth all > lldp / vlan 9 / ip4 host > acme / icmp 11 / ip4 acme > client / "
		  "udp 101 > 1234",
		  SENT(PORT4_UDP, "eth lb > hop / vlan 9 / ip4 host > member / icmp 11 / "
				  "ip4 member > lb / udp 8080 > 1031"));
	RIG_CHECK(rig, "eth hop > lb / ip4 member > lb / udp 8080 > 1031",
		  RETURNED(PORT4_UDP, "eth lb > client / ip4 acme > client / udp 101 > 1234"));
}

static void about_no_flow(void **state)
{
	struct rig *rig = *state;

	open_flow(rig, UDP4);
	RIG_CHECK(rig, HOST_TO_ACME4 "/ icmp 11 / ip4 acme > client / udp 101 > 1235",
		  DROPPED(ACME, icmp));
	RIG_CHECK(rig, HOST_TO_ACME4 "/ icmp 11 / ip4 acme > host / udp 101 > 1234",
		  DROPPED(ACME, icmp));
	RIG_CHECK(rig, HOST_TO_ACME4 "/ icmp 11 / ip4 acme > client / tcp 101 > 1234 SYN",
		  DROPPED(ACME, icmp));
	RIG_CHECK(rig, HOST_TO_LB4 "/ icmp 11 / ip4 lb > member / udp 1030 > 8080", PASSED(not_vip),
		  .from = PORT4_UDP);
	RIG_CHECK(rig, HOST_TO_LB4 "/ icmp 11 / ip4 lb > member / udp 1031 > 8081", PASSED(not_vip),
		  .from = PORT4_UDP);
	RIG_CHECK(rig, HOST_TO_LB4 "/ icmp 11 / ip4 lb > host / udp 1031 > 8080", PASSED(not_vip));
	RIG_CHECK(rig, HOST_TO_LB4 "/ icmp 11 / ip4 lb > member / tcp 1031 > 8080", PASSED(not_vip),
		  .from = PORT4_UDP);
	RIG_CHECK(rig, HOST_TO_LB4 "/ icmp 11 / ip4 host > member / udp 1031 > 8080",
		  PASSED(not_vip), .from = PORT4_UDP);
	assert_int_equal(translated_count(rig), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(errors_reach_the_sender),
		cmocka_unit_test(they_change_no_flow),
		cmocka_unit_test(the_way_stays_the_clients),
		cmocka_unit_test(about_no_flow),
	};

	return cmocka_run_group_tests_name("nat_icmp", tests, rig_setup, rig_teardown);
}
