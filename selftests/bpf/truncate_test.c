// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Packets cut at every length. In the kernel from 14 bytes on, which is the shortest frame it lets
 * a program see; the parser alone, compiled for the host and with a memory checker behind the last
 * byte, from none on.
 */
#include <linux/bpf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../bpf/core/parse.h"
#include "rig.h"

static const struct {
	const char *text;
	bool vip;
} packets[] = {
	{"eth / ip4 client > acme / tcp 1 > 84 SYN options 20 / 30 bytes", true},
	{"eth / ip4 client > host / tcp 1 > 84 SYN options 20 / 30 bytes", false},
	{"eth / ip4 client > acme options 40 / udp 1 > 86 / 30 bytes", true},
	{"eth / ip4 client > host options 40 / udp 1 > 86 / 30 bytes", false},
	{"eth / vlan 5 / ip4 client > acme / udp 1 > 80 / 3 bytes", true},
	{"eth / vlan 5 / ip4 client > host / udp 1 > 80 / 3 bytes", false},
	{"eth / qinq 5 / vlan 6 / ip4 client > acme / tcp 1 > 86 ACK / 3 bytes", true},
	{"eth / qinq 5 / vlan 6 / ip4 client > host / tcp 1 > 86 ACK / 3 bytes", false},
	{"eth / ip6 client > acme / tcp 1 > 86 SYN / 4 bytes", true},
	{"eth / ip6 client > host / tcp 1 > 86 SYN / 4 bytes", false},
	{"eth / ip6 client > acme / hopopts / routing 2 / dstopts 1 / udp 1 > 84 / 9 bytes", true},
	{"eth / ip6 client > host / hopopts / routing 2 / dstopts 1 / udp 1 > 84 / 9 bytes", false},
	{"eth / qinq 5 / vlan 6 / ip6 client > acme / dstopts / tcp 1 > 80 FIN / 4 bytes", true},
	{"eth / qinq 5 / vlan 6 / ip6 client > host / dstopts / tcp 1 > 80 FIN / 4 bytes", false},
	{"eth / ip6 client > acme / fragment more / udp 1 > 84 / 16 bytes", true},
	{"eth / ip4 client > acme / icmp 8 / 16 bytes", true},
	{"eth / ip4 host > acme / icmp 3 code 4 / ip4 acme > client / udp 84 > 1 / 9 bytes", true},
	{"eth / vlan 5 / ip4 host > acme / icmp 11 / ip4 acme > client options 8 / tcp 80 > 1 ACK",
	 true},
	{"eth / ip4 client > acme / sctp 1 > 84 INIT / 20 bytes", true},
	{"eth / vlan 5 / ip6 client > host / dstopts / sctp 1 > 84 DATA / 20 bytes", false},
	{"eth / ip4 host > acme / icmp 3 code 4 / ip4 acme > client / sctp 84 > 1 DATA", true},
	{"eth / ip6 host > acme / icmp6 2 / ip6 acme > client / tcp 86 > 1 ACK", true},
	{"eth / ip6 host > acme / dstopts / icmp6 1 / ip6 acme > client / udp 80 > 1", true},
};

#define PACKETS (sizeof(packets) / sizeof(*packets))

/* What the program must do with a frame whose IP length says more than there is. */
static void expect_cut(const struct frame *whole, size_t length, bool vip, struct scenario *ret)
{
	bool ip6 = whole->byte[whole->l3] >> 4 == 6;

	if (length < whole->l3 + (ip6 ? 40 : 20))
		*ret = (struct scenario){PASSED(no_header)};
	else if (!vip)
		*ret = (struct scenario){PASSED(not_vip)};
	else
		*ret = (struct scenario){DROPPED(ACME, bad_ip)};
}

static void cut_in_the_kernel(void **state)
{
	static struct frame whole, cut, out;
	static struct ledger before, after;
	const struct rig *rig = *state;

	for (size_t i = 0; i < PACKETS; i++) {
		frame_build(&whole, packets[i].text, NULL);
		cut = whole;
		for (cut.length = ETH_HLEN; cut.length < whole.length; cut.length++) {
			struct scenario expected;

			expect_cut(&whole, cut.length, packets[i].vip, &expected);
			ledger_take(rig, &before);
			assert_int_equal(rig_run(rig, &cut, &out, 0), expected.verdict);
			ledger_take(rig, &after);
			before.reason[expected.tenant][expected.reason].packets++;
			before.reason[expected.tenant][expected.reason].bytes += cut.length;
			ledger_assert_equal(&after, &before, packets[i].text);
			frame_assert_equal(&out, &cut, packets[i].text);
		}
	}
}

static void set_length(struct frame *frame, size_t bytes)
{
	uint8_t *ip = frame->byte + frame->l3;
	size_t value = ip[0] >> 4 == 6 ? bytes - 40 : bytes;
	size_t at = ip[0] >> 4 == 6 ? 4 : 2;

	ip[at] = (uint8_t)(value >> 8);
	ip[at + 1] = (uint8_t)value;
}

