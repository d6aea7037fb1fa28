// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * GUE: IPv4 and IPv6 in UDP in either. Over IPv4 there is no outer checksum; over IPv6 it is a
 * right one wherever the inner packet has one of its own, and none elsewhere.
 */
#include <linux/bpf.h>

#include "rig.h"

#define ACK4(port) "eth / ip4 client > acme / tcp 1234 > " port " ACK / 20 bytes"
#define ACK6(port) "eth / ip6 client > acme / tcp 1234 > " port " ACK / 20 bytes"
#define TCP4(port) "eth / ip4 client > acme / tcp 1 > " port " ACK / "
#define TCP6(port) "eth / ip6 client > acme / tcp 1 > " port " ACK / "
#define ERROR4(protocol, port)                                                    \
	"eth / ip4 host > acme / icmp 3 code 4 mtu 1400 / ip4 acme > client len " \
	"1500 df next " protocol " / udp " port " > 1234"
#define ERROR6(protocol, port)                                              \
	"eth / ip6 host > acme / icmp6 2 mtu 1300 / ip6 acme > client len " \
	"1460 next " protocol " / udp " port " > 1234"
#define TOLD4(mtu) \
	TOLD(ACME, "eth lb > client / ip4 acme > client / icmp 3 code 4 mtu " mtu " / quote 28")
#define TOLD6(mtu) \
	TOLD(ACME, "eth lb > client / ip6 acme > client / icmp6 2 mtu " mtu " / quote 48")
#define OUT4 "eth lb > hop / ip4 lb > member df "

