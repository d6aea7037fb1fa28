// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Services of this node's own: their packets pass as they came, counted for their tenant, once
 * nothing is wrong with them; nobody else's do.
 */
#include <linux/bpf.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "rig.h"

#define FIRST_RECORD 300
#define FIRST4(id, port) \
	"eth / ip4 client > acme id " #id " more / udp 9 > " #port " len 900 / 72 bytes"
#define LATER4(id) "eth / ip4 client > acme id " #id " offset 10 next 17 / 50 bytes"
#define FIRST6(id, port)                                                                    \
	"eth / ip6 client > acme / fragment id " #id " more / udp 9 > " #port " len 900 / " \
	"72 bytes"
#define LATER6(id) "eth / ip6 client > acme / fragment id " #id " offset 10 next 17 / 50 bytes"

static const struct scenario scenarios[] = {
	{"TCP, IPv4", "eth / ip4 client > acme / tcp 1 > 500 SYN", HANDED_OVER(ACME), .syns = 1},
	{"TCP, IPv6", "eth / ip6 client > acme / tcp 1 > 500 ACK", HANDED_OVER(ACME)},
	{"UDP, IPv4", "eth / ip4 client > acme / udp 1 > 500 / 9 bytes", HANDED_OVER(ACME)},
	{"UDP, IPv6", "eth / ip6 client > acme / udp 1 > 500 / 9 bytes", HANDED_OVER(ACME)},
	{"SCTP, IPv4", "eth / ip4 client > acme / sctp 1 > 500 INIT", HANDED_OVER(ACME)},
	{"SCTP, IPv6", "eth / ip6 client > acme / sctp 1 > 500 DATA", HANDED_OVER(ACME)},
	{"another tenant's", "eth / ip4 client > globex / udp 1 > 500 / 9 bytes",
	 HANDED_OVER(GLOBEX)},
	{"a tag", "eth / vlan 30 / ip4 client > acme / tcp 1 > 500 ACK", HANDED_OVER(ACME)},
	{"two tags", "eth / vlan 30 / vlan 40 / ip6 client > acme / udp 1 > 500 / 9 bytes",
	 HANDED_OVER(ACME)},
	{"first of a range", "eth / ip4 client > acme / tcp 1 > 6000 ACK", HANDED_OVER(ACME)},
	{"last of a range", "eth / ip4 client > acme / tcp 1 > 6999 ACK", HANDED_OVER(ACME)},
	{"beside a range", "eth / ip4 client > acme / tcp 1 > 7000 ACK", DROPPED(ACME, no_service)},
	{"another protocol", "eth / ip4 client > globex / tcp 1 > 500 ACK",
	 DROPPED(GLOBEX, no_service)},
	{"a service beside it", "eth / ip4 client > acme / tcp 1 > 80 ACK", SENT(DSR_TCP, DIRECT)},
	{"cut short", "eth / ip4 client > acme next 6 / 10 bytes", DROPPED(ACME, bad_l4)},
	{"ICMP error about a flow",
	 "eth / ip4 host > acme / icmp 3 code 1 / ip4 acme > client / tcp 500 > 1 ACK",
	 HANDED_OVER(ACME)},
	{"ICMPv6 error about a flow",
	 "eth / ip6 host > acme / icmp6 2 / ip6 acme > client / udp 500 > 1", HANDED_OVER(ACME)},
};

/* What the first one says, the later ones follow, each address and each datagram for itself. */
static void fragments(void **state)
{
	struct rig *rig = *state;

	RIG_CHECK(rig, LATER4(700), DROPPED(ACME, fragment_held));
	RIG_CHECK(rig, FIRST4(700, 500), HANDED_OVER(ACME));
	RIG_CHECK(rig, LATER4(700), HANDED_OVER(ACME));
	RIG_CHECK(rig, LATER4(701), DROPPED(ACME, fragment_held));
	RIG_CHECK(rig, FIRST6(700, 500), HANDED_OVER(ACME));
	RIG_CHECK(rig, LATER6(700), HANDED_OVER(ACME));
	RIG_CHECK(rig, "eth / ip4 client > globex id 700 offset 10 next 17 / 50 bytes",
		  DROPPED(GLOBEX, fragment_held));
	/* those of a service with members go where they went before */
	RIG_CHECK(rig, FIRST4(702, 80), SENT(DSR_UDP, DIRECT));
	RIG_CHECK(rig, LATER4(702), SENT(DSR_UDP, DIRECT));
	/* and when the identification is used again, for another service, with it */
	RIG_CHECK(rig, FIRST4(703, 80), SENT(DSR_UDP, DIRECT));
	RIG_CHECK(rig, LATER4(703), SENT(DSR_UDP, DIRECT));
}

/* Acme's address leads to a range of ports of its own. */
static void put_range(const struct rig *rig)
{
	struct mtlb_vip vip = rig_vip("192.0.2.1", LOCAL_TCP, IPPROTO_TCP, 6000);
	struct mtlb_port_line line = {.range[0] = {6000, 6999, FIRST_RECORD}};
	struct mtlb_vip address = {.tenant = ACME, .flags = MTLB_VIP_ADDRESS};

	vip.port_last = 6999;
	vip.slot_count = 0;
	vip.flags = MTLB_VIP_LOCAL;
	rig_put_vip(rig, FIRST_RECORD, &vip); /* that only the line leads to */
	assert_int_equal(dataplane_delete_vip(rig->dataplane, &vip.key), 0);
	assert_int_equal(dataplane_put_port_lines(rig->dataplane, 1, &line), 0);
	rig_key(&address.key, "192.0.2.1", 0, 0);
	address.port_line[MTLB_PORT_TCP] = 1;
	rig_put_vip(rig, FIRST_RECORD + 1, &address);
}

static void meters(void **state)
{
	uint64_t interval = 1000000000000ULL << MTLB_METER_INTERVAL_SHIFT;
	struct mtlb_meter meter = {
		.rate[MTLB_METER_PACKETS] = {
			.interval = interval,
			.burst = interval >> (MTLB_METER_INTERVAL_SHIFT - MTLB_METER_TICK_SHIFT),
			.batch = 1,
		}};
	struct rig *rig = *state;

	assert_int_equal(dataplane_put_meter(rig->dataplane, ACME, &meter), 0);
	RIG_CHECK(rig, "eth / ip4 client > acme / tcp 1 > 501 ACK", HANDED_OVER(ACME));
	RIG_CHECK(rig, "eth / ip4 client > acme / tcp 1 > 501 ACK", DROPPED(ACME, over_packets));
}

/* On its way from members to this node's own stack it has both for a moment. */
static void while_it_has_a_table(void **state)
{
	struct mtlb_vip vip = rig_vip("192.0.2.1", DSR_TCP, IPPROTO_TCP, 502);
	struct rig *rig = *state;

	vip.flags = MTLB_VIP_LOCAL;
	rig_put_vip(rig, FIRST_RECORD + 2, &vip);
	RIG_CHECK(rig, "eth / ip4 client > acme / tcp 1 > 502 ACK", HANDED_OVER(ACME));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(fragments),
		cmocka_unit_test(meters),
		cmocka_unit_test(while_it_has_a_table),
	};

	return rig_main_group(&(struct rig_group){
		.name = "local",
		.prepare = put_range,
		.scenarios = scenarios,
		.count = sizeof(scenarios) / sizeof(scenarios[0]),
		.tests = tests,
		.test_count = sizeof(tests) / sizeof(tests[0]),
	});
}
