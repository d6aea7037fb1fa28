// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Services on ranges of ports and on any port: in the range, at its edges, outside; what an exact
 * key says comes first; and chains of as many lines as there may be.
 */
#include <linux/bpf.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "rig.h"

#define FIRST_RECORD 130
#define LAST_RECORD  (RIG_VIPS - 1)

/* The services; each has a member of its number. */
enum {
	DATABASES = RIG_OTHER, /* acme's, TCP */
	NEXT_TO_IT,
	LAST_PORT,
	FIRST_PORTS,
	ANY_UDP, /* in IPv6 */
	STREAMS, /* SCTP, in IPv4 */
	FILLERS, /* what else is in the chain */
	END_OF_CHAIN,
	TRACKED_RANGE,
	OTHERS, /* globex's, TCP */
	SERVICES_END,
};

static const struct {
	uint32_t service;
	uint8_t protocol;
	uint16_t first, last;
} ranges[] = {
	{DATABASES, IPPROTO_TCP, 5432, 5440},	  {NEXT_TO_IT, IPPROTO_TCP, 5441, 5441},
	{LAST_PORT, IPPROTO_TCP, 65535, 65535},	  {FIRST_PORTS, IPPROTO_TCP, 0, 10},
	{TRACKED_RANGE, IPPROTO_TCP, 7000, 7999}, {ANY_UDP, IPPROTO_UDP, 0, 65535},
	{STREAMS, IPPROTO_SCTP, 3000, 3999},	  {OTHERS, IPPROTO_TCP, 5432, 5440},
};

/* As many as fill twelve lines, and stand behind the five above: 20000-20001, 20010-20011, ... */
#define FILLER_COUNT (MTLB_PORT_RANGES_PER_LINE * MTLB_PORT_LINES_MAX - 5)
#define END_FIRST    20780 /* the last one */
_Static_assert(END_FIRST == 20000 + 10 * (FILLER_COUNT - 1), "the last range of the chain");

#define TCP4(port)  "eth / ip4 client > acme / tcp 1234 > " port " ACK"
#define TCP6(port)  "eth / ip6 client > acme / tcp 1234 > " port " ACK"
#define UDP4(port)  "eth / ip4 client > acme / udp 1234 > " port " / 9 bytes"
#define UDP6(port)  "eth / ip6 client > acme / udp 1234 > " port " / 9 bytes"
#define SCTP4(port) "eth / ip4 client > acme / sctp 1234 > " port " DATA"
#define SCTP6(port) "eth / ip6 client > acme / sctp 1234 > " port " DATA"
#define TO(member)  SENT(member, DIRECT)

