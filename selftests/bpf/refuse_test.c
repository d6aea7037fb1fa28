// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What is not sent to a member: dropped with the one right reason when it is for a VIP, otherwise
 * passed to the host's own stack; unchanged in either case.
 */
#include <linux/bpf.h>

#include "rig.h"

#define TO_VIP4	 "eth / ip4 client > acme "
#define TO_VIP6	 "eth / ip6 client > acme "
#define TO_HOST4 "eth / ip4 client > host "
#define TO_HOST6 "eth / ip6 client > host "

static const struct scenario scenarios[] = {
	/* not for a VIP: passed, however odd it is */
	{"ARP", "eth client > all type 0x0806 / 28 bytes", PASSED(not_ip)},
	{"LLDP", "eth client > lldp type 0x88cc / 60 bytes", PASSED(not_ip)},
	{"IEEE 802.3 with a length for a type", "eth client > lldp type 38 / 46 bytes",
	 PASSED(not_ip)},
	{"an Ethernet header and nothing else", "eth type 0x0800", PASSED(no_header)},
	{"ARP in a VLAN", "eth / vlan 5 type 0x0806 / 28 bytes", PASSED(not_ip)},
	{"ARP in two VLANs", "eth / qinq 9 / vlan 5 type 0x0806 / 28 bytes", PASSED(not_ip)},
	{"three VLAN tags, though for a VIP",
	 "eth / vlan 1 / vlan 2 / vlan 3 / ip4 client > acme / tcp 1 > 80 SYN", PASSED(not_ip)},
	{"a tag of type 0x9100", "eth type 0x9100 / vlan 2 / ip4 client > acme / tcp 1 > 80 SYN",
	 PASSED(not_ip)},
	{"IPv4 for the host", TO_HOST4 "/ tcp 1 > 80 SYN", PASSED(not_vip)},
	{"IPv6 for the host", TO_HOST6 "/ tcp 1 > 80 SYN", PASSED(not_vip)},
	{"UDP for the host", TO_HOST4 "/ udp 1 > 53 / 40 bytes", PASSED(not_vip)},
	{"in a VLAN for the host", "eth / vlan 5 / ip4 client > host / tcp 1 > 22 ACK",
	 PASSED(not_vip)},
	{"in two VLANs for the host", "eth / qinq 6 / vlan 5 / ip6 client > host / tcp 1 > 22 ACK",
	 PASSED(not_vip)},
	{"a neighbouring address of a VIP", "eth / ip4 client > 192.0.2.3 / tcp 1 > 80 SYN",
	 PASSED(not_vip)},
	{"a neighbouring IPv6 address of a VIP",
	 "eth / ip6 client > 2001:db8:1::3 / tcp 1 > 80 SYN", PASSED(not_vip)},
	{"from a VIP, not for one", "eth / ip4 acme > host / tcp 80 > 1 ACK", PASSED(not_vip)},
	{"broadcast", "eth client > all / ip4 client > 255.255.255.255 / udp 68 > 67 / 240 bytes",
	 PASSED(not_vip)},
	{"multicast", "eth client > group / ip4 client > 224.0.0.1 / udp 5353 > 5353 / 40 bytes",
	 PASSED(not_vip)},
	{"IGMP", "eth client > group / ip4 client > 224.0.0.1 ttl 1 next 2 options 4 / 8 bytes",
	 PASSED(not_vip)},
	{"neighbour discovery",
	 "eth client > group6 / ip6 client > ff02::1:ff00:1 hops 255 / icmp6 135 / 24 bytes",
	 PASSED(not_vip)},
	{"MLD behind hop-by-hop options",
	 "eth client > group6 / ip6 fe80::1 > ff02::16 hops 1 / hopopts / icmp6 143 / 20 bytes",
	 PASSED(not_vip)},
	{"ping of the host", TO_HOST4 "/ icmp 8 / 56 bytes", PASSED(not_vip)},
	{"ping of the host's IPv6 address", TO_HOST6 "/ icmp6 128 / 56 bytes", PASSED(not_vip)},
	{"a fragment for the host", TO_HOST4 "offset 185 / 100 bytes", PASSED(not_vip)},
	{"an IPv6 fragment for the host", TO_HOST6 "/ fragment offset 9 / 64 bytes",
	 PASSED(not_vip)},
	{"GRE for the host", TO_HOST4 "next 47 / 40 bytes", PASSED(not_vip)},
	{"ESP for the host", TO_HOST6 "next 50 / 40 bytes", PASSED(not_vip)},
	{"a wrong version for the host", TO_HOST4 "version 5 / tcp 1 > 80", PASSED(not_vip),
	 .bytes = 54},
	{"ihl 4 for the host", TO_HOST4 "ihl 4 / tcp 1 > 80", PASSED(not_vip), .bytes = 54},
	{"too long a length for the host", TO_HOST6 "len +1 / tcp 1 > 80", PASSED(not_vip),
	 .bytes = 74},
	{"TCP cut short for the host", TO_HOST4 "next 6 / 10 bytes", PASSED(not_vip)},
	{"nine extension headers for the host",
	 TO_HOST6
	 "/ hopopts / dstopts / dstopts / dstopts / dstopts / dstopts / dstopts / dstopts / "
	 "dstopts / tcp 1 > 80 SYN",
	 PASSED(not_vip)},
	{"IPv6 for the mapped address of an IPv4 VIP",
	 "eth / ip6 client > ::ffff:192.0.2.1 / tcp 1 > 80 SYN", PASSED(not_vip)},
	{"a broken one of these", "eth / ip6 client > ::ffff:192.0.2.1 len +9 / tcp 1 > 80 SYN",
	 PASSED(not_vip), .bytes = 74},

	/* for a VIP: the IP header */
	{"IPv4 version 5", TO_VIP4 "version 5 / tcp 1 > 80 SYN", DROPPED(ACME, bad_ip)},
	{"IPv4 version 6", TO_VIP4 "version 6 / tcp 1 > 80 SYN", DROPPED(ACME, bad_ip)},
	{"IPv6 version 4", TO_VIP6 "version 4 / tcp 1 > 80 SYN", DROPPED(ACME, bad_ip)},
	{"ihl 0", TO_VIP4 "ihl 0 / tcp 1 > 80 SYN", DROPPED(ACME, bad_ip)},
	{"ihl 4", TO_VIP4 "ihl 4 / tcp 1 > 80 SYN", DROPPED(ACME, bad_ip)},
	{"ihl beyond the packet", TO_VIP4 "ihl 15 next 6 / 8 bytes", DROPPED(ACME, bad_ip)},
	{"IPv4 longer than the frame", TO_VIP4 "len +1 / tcp 1 > 80 SYN", DROPPED(ACME, bad_ip)},
	{"IPv4 much longer than the frame", TO_VIP4 "len 65535 / tcp 1 > 80 SYN",
	 DROPPED(ACME, bad_ip)},
	{"IPv4 shorter than its header", TO_VIP4 "len 19 / tcp 1 > 80 SYN", DROPPED(ACME, bad_ip)},
	{"IPv4 of length 0", TO_VIP4 "len 0 / tcp 1 > 80 SYN", DROPPED(ACME, bad_ip)},
	{"IPv6 longer than the frame", TO_VIP6 "len +1 / tcp 1 > 80 SYN", DROPPED(ACME, bad_ip)},
	{"IPv6 of 65,535 bytes", TO_VIP6 "len 65535 / tcp 1 > 80 SYN", DROPPED(ACME, bad_ip)},
	{"the other tenant's is charged to it", "eth / ip4 client > globex len +1 / tcp 1 > 80 SYN",
	 DROPPED(GLOBEX, bad_ip)},

	/* IPv6 extension headers */
	{"nine extension headers",
	 TO_VIP6
	 "/ hopopts / dstopts / dstopts / dstopts / dstopts / dstopts / dstopts / dstopts / "
	 "dstopts / tcp 1 > 80 SYN",
	 DROPPED(ACME, bad_extension)},
	{"an extension header past the packet", TO_VIP6 "/ dstopts len 4 / tcp 1 > 80 SYN",
	 DROPPED(ACME, bad_extension)},
	{"an extension header past the frame", TO_VIP6 "/ dstopts len 255 / tcp 1 > 80 SYN",
	 DROPPED(ACME, bad_extension)},
	{"an extension header of 4 bytes", TO_VIP6 "next 60 / 4 bytes",
	 DROPPED(ACME, bad_extension)},
	{"an extension header of 4 bytes and padding", TO_VIP6 "next 0 / 4 bytes / pad 40",
	 DROPPED(ACME, bad_extension)},
	{"an extension header of no bytes", TO_VIP6 "next 43", DROPPED(ACME, bad_extension)},
	{"an extension header into the padding", TO_VIP6 "/ dstopts next 6 len 1 / pad 60",
	 DROPPED(ACME, bad_extension)},
	{"extension headers that never end", TO_VIP6 "next 60 / dstopts next 60 / dstopts next 60",
	 DROPPED(ACME, bad_extension)},
	{"an extension header that eats all of TCP", TO_VIP6 "/ dstopts next 6 len 2 / 16 bytes",
	 DROPPED(ACME, bad_l4)},
	{"no next header", TO_VIP6 "next 59 / 20 bytes", DROPPED(ACME, not_tcp_udp)},
	{"no next header behind options", TO_VIP6 "/ hopopts next 59 / 20 bytes",
	 DROPPED(ACME, not_tcp_udp)},

	/* TCP and UDP */
	{"TCP of 19 bytes", TO_VIP4 "next 6 / 19 bytes", DROPPED(ACME, bad_l4)},
	{"TCP of 19 bytes and padding", TO_VIP4 "next 6 / 19 bytes / pad 7", DROPPED(ACME, bad_l4)},
	{"TCP of no bytes", TO_VIP6 "next 6", DROPPED(ACME, bad_l4)},
	{"TCP doff 4", TO_VIP4 "/ tcp 1 > 80 SYN doff 4", DROPPED(ACME, bad_l4)},
	{"TCP doff 0", TO_VIP6 "/ tcp 1 > 80 SYN doff 0", DROPPED(ACME, bad_l4)},
	{"TCP doff beyond the packet", TO_VIP4 "/ tcp 1 > 80 SYN doff 6", DROPPED(ACME, bad_l4)},
	{"TCP doff into the padding", TO_VIP4 "/ tcp 1 > 80 SYN doff 6 / pad 6",
	 DROPPED(ACME, bad_l4)},
	{"TCP doff beyond, IPv6", TO_VIP6 "/ tcp 1 > 80 SYN doff 15 / 39 bytes",
	 DROPPED(ACME, bad_l4)},
	{"UDP of 7 bytes", TO_VIP4 "next 17 / 7 bytes", DROPPED(ACME, bad_l4)},
	{"UDP length 7", TO_VIP4 "/ udp 1 > 80 len 7", DROPPED(ACME, bad_l4)},
	{"UDP length 0", TO_VIP6 "/ udp 1 > 80 len 0 / 40 bytes", DROPPED(ACME, bad_l4)},
	{"UDP longer than its IP packet", TO_VIP4 "/ udp 1 > 80 len +1 / 9 bytes",
	 DROPPED(ACME, bad_l4)},
	{"UDP longer, into the padding", TO_VIP6 "/ udp 1 > 80 len 20 / 9 bytes / pad 9",
	 DROPPED(ACME, bad_l4)},

	/* fragments */
	{"the first fragment", TO_VIP4 "more / tcp 1 > 80 SYN / 100 bytes",
	 DROPPED(ACME, fragment)},
	{"a middle fragment", TO_VIP4 "more offset 10 / 80 bytes", DROPPED(ACME, fragment)},
	{"the last fragment", TO_VIP4 "offset 100 next 17 / 8 bytes", DROPPED(ACME, fragment)},
	{"the first fragment, IPv6", TO_VIP6 "/ fragment more / tcp 1 > 80 SYN",
	 DROPPED(ACME, fragment)},
	{"the last fragment, IPv6", TO_VIP6 "/ fragment offset 100 next 17 / 9 bytes",
	 DROPPED(ACME, fragment)},
	{"an atomic fragment", TO_VIP6 "/ fragment / tcp 1 > 80 SYN", DROPPED(ACME, fragment)},
	{"a fragment behind options", TO_VIP6 "/ hopopts / fragment more / udp 1 > 80 / 8 bytes",
	 DROPPED(ACME, fragment)},

	/* other protocols */
	{"ping of a VIP", TO_VIP4 "/ icmp 8 / 56 bytes", DROPPED(ACME, icmp)},
	{"fragmentation needed for a VIP", TO_VIP4 "/ icmp 3 code 4 / 28 bytes",
	 DROPPED(ACME, icmp)},
	{"ping of an IPv6 VIP", TO_VIP6 "/ icmp6 128 / 56 bytes", DROPPED(ACME, icmp)},
	{"packet too big for a VIP", TO_VIP6 "/ icmp6 2 / 60 bytes", DROPPED(ACME, icmp)},
	{"ICMPv6 behind options", TO_VIP6 "/ hopopts / icmp6 128", DROPPED(ACME, icmp)},
	{"GRE", TO_VIP4 "next 47 / 40 bytes", DROPPED(ACME, not_tcp_udp)},
	{"ESP", TO_VIP6 "next 50 / 40 bytes", DROPPED(ACME, not_tcp_udp)},
	{"SCTP", TO_VIP4 "next 132 / 40 bytes", DROPPED(ACME, not_tcp_udp)},
	{"IPv4 in IPv4 for a VIP", TO_VIP4 "/ ip4 client > acme / tcp 1 > 80 SYN",
	 DROPPED(ACME, not_tcp_udp)},
	{"IPv4 with protocol 0", TO_VIP4 "next 0 / 40 bytes", DROPPED(ACME, not_tcp_udp)},

	/* no service, no member */
	{"a port without service", TO_VIP4 "/ tcp 1 > 81 SYN", DROPPED(ACME, no_service)},
	{"a port without service, IPv6", TO_VIP6 "/ udp 1 > 81 / 2 bytes",
	 DROPPED(ACME, no_service)},
	{"port 0", TO_VIP4 "/ tcp 1 > 0 SYN", DROPPED(ACME, no_service)},
	{"the other protocol", TO_VIP4 "/ udp 1 > 75 / 9 bytes", DROPPED(ACME, no_service)},
	{"the other tenant's port", "eth / ip4 client > globex / tcp 1 > 84 SYN",
	 DROPPED(GLOBEX, no_service)},
	{"in a VLAN", "eth / vlan 5 / ip4 client > acme / tcp 1 > 81 SYN",
	 DROPPED(ACME, no_service)},
	{"a service without a table", TO_VIP4 "/ tcp 1 > 60 SYN", DROPPED(ACME, no_member)},
	{"nobody owns the slot", TO_VIP4 "/ tcp 1 > 61 SYN", DROPPED(ACME, no_member)},
	{"nobody owns the slot, UDP", TO_VIP6 "/ udp 1 > 61 / 9 bytes", DROPPED(ACME, no_member)},
	{"nobody owns the slot, mid-flow", TO_VIP6 "/ tcp 1 > 61 ACK", DROPPED(ACME, no_member)},
	{"a slot names another service's member", TO_VIP4 "/ tcp 1 > 62 SYN",
	 DROPPED(ACME, no_record)},

	/* the way to the member */
	{"no next hop, DSR", TO_VIP4 "/ tcp 1 > 70 SYN", DROPPED(ACME, no_next_hop)},
	{"no next hop, tunnel", TO_VIP6 "/ tcp 1 > 74 SYN", DROPPED(ACME, no_next_hop)},
	{"a byte too big, DSR", TO_VIP4 "/ tcp 1 > 80 ACK / 1461 bytes", DROPPED(ACME, too_big)},
	{"a byte too big, DSR, IPv6", TO_VIP6 "/ tcp 1 > 80 ACK / 1441 bytes",
	 DROPPED(ACME, too_big)},
	{"a byte too big, 4 in 4", TO_VIP4 "/ tcp 1 > 84 ACK / 1441 bytes", DROPPED(ACME, too_big)},
	{"a byte too big, 4 in 6", TO_VIP4 "/ tcp 1 > 86 ACK / 1421 bytes", DROPPED(ACME, too_big)},
	{"a byte too big, 6 in 4", TO_VIP6 "/ tcp 1 > 84 ACK / 1421 bytes", DROPPED(ACME, too_big)},
	{"a byte too big, 6 in 6", TO_VIP6 "/ udp 1 > 86 / 1413 bytes", DROPPED(ACME, too_big)},
	{"3,000 bytes for a way of 1,500", TO_VIP4 "/ udp 1 > 84 / 3000 bytes",
	 DROPPED(ACME, too_big)},
	{"16 bytes of headroom, 4 in 4", TO_VIP4 "/ tcp 1 > 84 SYN", DROPPED(ACME, no_headroom),
	 .metadata = 200},
	{"36 bytes of headroom, 4 in 6", TO_VIP4 "/ tcp 1 > 86 SYN", DROPPED(ACME, no_headroom),
	 .metadata = 180},
	{"no headroom at all", TO_VIP6 "/ tcp 1 > 86 SYN", DROPPED(ACME, no_headroom),
	 .metadata = 216},
};

int main(void)
{
	return rig_main("refuse", scenarios, sizeof(scenarios) / sizeof(*scenarios));
}
