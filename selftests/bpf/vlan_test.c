// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Members on another VLAN than their clients: packets leave with exactly the member's tag, or with
 * none, whatever tags they came with. What goes back to the client has the client's.
 */
#include <linux/bpf.h>

#include "rig.h"

#define TCP4(port) "ip4 client > acme / tcp 1 > " port " ACK / 20 bytes"
#define TCP6(port) "ip6 client > acme / tcp 1 > " port " ACK / 20 bytes"
#define TAGGED	   "eth lb > hop / vlan 30 / "
#define IP4	   "ip4 lb > member df / "
#define IP6	   "ip6 lb > member label flow / "
#define AWAY	   "eth lb > hop / vlan 0xfff pcp 7 / *"

static const struct scenario scenarios[] = {
	/* the member's tag is put on, in place of those that are there */
	{"IPv4 untagged, DSR", "eth / " TCP4("200"), SENT(TAG_DSR, TAGGED "*")},
	{"IPv6 untagged, DSR", "eth / " TCP6("200"), SENT(TAG_DSR, TAGGED "*")},
	{"IPv4 tagged, DSR", "eth / vlan 5 pcp 3 / " TCP4("200"), SENT(TAG_DSR, TAGGED "*")},
	{"IPv6 tagged, DSR", "eth / vlan 5 / " TCP6("200"), SENT(TAG_DSR, TAGGED "*")},
	{"IPv4 in the member's own VLAN, DSR", "eth / vlan 30 / " TCP4("200"),
	 SENT(TAG_DSR, TAGGED "*")},
	{"IPv4 with 802.1ad, DSR", "eth / qinq 5 / " TCP4("200"), SENT(TAG_DSR, TAGGED "*")},
	{"IPv4 double tagged, DSR", "eth / qinq 6 / vlan 5 / " TCP4("200"),
	 SENT(TAG_DSR, TAGGED "*")},
	{"IPv6 double tagged, DSR", "eth / vlan 6 / vlan 5 / " TCP6("200"),
	 SENT(TAG_DSR, TAGGED "*")},
	{"a SYN, DSR", "eth / ip4 client > acme / tcp 1 > 200 SYN", SENT(TAG_DSR, TAGGED "*"),
	 NEW_FLOW},
	{"padding, DSR", "eth / ip4 client > acme / tcp 1 > 200 ACK / pad 6",
	 SENT(TAG_DSR, TAGGED "*")},
	{"IPv4 untagged, by another interface", "eth / " TCP4("212"), REDIRECTED(TAG_AWAY, AWAY)},
	{"IPv6 tagged, by another interface", "eth / vlan 5 / " TCP6("212"),
	 REDIRECTED(TAG_AWAY, AWAY)},
	{"IPv4 double tagged, by another interface", "eth / qinq 6 / vlan 5 / " TCP4("212"),
	 REDIRECTED(TAG_AWAY, AWAY)},
	{"untagged, 4 in 4", "eth / " TCP4("204"), SENT(TAG_IN4, TAGGED IP4 "*")},
	{"untagged, 6 in 4", "eth / " TCP6("204"), SENT(TAG_IN4, TAGGED IP4 "*")},
	{"tagged, 4 in 4", "eth / vlan 5 / " TCP4("204"), SENT(TAG_IN4, TAGGED IP4 "*")},
	{"tagged, 6 in 4", "eth / vlan 5 / " TCP6("204"), SENT(TAG_IN4, TAGGED IP4 "*")},
	{"double tagged, 4 in 4", "eth / qinq 6 / vlan 5 / " TCP4("204"),
	 SENT(TAG_IN4, TAGGED IP4 "*")},
	{"untagged, 4 in 6", "eth / " TCP4("206"), SENT(TAG_IN6, TAGGED IP6 "*")},
	{"untagged, 6 in 6", "eth / " TCP6("206"), SENT(TAG_IN6, TAGGED IP6 "*")},
	{"tagged, 6 in 6", "eth / vlan 5 / " TCP6("206"), SENT(TAG_IN6, TAGGED IP6 "*")},
	{"double tagged, 4 in 6", "eth / qinq 6 / vlan 5 / " TCP4("206"),
	 SENT(TAG_IN6, TAGGED IP6 "*")},
	{"double tagged, 6 in 6", "eth / qinq 6 / vlan 5 / " TCP6("206"),
	 SENT(TAG_IN6, TAGGED IP6 "*")},
	{"untagged, GUE in IPv4", "eth / " TCP4("208"),
	 SENT(TAG_GUE4, TAGGED IP4 "gue csum 0 / *")},
	{"tagged, GUE in IPv4", "eth / vlan 5 / " TCP6("208"),
	 SENT(TAG_GUE4, TAGGED IP4 "gue csum 0 / *")},
	{"double tagged, GUE in IPv4", "eth / vlan 6 / vlan 5 / " TCP4("208"),
	 SENT(TAG_GUE4, TAGGED IP4 "gue csum 0 / *")},
	{"untagged, GUE in IPv6", "eth / " TCP6("210"), SENT(TAG_GUE6, TAGGED IP6 "gue / *")},
	{"tagged, GUE in IPv6", "eth / vlan 5 / " TCP4("210"),
	 SENT(TAG_GUE6, TAGGED IP6 "gue / *")},
	{"double tagged, GUE in IPv6", "eth / qinq 6 / vlan 5 / " TCP6("210"),
	 SENT(TAG_GUE6, TAGGED IP6 "gue / *")},

	/* or all are taken off */
	{"off: IPv4 untagged, DSR", "eth / " TCP4("300"), SENT(UNTAG_DSR, DIRECT)},
	{"off: IPv6 untagged, DSR", "eth / " TCP6("300"), SENT(UNTAG_DSR, DIRECT)},
	{"off: IPv4 tagged, DSR", "eth / vlan 5 pcp 3 / " TCP4("300"), SENT(UNTAG_DSR, DIRECT)},
	{"off: IPv6 tagged, DSR", "eth / vlan 5 / " TCP6("300"), SENT(UNTAG_DSR, DIRECT)},
	{"off: a priority tag, DSR", "eth / vlan 0 pcp 7 / " TCP4("300"), SENT(UNTAG_DSR, DIRECT)},
	{"off: IPv4 double tagged, DSR", "eth / qinq 6 / vlan 5 / " TCP4("300"),
	 SENT(UNTAG_DSR, DIRECT)},
	{"off: IPv6 double tagged, DSR", "eth / vlan 6 / vlan 5 / " TCP6("300"),
	 SENT(UNTAG_DSR, DIRECT)},
	{"off: tagged, by another interface", "eth / vlan 5 / " TCP4("312"),
	 REDIRECTED(UNTAG_AWAY, DIRECT)},
	{"off: double tagged, by another interface", "eth / vlan 6 / vlan 5 / " TCP6("312"),
	 REDIRECTED(UNTAG_AWAY, DIRECT)},
	{"off: untagged, 4 in 4", "eth / " TCP4("304"), SENT(UNTAG_IN4, IN_IP4)},
	{"off: tagged, 4 in 4", "eth / vlan 5 / " TCP4("304"), SENT(UNTAG_IN4, IN_IP4)},
	{"off: double tagged, 6 in 4", "eth / qinq 6 / vlan 5 / " TCP6("304"),
	 SENT(UNTAG_IN4, IN_IP4)},
	{"off: untagged, 6 in 6", "eth / " TCP6("306"), SENT(UNTAG_IN6, IN_IP6)},
	{"off: tagged, 4 in 6", "eth / vlan 5 / " TCP4("306"), SENT(UNTAG_IN6, IN_IP6)},
	{"off: double tagged, 6 in 6", "eth / qinq 6 / vlan 5 / " TCP6("306"),
	 SENT(UNTAG_IN6, IN_IP6)},
	{"off: tagged, GUE in IPv4", "eth / vlan 5 / " TCP4("308"), SENT(UNTAG_GUE4, IN_GUE4)},
	{"off: double tagged, GUE in IPv4", "eth / qinq 6 / vlan 5 / " TCP6("308"),
	 SENT(UNTAG_GUE4, IN_GUE4)},
	{"off: tagged, GUE in IPv6", "eth / vlan 5 / " TCP6("310"), SENT(UNTAG_GUE6, IN_GUE6)},
	{"off: double tagged, GUE in IPv6", "eth / qinq 6 / vlan 5 / " TCP4("310"),
	 SENT(UNTAG_GUE6, IN_GUE6)},

	/* ICMP errors go the member's way */
	{"an error, DSR",
	 "eth / ip4 host > acme / icmp 3 code 4 / ip4 acme > client next 6 / udp 200 > 1",
	 SENT(TAG_DSR, TAGGED "*")},
	{"an error, 6 in 4",
	 "eth / vlan 5 / ip6 host > acme / icmp6 2 / ip6 acme > client next 6 / udp 204 > 1",
	 SENT(TAG_IN4, TAGGED IP4 "*")},
	{"off: an error, DSR",
	 "eth / vlan 5 / ip6 host > acme / icmp6 2 / ip6 acme > client next 6 / udp 300 > 1",
	 SENT(UNTAG_DSR, DIRECT)},

	/* the client is told what fits with its own tags */
	{"told, untagged, DSR", "eth / ip4 client > acme df / tcp 1 > 200 ACK / 1461 bytes",
	 TOLD(ACME, "eth lb > client / ip4 acme > client / icmp 3 code 4 mtu 1500 / quote 28")},
	{"told, tagged, DSR",
	 "eth / vlan 5 pcp 3 / ip4 client > acme df / tcp 1 > 200 ACK / 1461 bytes",
	 TOLD(ACME, "eth lb > client / vlan 5 pcp 3 / ip4 acme > client / icmp 3 code 4 mtu 1500 "
		    "/ quote 28")},
	{"told, double tagged, in IPv4",
	 "eth / qinq 6 / vlan 5 / ip6 client > acme / tcp 1 > 204 ACK / 1421 bytes",
	 TOLD(ACME, "eth lb > client / qinq 6 / vlan 5 / ip6 acme > client / icmp6 2 mtu 1480 / "
		    "quote 48")},
	{"told, tagged, taken off",
	 "eth / vlan 5 / ip6 client > acme / tcp 1 > 300 ACK / 1441 bytes",
	 TOLD(ACME, "eth lb > client / vlan 5 / ip6 acme > client / icmp6 2 mtu 1500 / quote 48")},
	{"told, double tagged, taken off, GUE",
	 "eth / qinq 6 / vlan 5 / ip4 client > acme df / tcp 1 > 310 ACK / 1413 bytes",
	 TOLD(ACME, "eth lb > client / qinq 6 / vlan 5 / ip4 acme > client / icmp 3 code 4 mtu "
		    "1452 / quote 28")},

	/* headroom: of 216 bytes, metadata takes the rest */
	{"4 bytes of headroom, DSR", "eth / " TCP4("200"), SENT(TAG_DSR, TAGGED "*"),
	 .metadata = 212},
	{"no headroom, DSR", "eth / " TCP4("200"), DROPPED(ACME, no_headroom), .metadata = 216},
	{"no headroom, but a tag to replace, DSR", "eth / vlan 5 / " TCP4("200"),
	 SENT(TAG_DSR, TAGGED "*"), .metadata = 216},
	{"no headroom, but two tags to replace, DSR", "eth / vlan 6 / vlan 5 / " TCP6("200"),
	 SENT(TAG_DSR, TAGGED "*"), .metadata = 216},
	{"24 bytes of headroom, 4 in 4", "eth / " TCP4("204"), SENT(TAG_IN4, TAGGED IP4 "*"),
	 .metadata = 192},
	{"20 bytes of headroom, 4 in 4", "eth / " TCP4("204"), DROPPED(ACME, no_headroom),
	 .metadata = 196},
	{"off: 12 bytes of headroom and two tags, 4 in 4", "eth / vlan 6 / vlan 5 / " TCP4("304"),
	 SENT(UNTAG_IN4, IN_IP4), .metadata = 204},
};

int main(void)
{
	return rig_main("vlan", scenarios, sizeof(scenarios) / sizeof(*scenarios));
}
