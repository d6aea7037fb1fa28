// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * QUIC: what names its server goes there, wherever it comes from; all else goes by its hash. There
 * is one service for each length of a server ID, on UDP port 4430 + length.
 */
#include <linux/bpf.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "rig.h"

#define FIRST_RECORD 130
#define PORT	     4430

/* Of the service with server IDs of so many bytes: who owns its only slot, who has the ID that
 * begins with a1, the one with b1, and the one with c1.
 */
#define SERVICE_OF(bytes) (RIG_OTHER + ((bytes)-1) * 4)
#define OWNER(bytes)	  SERVICE_OF(bytes)
#define NAMED(bytes)	  (SERVICE_OF(bytes) + 1)
#define B1(bytes)	  (SERVICE_OF(bytes) + 2)
#define C1(bytes)	  (SERVICE_OF(bytes) + 3)

/* What these are in the services that have them. */
enum {
	DRAINS = B1(4),
	WAS_LET_GO = C1(4),
	HAS_NO_HOP = B1(5),
	IN_TUNNEL = B1(6),
	IN_GUE = C1(6),
	TAGGED = C1(5),
	FAR = C1(7), /* by a way of 9,000 bytes */
};

#define V4(port)    "eth / ip4 client > acme / udp 1234 > " port " / quic "
#define V6(port)    "eth / ip6 client > acme / udp 1234 > " port " / quic "
#define TO(member)  SENT(member, DIRECT)
#define INITIAL	    "long 0 "
#define ZERO_RTT    "long 1 "
#define HANDSHAKE   "long 2 "
#define RETRY	    "long 3 "
#define VERSION_2   " version 0x6b3343cf"
#define INITIAL_2   "long 1 "
#define ZERO_RTT_2  "long 2 "
#define HANDSHAKE_2 "long 3 "
#define RETRY_2	    "long 0 "
#define A1_4	    "00a1a2a3a4"
#define DATA	    " / 40 bytes"

