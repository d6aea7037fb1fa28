// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What is for a service: the packet that leaves, byte for byte, and the one counter that grows. */
#include <linux/bpf.h>

#include "rig.h"

#define SYN4(port) "eth / ip4 client > acme / tcp 1234 > " port " SYN"
#define ACK4(port) "eth / ip4 client > acme / tcp 1234 > " port " ACK / 20 bytes"
#define UDP4(port) "eth / ip4 client > acme / udp 1234 > " port " / 33 bytes"
#define SYN6(port) "eth / ip6 client > acme / tcp 1234 > " port " SYN"
#define ACK6(port) "eth / ip6 client > acme / tcp 1234 > " port " ACK / 20 bytes"
#define UDP6(port) "eth / ip6 client > acme / udp 1234 > " port " / 33 bytes"

/* A router's word of the VIP's packet: eight bytes of its L4 header, which begin as UDP's. */
#define ERROR4(icmp, protocol, port)                                                      \
	"eth / ip4 host > acme / " icmp " / ip4 acme > client len 1500 df next " protocol \
	" / udp " port " > 1234"
#define ERROR6(icmp, protocol, port)                                                   \
	"eth / ip6 host > acme / " icmp " / ip6 acme > client len 1460 next " protocol \
	" / udp " port " > 1234"