static const struct scenario scenarios[] = {
	{"the first port, IPv4", TCP4("5432"), TO(DATABASES)},
	{"the first port, IPv6", TCP6("5432"), TO(DATABASES)},
	{"a port in between, IPv4", TCP4("5436"), TO(DATABASES)},
	{"a port in between, IPv6", TCP6("5439"), TO(DATABASES)},
	{"the last port, IPv4", TCP4("5440"), TO(DATABASES)},
	{"the last port, IPv6", TCP6("5440"), TO(DATABASES)},
	{"before the first, IPv4", TCP4("5431"), DROPPED(ACME, no_service)},
	{"before the first, IPv6", TCP6("5431"), DROPPED(ACME, no_service)},
	{"a SYN", "eth / ip4 client > acme / tcp 1 > 5433 SYN", TO(DATABASES), NEW_FLOW},
	{"the range next to it, of one port, IPv4", TCP4("5441"), TO(NEXT_TO_IT)},
	{"the range next to it, of one port, IPv6", TCP6("5441"), TO(NEXT_TO_IT)},
	{"after both, IPv4", TCP4("5442"), DROPPED(ACME, no_service)},
	{"after both, IPv6", TCP6("5442"), DROPPED(ACME, no_service)},
	{"a port with the same bytes the other way", TCP4("14357"), DROPPED(ACME, no_service)},
	{"port 65535", TCP4("65535"), TO(LAST_PORT)},
	{"port 65535, IPv6", TCP6("65535"), TO(LAST_PORT)},
	{"port 65534", TCP4("65534"), DROPPED(ACME, no_service)},
	{"port 0", TCP4("0"), TO(FIRST_PORTS)},
	{"port 0, IPv6", TCP6("0"), TO(FIRST_PORTS)},
	{"port 10", TCP4("10"), TO(FIRST_PORTS)},
	{"port 11", TCP6("11"), DROPPED(ACME, no_service)},
	{"in a VLAN", "eth / vlan 5 / ip4 client > acme / tcp 1 > 5434 ACK",
	 SENT(DATABASES, "eth lb > hop / vlan 5 / *")},
	{"behind extension headers", "eth / ip6 client > acme / hopopts / tcp 1 > 5434 ACK",
	 TO(DATABASES)},
	{"a first fragment", "eth / ip4 client > acme more / tcp 1 > 5434 ACK / 32 bytes",
	 TO(DATABASES)},

	/* any port */
	{"any port, UDP, IPv4", UDP4("9"), SENT(ANY_UDP, IN_IP6)},
	{"any port, UDP, IPv6", UDP6("33333"), SENT(ANY_UDP, IN_IP6)},
	{"any port, UDP, port 0", UDP4("0"), SENT(ANY_UDP, IN_IP6)},
	{"any port, UDP, port 65535", UDP6("65535"), SENT(ANY_UDP, IN_IP6)},
	{"any port, a DHCP reply's", UDP4("68"), SENT(ANY_UDP, IN_IP6)},
	{"any port, too big", "eth / ip4 client > acme df / udp 1 > 9 / 1433 bytes",
	 TOLD(ACME, "eth lb > client / ip4 acme > client / icmp 3 code 4 mtu 1460 / quote 28")},
	{"a range's, too big", "eth / ip6 client > acme / tcp 1 > 5440 ACK / 1441 bytes",
	 TOLD(ACME, "eth lb > client / ip6 acme > client / icmp6 2 mtu 1500 / quote 48")},

	/* an exact port comes first */
	{"an exact port in any, IPv4", UDP4("80"), TO(DSR_UDP)},
	{"an exact port in any, IPv6", UDP6("84"), SENT(IN4_UDP, IN_IP4)},
	{"an exact port in a range, IPv4", TCP4("7500"), TO(DSR_TCP)},
	{"the port before it", TCP4("7499"), TO(TRACKED_RANGE), .stored = 1},
	{"the port after it", TCP4("7501"), TO(TRACKED_RANGE), .stored = 1},
	{"an exact port has no members: no other service's get its packets", UDP4("61"),
	 DROPPED(ACME, no_member)},

	/* each protocol has its own */
	{"SCTP, the first port", SCTP4("3000"), SENT(STREAMS, IN_IP4)},
	{"SCTP, the last port, IPv6", SCTP6("3999"), SENT(STREAMS, IN_IP4)},
	{"SCTP, before it", SCTP4("2999"), DROPPED(ACME, no_service)},
	{"SCTP, after it", SCTP6("4000"), DROPPED(ACME, no_service)},
	{"SCTP, TCP's range", SCTP4("5433"), DROPPED(ACME, no_service)},
	{"TCP, SCTP's range", TCP4("3001"), DROPPED(ACME, no_service)},
	{"UDP, TCP's range", UDP4("5433"), SENT(ANY_UDP, IN_IP6)},
	{"another protocol", "eth / ip4 client > acme next 47 / 40 bytes",
	 DROPPED(ACME, not_tcp_udp)},
	{"a ping is for no port", "eth / ip4 client > acme / icmp 8", DROPPED(ACME, icmp)},
	{"a later fragment has none", "eth / ip4 client > acme offset 9 next 17 / 80 bytes",
	 DROPPED(ACME, fragment_held)},
	{"UDP cut short has none", "eth / ip6 client > acme next 17 / 7 bytes",
	 DROPPED(ACME, bad_l4)},

	/* ICMP errors about flows of a range */
	{"an error, IPv4",
	 "eth / ip4 host > acme / icmp 3 code 4 / ip4 acme > client / tcp 5440 > 1 ACK",
	 TO(DATABASES)},
	{"an error, IPv6", "eth / ip6 host > acme / icmp6 2 / ip6 acme > client / tcp 5432 > 1 ACK",
	 TO(DATABASES)},
	{"an error, any port",
	 "eth / ip4 host > acme / icmp 3 code 3 / ip4 acme > client / udp 9 > 1",
	 SENT(ANY_UDP, IN_IP6)},
	{"an error, SCTP",
	 "eth / ip4 host > acme / icmp 3 code 4 / ip4 acme > client / sctp 3001 > 1 DATA",
	 SENT(STREAMS, IN_IP4)},
	{"an error, outside", "eth / ip4 host > acme / icmp 11 / ip4 acme > client / tcp 5431 > 1",
	 DROPPED(ACME, no_service)},

	/* the other tenant's */
	{"the same range of the other tenant, IPv4",
	 "eth / ip4 client > globex / tcp 1234 > 5432 ACK", TO(OTHERS)},
	{"the same range of the other tenant, IPv6",
	 "eth / ip6 client > globex / tcp 1234 > 5440 ACK", TO(OTHERS)},
	{"a range that the other tenant has not", "eth / ip4 client > globex / tcp 1234 > 5441 ACK",
	 DROPPED(GLOBEX, no_service)},
	{"UDP, which the other tenant has not", "eth / ip6 client > globex / udp 1 > 9 / 9 bytes",
	 DROPPED(GLOBEX, no_service)},
	{"the other tenant's exact port", "eth / ip4 client > globex / tcp 1 > 80 SYN",
	 TO(GLOBEX_DSR), NEW_FLOW},
	{"an address without ranges", "eth / ip4 client > 192.0.2.3 / tcp 1 > 5433 ACK",
	 PASSED(not_vip)},

	/* the chain: five ranges, then 79 of two ports each */
	{"the first line's last range", TCP4("20010"), TO(FILLERS)},
	{"the second line's first", TCP6("20020"), TO(FILLERS)},
	{"the second line's last", TCP4("20081"), TO(FILLERS)},
	{"the sixth line's", TCP4("20300"), TO(FILLERS)},
	{"between two ranges", TCP4("20302"), DROPPED(ACME, no_service)},
	{"the twelfth line's first", TCP4("20720"), TO(FILLERS)},
	{"the twelfth line's last, IPv4", TCP4("20780"), TO(END_OF_CHAIN)},
	{"the twelfth line's last, IPv6", TCP6("20781"), TO(END_OF_CHAIN)},
	{"past the chain, IPv4", TCP4("20782"), DROPPED(ACME, no_service)},
	{"past the chain, IPv6", TCP6("20790"), DROPPED(ACME, no_service)},
};