static const struct scenario scenarios[] = {
	/* every length of a server ID; what follows it is the server's own */
	{"short header, 1 byte", V4("4431") "short 00a1ffffffffffffffff" DATA, TO(NAMED(1))},
	{"short header, 2 bytes", V4("4432") "short 00a1a2ffffffffffffff" DATA, TO(NAMED(2))},
	{"short header, 3 bytes", V4("4433") "short 00a1a2a3ffffffffffff" DATA, TO(NAMED(3))},
	{"short header, 4 bytes", V4("4434") "short 00a1a2a3a4ffffffffff" DATA, TO(NAMED(4))},
	{"short header, 5 bytes", V4("4435") "short 00a1a2a3a4a5ffffffff" DATA, TO(NAMED(5))},
	{"short header, 6 bytes", V4("4436") "short 00a1a2a3a4a5a6ffffff" DATA, TO(NAMED(6))},
	{"short header, 7 bytes", V4("4437") "short 00a1a2a3a4a5a6a7ffff" DATA, TO(NAMED(7))},
	{"short header, 8 bytes", V4("4438") "short 00a1a2a3a4a5a6a7a8ff" DATA, TO(NAMED(8))},
	{"short header, IPv6, 1 byte", V6("4431") "short 00a1" DATA, TO(NAMED(1))},
	{"short header, IPv6, 4 bytes", V6("4434") "short " A1_4 DATA, TO(NAMED(4))},
	{"short header, IPv6, 8 bytes", V6("4438") "short 00a1a2a3a4a5a6a7a8" DATA, TO(NAMED(8))},
	{"handshake, 1 byte", V4("4431") HANDSHAKE "00a1ffff" DATA, TO(NAMED(1))},
	{"handshake, 3 bytes", V4("4433") HANDSHAKE "00a1a2a3ffff" DATA, TO(NAMED(3))},
	{"handshake, 8 bytes", V4("4438") HANDSHAKE "00a1a2a3a4a5a6a7a8" DATA, TO(NAMED(8))},
	{"handshake, IPv6, 2 bytes", V6("4432") HANDSHAKE "00a1a2" DATA, TO(NAMED(2))},
	{"handshake, IPv6, 8 bytes", V6("4438") HANDSHAKE "00a1a2a3a4a5a6a7a8ffff" DATA,
	 TO(NAMED(8))},
	{"handshake, version 2", V4("4434") HANDSHAKE_2 A1_4 VERSION_2 DATA, TO(NAMED(4))},
	{"handshake, version 2, IPv6", V6("4434") HANDSHAKE_2 A1_4 VERSION_2 DATA, TO(NAMED(4))},
	{"the longest connection ID",
	 V4("4434") HANDSHAKE A1_4 "a5a6a7a8a9aaabacadaeafb0b1b2b3" DATA, TO(NAMED(4))},

	/* the first octet: three bits of configuration, five of anything */
	{"configuration 0, all of the other bits", V4("4434") "short 1fa1a2a3a4" DATA,
	 TO(NAMED(4))},
	{"configuration 1", V4("4434") "short 20a1a2a3a4" DATA, TO(NAMED(4))},
	{"configuration 6", V4("4434") "short dfa1a2a3a4" DATA, TO(NAMED(4))},
	{"configuration 7 cannot be routed", V4("4434") "short e0a1a2a3a4" DATA, TO(OWNER(4))},
	{"configuration 7 and all other bits", V6("4434") "short ffa1a2a3a4" DATA, TO(OWNER(4))},
	{"configuration 7, handshake", V4("4434") HANDSHAKE "e5a1a2a3a4" DATA, TO(OWNER(4))},

	/* the client's own connection IDs */
	{"Initial", V4("4434") INITIAL A1_4 DATA, TO(OWNER(4))},
	{"Initial, IPv6", V6("4434") INITIAL A1_4 DATA, TO(OWNER(4))},
	{"0-RTT", V4("4434") ZERO_RTT A1_4 DATA, TO(OWNER(4))},
	{"Retry", V4("4434") RETRY A1_4 DATA, TO(OWNER(4))},
	{"Initial, version 2", V4("4434") INITIAL_2 A1_4 VERSION_2 DATA, TO(OWNER(4))},
	{"0-RTT, version 2", V4("4434") ZERO_RTT_2 A1_4 VERSION_2 DATA, TO(OWNER(4))},
	{"Retry, version 2", V4("4434") RETRY_2 A1_4 VERSION_2 DATA, TO(OWNER(4))},
	{"an unknown version", V4("4434") HANDSHAKE A1_4 " version 0x0a0a0a0a" DATA, TO(OWNER(4))},
	{"an unknown version, version 2's type", V6("4434") HANDSHAKE_2 A1_4 " version 3" DATA,
	 TO(OWNER(4))},
	{"version negotiation", V4("4434") HANDSHAKE A1_4 " version 0" DATA, TO(OWNER(4))},

	/* IDs that lead nowhere */
	{"an unknown ID", V4("4434") "short 00deadbeef" DATA, TO(OWNER(4))},
	{"an unknown ID, handshake", V6("4434") HANDSHAKE "00deadbeef" DATA, TO(OWNER(4))},
	{"an ID that differs in its last byte", V4("4434") "short 00a1a2a3a5" DATA, TO(OWNER(4))},
	{"an ID of zeros", V4("4434") "short 0000000000" DATA, TO(OWNER(4))},
	{"an ID that another service has", V4("4434") "short 00d1d2d3d4" DATA, TO(OWNER(4))},
	{"and in that service", V4("4433") "short 00d1d2d3d4" DATA, TO(NAMED(3))},
	{"an ID that another tenant's service has", V4("4434") "short 00e1e2e3e4" DATA,
	 TO(OWNER(4))},
	{"an ID that leads to another service's member", V4("4434") "short 00f1f2f3f4" DATA,
	 TO(OWNER(4))},
	{"an ID that leads to another tenant's member", V6("4434") "short 00f5f6f7f8" DATA,
	 TO(OWNER(4))},
	{"an ID that leads to a member that does not exist", V4("4434") "short 00f9fafbfc" DATA,
	 TO(OWNER(4))},
	{"an ID that leads to nobody", V4("4434") "short 00fdfeff00" DATA, TO(OWNER(4))},

	/* too short for one */
	{"no payload", "eth / ip4 client > acme / udp 1 > 4431", TO(OWNER(1))},
	{"a short header and 8 bytes", V4("4431") "short 00a1 / 6 bytes", TO(OWNER(1))},
	{"a short header and 9 bytes", V4("4431") "short 00a1 / 7 bytes", TO(NAMED(1))},
	{"a short header and an ID of 8 bytes, one missing", V4("4438") "short 00a1a2a3a4a5a6a7",
	 TO(OWNER(8))},
	{"a short header and an ID of 8 bytes, no more", V4("4438") "short 00a1a2a3a4a5a6a7a8",
	 TO(NAMED(8))},
	{"padding is no payload", V4("4431") "short 00a1 / pad 40", TO(OWNER(1))},
	{"padding is no payload, IPv6", V6("4431") "short 00a1a2 / pad 40", TO(OWNER(1))},
	{"bytes behind the datagram are no payload",
	 "eth / ip4 client > acme / udp 1 > 4431 len 11 / quic short 00a1 / 40 bytes",
	 TO(OWNER(1))},
	{"handshake, its ID shorter than a server ID", V4("4434") HANDSHAKE "00a1a2a3 dcil 4" DATA,
	 TO(OWNER(4))},
	{"handshake, its ID a byte too short", V4("4434") HANDSHAKE A1_4 " dcil 4" DATA,
	 TO(OWNER(4))},
	{"handshake, no ID", V4("4431") HANDSHAKE "00a1 dcil 0" DATA, TO(OWNER(1))},
	{"handshake of 14 bytes", V4("4431") HANDSHAKE "00a1 / 5 bytes", TO(OWNER(1))},
	{"handshake of 15 bytes", V4("4431") HANDSHAKE "00a1 / 6 bytes", TO(NAMED(1))},
	{"handshake of 9 bytes and padding", V4("4431") HANDSHAKE "00a1 / pad 40", TO(OWNER(1))},

	/* rebinding: the same member, whatever the client's address and port have become */
	{"another port", "eth / ip4 client > acme / udp 60000 > 4434 / quic short " A1_4 DATA,
	 TO(NAMED(4))},
	{"another address", "eth / ip4 203.0.113.5 > acme / udp 1 > 4434 / quic short " A1_4 DATA,
	 TO(NAMED(4))},
	{"another family", "eth / ip6 2001:db8:9::9 > acme / udp 1 > 4434 / quic short " A1_4 DATA,
	 TO(NAMED(4))},

	/* the state of who is named */
	{"it drains, and keeps its own", V4("4434") "short 00b1b2b3b4" DATA, TO(DRAINS)},
	{"it drains, handshake", V6("4434") HANDSHAKE "00b1b2b3b4" DATA, TO(DRAINS)},
	{"it was let go", V4("4434") "short 00c1c2c3c4" DATA, TO(OWNER(4))},
	{"it has no next hop", V4("4435") "short 00b1b2b3b4b5" DATA, TO(OWNER(5))},

	/* the ways there */
	{"in IPv4", V4("4436") "short 00b1b2b3b4b5b6" DATA, SENT(IN_TUNNEL, IN_IP4)},
	{"in IPv4, IPv6", V6("4436") "short 00b1b2b3b4b5b6" DATA, SENT(IN_TUNNEL, IN_IP4)},
	{"GUE in IPv6", V4("4436") "short 00c1c2c3c4c5c6" DATA, SENT(IN_GUE, IN_GUE6)},
	{"to another VLAN", V4("4435") "short 00c1c2c3c4c5" DATA,
	 SENT(TAGGED, "eth lb > hop / vlan 30 / *")},
	{"too big for the way there",
	 "eth / ip4 client > acme df / udp 1 > 4436 / quic short 00b1b2b3b4b5b6 / 1466 bytes",
	 TOLD(ACME, "eth lb > client / ip4 acme > client / icmp 3 code 4 mtu 1480 / quote 28")},

	/* around it */
	{"a tag", "eth / vlan 5 / ip4 client > acme / udp 1 > 4434 / quic short " A1_4 DATA,
	 SENT(NAMED(4), "eth lb > hop / vlan 5 / *")},
	{"two tags",
	 "eth / qinq 6 / vlan 5 / ip6 client > acme / udp 1 > 4434 / quic short " A1_4 DATA,
	 SENT(NAMED(4), "eth lb > hop / qinq 6 / vlan 5 / *")},
	{"IPv4 options",
	 "eth / ip4 client > acme options 40 / udp 1 > 4434 / quic short " A1_4 DATA, TO(NAMED(4))},
	{"extension headers",
	 "eth / ip6 client > acme / hopopts / dstopts 2 / udp 1 > 4434 / quic short " A1_4 DATA,
	 TO(NAMED(4))},
	{"2,100 bytes of extension headers",
	 "eth / ip6 client > acme / dstopts 130 / dstopts 130 / udp 1 > 4437 / quic short "
	 "00c1c2c3c4c5c6c7" DATA,
	 TO(FAR)},
	{"a first fragment goes by its hash",
	 "eth / ip4 client > acme more / udp 1 > 4434 / quic short " A1_4 DATA, TO(OWNER(4))},
	{"an ICMP error goes by its flow's hash",
	 "eth / ip4 host > acme / icmp 3 code 4 / ip4 acme > client / udp 4434 > 1 / quic "
	 "short " A1_4 DATA,
	 TO(OWNER(4))},

	/* others */
	{"TCP on the same port",
	 "eth / ip4 client > acme / tcp 1 > 4434 ACK / quic short " A1_4 DATA, TO(OWNER(4))},
	{"a service without QUIC", "eth / ip4 client > acme / udp 1 > 80 / quic short " A1_4 DATA,
	 TO(DSR_UDP)},
};

