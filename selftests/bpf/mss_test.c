// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* MSS clamping: a SYN that announces more than the service allows (1,400) leaves with that. */
#include <linux/bpf.h>

#include "rig.h"

#define TO4(port)    "ip4 client > acme / tcp 1234 > " port " "
#define TO6(port)    "ip6 client > acme / tcp 1234 > " port " "
#define OUT4	     "eth lb > hop / " TO4("400")
#define OUT6	     "eth lb > hop / " TO6("400")
#define IN4	     "eth / " TO4("400")
#define IN6	     "eth / " TO6("400")
#define TIMESTAMPS   "option 080a0102030400000000 "
#define LINUX_SYN(m) "SYN mss " m " option 0402 " TIMESTAMPS "option 01 option 030307"

static const struct scenario scenarios[] = {
	{"larger, IPv4", IN4 "SYN mss 1460", SENT(MSS_DSR, OUT4 "SYN mss 1400"), NEW_FLOW},
	{"larger, IPv6", IN6 "SYN mss 1440", SENT(MSS_DSR, OUT6 "SYN mss 1400"), NEW_FLOW},
	{"the largest, IPv4", IN4 "SYN mss 65535", SENT(MSS_DSR, OUT4 "SYN mss 1400"), NEW_FLOW},
	{"the largest, IPv6", IN6 "SYN mss 65535", SENT(MSS_DSR, OUT6 "SYN mss 1400"), NEW_FLOW},
	{"one more, IPv4", IN4 "SYN mss 1401", SENT(MSS_DSR, OUT4 "SYN mss 1400"), NEW_FLOW},
	{"equal, IPv4", IN4 "SYN mss 1400", SENT(MSS_DSR, DIRECT), NEW_FLOW},
	{"equal, IPv6", IN6 "SYN mss 1400", SENT(MSS_DSR, DIRECT), NEW_FLOW},
	{"one less, IPv4", IN4 "SYN mss 1399", SENT(MSS_DSR, DIRECT), NEW_FLOW},
	{"smaller, IPv6", IN6 "SYN mss 536", SENT(MSS_DSR, DIRECT), NEW_FLOW},
	{"zero", IN4 "SYN mss 0", SENT(MSS_DSR, DIRECT), NEW_FLOW},
	{"absent, IPv4", IN4 "SYN", SENT(MSS_DSR, DIRECT), NEW_FLOW},
	{"absent, IPv6", IN6 "SYN", SENT(MSS_DSR, DIRECT), NEW_FLOW},
	{"absent behind 40 bytes of other options", IN4 "SYN options 40", SENT(MSS_DSR, DIRECT),
	 NEW_FLOW},

	/* where it lies */
	{"as Linux begins, IPv4", IN4 LINUX_SYN("1460"), SENT(MSS_DSR, OUT4 LINUX_SYN("1400")),
	 NEW_FLOW},
	{"as Linux begins, IPv6", IN6 LINUX_SYN("8940"), SENT(MSS_DSR, OUT6 LINUX_SYN("1400")),
	 NEW_FLOW},
	{"at an odd place, IPv4", IN4 "SYN options 1 mss 1460 options 3",
	 SENT(MSS_DSR, OUT4 "SYN options 1 mss 1400 options 3"), NEW_FLOW},
	{"at an odd place, IPv6", IN6 "SYN options 3 mss 9000 options 1",
	 SENT(MSS_DSR, OUT6 "SYN options 3 mss 1400 options 1"), NEW_FLOW},
	{"at an odd place, the largest", IN4 "SYN options 1 mss 65535 options 3",
	 SENT(MSS_DSR, OUT4 "SYN options 1 mss 1400 options 3"), NEW_FLOW},
	{"behind an even number of no-operations", IN4 "SYN options 2 mss 1460 options 2",
	 SENT(MSS_DSR, OUT4 "SYN options 2 mss 1400 options 2"), NEW_FLOW},
	{"behind timestamps", IN4 "SYN " TIMESTAMPS "options 2 mss 1460",
	 SENT(MSS_DSR, OUT4 "SYN " TIMESTAMPS "options 2 mss 1400"), NEW_FLOW},
	{"behind timestamps, IPv6", IN6 "SYN " TIMESTAMPS "options 1 mss 1460 options 1",
	 SENT(MSS_DSR, OUT6 "SYN " TIMESTAMPS "options 1 mss 1400 options 1"), NEW_FLOW},
	{"last of 40 bytes", IN4 "SYN options 36 mss 1460",
	 SENT(MSS_DSR, OUT4 "SYN options 36 mss 1400"), NEW_FLOW},
	{"behind an option of two bytes and one of 18",
	 IN4 "SYN option 0402 option 131200000000000000000000000000000000 mss 1460",
	 SENT(MSS_DSR, OUT4 "SYN option 0402 option 131200000000000000000000000000000000 mss 1400"),
	 NEW_FLOW},
	{"only the first of two counts", IN4 "SYN mss 1300 mss 1460", SENT(MSS_DSR, DIRECT),
	 NEW_FLOW},
	{"the first of two", IN4 "SYN mss 1460 mss 1461",
	 SENT(MSS_DSR, OUT4 "SYN mss 1400 mss 1461"), NEW_FLOW},

	/* what no receiver would read is left alone */
	{"behind the end of options", IN4 "SYN option 00000000 mss 1460", SENT(MSS_DSR, DIRECT),
	 NEW_FLOW},
	{"behind an option of length 0", IN4 "SYN option 05000000 mss 1460", SENT(MSS_DSR, DIRECT),
	 NEW_FLOW},
	{"behind an option of length 1", IN4 "SYN option 05010000 mss 1460", SENT(MSS_DSR, DIRECT),
	 NEW_FLOW},
	{"within another option", IN4 "SYN option 1308020405b40101", SENT(MSS_DSR, DIRECT),
	 NEW_FLOW},
	{"of length 3", IN4 "SYN option 020305b4", SENT(MSS_DSR, DIRECT), NEW_FLOW},
	{"of length 6", IN4 "SYN option 020605b400000101", SENT(MSS_DSR, DIRECT), NEW_FLOW},
	{"past the header, into the data", IN4 "SYN option 010101020405b401 doff 6",
	 SENT(MSS_DSR, DIRECT), NEW_FLOW},
	{"its size past the header", IN4 "SYN option 01010204ffff0101 doff 6",
	 SENT(MSS_DSR, DIRECT), NEW_FLOW},
	{"an option that runs past the header", IN4 "SYN option 05280101 mss 1460",
	 SENT(MSS_DSR, DIRECT), NEW_FLOW},
	{"a lone kind at the end", IN4 "SYN option 01010102", SENT(MSS_DSR, DIRECT), NEW_FLOW},
	{"in the data", IN4 "SYN / quic short 0204ffff", SENT(MSS_DSR, DIRECT), NEW_FLOW},

	/* only SYNs announce */
	{"in an ACK", IN4 "ACK mss 1460", SENT(MSS_DSR, DIRECT)},
	{"in a FIN, IPv6", IN6 "FIN ACK mss 1460", SENT(MSS_DSR, DIRECT)},
	{"in a SYN ACK", IN4 "SYN ACK mss 1460", SENT(MSS_DSR, OUT4 "SYN ACK mss 1400")},
	{"in a SYN with ECN's flags and data", IN4 "SYN ECE CWR mss 1460 / 99 bytes",
	 SENT(MSS_DSR, OUT4 "SYN ECE CWR mss 1400 / 99 bytes"), NEW_FLOW},
	{"in a SYN that is a first fragment",
	 "eth / ip4 client > acme more / tcp 1 > 400 SYN mss 1460 / 40 bytes",
	 SENT(MSS_DSR, DIRECT), NEW_FLOW},
	{"in what an ICMP error quotes",
	 "eth / ip4 host > acme / icmp 3 code 4 / ip4 acme > client / tcp 400 > 1 SYN mss 1460",
	 SENT(MSS_DSR, DIRECT)},

	/* around it */
	{"a tag in front", "eth / vlan 5 / " TO4("400") "SYN mss 1460",
	 SENT(MSS_DSR, "eth lb > hop / vlan 5 / " TO4("400") "SYN mss 1400"), NEW_FLOW},
	{"two tags in front", "eth / qinq 6 / vlan 5 / " TO6("400") "SYN mss 1460",
	 SENT(MSS_DSR, "eth lb > hop / qinq 6 / vlan 5 / " TO6("400") "SYN mss 1400"), NEW_FLOW},
	{"IPv4 options in front",
	 "eth / ip4 client > acme options 12 / tcp 1 > 400 SYN options 1 mss 1460 options 3",
	 SENT(MSS_DSR, "eth lb > hop / ip4 client > acme options 12 / tcp 1 > 400 SYN options 1 "
		       "mss 1400 options 3"),
	 NEW_FLOW},
	{"extension headers in front",
	 "eth / ip6 client > acme / hopopts / dstopts 3 / tcp 1 > 400 SYN mss 1460",
	 SENT(MSS_DSR, "eth lb > hop / ip6 client > acme / hopopts / dstopts 3 / tcp 1 > 400 SYN "
		       "mss 1400"),
	 NEW_FLOW},
	{"padding behind", IN4 "SYN mss 1460 / pad 2", SENT(MSS_DSR, OUT4 "SYN mss 1400 / pad 2"),
	 NEW_FLOW},
	{"a checksum that was wrong stays as wrong", IN4 "SYN mss 1401 csum 0x1234",
	 SENT(MSS_DSR, OUT4 "SYN mss 1400 csum 0x1235"), NEW_FLOW},
	{"4 in 6", "eth / " TO4("406") "SYN mss 1460",
	 SENT(MSS_IN6, "eth lb > hop / ip6 lb > member label flow / " TO4("406") "SYN mss 1400"),
	 NEW_FLOW},
	{"6 in 6", "eth / " TO6("406") "SYN mss 1460",
	 SENT(MSS_IN6, "eth lb > hop / ip6 lb > member label flow / " TO6("406") "SYN mss 1400"),
	 NEW_FLOW},
	{"GUE in IPv6", "eth / " TO4("410") "SYN mss 1460",
	 SENT(MSS_GUE6,
	      "eth lb > hop / ip6 lb > member label flow / gue / " TO4("410") "SYN mss 1400"),
	 NEW_FLOW},

	/* other services say nothing about it */
	{"another service, IPv4", "eth / " TO4("80") "SYN mss 65535", SENT(DSR_TCP, DIRECT),
	 NEW_FLOW},
	{"another service, IPv6", "eth / " TO6("84") "SYN mss 65535", SENT(IN4_TCP, IN_IP4),
	 NEW_FLOW},
};

int main(void)
{
	return rig_main("mss", scenarios, sizeof(scenarios) / sizeof(*scenarios));
}
