// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Packets so large that they lie in several pieces of memory, of which the program sees the first
 * one only (XDP's multi-buffer frames): they take the same ways as others. And what leaves by an
 * interface that packets may not leave by.
 */
#include <linux/bpf.h>

#include "rig.h"

#define TCP4(port)     "eth / ip4 client > acme / tcp 1 > " port " ACK / "
#define UDP4(port)     "eth / ip4 client > acme / udp 1 > " port " / "
#define UDP6(port)     "eth / ip6 client > acme / udp 1 > " port " / "
#define IP6	       "ip6 lb > member label flow / "
#define LOST(to, out_) DROPPED(ACME, no_interface), .meant = to, .out = out_

static const struct scenario scenarios[] = {
	/* 8,000 bytes and more */
	{"DSR, IPv4", UDP4("900") "8000 bytes", SENT(JUMBO_DSR, DIRECT)},
	{"DSR, IPv6", UDP6("900") "8000 bytes", SENT(JUMBO_DSR, DIRECT)},
	{"4 in 4", UDP4("904") "8000 bytes", SENT(JUMBO_IN4, IN_IP4)},
	{"6 in 4", UDP6("904") "8000 bytes", SENT(JUMBO_IN4, IN_IP4)},
	{"4 in 6", UDP4("906") "8000 bytes", SENT(JUMBO_IN6, IN_IP6)},
	{"6 in 6", UDP6("906") "8000 bytes", SENT(JUMBO_IN6, IN_IP6)},
	{"GUE, 4 in 4", UDP4("914") "8000 bytes", SENT(JUMBO_GUE4, IN_GUE4)},
	{"GUE, 6 in 4", UDP6("914") "8001 bytes", SENT(JUMBO_GUE4, IN_GUE4)},
	{"GUE, 4 in 6, a checksum of all of it", UDP4("916") "8001 bytes",
	 SENT(JUMBO_GUE6, IN_GUE6)},
	{"GUE, 6 in 6, a checksum of all of it", UDP6("916") "8000 bytes",
	 SENT(JUMBO_GUE6, IN_GUE6)},
	{"VLAN, DSR", "eth / vlan 5 / ip4 client > acme / udp 1 > 900 / 8000 bytes",
	 SENT(JUMBO_DSR, "eth lb > hop / vlan 5 / *")},
	{"two tags, 6 in 6", "eth / qinq 6 / vlan 5 / ip6 client > acme / udp 1 > 906 / 8000 bytes",
	 SENT(JUMBO_IN6, "eth lb > hop / qinq 6 / vlan 5 / " IP6 "*")},
	{"IPv4 options, 4 in 4", "eth / ip4 client > acme options 40 / udp 1 > 904 / 8000 bytes",
	 SENT(JUMBO_IN4, IN_IP4)},
	{"extension headers, 6 in 4",
	 "eth / ip6 client > acme / hopopts / dstopts 3 / udp 1 > 904 / 8000 bytes",
	 SENT(JUMBO_IN4, IN_IP4)},
	{"a first fragment", "eth / ip4 client > acme more / udp 1 > 904 len 20000 / 8000 bytes",
	 SENT(JUMBO_IN4, IN_IP4)},
	{"padding", UDP4("906") "8000 bytes / pad 9", SENT(JUMBO_IN6, IN_IP6)},
	{"all of it is padding", UDP4("904") "5 bytes / pad 8000", SENT(JUMBO_IN4, IN_IP4)},
	{"as large as the way, DSR", UDP4("900") "8972 bytes", SENT(JUMBO_DSR, DIRECT)},
	{"as large as the way, 4 in 4", UDP4("904") "8952 bytes", SENT(JUMBO_IN4, IN_IP4)},
	{"as large as the way, 6 in 6", UDP6("906") "8912 bytes", SENT(JUMBO_IN6, IN_IP6)},
	{"as large as the way, GUE, 6 in 6", UDP6("916") "8904 bytes", SENT(JUMBO_GUE6, IN_GUE6)},
	/* about as large as the first piece */
	{"3,478 bytes, 4 in 4", UDP4("904") "3450 bytes", SENT(JUMBO_IN4, IN_IP4)},
	{"3,506 bytes, 4 in 4", UDP4("904") "3478 bytes", SENT(JUMBO_IN4, IN_IP4)},
	{"3,507 bytes, 4 in 4", UDP4("904") "3479 bytes", SENT(JUMBO_IN4, IN_IP4)},
	{"3,550 bytes, 6 in 6", UDP6("906") "3502 bytes", SENT(JUMBO_IN6, IN_IP6)},
	{"4,096 bytes, DSR", UDP6("900") "4048 bytes", SENT(JUMBO_DSR, DIRECT)},

	/* what does not fit: the answer is one piece */
	{"told, DSR", "eth / ip4 client > acme df / tcp 1 > 80 ACK / 8000 bytes",
	 TOLD(ACME, "eth lb > client / ip4 acme > client / icmp 3 code 4 mtu 1500 / quote 28")},
	{"told, 4 in 4", "eth / ip4 client > acme df / udp 1 > 904 / 8953 bytes",
	 TOLD(ACME, "eth lb > client / ip4 acme > client / icmp 3 code 4 mtu 8980 / quote 28")},
	{"told, IPv6", "eth / ip6 client > acme / tcp 1 > 86 ACK / 8000 bytes",
	 TOLD(ACME, "eth lb > client / ip6 acme > client / icmp6 2 mtu 1460 / quote 48")},
	{"told, GUE, IPv6", "eth / ip6 client > acme / udp 1 > 916 / 8905 bytes",
	 TOLD(ACME, "eth lb > client / ip6 acme > client / icmp6 2 mtu 8952 / quote 48")},
	{"told, two tags", "eth / qinq 6 / vlan 5 / ip6 client > acme / udp 1 > 84 / 8000 bytes",
	 TOLD(ACME, "eth lb > client / qinq 6 / vlan 5 / ip6 acme > client / icmp6 2 mtu 1480 / "
		    "quote 48")},
	{"routers may fragment it", TCP4("80") "8000 bytes", DROPPED(ACME, too_big)},

	/* contradictions are found */
	{"longer than all pieces, IPv4",
	 "eth / ip4 client > acme len +1 / udp 1 > 900 / 8000 bytes", DROPPED(ACME, bad_ip)},
	{"longer than all pieces, IPv6",
	 "eth / ip6 client > acme len +1 / udp 1 > 900 / 8000 bytes", DROPPED(ACME, bad_ip)},
	{"much longer, IPv4", "eth / ip4 client > acme len 65535 / udp 1 > 900 / 8000 bytes",
	 DROPPED(ACME, bad_ip)},
	{"version 5", "eth / ip4 client > acme version 5 / udp 1 > 900 / 8000 bytes",
	 DROPPED(ACME, bad_ip)},
	{"ihl 4", "eth / ip4 client > acme ihl 4 / udp 1 > 900 / 8000 bytes",
	 DROPPED(ACME, bad_ip)},
	{"shorter than its header", "eth / ip4 client > acme len 19 / udp 1 > 900 / 8000 bytes",
	 DROPPED(ACME, bad_ip)},
	{"UDP longer than its packet",
	 "eth / ip4 client > acme / udp 1 > 900 len 8009 / 8000 bytes", DROPPED(ACME, bad_l4)},
	{"TCP in the second piece",
	 "eth / ip6 client > acme / dstopts 240 / dstopts 240 / tcp 1 > 80 ACK / 4000 bytes",
	 DROPPED(ACME, bad_l4)},
	{"extension headers into the second piece",
	 "eth / ip6 client > acme / dstopts 250 / dstopts 250 / dstopts / tcp 1 > 80 ACK",
	 DROPPED(ACME, bad_extension)},

	/* who they are for, and their bytes */
	{"no service", TCP4("81") "8000 bytes", DROPPED(ACME, no_service)},
	{"not for a VIP", "eth / ip4 client > host / tcp 1 > 80 ACK / 8000 bytes", PASSED(not_vip)},
	{"not for a VIP, broken", "eth / ip6 client > host len +9 / tcp 1 > 80 ACK / 8000 bytes",
	 PASSED(not_vip), .bytes = 8074},
	{"not IP", "eth type 0x0806 / 8000 bytes", PASSED(not_ip)},
	{"not IP in a VLAN", "eth / vlan 5 type 0x88cc / 8000 bytes", PASSED(not_ip)},
	{"a ping nobody answers", "eth / ip4 client > acme / icmp 8 / 8000 bytes",
	 DROPPED(ACME, icmp)},
	{"a ping of 8,000 bytes", "eth / ip4 client > pinged / icmp 8 / 8000 bytes",
	 .verdict = XDP_TX, .tenant = ACME, .reason = MTLB_REASON_echoed,
	 .out = "eth lb > client / ip4 pinged > client / icmp 0 / 8000 bytes"},
	{"a SYN with 8,000 bytes and an MSS",
	 "eth / ip4 client > acme / tcp 1 > 401 SYN mss 8960 / 8000 bytes",
	 SENT(JUMBO_MSS,
	      "eth lb > hop / ip4 client > acme / tcp 1 > 401 SYN mss 1400 / 8000 bytes"),
	 NEW_FLOW},
	{"an error with 8,000 bytes of its packet",
	 "eth / ip4 host > acme / icmp 3 code 4 / ip4 acme > client / udp 904 > 1 / 8000 bytes",
	 SENT(JUMBO_IN4, IN_IP4)},

	/* headroom: of 216 bytes, metadata takes the rest */
	{"20 bytes of headroom, 4 in 4", UDP4("904") "8000 bytes", SENT(JUMBO_IN4, IN_IP4),
	 .metadata = 196},
	{"16 bytes of headroom, 4 in 4", UDP4("904") "8000 bytes", DROPPED(ACME, no_headroom),
	 .metadata = 200},

	/* an interface that is gone: nothing is counted as sent */
	{"no interface, DSR, IPv4", TCP4("91") "9 bytes", LOST(GONE_DSR, DIRECT)},
	{"no interface, DSR, IPv6", "eth / ip6 client > acme / tcp 1 > 91 SYN",
	 LOST(GONE_DSR, DIRECT)},
	{"no interface, 4 in 4", TCP4("95") "9 bytes", LOST(GONE_IN4, IN_IP4)},
	{"no interface, GUE, 6 in 6", UDP6("97") "9 bytes", LOST(GONE_GUE6, IN_GUE6)},
};

static void prepare(const struct rig *rig)
{
	struct mtlb_vip pinged = {.tenant = ACME, .flags = MTLB_VIP_ADDRESS | MTLB_VIP_ECHO};

	rig_key(&pinged.key, "192.0.2.7", 0, 0);
	rig_put_vip(rig, 130, &pinged);
}

int main(void)
{
	return rig_main_group(&(struct rig_group){.name = "pieces",
						  .prepare = prepare,
						  .scenarios = scenarios,
						  .count = sizeof(scenarios) / sizeof(*scenarios)});
}
