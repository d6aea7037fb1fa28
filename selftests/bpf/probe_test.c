// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Health checks by way of the dataplane: packet in, packet out, in each way of forwarding. Who
 * fills the table of ports has no rights, so most of it is about what must not leave.
 */
#include <linux/bpf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>
#include <cmocka.h>

#include "rig.h"

#define PORT 40001

#define SYN4 "eth / ip4 client > acme df / tcp 40001 > "
#define SYN6 "eth / ip6 client > acme / tcp 40001 > "
#define UDP4 "eth / ip4 client > acme df / udp 40001 > "
#define UDP6 "eth / ip6 client > acme / udp 40001 > "

struct probe_case {
	const char *name, *in;
	uint32_t member; /* that the port stands for */
	const char *out; /* NULL: it is dropped */
};

static const struct probe_case cases[] = {
	/* as the dataplane would, in each way */
	{"L2 DSR, IPv4", SYN4 "80 SYN mss 1240", DSR_TCP, DIRECT},
	{"L2 DSR, IPv6", SYN6 "80 SYN mss 1220", DSR_TCP, DIRECT},
	{"IPv4 in IPv4", SYN4 "84 SYN", IN4_TCP, IN_IP4},
	{"IPv6 in IPv4", SYN6 "84 SYN", IN4_TCP, IN_IP4},
	{"IPv4 in IPv6", SYN4 "86 SYN", IN6_TCP, IN_IP6},
	{"IPv6 in IPv6", SYN6 "86 ACK / 100 bytes", IN6_TCP, IN_IP6},
	{"GUE, IPv4 in IPv4", SYN4 "184 SYN", GUE4_TCP, IN_GUE4},
	{"GUE, IPv6 in IPv4", SYN6 "184 SYN", GUE4_TCP, IN_GUE4},
	{"GUE, IPv4 in IPv6", SYN4 "186 SYN", GUE6_TCP, IN_GUE6},
	{"GUE, IPv6 in IPv6", SYN6 "186 FIN ACK", GUE6_TCP, IN_GUE6},
	{"UDP, IPv4 in IPv4", UDP4 "84 / 33 bytes", IN4_UDP, IN_IP4},
	{"UDP, IPv6 in UDP in IPv6", UDP6 "186 / 33 bytes", GUE6_UDP, IN_GUE6},
	{"by another interface", SYN4 "94 SYN", AWAY_IN4, IN_IP4},
	{"with the members' tag", SYN4 "204 SYN", TAG_IN4,
	 "eth lb > hop / vlan 30 / ip4 lb > member df / *"},

	/* whom new flows are no longer sent to is asked all the same */
	{"a member that drains", SYN4 "75 SYN", DRAINED, DIRECT},
	{"a member that was let go", SYN4 "76 SYN", LET_GO, DIRECT},
	/* a check may name a port of its own, or of a service without a table */
	{"another port of the same address", SYN4 "9999 SYN", IN4_TCP, IN_IP4},
	{"a service without a table", SYN4 "60 SYN", NO_TABLE, DIRECT},
	{"as much as fits", UDP4 "84 / 1452 bytes", IN4_UDP, IN_IP4},

	/* what the sender cannot have sent */
	{"a port that stands for nobody", SYN4 "84 SYN", NOBODY, NULL},
	{"a number that is no member's", SYN4 "84 SYN", RIG_MEMBERS, NULL},
	{"any number", SYN4 "84 SYN", UINT32_MAX, NULL},
	{"the row of a member that is free", SYN4 "84 SYN", RIG_MEMBERS - 1, NULL},
	{"another tenant's member", SYN4 "84 SYN", GLOBEX_IN4, NULL},
	{"another tenant's VIP", "eth / ip4 client > globex / udp 40001 > 84", IN4_UDP, NULL},
	{"an address that is nobody's", "eth / ip4 client > host / tcp 40001 > 84 SYN", IN4_TCP,
	 NULL},
	{"the member's own address", "eth / ip4 client > 10.1.0.3 / tcp 40001 > 84 SYN", IN4_TCP,
	 NULL},
	{"an IPv4 VIP in IPv6's clothes",
	 "eth / ip6 client > ::ffff:192.0.2.1 / tcp 40001 > 84 SYN", IN4_TCP, NULL},
	{"a member that cannot be reached", SYN4 "74 SYN", NO_HOP_IN4, NULL},
	{"what does not fit", UDP4 "84 / 1453 bytes", IN4_UDP, NULL},
	{"SCTP", "eth / ip4 client > acme / sctp 40001 > 84 INIT", IN4_SCTP, NULL},
	{"a ping", "eth / ip4 client > acme / icmp 8", IN4_TCP, NULL},
	{"an ICMP error about such a connection",
	 "eth / ip4 host > acme / icmp 3 code 4 mtu 1400 / ip4 acme > client len 1500 df next 6 / "
	 "udp 84 > 40001",
	 IN4_TCP, NULL},
	{"a first fragment", "eth / ip4 client > acme more / udp 40001 > 84 / 100 bytes", IN4_UDP,
	 NULL},
	{"a tunnel of its own", "eth / ip4 client > acme next 4 / 40 bytes", IN4_TCP, NULL},
	{"half a header", SYN4 "84 SYN / cut 40", IN4_TCP, NULL},
	{"neighbour discovery", "eth / ip6 client > acme / icmp6 135", IN4_TCP, NULL},
	{"no IP", "eth type 0x0806 / 28 bytes", IN4_TCP, NULL},
};