static uint32_t next_record = FIRST_RECORD, next_line = 1;

/* A record that only a line leads to. */
static uint32_t put_record(const struct rig *rig, const char *address, uint32_t service,
			   uint8_t protocol, uint16_t first, uint16_t last)
{
	struct mtlb_vip vip = rig_vip(address, service, protocol, first);
	uint32_t record = next_record++;

	assert_in_range(record, FIRST_RECORD, LAST_RECORD);
	vip.port_last = last;
	if (service == OTHERS) {
		vip.tenant = GLOBEX;
		vip.flow_first = RIG_FLOWS(GLOBEX);
	}
	if (service == TRACKED_RANGE)
		vip.flags = MTLB_VIP_TRACK_ALWAYS;
	rig_put_vip(rig, record, &vip);
	assert_int_equal(dataplane_delete_vip(rig->dataplane, &vip.key), 0);
	return record;
}

/* Ranges in lines that follow each other. Returns the first line. */
static uint32_t put_lines(const struct rig *rig, const struct mtlb_port_range *range,
			  uint32_t count)
{
	uint32_t first = next_line;

	for (uint32_t i = 0; i < count; i += MTLB_PORT_RANGES_PER_LINE) {
		struct mtlb_port_line line = {};

		for (uint32_t j = 0; j < MTLB_PORT_RANGES_PER_LINE && i + j < count; j++)
			line.range[j] = range[i + j];
		line.next = i + MTLB_PORT_RANGES_PER_LINE < count ? next_line + 1 : 0;
		assert_int_equal(dataplane_put_port_lines(rig->dataplane, next_line++, &line), 0);
	}
	return count ? first : 0;
}