/* The same, but the IP header tells the truth: what is cut is the transport header or the data. */
static void short_in_the_kernel(void **state)
{
	static struct frame whole, cut, out;
	static struct ledger before, after;
	const struct rig *rig = *state;

	for (size_t i = 0; i < PACKETS; i++) {
		size_t header;

		frame_build(&whole, packets[i].text, NULL);
		header = whole.byte[whole.l3] >> 4 == 6 ? 40 : 20;
		cut = whole;
		for (cut.length = whole.l3 + header; cut.length < whole.length; cut.length++) {
			uint64_t packets_before = 0, packets_after = 0, bytes_before = 0,
				 bytes_after = 0;
			int verdict;

			set_length(&cut, cut.length - cut.l3);
			ledger_take(rig, &before);
			verdict = rig_run(rig, &cut, &out, 0);
			ledger_take(rig, &after);
			/* UDP says its length twice, TCP does not: its data may be cut */
			if (!packets[i].vip)
				assert_int_equal(verdict, XDP_PASS);
			else
				assert_true(verdict == XDP_DROP || verdict == XDP_TX);
			if (verdict != XDP_TX)
				frame_assert_equal(&out, &cut, packets[i].text);
			for (uint32_t j = 0; j < RIG_MEMBERS; j++) {
				packets_before += before.member[j].packets;
				packets_after += after.member[j].packets;
			}
			assert_int_equal(packets_after - packets_before, verdict == XDP_TX);
			for (uint32_t j = 0; j < MTLB_REASON_COUNT; j++) {
				enum rig_tenant tenant = packets[i].vip ? ACME : NODE;

				packets_before += before.reason[tenant][j].packets;
				packets_after += after.reason[tenant][j].packets;
				bytes_before += before.reason[tenant][j].bytes;
				bytes_after += after.reason[tenant][j].bytes;
			}
			assert_int_equal(packets_after - packets_before, 1);
			if (verdict == XDP_DROP &&
			    after.reason[ACME][MTLB_REASON_bad_ip].packets ==
				    before.reason[ACME][MTLB_REASON_bad_ip].packets)
				assert_int_equal(bytes_after - bytes_before, cut.length - cut.l3);
		}
	}
}

/* A byte beyond the end is the memory checker's: the buffer is exactly as long as the frame. */
static int parse_exactly(const uint8_t *bytes, size_t length, struct packet *p)
{
	uint8_t *copy = malloc(length + 2);
	int reason;

	*p = (struct packet){};
	memcpy(copy + 2, bytes, length);
	reason = parse_packet(copy + 2, copy + 2 + length, p);
	free(copy);
	return reason;
}

static void cut_on_the_host(void **state)
{
	static struct frame whole;
	struct packet p;

	(void)state;
	for (size_t i = 0; i < PACKETS; i++) {
		frame_build(&whole, packets[i].text, NULL);
		for (size_t length = 0; length < whole.length; length++) {
			struct scenario expected;
			int reason = parse_exactly(whole.byte, length, &p);

			expect_cut(&whole, length, true, &expected);
			if (expected.reason == MTLB_REASON_no_header) {
				assert_int_equal(reason, MTLB_REASON_no_header);
			} else {
				assert_int_equal(reason, 0);
				assert_int_equal(p.trouble, MTLB_REASON_bad_ip);
			}
			assert_int_equal(p.ip_bytes, length);
		}
		for (size_t length = whole.l3 + 40; length < whole.length; length++) {
			struct frame cut = whole;

			set_length(&cut, length - cut.l3);
			assert_int_equal(parse_exactly(cut.byte, length, &p), 0);
		}
	}
}

/* Every value of every byte of every header: nothing is read that is not there. */
static void every_byte_on_the_host(void **state)
{
	static struct frame frame;
	struct packet p;

	(void)state;
	for (size_t i = 0; i < PACKETS; i++) {
		frame_build(&frame, packets[i].text, NULL);
		for (size_t at = 12; at < frame.length; at++) {
			uint8_t was = frame.byte[at];

			for (unsigned int value = 0; value < 256; value++) {
				frame.byte[at] = (uint8_t)value;
				parse_exactly(frame.byte, frame.length, &p);
				assert_in_range(p.ip_bytes, 0, frame.length);
				assert_in_range(p.trouble, 0, MTLB_REASON_COUNT - 1);
			}
			frame.byte[at] = was;
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cut_in_the_kernel),
		cmocka_unit_test(short_in_the_kernel),
		cmocka_unit_test(cut_on_the_host),
		cmocka_unit_test(every_byte_on_the_host),
	};

	return cmocka_run_group_tests_name("truncate", tests, rig_setup, rig_teardown);
}