static void set_port(const struct rig *rig, bool ipv6, bool udp, uint32_t member)
{
	struct mtlb_probe entry = {.member = member};
	uint32_t at = mtlb_probe_at(ipv6, udp, PORT);

	assert_int_equal(
		bpf_map_update_elem(dataplane_probes_fd(rig->dataplane), &at, &entry, BPF_ANY), 0);
}

static void set_ports(const struct rig *rig, uint32_t member)
{
	for (int i = 0; i < 4; i++)
		set_port(rig, i & 1, i & 2, member);
}

static int run(const struct rig *rig, const struct frame *in, struct frame *out)
{
	static uint8_t room[FRAME_MAX + 512];
	LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = in->byte,
		    .data_size_in = (uint32_t)in->length, .data_out = room,
		    .data_size_out = sizeof(room));

	assert_int_equal(bpf_prog_test_run_opts(dataplane_probe_program_fd(rig->dataplane), &run),
			 0);
	assert_in_range(run.data_size_out, 0, FRAME_MAX);
	out->length = run.data_size_out;
	memcpy(out->byte, room, out->length);
	return (int)run.retval;
}

static void check(const struct rig *rig, const struct probe_case *c)
{
	static struct ledger before, after;
	static struct frame in, out, expected;
	int verdict;

	frame_build(&in, c->in, NULL);
	ledger_take(rig, &before);
	verdict = run(rig, &in, &out);
	ledger_take(rig, &after);
	if (verdict != (c->out ? XDP_REDIRECT : XDP_DROP))
		fail_msg("%s: the verdict is %d", c->name, verdict);
	ledger_assert_equal(&after, &before, c->name);
	if (!c->out)
		return;
	frame_build(&expected, c->out,
		    &(struct frame_words){.inner = &in,
					  .flow = (uint32_t)rig_hash(rig, &in) & 0xfffff,
					  .hash = rig_hash(rig, &in),
					  .member = (uint8_t)c->member});
	frame_assert_equal(&out, &expected, c->name);
}

static void is_sent_as_packets_are(void **state)
{
	const struct rig *rig = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		set_ports(rig, cases[i].member);
		check(rig, &cases[i]);
	}
	assert_int_equal(rig_count_flows(rig, ACME), 0);
}

static void families_and_protocols_have_ports_of_their_own(void **state)
{
	static const char *const frames[] = {SYN4 "84 SYN", SYN6 "84 SYN", UDP4 "84", UDP6 "84"};
	const struct rig *rig = *state;

	for (int taken = 0; taken < 4; taken++) {
		set_ports(rig, NOBODY);
		set_port(rig, taken & 1, taken & 2, IN4_TCP);
		for (int i = 0; i < 4; i++)
			check(rig, &(struct probe_case){.name = frames[i],
							.in = frames[i],
							.member = IN4_TCP,
							.out = i == taken ? IN_IP4 : NULL});
	}
}

static void a_translated_member_is_not_asked_so(void **state)
{
	const struct rig *rig = *state;

	rig_put_member(rig, RIG_OTHER, IN4_TCP, MTLB_ENCAP_NAT, RIG_IFINDEX, 1500, 0);
	set_ports(rig, RIG_OTHER);
	check(rig, &(struct probe_case){.name = "NAT", .in = SYN4 "84 SYN", .member = RIG_OTHER});
}

static void a_service_that_went_takes_its_members_along(void **state)
{
	const struct rig *rig = *state;
	struct mtlb_service service = rig->view->services[IN4_TCP];

	set_ports(rig, IN4_TCP);
	check(rig, &(struct probe_case){"before", SYN4 "84 SYN", IN4_TCP, IN_IP4});
	service.used = 0;
	assert_int_equal(dataplane_put_service(rig->dataplane, IN4_TCP, &service), 0);
	check(rig, &(struct probe_case){"after", SYN4 "84 SYN", IN4_TCP, NULL});
}

/* A new agent's table is empty: what an old prober wrote leads nowhere. */
static void the_table_goes_with_its_agent(void **state)
{
	struct rig *rig = *state;

	set_ports(rig, IN6_TCP);
	check(rig, &(struct probe_case){"before", SYN4 "86 SYN", IN6_TCP, IN_IP6});
	rig_adopt(rig);
	check(rig, &(struct probe_case){"after", SYN4 "86 SYN", IN6_TCP, NULL});
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(is_sent_as_packets_are),
		cmocka_unit_test(families_and_protocols_have_ports_of_their_own),
		cmocka_unit_test(a_translated_member_is_not_asked_so),
		cmocka_unit_test(a_service_that_went_takes_its_members_along),
		cmocka_unit_test(the_table_goes_with_its_agent),
	};

	return cmocka_run_group_tests_name("probe", tests, rig_setup, rig_teardown);
}
