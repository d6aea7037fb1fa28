// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * SCTP: associations are balanced by their ports and tracked like connections: an INIT opens one,
 * ABORT and SHUTDOWN COMPLETE close it. Its CRC is not touched, since no byte it covers is.
 */
#include <linux/bpf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tracked.h"

#define CHANGED	   (MTLB_SLOT_CHANGED | OWNER)
#define TO(member) SENT(member, DIRECT)
#define STORED	   .stored = 1

#define V4 "eth / ip4 client > acme "
#define V6 "eth / ip6 client > acme "

static const struct scenario scenarios[] = {
	{"INIT, IPv4, DSR", V4 "/ sctp 1 > 80 INIT / 16 bytes", TO(DSR_SCTP), NEW_FLOW},
	{"INIT, IPv6, DSR", V6 "/ sctp 1 > 80 INIT / 16 bytes", TO(DSR_SCTP), NEW_FLOW},
	{"DATA, IPv4, DSR", V4 "/ sctp 1 > 80 DATA / 40 bytes", TO(DSR_SCTP)},
	{"DATA, IPv6, DSR", V6 "/ sctp 1 > 80 DATA / 40 bytes", TO(DSR_SCTP)},
	{"COOKIE ECHO", V4 "/ sctp 1 > 80 COOKIE-ECHO / 100 bytes", TO(DSR_SCTP)},
	{"HEARTBEAT", V6 "/ sctp 1 > 80 HEARTBEAT / 32 bytes", TO(DSR_SCTP)},
	{"ABORT", V4 "/ sctp 1 > 80 ABORT", TO(DSR_SCTP)},
	{"SHUTDOWN COMPLETE", V6 "/ sctp 1 > 80 SHUTDOWN-COMPLETE", TO(DSR_SCTP)},
	{"INIT, 4 in 4", V4 "/ sctp 1 > 84 INIT / 16 bytes", SENT(IN4_SCTP, IN_IP4), NEW_FLOW},
	{"INIT, 6 in 4", V6 "/ sctp 1 > 84 INIT / 16 bytes", SENT(IN4_SCTP, IN_IP4), NEW_FLOW},
	{"DATA, 4 in 6", V4 "/ sctp 1 > 86 DATA / 16 bytes", SENT(IN6_SCTP, IN_IP6)},
	{"DATA, 6 in 6", V6 "/ sctp 1 > 86 DATA / 16 bytes", SENT(IN6_SCTP, IN_IP6)},
	{"VLAN", "eth / vlan 5 / ip4 client > acme / sctp 1 > 80 DATA",
	 SENT(DSR_SCTP, "eth lb > hop / vlan 5 / *")},
	{"IPv4 options", V4 "options 8 / sctp 1 > 84 DATA", SENT(IN4_SCTP, IN_IP4)},
	{"extension headers", V6 "/ hopopts / dstopts / sctp 1 > 86 INIT", SENT(IN6_SCTP, IN_IP6),
	 NEW_FLOW},
	{"a first fragment", V4 "more / sctp 1 > 80 DATA / 100 bytes", TO(DSR_SCTP)},
	{"a first fragment, IPv6", V6 "/ fragment more / sctp 1 > 84 DATA / 100 bytes",
	 SENT(IN4_SCTP, IN_IP4)},
	{"an error about it, IPv4, DSR",
	 "eth / ip4 host > acme / icmp 3 code 4 mtu 1400 / ip4 acme > client / sctp 80 > 1 DATA",
	 TO(DSR_SCTP)},
	{"an error about it, IPv6, in IPv6",
	 "eth / ip6 host > acme / icmp6 2 mtu 1400 / ip6 acme > client / sctp 86 > 1 DATA",
	 SENT(IN6_SCTP, IN_IP6)},
	{"an error about eight bytes of it",
	 "eth / ip4 host > acme / icmp 11 / ip4 acme > client next 132 / udp 84 > 1",
	 SENT(IN4_SCTP, IN_IP4)},
	{"an error about its INIT is no new flow",
	 "eth / ip4 host > acme / icmp 3 code 3 / ip4 acme > client / sctp 80 > 1 INIT",
	 TO(DSR_SCTP)},
	{"too big for the way", "eth / ip4 client > acme df / sctp 1 > 86 DATA / 1425 bytes",
	 TOLD(ACME, "eth lb > client / ip4 acme > client / icmp 3 code 4 mtu 1460 / quote 28")},
	{"too big for the way, IPv6", V6 "/ sctp 1 > 84 DATA / 1425 bytes",
	 TOLD(ACME, "eth lb > client / ip6 acme > client / icmp6 2 mtu 1480 / quote 48")},

	{"no service", V4 "/ sctp 1 > 81 INIT", DROPPED(ACME, no_service)},
	{"TCP's port is not SCTP's", V6 "/ sctp 1 > 75 INIT", DROPPED(ACME, no_service)},
	{"an error about no service",
	 "eth / ip4 host > acme / icmp 3 / ip4 acme > client / sctp 81 > 1 DATA",
	 DROPPED(ACME, no_service)},
	{"no chunk, IPv4", V4 "next 132 / 12 bytes", DROPPED(ACME, bad_l4)},
	{"no chunk and padding, IPv6", V6 "next 132 / 12 bytes / pad 20", DROPPED(ACME, bad_l4)},
	{"15 bytes, IPv6", V6 "next 132 / 15 bytes", DROPPED(ACME, bad_l4)},
	{"15 bytes and padding, IPv4", V4 "next 132 / 15 bytes / pad 11", DROPPED(ACME, bad_l4)},
	{"no bytes, IPv6", V6 "next 132", DROPPED(ACME, bad_l4)},
	{"for the host", "eth / ip4 client > host / sctp 1 > 80 INIT", PASSED(not_vip)},
};