static void put_id(const struct rig *rig, uint32_t service, uint8_t first, uint32_t bytes,
		   uint32_t member)
{
	struct mtlb_quic_key key = {.service = service, .length = bytes};
	uint8_t id[MTLB_QUIC_ID_MAX] = {};

	for (uint32_t i = 0; i < bytes; i++)
		id[i] = (uint8_t)(first + i);
	memcpy(&key.id, id, sizeof(id));
	assert_int_equal(dataplane_put_quic_id(rig->dataplane, &key, member), 0);
}

static void put_member(const struct rig *rig, uint32_t member, uint32_t service)
{
	uint8_t flags = member == DRAINS       ? MTLB_MEMBER_NO_NEW
			: member == WAS_LET_GO ? MTLB_MEMBER_LET_GO
			: member == HAS_NO_HOP ? MTLB_MEMBER_NO_NEXT_HOP
			: member == TAGGED     ? MTLB_MEMBER_TAG
					       : 0;
	enum mtlb_encap encap = member == IN_TUNNEL ? MTLB_ENCAP_IPV4
				: member == IN_GUE  ? MTLB_ENCAP_GUE6
						    : MTLB_ENCAP_NONE;
	struct mtlb_member record =
		rig_member(member, service, encap, RIG_IFINDEX, member == FAR ? 9000 : 1500, flags);

	record.vlan = htons(30);
	rig_put_record(rig, member, &record);
}