static const struct scenario scenarios[] = {
	/* TCP */
	{"IPv4 SYN in IPv4", "eth / ip4 client > acme / tcp 1 > 184 SYN", SENT(GUE4_TCP, IN_GUE4),
	 NEW_FLOW},
	{"IPv6 SYN in IPv4", "eth / ip6 client > acme / tcp 1 > 184 SYN", SENT(GUE4_TCP, IN_GUE4),
	 NEW_FLOW},
	{"IPv4 SYN in IPv6", "eth / ip4 client > acme / tcp 1 > 186 SYN", SENT(GUE6_TCP, IN_GUE6),
	 NEW_FLOW},
	{"IPv6 SYN in IPv6", "eth / ip6 client > acme / tcp 1 > 186 SYN", SENT(GUE6_TCP, IN_GUE6),
	 NEW_FLOW},
	{"IPv4 ACK in IPv4", ACK4("184"), SENT(GUE4_TCP, IN_GUE4)},
	{"IPv6 ACK in IPv4", ACK6("184"), SENT(GUE4_TCP, IN_GUE4)},
	{"IPv4 ACK in IPv6", ACK4("186"), SENT(GUE6_TCP, IN_GUE6)},
	{"IPv6 ACK in IPv6", ACK6("186"), SENT(GUE6_TCP, IN_GUE6)},
	{"an odd number of bytes, IPv4 in IPv6", TCP4("186") "21 bytes", SENT(GUE6_TCP, IN_GUE6)},
	{"an odd number of bytes, IPv6 in IPv6", TCP6("186") "21 bytes", SENT(GUE6_TCP, IN_GUE6)},
	{"TCP options, IPv4 in IPv6",
	 "eth / ip4 client > acme / tcp 65535 > 186 SYN mss 1460 options 20",
	 SENT(GUE6_TCP, IN_GUE6), NEW_FLOW},
	{"TCP options, IPv6 in IPv6",
	 "eth / ip6 client > acme / tcp 65535 > 186 FIN ACK options 40 / 3 bytes",
	 SENT(GUE6_TCP, IN_GUE6)},
	{"identification, DF, TTL and TOS, IPv4 in IPv6",
	 "eth / ip4 client > acme id 0xbeef df ttl 1 tos 0xff / tcp 1 > 186 ACK / 5 bytes",
	 SENT(GUE6_TCP, "eth lb > hop / ip6 lb > member class 0xff label flow / gue / *")},
	{"class, label and hops, IPv6 in IPv6",
	 "eth / ip6 client > acme class 0xab label 0xfffff hops 0 / tcp 1 > 186 ACK / 5 bytes",
	 SENT(GUE6_TCP, "eth lb > hop / ip6 lb > member class 0xab label flow / gue / *")},
	{"TOS, IPv4 in IPv4", "eth / ip4 client > acme tos 0xbb ttl 1 / tcp 1 > 184 ACK",
	 SENT(GUE4_TCP, OUT4 "tos 0xbb / gue csum 0 / *")},
	{"class, IPv6 in IPv4", "eth / ip6 client > acme class 0x2a label 7 / tcp 1 > 184 ACK",
	 SENT(GUE4_TCP, OUT4 "tos 0x2a / gue csum 0 / *")},
	{"words of 0xffff, IPv4 in IPv6",
	 "eth / ip4 255.255.255.255 > acme id 0xffff / tcp 65535 > 186 ACK seq 0xffffffff",
	 SENT(GUE6_TCP, IN_GUE6)},
	{"words of 0xffff, IPv6 in IPv6",
	 "eth / ip6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff > acme label 0xfffff / tcp 65535 > "
	 "186 ACK seq 0xffffffff",
	 SENT(GUE6_TCP, IN_GUE6)},
	{"words of 0, IPv4 in IPv6", "eth / ip4 0.0.0.0 > acme ttl 0 / tcp 0 > 186",
	 SENT(GUE6_TCP, IN_GUE6)},
	{"words of 0, IPv6 in IPv6", "eth / ip6 :: > acme hops 0 / tcp 0 > 186",
	 SENT(GUE6_TCP, IN_GUE6)},

	/* UDP: as its own checksum is, so is the outer one */
	{"IPv4 UDP in IPv4", "eth / ip4 client > acme / udp 1 > 184 / 33 bytes",
	 SENT(GUE4_UDP, IN_GUE4)},
	{"IPv6 UDP in IPv4", "eth / ip6 client > acme / udp 1 > 184 / 33 bytes",
	 SENT(GUE4_UDP, IN_GUE4)},
	{"IPv4 UDP in IPv6", "eth / ip4 client > acme / udp 1 > 186 / 33 bytes",
	 SENT(GUE6_UDP, IN_GUE6)},
	{"IPv6 UDP in IPv6", "eth / ip6 client > acme / udp 1 > 186 / 33 bytes",
	 SENT(GUE6_UDP, IN_GUE6)},
	{"an empty IPv4 datagram in IPv6", "eth / ip4 client > acme / udp 1 > 186",
	 SENT(GUE6_UDP, IN_GUE6)},
	{"an empty IPv6 datagram in IPv6", "eth / ip6 client > acme / udp 1 > 186",
	 SENT(GUE6_UDP, IN_GUE6)},
	{"IPv4 UDP without checksum, in IPv4",
	 "eth / ip4 client > acme / udp 1 > 184 csum 0 / 9 bytes", SENT(GUE4_UDP, IN_GUE4)},
	{"IPv4 UDP without checksum, in IPv6",
	 "eth / ip4 client > acme / udp 1 > 186 csum 0 / 9 bytes", SENT(GUE6_UDP, IN_GUE6_BARE)},
	{"IPv6 UDP without checksum, in IPv6",
	 "eth / ip6 client > acme / udp 1 > 186 csum 0 / 9 bytes", SENT(GUE6_UDP, IN_GUE6_BARE)},
	{"IPv4 UDP shorter than its packet, in IPv6",
	 "eth / ip4 client > acme / udp 1 > 186 len 12 / 20 bytes", SENT(GUE6_UDP, IN_GUE6_BARE)},
	{"IPv6 UDP shorter than its packet, in IPv6",
	 "eth / ip6 client > acme / udp 1 > 186 len 12 / 20 bytes", SENT(GUE6_UDP, IN_GUE6_BARE)},

	/* SCTP, whose CRC helps no checksum */
	{"IPv4 SCTP in IPv4", "eth / ip4 client > acme / sctp 1 > 184 INIT / 16 bytes",
	 SENT(GUE4_SCTP, IN_GUE4), NEW_FLOW},
	{"IPv6 SCTP in IPv4", "eth / ip6 client > acme / sctp 1 > 184 DATA / 16 bytes",
	 SENT(GUE4_SCTP, IN_GUE4)},
	{"IPv4 SCTP in IPv6", "eth / ip4 client > acme / sctp 1 > 186 DATA / 16 bytes",
	 SENT(GUE6_SCTP, IN_GUE6_BARE)},
	{"IPv6 SCTP in IPv6", "eth / ip6 client > acme / sctp 1 > 186 INIT / 16 bytes",
	 SENT(GUE6_SCTP, IN_GUE6_BARE), NEW_FLOW},

	/* ICMP errors, with the source port of the flow they are about */
	{"IPv4 error about TCP in IPv4", ERROR4("6", "184"), SENT(GUE4_TCP, IN_GUE4)},
	{"IPv4 error about UDP in IPv4", ERROR4("17", "184"), SENT(GUE4_UDP, IN_GUE4)},
	{"IPv6 error about TCP in IPv4", ERROR6("6", "184"), SENT(GUE4_TCP, IN_GUE4)},
	{"IPv6 error about UDP in IPv4", ERROR6("17", "184"), SENT(GUE4_UDP, IN_GUE4)},
	{"IPv4 error about TCP in IPv6", ERROR4("6", "186"), SENT(GUE6_TCP, IN_GUE6_BARE)},
	{"IPv4 error about UDP in IPv6", ERROR4("17", "186"), SENT(GUE6_UDP, IN_GUE6_BARE)},
	{"IPv6 error about TCP in IPv6", ERROR6("6", "186"), SENT(GUE6_TCP, IN_GUE6_BARE)},
	{"IPv6 error about UDP in IPv6", ERROR6("17", "186"), SENT(GUE6_UDP, IN_GUE6_BARE)},
	{"IPv4 error about SCTP in IPv6", ERROR4("132", "186"), SENT(GUE6_SCTP, IN_GUE6_BARE)},

	/* first fragments: the checksum is that of the whole datagram */
	{"a first fragment, IPv4 TCP in IPv4",
	 "eth / ip4 client > acme more / tcp 1 > 184 SYN / 100 bytes", SENT(GUE4_TCP, IN_GUE4),
	 NEW_FLOW},
	{"a first fragment, IPv6 TCP in IPv4",
	 "eth / ip6 client > acme / fragment more / tcp 1 > 184 ACK / 100 bytes",
	 SENT(GUE4_TCP, IN_GUE4)},
	{"a first fragment, IPv4 UDP in IPv6",
	 "eth / ip4 client > acme more / udp 1 > 186 len 4000 / 1400 bytes",
	 SENT(GUE6_UDP, IN_GUE6_BARE)},
	{"a first fragment, IPv4 TCP in IPv6",
	 "eth / ip4 client > acme more / tcp 1 > 186 ACK / 100 bytes",
	 SENT(GUE6_TCP, IN_GUE6_BARE)},
	{"a first fragment, IPv6 UDP in IPv6",
	 "eth / ip6 client > acme / fragment more / udp 1 > 186 len 4000 / 1000 bytes",
	 SENT(GUE6_UDP, IN_GUE6_BARE)},
	{"an atomic fragment, IPv6 TCP in IPv6",
	 "eth / ip6 client > acme / fragment / tcp 1 > 186 ACK / 10 bytes",
	 SENT(GUE6_TCP, IN_GUE6_BARE)},

	/* options and extension headers: no checksum rather than a look at them */
	{"IPv4 options in IPv4", "eth / ip4 client > acme options 8 / tcp 1 > 184 ACK / 5 bytes",
	 SENT(GUE4_TCP, IN_GUE4)},
	{"IPv4 options in IPv6", "eth / ip4 client > acme options 40 / tcp 1 > 186 ACK / 5 bytes",
	 SENT(GUE6_TCP, IN_GUE6_BARE)},
	{"extension headers in IPv4",
	 "eth / ip6 client > acme / hopopts / dstopts 2 / udp 1 > 184 / 5 bytes",
	 SENT(GUE4_UDP, IN_GUE4)},
	{"extension headers in IPv6", "eth / ip6 client > acme / dstopts 2 / udp 1 > 186 / 5 bytes",
	 SENT(GUE6_UDP, IN_GUE6_BARE)},

	/* VLAN tags stay in front */
	{"VLAN, IPv4 in IPv4", "eth / vlan 5 pcp 3 / ip4 client > acme / tcp 1 > 184 ACK",
	 SENT(GUE4_TCP, "eth lb > hop / vlan 5 pcp 3 / ip4 lb > member df / gue csum 0 / *")},
	{"VLAN, IPv6 in IPv4", "eth / vlan 5 / ip6 client > acme / tcp 1 > 184 ACK",
	 SENT(GUE4_TCP, "eth lb > hop / vlan 5 / ip4 lb > member df / gue csum 0 / *")},
	{"VLAN, IPv4 in IPv6", "eth / vlan 5 / ip4 client > acme / tcp 1 > 186 ACK",
	 SENT(GUE6_TCP, "eth lb > hop / vlan 5 / ip6 lb > member label flow / gue / *")},
	{"VLAN, IPv6 in IPv6", "eth / vlan 5 / ip6 client > acme / udp 1 > 186 / 8 bytes",
	 SENT(GUE6_UDP, "eth lb > hop / vlan 5 / ip6 lb > member label flow / gue / *")},
	{"802.1ad and VLAN, IPv4 in IPv4",
	 "eth / qinq 100 / vlan 5 / ip4 client > acme / tcp 1 > 184 ACK",
	 SENT(GUE4_TCP, "eth lb > hop / qinq 100 / vlan 5 / ip4 lb > member df / gue csum 0 / *")},
	{"802.1ad and VLAN, IPv6 in IPv6",
	 "eth / qinq 100 / vlan 5 / ip6 client > acme / tcp 1 > 186 ACK",
	 SENT(GUE6_TCP, "eth lb > hop / qinq 100 / vlan 5 / ip6 lb > member label flow / gue / *")},

	/* lengths */
	{"Ethernet padding, IPv4 in IPv4", "eth / ip4 client > acme / tcp 1 > 184 ACK / pad 6",
	 SENT(GUE4_TCP, IN_GUE4)},
	{"Ethernet padding, IPv4 in IPv6",
	 "eth / ip4 client > acme / udp 1 > 186 / 1 bytes / pad 17", SENT(GUE6_UDP, IN_GUE6)},
	{"Ethernet padding, IPv6 in IPv6", "eth / ip6 client > acme / tcp 1 > 186 ACK / pad 1",
	 SENT(GUE6_TCP, IN_GUE6)},
	{"as large as the way, IPv4 in IPv4", TCP4("184") "1432 bytes", SENT(GUE4_TCP, IN_GUE4)},
	{"as large as the way, IPv6 in IPv4", TCP6("184") "1412 bytes", SENT(GUE4_TCP, IN_GUE4)},
	{"as large as the way, IPv4 in IPv6", TCP4("186") "1412 bytes", SENT(GUE6_TCP, IN_GUE6)},
	{"as large as the way, IPv6 in IPv6", TCP6("186") "1392 bytes", SENT(GUE6_TCP, IN_GUE6)},
	{"3,000 bytes, IPv4 in IPv4", "eth / ip4 client > acme / udp 1 > 914 / 3000 bytes",
	 SENT(JUMBO_GUE4, IN_GUE4)},
	{"3,000 bytes, IPv6 in IPv6", "eth / ip6 client > acme / udp 1 > 916 / 3001 bytes",
	 SENT(JUMBO_GUE6, IN_GUE6)},
	{"a byte too big, IPv4 in IPv4",
	 "eth / ip4 client > acme df / tcp 1 > 184 ACK / 1433 bytes", TOLD4("1472")},
	{"a byte too big, IPv4 in IPv6",
	 "eth / ip4 client > acme df / tcp 1 > 186 ACK / 1413 bytes", TOLD4("1452")},
	{"a byte too big, IPv6 in IPv4", TCP6("184") "1413 bytes", TOLD6("1472")},
	{"a byte too big, IPv6 in IPv6", TCP6("186") "1393 bytes", TOLD6("1452")},
	{"too big in a VLAN", "eth / vlan 5 / ip4 client > acme df / udp 1 > 186 / 1425 bytes",
	 TOLD(ACME, "eth lb > client / vlan 5 / ip4 acme > client / icmp 3 code 4 mtu 1452 / "
		    "quote 28")},
	{"a byte too big, but routers may fragment it", TCP4("184") "1433 bytes",
	 DROPPED(ACME, too_big)},
	{"an error that is a byte too big",
	 "eth / ip6 host > acme / icmp6 2 / ip6 acme > client next 6 / udp 186 > 1 / 1357 bytes",
	 DROPPED(ACME, too_big)},

	/* the way */
	{"IPv4 in IPv4 by another interface", ACK4("194"), REDIRECTED(AWAY_GUE4, IN_GUE4)},
	{"IPv6 in IPv4 by another interface", ACK6("194"), REDIRECTED(AWAY_GUE4, IN_GUE4)},
	{"IPv4 in IPv6 by another interface", ACK4("196"), REDIRECTED(AWAY_GUE6, IN_GUE6)},
	{"IPv6 in IPv6 by another interface", ACK6("196"), REDIRECTED(AWAY_GUE6, IN_GUE6)},
	{"no next hop", ACK6("174"), DROPPED(ACME, no_next_hop)},

	/* headroom: of 216 bytes, metadata takes the rest */
	{"28 bytes of headroom, IPv4", ACK4("184"), SENT(GUE4_TCP, IN_GUE4), .metadata = 188},
	{"24 bytes of headroom, IPv4", ACK4("184"), DROPPED(ACME, no_headroom), .metadata = 192},
	{"48 bytes of headroom, IPv6", ACK6("186"), SENT(GUE6_TCP, IN_GUE6), .metadata = 168},
	{"44 bytes of headroom, IPv6", ACK6("186"), DROPPED(ACME, no_headroom), .metadata = 172},
};

int main(void)
{
	return rig_main("gue", scenarios, sizeof(scenarios) / sizeof(*scenarios));
}