static void opened_and_closed(void **state)
{
	static const char *const last[] = {SCTP_FLOW(1, "ABORT"),
					   SCTP_FLOW(1, "SHUTDOWN-COMPLETE")};
	struct rig *rig = *state;

	for (size_t i = 0; i < 2; i++) {
		tracked_set(rig, &(struct tracked){.slot = CHANGED, .old_owner = OLD});
		RIG_CHECK(rig, SCTP_FLOW(1, "INIT / 16 bytes"), TO(OWNER), NEW_FLOW, STORED);
		tracked_assert(rig, SCTP_FLOW(1, "INIT"), OWNER, MTLB_FLOW_UNPROVEN);
		RIG_CHECK(rig, SCTP_FLOW(1, "COOKIE-ECHO / 90 bytes"), TO(OWNER));
		tracked_assert(rig, SCTP_FLOW(1, "DATA"), OWNER, MTLB_FLOW_ESTABLISHED);
		RIG_CHECK(rig, SCTP_FLOW(1, "DATA / 90 bytes"), TO(OWNER));
		RIG_CHECK(rig, last[i], TO(OWNER));
		tracked_assert(rig, SCTP_FLOW(1, "DATA"), OWNER, MTLB_FLOW_CLOSING);
		RIG_CHECK(rig, SCTP_FLOW(1, "DATA"), TO(OWNER));
		/* a new association of the same ports */
		tracked_set_slot(rig, MTLB_SLOT_CHANGED | THIRD);
		RIG_CHECK(rig, SCTP_FLOW(1, "INIT"), TO(THIRD), NEW_FLOW, STORED);
		assert_int_equal(rig_count_flows(rig, ACME), 1);
	}
}

static void older_than_the_change(void **state)
{
	struct rig *rig = *state;

	tracked_set(rig, &(struct tracked){.slot = CHANGED, .old_owner = OLD});
	RIG_CHECK(rig, SCTP_FLOW(1, "DATA"), TO(OLD), STORED);
	tracked_assert(rig, SCTP_FLOW(1, "DATA"), OLD, MTLB_FLOW_ADOPTED);
	RIG_CHECK(rig, SCTP_FLOW(2, "ABORT"), TO(OLD));
	RIG_CHECK(rig, SCTP_FLOW(3, "SHUTDOWN-COMPLETE"), TO(OLD));
	RIG_CHECK(rig, "eth / ip6 client > acme / sctp 4 > 8000 HEARTBEAT", TO(OLD), STORED);
	assert_int_equal(rig_count_flows(rig, ACME), 2);
	/* slots that learn do so for UDP only: an association says when it is new */
	tracked_set_slot(rig, CHANGED | MTLB_SLOT_LEARN);
	RIG_CHECK(rig, SCTP_FLOW(5, "INIT"), TO(OWNER), NEW_FLOW, STORED);
	/* the same ports over TCP are another flow */
	RIG_CHECK(rig, TCP_FLOW(5, "ACK"), TO(OLD), STORED);
	assert_int_equal(rig_count_flows(rig, ACME), 4);
}

static void always_tracked(void **state)
{
	struct rig *rig = *state;

	tracked_set(rig, &(struct tracked){.slot = OWNER, .flags = MTLB_VIP_TRACK_ALWAYS});
	RIG_CHECK(rig, SCTP_FLOW(1, "INIT"), TO(OWNER), NEW_FLOW, STORED);
	RIG_CHECK(rig, SCTP_FLOW(2, "DATA"), TO(OWNER), STORED);
	tracked_assert(rig, SCTP_FLOW(2, "DATA"), OWNER, MTLB_FLOW_ADOPTED);
	tracked_set_slot(rig, THIRD);
	RIG_CHECK(rig, SCTP_FLOW(1, "DATA"), TO(OWNER));
	RIG_CHECK(rig, SCTP_FLOW(2, "DATA"), TO(OWNER));
	RIG_CHECK(rig, SCTP_FLOW(3, "INIT"), TO(THIRD), NEW_FLOW, STORED);
}

static void errors_follow_the_association(void **state)
{
	struct rig *rig = *state;

	tracked_set(rig, &(struct tracked){.slot = CHANGED, .old_owner = OLD});
	RIG_CHECK(rig, SCTP_FLOW(1, "INIT"), TO(OWNER), NEW_FLOW, STORED);
	RIG_CHECK(rig,
		  "eth / ip4 host > acme / icmp 3 code 4 / ip4 acme > client / sctp 8000 > 1 DATA",
		  TO(OWNER));
	tracked_assert(rig, SCTP_FLOW(1, "INIT"), OWNER, MTLB_FLOW_UNPROVEN);
	RIG_CHECK(rig,
		  "eth / ip4 host > acme / icmp 3 code 4 / ip4 acme > client / sctp 8000 > 2 DATA",
		  TO(OLD));
	assert_int_equal(rig_count_flows(rig, ACME), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(opened_and_closed),
		cmocka_unit_test(older_than_the_change),
		cmocka_unit_test(always_tracked),
		cmocka_unit_test(errors_follow_the_association),
	};

	return rig_main_group(&(struct rig_group){
		.name = "sctp",
		.scenarios = scenarios,
		.count = sizeof(scenarios) / sizeof(*scenarios),
		.tests = tests,
		.test_count = sizeof(tests) / sizeof(*tests),
	});
}