static void prepare(const struct rig *rig)
{
	static const char *const addresses[] = {"192.0.2.1", "2001:db8:1::1"};
	uint32_t record = FIRST_RECORD;

	for (uint32_t bytes = 1; bytes <= MTLB_QUIC_ID_MAX; bytes++) {
		uint32_t service = SERVICE_OF(bytes);

		for (uint32_t i = 0; i < 2; i++) {
			struct mtlb_vip vip = rig_vip(addresses[i], service, IPPROTO_UDP,
						      (uint16_t)(PORT + bytes));

			vip.flags = bytes << MTLB_VIP_QUIC_SHIFT;
			rig_put_vip(rig, record++, &vip);
			vip.key.protocol = IPPROTO_TCP;
			rig_put_vip(rig, record++, &vip);
		}
		for (uint32_t i = 0; i < 4; i++)
			put_member(rig, service + i, service);
		rig_put_slots(rig, service, &service, 1);
		put_id(rig, service, 0xa1, bytes, NAMED(bytes));
		put_id(rig, service, 0xb1, bytes, B1(bytes));
		put_id(rig, service, 0xc1, bytes, C1(bytes));
	}
	put_id(rig, SERVICE_OF(3), 0xd1, 3, NAMED(3));
	put_id(rig, GLOBEX_DSR, 0xe1, 4, GLOBEX_DSR);
	/* what no agent would write */
	put_id(rig, SERVICE_OF(4), 0xf1, 4, NAMED(5));
	put_id(rig, SERVICE_OF(4), 0xf5, 4, GLOBEX_DSR);
	put_id(rig, SERVICE_OF(4), 0xf9, 4, RIG_MEMBERS + 1);
	put_id(rig, SERVICE_OF(4), 0xfd, 4, NOBODY);
}