static uint32_t put_ranges(const struct rig *rig, const char *address, enum rig_tenant tenant,
			   uint8_t protocol)
{
	struct mtlb_port_range range[MTLB_PORT_RANGES_PER_LINE * MTLB_PORT_LINES_MAX];
	uint32_t count = 0;

	for (size_t i = 0; i < sizeof(ranges) / sizeof(*ranges); i++)
		if (ranges[i].protocol == protocol &&
		    (ranges[i].service == OTHERS) == (tenant == GLOBEX))
			range[count++] = (struct mtlb_port_range){
				.first = ranges[i].first,
				.last = ranges[i].last,
				.record = put_record(rig, address, ranges[i].service, protocol,
						     ranges[i].first, ranges[i].last),
			};
	for (uint32_t i = 0; tenant == ACME && protocol == IPPROTO_TCP && i < FILLER_COUNT; i++) {
		uint16_t first = (uint16_t)(20000 + 10 * i);
		uint32_t service = first == END_FIRST ? END_OF_CHAIN : FILLERS;

		range[count++] = (struct mtlb_port_range){
			.first = first,
			.last = first + 1,
			.record = put_record(rig, address, service, protocol, first, first + 1),
		};
	}
	return put_lines(rig, range, count);
}

static void put_address(const struct rig *rig, uint32_t record, const char *address,
			enum rig_tenant tenant)
{
	struct mtlb_vip vip = {
		.tenant = tenant,
		.flags = MTLB_VIP_ADDRESS,
		.port_line = {[MTLB_PORT_TCP] = put_ranges(rig, address, tenant, IPPROTO_TCP),
			      [MTLB_PORT_UDP] = put_ranges(rig, address, tenant, IPPROTO_UDP),
			      [MTLB_PORT_SCTP] = put_ranges(rig, address, tenant, IPPROTO_SCTP)},
	};

	rig_key(&vip.key, address, 0, 0);
	rig_put_vip(rig, record, &vip);
}

static void prepare(const struct rig *rig)
{
	struct mtlb_vip exact = rig_vip("192.0.2.1", DSR_TCP, IPPROTO_TCP, 7500);

	for (uint32_t service = DATABASES; service < SERVICES_END; service++) {
		enum mtlb_encap encap = service == ANY_UDP   ? MTLB_ENCAP_IPV6
					: service == STREAMS ? MTLB_ENCAP_IPV4
							     : MTLB_ENCAP_NONE;

		rig_put_member(rig, service, service, encap, RIG_IFINDEX, 1500, 0);
		rig_put_slots(rig, service, &service, 1);
	}
	put_address(rig, 50, "192.0.2.1", ACME);
	put_address(rig, 51, "2001:db8:1::1", ACME);
	put_address(rig, 52, "192.0.2.2", GLOBEX);
	put_address(rig, 53, "2001:db8:1::2", GLOBEX);
	rig_put_vip(rig, 54, &exact);
}

/* Each port of a range has flows of its own, in the tenant's own table. */
static void tracked(void **state)
{
	struct rig *rig = *state;

	rig_clear_flows(rig);
	RIG_CHECK(rig, "eth / ip4 client > acme / tcp 1 > 7001 SYN", TO(TRACKED_RANGE), NEW_FLOW,
		  .stored = 1);
	RIG_CHECK(rig, "eth / ip4 client > acme / tcp 1 > 7001 ACK", TO(TRACKED_RANGE));
	RIG_CHECK(rig, "eth / ip4 client > acme / tcp 1 > 7002 SYN", TO(TRACKED_RANGE), NEW_FLOW,
		  .stored = 1);
	RIG_CHECK(rig, "eth / ip6 client > acme / tcp 1 > 7999 ACK", TO(TRACKED_RANGE),
		  .stored = 1);
	assert_int_equal(rig_count_flows(rig, ACME), 3);
	assert_int_equal(rig_count_flows(rig, GLOBEX), 0);
	rig_clear_flows(rig);
}

