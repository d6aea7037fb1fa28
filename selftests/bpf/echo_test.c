// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Ping: VIPs that ask for it (pinged's) answer echo requests themselves, all others do not. */
#include <linux/bpf.h>
#include <netinet/in.h>

#include "rig.h"

#define FIRST_RECORD 130

#define ECHOED(frame) .verdict = XDP_TX, .tenant = ACME, .reason = MTLB_REASON_echoed, .out = frame
#define ASK4	      "ip4 client > pinged / icmp 8 mtu 0x12345678 / 56 bytes"
#define ANSWER4	      "ip4 pinged > client / icmp 0 mtu 0x12345678 / 56 bytes"
#define ASK6	      "ip6 client > pinged / icmp6 128 mtu 0x12345678 / 56 bytes"
#define ANSWER6	      "ip6 pinged > client / icmp6 129 mtu 0x12345678 / 56 bytes"
#define BACK	      "eth lb > client / "
#define TO_VIP4	      "eth / ip4 client > pinged "
#define TO_VIP6	      "eth / ip6 client > pinged "
#define ROUTER4	      "eth / ip4 host > pinged / icmp "

static const struct scenario scenarios[] = {
	{"IPv4", "eth / " ASK4, ECHOED(BACK ANSWER4)},
	{"IPv6", "eth / " ASK6, ECHOED(BACK ANSWER6)},
	{"IPv4, no data", TO_VIP4 "/ icmp 8", ECHOED(BACK "ip4 pinged > client / icmp 0")},
	{"IPv6, no data", TO_VIP6 "/ icmp6 128", ECHOED(BACK "ip6 pinged > client / icmp6 129")},
	{"IPv4, an odd number of bytes", TO_VIP4 "/ icmp 8 / 57 bytes",
	 ECHOED(BACK "ip4 pinged > client / icmp 0 / 57 bytes")},
	{"IPv6, an odd number of bytes", TO_VIP6 "/ icmp6 128 / 57 bytes",
	 ECHOED(BACK "ip6 pinged > client / icmp6 129 / 57 bytes")},
	{"IPv4, 1,500 bytes", TO_VIP4 "/ icmp 8 / 1472 bytes",
	 ECHOED(BACK "ip4 pinged > client / icmp 0 / 1472 bytes")},
	{"IPv6, 1,500 bytes", TO_VIP6 "/ icmp6 128 / 1452 bytes",
	 ECHOED(BACK "ip6 pinged > client / icmp6 129 / 1452 bytes")},
	{"IPv4, padding", TO_VIP4 "/ icmp 8 / pad 18",
	 ECHOED(BACK "ip4 pinged > client / icmp 0 / pad 18")},

	/* the answer begins its own way: TTL 64; all else is the request's */
	{"TTL 1", TO_VIP4 "ttl 1 tos 0xff id 0xbeef df / icmp 8 / 9 bytes",
	 ECHOED(BACK "ip4 pinged > client ttl 64 tos 0xff id 0xbeef df / icmp 0 / 9 bytes")},
	{"TTL 255", TO_VIP4 "ttl 255 / icmp 8", ECHOED(BACK "ip4 pinged > client ttl 64 / icmp 0")},
	{"TTL 64", TO_VIP4 "ttl 64 / icmp 8", ECHOED(BACK "ip4 pinged > client ttl 64 / icmp 0")},
	{"hop limit 1", TO_VIP6 "hops 1 class 0xff label 77 / icmp6 128",
	 ECHOED(BACK "ip6 pinged > client hops 64 class 0xff label 77 / icmp6 129")},
	{"hop limit 255", TO_VIP6 "hops 255 / icmp6 128",
	 ECHOED(BACK "ip6 pinged > client hops 64 / icmp6 129")},
	{"from another client", "eth / ip4 203.0.113.77 > pinged / icmp 8 / 3 bytes",
	 ECHOED(BACK "ip4 pinged > 203.0.113.77 / icmp 0 / 3 bytes")},

	/* checksums at the edges */
	{"the checksum carries, IPv4", TO_VIP4 "/ icmp 8 mtu 0xf7ff0000",
	 ECHOED(BACK "ip4 pinged > client / icmp 0 mtu 0xf7ff0000")},
	{"the checksum is near 0xffff, IPv4", TO_VIP4 "/ icmp 8 mtu 0xf8010000",
	 ECHOED(BACK "ip4 pinged > client / icmp 0 mtu 0xf8010000")},
	{"the header's checksum becomes 0", TO_VIP4 "ttl 9 id 0x8e9f / icmp 8 mtu 1",
	 ECHOED(BACK "ip4 pinged > client ttl 64 id 0x8e9f csum 0 / icmp 0 mtu 1")},
	{"all is zero but the checksum, IPv4", TO_VIP4 "/ icmp 8 csum 0xf7ff",
	 ECHOED(BACK "ip4 pinged > client / icmp 0 csum 0xffff")},
	{"the checksum could be 0 or 0xffff, IPv4", TO_VIP4 "/ icmp 8 mtu 0xffff0000",
	 ECHOED(BACK "ip4 pinged > client / icmp 0 mtu 0xffff0000 csum 0xffff")},
	{"a wrong checksum stays as wrong, IPv4", TO_VIP4 "/ icmp 8 csum 0x1234",
	 ECHOED(BACK "ip4 pinged > client / icmp 0 csum 0x1a34")},
	{"a wrong checksum stays as wrong, IPv6", TO_VIP6 "/ icmp6 128 csum 0x1234",
	 ECHOED(BACK "ip6 pinged > client / icmp6 129 csum 0x1134")},

	/* tags, options, extension headers */
	{"VLAN, IPv4", "eth / vlan 5 pcp 3 / " ASK4, ECHOED(BACK "vlan 5 pcp 3 / " ANSWER4)},
	{"VLAN, IPv6", "eth / vlan 5 / " ASK6, ECHOED(BACK "vlan 5 / " ANSWER6)},
	{"two tags, IPv4", "eth / qinq 6 / vlan 5 / " ASK4,
	 ECHOED(BACK "qinq 6 / vlan 5 / " ANSWER4)},
	{"two tags, IPv6", "eth / qinq 6 / vlan 5 / " ASK6,
	 ECHOED(BACK "qinq 6 / vlan 5 / " ANSWER6)},
	{"4 bytes of options", TO_VIP4 "options 4 / icmp 8 / 9 bytes",
	 ECHOED(BACK "ip4 pinged > client options 4 / icmp 0 / 9 bytes")},
	{"40 bytes of options", TO_VIP4 "options 40 ttl 9 / icmp 8 / 9 bytes",
	 ECHOED(BACK "ip4 pinged > client options 40 / icmp 0 / 9 bytes")},
	{"hop-by-hop options", TO_VIP6 "/ hopopts / icmp6 128 / 9 bytes",
	 ECHOED(BACK "ip6 pinged > client / hopopts / icmp6 129 / 9 bytes")},
	{"three extension headers",
	 TO_VIP6 "/ hopopts 1 / dstopts 2 / dstopts / icmp6 128 / 9 bytes",
	 ECHOED(BACK
		"ip6 pinged > client / hopopts 1 / dstopts 2 / dstopts / icmp6 129 / 9 bytes")},
	{"2,100 bytes of extension headers",
	 TO_VIP6 "/ dstopts 130 / dstopts 130 / icmp6 128 / 9 bytes",
	 ECHOED(BACK "ip6 pinged > client / dstopts 130 / dstopts 130 / icmp6 129 / 9 bytes")},

	/* what is no request, or not whole */
	{"code 1, IPv4", TO_VIP4 "/ icmp 8 code 1", DROPPED(ACME, icmp)},
	{"code 1, IPv6", TO_VIP6 "/ icmp6 128 code 1", DROPPED(ACME, icmp)},
	{"a reply, IPv4", TO_VIP4 "/ icmp 0", DROPPED(ACME, icmp)},
	{"a reply, IPv6", TO_VIP6 "/ icmp6 129", DROPPED(ACME, icmp)},
	{"a timestamp request", TO_VIP4 "/ icmp 13 / 12 bytes", DROPPED(ACME, icmp)},
	{"an address mask request", TO_VIP4 "/ icmp 17 / 4 bytes", DROPPED(ACME, icmp)},
	{"neighbour solicitation", TO_VIP6 "hops 255 / icmp6 135 / 16 bytes", DROPPED(ACME, icmp)},
	{"IPv4's request in IPv6", TO_VIP6 "/ icmp6 8", DROPPED(ACME, icmp)},
	{"IPv6's request in IPv4", TO_VIP4 "/ icmp 128", DROPPED(ACME, icmp)},
	{"ICMPv6 in IPv4", TO_VIP4 "next 58 / icmp 128", DROPPED(ACME, icmp)},
	{"ICMPv4 in IPv6", TO_VIP6 "next 1 / icmp6 8", DROPPED(ACME, icmp)},
	{"a first fragment, IPv4", TO_VIP4 "more / icmp 8 / 64 bytes", DROPPED(ACME, icmp)},
	{"a first fragment, IPv6", TO_VIP6 "/ fragment more / icmp6 128 / 64 bytes",
	 DROPPED(ACME, icmp)},
	{"an atomic fragment, IPv6", TO_VIP6 "/ fragment / icmp6 128 / 64 bytes",
	 ECHOED(BACK "ip6 pinged > client / fragment / icmp6 129 / 64 bytes")},
	{"7 bytes", TO_VIP4 "next 1 / 7 bytes", DROPPED(ACME, bad_l4)},
	{"7 bytes and padding, IPv6", TO_VIP6 "next 58 / 7 bytes / pad 30", DROPPED(ACME, bad_l4)},
	{"longer than the frame", TO_VIP4 "len +1 / icmp 8", DROPPED(ACME, bad_ip)},
	{"an error about an echo reply", ROUTER4 "3 / ip4 pinged > client / icmp 0",
	 DROPPED(ACME, icmp)},

	/* those that do not ask */
	{"another VIP, IPv4", "eth / ip4 client > acme / icmp 8 / 56 bytes", DROPPED(ACME, icmp)},
	{"another VIP, IPv6", "eth / ip6 client > acme / icmp6 128 / 56 bytes",
	 DROPPED(ACME, icmp)},
	{"the other tenant's VIP", "eth / ip4 client > globex / icmp 8 / 56 bytes",
	 DROPPED(GLOBEX, icmp)},
	{"the host", "eth / ip4 client > host / icmp 8 / 56 bytes", PASSED(not_vip)},

	/* the rest of the VIP's traffic is not changed by it */
	{"a service of its own", TO_VIP4 "/ tcp 1 > 80 SYN", SENT(DSR_TCP, DIRECT), NEW_FLOW},
	{"an error about a flow of it", ROUTER4 "3 / ip4 pinged > client next 6 / udp 80 > 1",
	 SENT(DSR_TCP, DIRECT)},
	{"a port without service", TO_VIP6 "/ tcp 1 > 81 SYN", DROPPED(ACME, no_service)},

	/* nothing is put in front: no headroom is needed */
	{"no headroom", "eth / " ASK4, ECHOED(BACK ANSWER4), .metadata = 216},
};

static void prepare(const struct rig *rig)
{
	static const char *const addresses[] = {"192.0.2.7", "2001:db8:1::7"};
	uint32_t record = FIRST_RECORD;

	for (size_t i = 0; i < 2; i++) {
		struct mtlb_vip address = {.tenant = ACME,
					   .flags = MTLB_VIP_ADDRESS | MTLB_VIP_ECHO};
		struct mtlb_vip web = rig_vip(addresses[i], DSR_TCP, IPPROTO_TCP, 80);

		rig_key(&address.key, addresses[i], 0, 0);
		rig_put_vip(rig, record++, &address);
		rig_put_vip(rig, record++, &web);
	}
}

int main(void)
{
	return rig_main_group(&(struct rig_group){.name = "echo",
						  .prepare = prepare,
						  .scenarios = scenarios,
						  .count = sizeof(scenarios) / sizeof(*scenarios)});
}