/* Only what goes by its hash is remembered: a flow's Initial may be in the table, its IDs need not.
 */
static void changed_slots(void **state)
{
	struct rig *rig = *state;
	struct mtlb_vip vip = rig_vip("192.0.2.1", SERVICE_OF(2), IPPROTO_UDP, PORT + 2);
	uint32_t slot = MTLB_SLOT_CHANGED | OWNER(2), was = C1(2);

	rig_put_slots(rig, SERVICE_OF(2), &slot, 1);
	rig_put_slots(rig, RIG_OLD + SERVICE_OF(2), &was, 1);
	vip.flags = 2U << MTLB_VIP_QUIC_SHIFT;
	vip.old_first = (RIG_OLD + SERVICE_OF(2)) * MTLB_SLOTS_PER_LINE;
	vip.old_count = 1;
	rig_put_vip(rig, FIRST_RECORD - 1, &vip);
	rig_clear_flows(rig);
	RIG_CHECK(rig, V4("4432") "short 00a1a2" DATA, TO(NAMED(2)));
	RIG_CHECK(rig, V4("4432") HANDSHAKE "00b1b2" DATA, TO(B1(2)));
	assert_int_equal(rig_count_flows(rig, ACME), 0);
	RIG_CHECK(rig, V4("4432") INITIAL "00a1a2" DATA, TO(OWNER(2)), NEW_FLOW, .stored = 1);
	RIG_CHECK(rig, V4("4432") INITIAL "00a1a2" DATA, TO(OWNER(2)));
	RIG_CHECK(rig, V4("4432") "short 00a1a2" DATA, TO(NAMED(2)));
	slot |= MTLB_SLOT_LEARN;
	rig_put_slots(rig, SERVICE_OF(2), &slot, 1);
	RIG_CHECK(rig, "eth / ip4 client > acme / udp 5 > 4432 / quic short 00dddd" DATA, TO(C1(2)),
		  .stored = 1);
	assert_int_equal(rig_count_flows(rig, ACME), 2);
	rig_clear_flows(rig);
}

/* A server ID that is given to another member, and one that is taken away. */
static void an_id_moves(void **state)
{
	struct rig *rig = *state;
	struct mtlb_quic_key key = {.service = SERVICE_OF(8), .length = 8};

	memcpy(&key.id, "\xa1\xa2\xa3\xa4\xa5\xa6\xa7\xa8", 8);
	RIG_CHECK(rig, V4("4438") "short 00a1a2a3a4a5a6a7a8" DATA, TO(NAMED(8)));
	put_id(rig, SERVICE_OF(8), 0xa1, 8, B1(8));
	RIG_CHECK(rig, V4("4438") "short 00a1a2a3a4a5a6a7a8" DATA, TO(B1(8)));
	assert_int_equal(dataplane_delete_quic_id(rig->dataplane, &key), 0);
	RIG_CHECK(rig, V4("4438") "short 00a1a2a3a4a5a6a7a8" DATA, TO(OWNER(8)));
	put_id(rig, SERVICE_OF(8), 0xa1, 8, NAMED(8));
	RIG_CHECK(rig, V4("4438") "short 00a1a2a3a4a5a6a7a8" DATA, TO(NAMED(8)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(changed_slots),
		cmocka_unit_test(an_id_moves),
	};

	return rig_main_group(&(struct rig_group){
		.name = "quic",
		.prepare = prepare,
		.scenarios = scenarios,
		.count = sizeof(scenarios) / sizeof(*scenarios),
		.tests = tests,
		.test_count = sizeof(tests) / sizeof(*tests),
	});
}