static const struct scenario scenarios[] = {
	/* every mode, both families */
	{"IPv4 SYN, DSR", SYN4("80"), SENT(DSR_TCP, DIRECT), NEW_FLOW},
	{"IPv4 ACK, DSR", ACK4("80"), SENT(DSR_TCP, DIRECT)},
	{"IPv4 UDP, DSR", UDP4("80"), SENT(DSR_UDP, DIRECT)},
	{"IPv6 SYN, DSR", SYN6("80"), SENT(DSR_TCP, DIRECT), NEW_FLOW},
	{"IPv6 ACK, DSR", ACK6("80"), SENT(DSR_TCP, DIRECT)},
	{"IPv6 UDP, DSR", UDP6("80"), SENT(DSR_UDP, DIRECT)},
	{"IPv4 SYN in IPv4", SYN4("84"), SENT(IN4_TCP, IN_IP4), NEW_FLOW},
	{"IPv4 ACK in IPv4", ACK4("84"), SENT(IN4_TCP, IN_IP4)},
	{"IPv4 UDP in IPv4", UDP4("84"), SENT(IN4_UDP, IN_IP4)},
	{"IPv6 SYN in IPv4", SYN6("84"), SENT(IN4_TCP, IN_IP4), NEW_FLOW},
	{"IPv6 ACK in IPv4", ACK6("84"), SENT(IN4_TCP, IN_IP4)},
	{"IPv6 UDP in IPv4", UDP6("84"), SENT(IN4_UDP, IN_IP4)},
	{"IPv4 SYN in IPv6", SYN4("86"), SENT(IN6_TCP, IN_IP6), NEW_FLOW},
	{"IPv4 ACK in IPv6", ACK4("86"), SENT(IN6_TCP, IN_IP6)},
	{"IPv4 UDP in IPv6", UDP4("86"), SENT(IN6_UDP, IN_IP6)},
	{"IPv6 SYN in IPv6", SYN6("86"), SENT(IN6_TCP, IN_IP6), NEW_FLOW},
	{"IPv6 ACK in IPv6", ACK6("86"), SENT(IN6_TCP, IN_IP6)},
	{"IPv6 UDP in IPv6", UDP6("86"), SENT(IN6_UDP, IN_IP6)},
	{"IPv4 DSR by another interface", SYN4("90"), REDIRECTED(AWAY_DSR, DIRECT), NEW_FLOW},
	{"IPv6 DSR by another interface", ACK6("90"), REDIRECTED(AWAY_DSR, DIRECT)},
	{"IPv4 in IPv4 by another interface", ACK4("94"), REDIRECTED(AWAY_IN4, IN_IP4)},
	{"IPv6 in IPv4 by another interface", SYN6("94"), REDIRECTED(AWAY_IN4, IN_IP4), NEW_FLOW},
	{"IPv4 in IPv6 by another interface", SYN4("96"), REDIRECTED(AWAY_IN6, IN_IP6), NEW_FLOW},
	{"IPv6 in IPv6 by another interface", ACK6("96"), REDIRECTED(AWAY_IN6, IN_IP6)},

	/* both tenants have a port 80: the address decides */
	{"IPv4 for the other tenant", "eth / ip4 client > globex / tcp 1234 > 80 SYN",
	 SENT(GLOBEX_DSR, DIRECT), NEW_FLOW},
	{"IPv6 for the other tenant", "eth / ip6 client > globex / tcp 1234 > 80 ACK",
	 SENT(GLOBEX_DSR, DIRECT)},
	{"a tunnel for the other tenant", "eth / ip6 client > globex / udp 1234 > 84 / 9 bytes",
	 SENT(GLOBEX_IN4, IN_IP4)},

	/* TCP flags: only a client's SYN is a new flow */
	{"SYN with ECN's flags is new",
	 "eth / ip4 client > acme / tcp 1 > 80 SYN ECE CWR options 20", SENT(DSR_TCP, DIRECT),
	 NEW_FLOW},
	{"SYN ACK is not new", "eth / ip4 client > acme / tcp 1 > 80 SYN ACK",
	 SENT(DSR_TCP, DIRECT)},
	{"SYN RST is not new", "eth / ip4 client > acme / tcp 1 > 80 SYN RST",
	 SENT(DSR_TCP, DIRECT)},
	{"FIN", "eth / ip4 client > acme / tcp 1 > 80 FIN ACK", SENT(DSR_TCP, DIRECT)},
	{"RST", "eth / ip4 client > acme / tcp 1 > 80 RST", SENT(DSR_TCP, DIRECT)},
	{"no flag at all", "eth / ip4 client > acme / tcp 1 > 80", SENT(DSR_TCP, DIRECT)},
	{"TCP Fast Open", "eth / ip4 client > acme / tcp 1 > 80 SYN options 16 / 100 bytes",
	 SENT(DSR_TCP, DIRECT), NEW_FLOW},
	{"the longest TCP header", "eth / ip4 client > acme / tcp 1 > 80 ACK options 40",
	 SENT(DSR_TCP, DIRECT)},
	{"source port 0", "eth / ip4 client > acme / tcp 0 > 80 ACK", SENT(DSR_TCP, DIRECT)},

	/* a member that drains or is let go and still owns its slot */
	{"to a member that drains", SYN4("75"), SENT(DRAINED, DIRECT), NEW_FLOW},
	{"to a member that was let go", ACK4("76"), SENT(LET_GO, DIRECT)},

	/* VLAN tags stay in front */
	{"VLAN, DSR", "eth / vlan 5 pcp 3 / ip4 client > acme / tcp 1 > 80 ACK",
	 SENT(DSR_TCP, "eth lb > hop / vlan 5 pcp 3 / *")},
	{"VLAN, in IPv4", "eth / vlan 5 pcp 3 / ip4 client > acme / tcp 1 > 84 ACK",
	 SENT(IN4_TCP, "eth lb > hop / vlan 5 pcp 3 / ip4 lb > member df / *")},
	{"VLAN, in IPv6", "eth / vlan 4095 / ip4 client > acme / tcp 1 > 86 ACK",
	 SENT(IN6_TCP, "eth lb > hop / vlan 4095 / ip6 lb > member label flow / *")},
	{"VLAN, IPv6 in IPv4", "eth / vlan 5 / ip6 client > acme / tcp 1 > 84 ACK",
	 SENT(IN4_TCP, "eth lb > hop / vlan 5 / ip4 lb > member df / *")},
	{"VLAN, IPv6 in IPv6", "eth / vlan 5 / ip6 client > acme / udp 1 > 86 / 8 bytes",
	 SENT(IN6_UDP, "eth lb > hop / vlan 5 / ip6 lb > member label flow / *")},
	{"a priority tag", "eth / vlan 0 pcp 7 / ip4 client > acme / tcp 1 > 84 ACK",
	 SENT(IN4_TCP, "eth lb > hop / vlan 0 pcp 7 / ip4 lb > member df / *")},
	{"802.1ad alone", "eth / qinq 100 / ip4 client > acme / tcp 1 > 84 ACK",
	 SENT(IN4_TCP, "eth lb > hop / qinq 100 / ip4 lb > member df / *")},
	{"802.1ad and VLAN, DSR", "eth / qinq 100 / vlan 5 / ip6 client > acme / tcp 1 > 80 ACK",
	 SENT(DSR_TCP, "eth lb > hop / qinq 100 / vlan 5 / *")},
	{"802.1ad and VLAN, in IPv4",
	 "eth / qinq 100 / vlan 5 / ip4 client > acme / tcp 1 > 84 SYN",
	 SENT(IN4_TCP, "eth lb > hop / qinq 100 / vlan 5 / ip4 lb > member df / *"), NEW_FLOW},
	{"802.1ad and VLAN, in IPv6",
	 "eth / qinq 100 / vlan 5 / ip6 client > acme / tcp 1 > 86 ACK",
	 SENT(IN6_TCP, "eth lb > hop / qinq 100 / vlan 5 / ip6 lb > member label flow / *")},
	{"VLAN in VLAN, in IPv4",
	 "eth / vlan 7 / vlan 5 / ip6 client > acme / udp 1 > 84 / 8 bytes",
	 SENT(IN4_UDP, "eth lb > hop / vlan 7 / vlan 5 / ip4 lb > member df / *")},
	{"VLAN by another interface", "eth / vlan 5 / ip4 client > acme / tcp 1 > 96 ACK",
	 REDIRECTED(AWAY_IN6, "eth lb > hop / vlan 5 / ip6 lb > member label flow / *")},

	/* the traffic class is copied outwards, congestion marks and all; TTLs stay */
	{"DSCP and CE, 4 in 4", "eth / ip4 client > acme tos 0xbb / tcp 1 > 84 ACK",
	 SENT(IN4_TCP, "eth lb > hop / ip4 lb > member df tos 0xbb / *")},
	{"DSCP and ECT, 4 in 6", "eth / ip4 client > acme tos 0x2a / tcp 1 > 86 ACK",
	 SENT(IN6_TCP, "eth lb > hop / ip6 lb > member class 0x2a label flow / *")},
	{"traffic class, 6 in 4",
	 "eth / ip6 client > acme class 0xfd label 0xabcde / tcp 1 > 84 ACK",
	 SENT(IN4_TCP, "eth lb > hop / ip4 lb > member df tos 0xfd / *")},
	{"traffic class, 6 in 6",
	 "eth / ip6 client > acme class 0x13 label 0xfffff / tcp 1 > 86 ACK",
	 SENT(IN6_TCP, "eth lb > hop / ip6 lb > member class 0x13 label flow / *")},
	{"every bit of the TOS, DSR", "eth / ip4 client > acme tos 0xff / tcp 1 > 80 ACK",
	 SENT(DSR_TCP, DIRECT)},
	{"TTL 1 is not decremented, DSR", "eth / ip4 client > acme ttl 1 / tcp 1 > 80 ACK",
	 SENT(DSR_TCP, DIRECT)},
	{"TTL 1 is not decremented, 4 in 4", "eth / ip4 client > acme ttl 1 / tcp 1 > 84 ACK",
	 SENT(IN4_TCP, IN_IP4)},
	{"hop limit 0 is not looked at, 6 in 6", "eth / ip6 client > acme hops 0 / tcp 1 > 86 ACK",
	 SENT(IN6_TCP, IN_IP6)},
	{"identification and DF stay inside",
	 "eth / ip4 client > acme id 0xbeef df / tcp 1 > 84 ACK", SENT(IN4_TCP, IN_IP4)},
	{"a wrong IPv4 checksum is the member's to judge",
	 "eth / ip4 client > acme csum 0x1234 / tcp 1 > 84 ACK", SENT(IN4_TCP, IN_IP4)},
	{"a wrong TCP checksum is the member's to judge",
	 "eth / ip4 client > acme / tcp 1 > 80 ACK csum 0x1234", SENT(DSR_TCP, DIRECT)},
	{"UDP without a checksum", "eth / ip4 client > acme / udp 1 > 84 csum 0 / 5 bytes",
	 SENT(IN4_UDP, IN_IP4)},
	{"an outer header whose sum carries twice",
	 "eth / ip4 255.255.255.254 > acme tos 0xfc / tcp 65535 > 84 ACK / 1400 bytes",
	 SENT(IN4_TCP, "eth lb > hop / ip4 lb > member df tos 0xfc / *")},

	/* IPv4 options, IPv6 extension headers */
	{"4 bytes of IPv4 options, DSR", "eth / ip4 client > acme options 4 / tcp 1 > 80 SYN",
	 SENT(DSR_TCP, DIRECT), NEW_FLOW},
	{"40 bytes of IPv4 options, 4 in 4", "eth / ip4 client > acme options 40 / tcp 1 > 84 SYN",
	 SENT(IN4_TCP, IN_IP4), NEW_FLOW},
	{"IPv4 options, UDP, 4 in 6", "eth / ip4 client > acme options 12 / udp 1 > 86 / 3 bytes",
	 SENT(IN6_UDP, IN_IP6)},
	{"hop-by-hop options", "eth / ip6 client > acme / hopopts / tcp 1 > 80 SYN",
	 SENT(DSR_TCP, DIRECT), NEW_FLOW},
	{"a routing header", "eth / ip6 client > acme / routing 2 / tcp 1 > 84 ACK",
	 SENT(IN4_TCP, IN_IP4)},
	{"destination options", "eth / ip6 client > acme / dstopts 1 / udp 1 > 86 / 2 bytes",
	 SENT(IN6_UDP, IN_IP6)},
	{"three kinds of extension headers",
	 "eth / ip6 client > acme / hopopts / routing 4 / dstopts 3 / tcp 1 > 86 ACK / 10 bytes",
	 SENT(IN6_TCP, IN_IP6)},
	{"the longest extension header", "eth / ip6 client > acme / dstopts 128 / tcp 1 > 80 SYN",
	 SENT(DSR_TCP, DIRECT), NEW_FLOW},
	{"eight extension headers",
	 "eth / ip6 client > acme / hopopts / dstopts / routing / dstopts / dstopts / dstopts / "
	 "dstopts / dstopts / tcp 1 > 80 SYN",
	 SENT(DSR_TCP, DIRECT), NEW_FLOW},

	/* a first fragment has ports, and goes by them; one that is a whole datagram is none */
	{"the first fragment", "eth / ip4 client > acme more / tcp 1 > 80 SYN / 100 bytes",
	 SENT(DSR_TCP, DIRECT), NEW_FLOW},
	{"the first fragment, IPv6",
	 "eth / ip6 client > acme / fragment more / tcp 1 > 84 SYN / 100 bytes",
	 SENT(IN4_TCP, IN_IP4), NEW_FLOW},
	{"the first fragment of a long UDP datagram",
	 "eth / ip4 client > acme more / udp 1 > 84 len 4000 / 1400 bytes", SENT(IN4_UDP, IN_IP4)},
	{"an atomic fragment", "eth / ip6 client > acme / fragment / tcp 1 > 80 SYN",
	 SENT(DSR_TCP, DIRECT), NEW_FLOW},
	{"a first fragment behind options",
	 "eth / ip6 client > acme / hopopts / fragment more / udp 1 > 80 / 8 bytes",
	 SENT(DSR_UDP, DIRECT)},

	/* lengths */
	{"Ethernet padding, DSR", "eth / ip4 client > acme / tcp 1 > 80 ACK / pad 6",
	 SENT(DSR_TCP, DIRECT)},
	{"Ethernet padding is not counted, 4 in 4",
	 "eth / ip4 client > acme / tcp 1 > 84 ACK / pad 6", SENT(IN4_TCP, IN_IP4)},
	{"Ethernet padding, 4 in 6", "eth / ip4 client > acme / udp 1 > 86 / 1 bytes / pad 17",
	 SENT(IN6_UDP, IN_IP6)},
	{"Ethernet padding, 6 in 6", "eth / ip6 client > acme / udp 1 > 86 / pad 1",
	 SENT(IN6_UDP, IN_IP6)},
	{"an IP packet shorter than the frame",
	 "eth / ip4 client > acme len 44 / tcp 1 > 84 ACK / 20 bytes", SENT(IN4_TCP, IN_IP4)},
	{"UDP without payload", "eth / ip4 client > acme / udp 1 > 84", SENT(IN4_UDP, IN_IP4)},
	{"UDP shorter than its IP packet", "eth / ip4 client > acme / udp 1 > 84 len 12 / 20 bytes",
	 SENT(IN4_UDP, IN_IP4)},
	{"as large as the way, DSR", "eth / ip4 client > acme / tcp 1 > 80 ACK / 1460 bytes",
	 SENT(DSR_TCP, DIRECT)},
	{"as large as the way, 4 in 4", "eth / ip4 client > acme / tcp 1 > 84 ACK / 1440 bytes",
	 SENT(IN4_TCP, IN_IP4)},
	{"as large as the way, 4 in 6", "eth / ip4 client > acme / tcp 1 > 86 ACK / 1420 bytes",
	 SENT(IN6_TCP, IN_IP6)},
	{"as large as the way, 6 in 4", "eth / ip6 client > acme / tcp 1 > 84 ACK / 1420 bytes",
	 SENT(IN4_TCP, IN_IP4)},
	{"as large as the way, 6 in 6", "eth / ip6 client > acme / tcp 1 > 86 ACK / 1400 bytes",
	 SENT(IN6_TCP, IN_IP6)},
	{"3,000 bytes, DSR", "eth / ip4 client > acme / udp 1 > 900 / 3000 bytes",
	 SENT(JUMBO_DSR, DIRECT)},
	{"3,000 bytes, 4 in 4", "eth / ip4 client > acme / udp 1 > 904 / 3000 bytes",
	 SENT(JUMBO_IN4, IN_IP4)},
	{"3,000 bytes, 6 in 6", "eth / vlan 9 / ip6 client > acme / udp 1 > 906 / 3000 bytes",
	 SENT(JUMBO_IN6, "eth lb > hop / vlan 9 / ip6 lb > member label flow / *")},

	/* ICMP errors go where their flow goes */
	{"IPv4 fragmentation needed, TCP, DSR", ERROR4("icmp 3 code 4 mtu 1400", "6", "80"),
	 SENT(DSR_TCP, DIRECT)},
	{"IPv4 fragmentation needed, UDP, DSR", ERROR4("icmp 3 code 4 mtu 1400", "17", "80"),
	 SENT(DSR_UDP, DIRECT)},
	{"IPv4 fragmentation needed, TCP in IPv4", ERROR4("icmp 3 code 4 mtu 1400", "6", "84"),
	 SENT(IN4_TCP, IN_IP4)},
	{"IPv4 fragmentation needed, UDP in IPv4", ERROR4("icmp 3 code 4 mtu 1400", "17", "84"),
	 SENT(IN4_UDP, IN_IP4)},
	{"IPv4 fragmentation needed, TCP in IPv6", ERROR4("icmp 3 code 4 mtu 1400", "6", "86"),
	 SENT(IN6_TCP, IN_IP6)},
	{"IPv4 fragmentation needed by another interface",
	 ERROR4("icmp 3 code 4 mtu 1400", "6", "94"), REDIRECTED(AWAY_IN4, IN_IP4)},
	{"IPv4 time exceeded, TCP, DSR", ERROR4("icmp 11", "6", "80"), SENT(DSR_TCP, DIRECT)},
	{"IPv4 time exceeded, UDP in IPv4", ERROR4("icmp 11", "17", "84"), SENT(IN4_UDP, IN_IP4)},
	{"IPv4 time exceeded, UDP in IPv6", ERROR4("icmp 11", "17", "86"), SENT(IN6_UDP, IN_IP6)},
	{"IPv4 parameter problem", ERROR4("icmp 12", "6", "80"), SENT(DSR_TCP, DIRECT)},
	{"IPv4 port unreachable", ERROR4("icmp 3 code 3", "17", "80"), SENT(DSR_UDP, DIRECT)},
	{"IPv6 packet too big, TCP, DSR", ERROR6("icmp6 2 mtu 1300", "6", "80"),
	 SENT(DSR_TCP, DIRECT)},
	{"IPv6 packet too big, UDP, DSR", ERROR6("icmp6 2 mtu 1300", "17", "80"),
	 SENT(DSR_UDP, DIRECT)},
	{"IPv6 packet too big, TCP in IPv4", ERROR6("icmp6 2 mtu 1300", "6", "84"),
	 SENT(IN4_TCP, IN_IP4)},
	{"IPv6 packet too big, UDP in IPv6", ERROR6("icmp6 2 mtu 1300", "17", "86"),
	 SENT(IN6_UDP, IN_IP6)},
	{"IPv6 unreachable", ERROR6("icmp6 1", "17", "80"), SENT(DSR_UDP, DIRECT)},
	{"IPv6 time exceeded", ERROR6("icmp6 3", "6", "86"), SENT(IN6_TCP, IN_IP6)},
	{"IPv6 parameter problem", ERROR6("icmp6 4", "6", "80"), SENT(DSR_TCP, DIRECT)},
	{"an error for the other tenant",
	 "eth / ip4 host > globex / icmp 3 code 4 / ip4 globex > client next 6 / udp 80 > 1234",
	 SENT(GLOBEX_DSR, DIRECT)},
	{"an error in a VLAN",
	 "eth / vlan 5 / ip4 host > acme / icmp 3 code 4 / ip4 acme > client next 6 / udp 84 > "
	 "1234",
	 SENT(IN4_TCP, "eth lb > hop / vlan 5 / ip4 lb > member df / *")},
	{"an error with options within and without",
	 "eth / ip4 host > acme options 8 / icmp 3 code 4 / ip4 acme > client next 6 options 40 / "
	 "udp 84 > 1234",
	 SENT(IN4_TCP, IN_IP4)},
	{"an error behind extension headers",
	 "eth / ip6 host > acme / hopopts / dstopts 2 / icmp6 2 / ip6 acme > client next 6 / udp "
	 "80 "
	 "> 1234",
	 SENT(DSR_TCP, DIRECT)},
	{"an error with all of the packet",
	 "eth / ip4 host > acme / icmp 3 code 4 / ip4 acme > client df / tcp 80 > 1234 SYN ACK / "
	 "500 "
	 "bytes",
	 SENT(DSR_TCP, DIRECT)},
	{"an error about a SYN is no new flow",
	 "eth / ip4 host > acme / icmp 3 code 4 / ip4 acme > client / tcp 80 > 1234 SYN",
	 SENT(DSR_TCP, DIRECT)},
	{"an error about a first fragment, IPv6, DSR",
	 "eth / ip6 host > acme / icmp6 2 mtu 1300 / ip6 acme > client / fragment more / "
	 "udp 80 > 1234 / 40 bytes",
	 SENT(DSR_UDP, DIRECT)},
	{"an error about a first fragment, IPv6, in IPv6",
	 "eth / ip6 host > acme / icmp6 2 mtu 1300 / ip6 acme > client / fragment more / "
	 "udp 86 > 1234 / 40 bytes",
	 SENT(IN6_UDP, IN_IP6)},
	{"an error about a first fragment",
	 "eth / ip4 host > acme / icmp 11 code 1 / ip4 acme > client more / udp 80 > 1234",
	 SENT(DSR_UDP, DIRECT)},
	{"an error and padding",
	 "eth / ip4 host > acme / icmp 11 / ip4 acme > client / udp 80 > 1234 / pad 4",
	 SENT(DSR_UDP, DIRECT)},

	/* just enough room in front: of 216 bytes, metadata takes the rest */
	{"20 bytes of headroom, 4 in 4", ACK4("84"), SENT(IN4_TCP, IN_IP4), .metadata = 196},
	{"40 bytes of headroom, 6 in 6", ACK6("86"), SENT(IN6_TCP, IN_IP6), .metadata = 176},
	{"no headroom is needed for DSR", ACK4("80"), SENT(DSR_TCP, DIRECT), .metadata = 216},
};

int main(void)
{
	return rig_main("forward", scenarios, sizeof(scenarios) / sizeof(*scenarios));
}