/* A line that leads to what is another's, or to nothing: no packet reaches another tenant. */
static void lines_that_lie(void **state)
{
	struct rig *rig = *state;
	struct mtlb_vip address = {.tenant = ACME, .flags = MTLB_VIP_ADDRESS};
	uint32_t others = put_record(rig, "192.0.2.2", OTHERS, IPPROTO_TCP, 1000, 1999);
	uint32_t udp = put_record(rig, "192.0.2.60", ANY_UDP, IPPROTO_UDP, 1000, 1999);
	uint32_t elsewhere = put_record(rig, "192.0.2.60", DATABASES, IPPROTO_TCP, 3000, 3999);
	struct mtlb_port_range range[] = {
		{.first = 1000, .last = 1099, .record = others},
		{.first = 1100, .last = 1199, .record = udp},
		{.first = 1200, .last = 1299, .record = elsewhere},
		{.first = 1300, .last = 1399, .record = 0xffffff},
		{.first = 3000, .last = 3099, .record = elsewhere},
	};

	address.port_line[MTLB_PORT_TCP] = put_lines(rig, range, sizeof(range) / sizeof(*range));
	address.port_line[MTLB_PORT_UDP] = 0xffffff;
	rig_key(&address.key, "192.0.2.60", 0, 0);
	rig_put_vip(rig, 55, &address);
	RIG_CHECK(rig, "eth / ip4 client > 192.0.2.60 / tcp 1 > 1000 SYN",
		  DROPPED(ACME, no_record));
	RIG_CHECK(rig, "eth / ip4 client > 192.0.2.60 / tcp 1 > 1100 SYN",
		  DROPPED(ACME, no_record));
	RIG_CHECK(rig, "eth / ip4 client > 192.0.2.60 / tcp 1 > 1200 SYN",
		  DROPPED(ACME, no_record));
	RIG_CHECK(rig, "eth / ip4 client > 192.0.2.60 / tcp 1 > 1300 SYN",
		  DROPPED(ACME, no_record));
	RIG_CHECK(rig, "eth / ip4 client > 192.0.2.60 / tcp 1 > 3000 SYN", TO(DATABASES), NEW_FLOW);
	RIG_CHECK(rig, "eth / ip4 client > 192.0.2.60 / udp 1 > 1000 / 9 bytes",
		  DROPPED(ACME, no_service));
}

/* Lines beyond the twelfth are not walked, and a chain that bites its tail ends. */
static void chains_that_are_too_long(void **state)
{
	struct rig *rig = *state;
	struct mtlb_vip address = {.tenant = ACME, .flags = MTLB_VIP_ADDRESS};
	uint32_t record = put_record(rig, "192.0.2.61", DATABASES, IPPROTO_TCP, 1, 9999);
	struct mtlb_port_line line = {};
	uint32_t first = next_line;

	for (uint32_t i = 0; i <= MTLB_PORT_LINES_MAX; i++) {
		line.next = i < MTLB_PORT_LINES_MAX ? next_line + 1 : first;
		line.range[0] = (struct mtlb_port_range){.first = (uint16_t)(100 + i),
							 .last = (uint16_t)(100 + i),
							 .record = record};
		assert_int_equal(dataplane_put_port_lines(rig->dataplane, next_line++, &line), 0);
	}
	address.port_line[MTLB_PORT_TCP] = first;
	rig_key(&address.key, "192.0.2.61", 0, 0);
	rig_put_vip(rig, 56, &address);
	RIG_CHECK(rig, "eth / ip4 client > 192.0.2.61 / tcp 1 > 111 ACK", TO(DATABASES));
	RIG_CHECK(rig, "eth / ip4 client > 192.0.2.61 / tcp 1 > 112 ACK",
		  DROPPED(ACME, no_service));
	RIG_CHECK(rig, "eth / ip4 client > 192.0.2.61 / tcp 1 > 99 ACK", DROPPED(ACME, no_service));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tracked),
		cmocka_unit_test(lines_that_lie),
		cmocka_unit_test(chains_that_are_too_long),
	};

	return rig_main_group(&(struct rig_group){
		.name = "range",
		.prepare = prepare,
		.scenarios = scenarios,
		.count = sizeof(scenarios) / sizeof(*scenarios),
		.tests = tests,
		.test_count = sizeof(tests) / sizeof(*tests),
	});
}
