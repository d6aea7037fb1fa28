// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Packets that are made of fields, against those that the tests' own language makes of the same;
 * and what captures and hexadecimal digits are read as.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "../../../userspace/inspect/capture.h"
#include "../../bpf/packet.h"

#define MACS 12 /* whose they are is nobody's business */
#define TCP  .protocol = IPPROTO_TCP, .source_port = 1, .destination_port = 80
#define UDP  .protocol = IPPROTO_UDP, .source_port = 1, .destination_port = 80

static const struct {
	int family;
	struct synth fields;
	const char *text;
	size_t same; /* bytes that are compared; 0: all */
} packets[] = {
	{4, {TCP, .tcp_flags = 2}, "eth / ip4 client > acme / tcp 1 > 80 SYN window 65535", 0},
	{6, {TCP, .tcp_flags = 0x10}, "eth / ip6 client > acme / tcp 1 > 80 ACK window 65535", 0},
	{4, {UDP}, "eth / ip4 client > acme / udp 1 > 80", 0},
	{6, {UDP}, "eth / ip6 client > acme / udp 1 > 80", 0},
	{4,
	 {.protocol = IPPROTO_SCTP, .source_port = 1, .destination_port = 80, .tcp_flags = 2},
	 "eth / ip4 client > acme / sctp 1 > 80 INIT",
	 0},
	{4, {.protocol = IPPROTO_ICMP}, "eth / ip4 client > acme / icmp 8", 0},
	{6, {.protocol = IPPROTO_ICMP}, "eth / ip6 client > acme / icmp6 128", 0},
	{4, {UDP, .tags = 1, .tag = {5}}, "eth / vlan 5 / ip4 client > acme / udp 1 > 80", 0},
	{6,
	 {UDP, .tags = 2, .tag = {5, 6}},
	 "eth / qinq 5 / vlan 6 / ip6 client > acme / udp 1 > 80",
	 0},
	{4,
	 {UDP, .is_fragment = true, .fragment_id = 7},
	 "eth / ip4 client > acme id 7 more / udp 1 > 80",
	 0},
	{6,
	 {UDP, .is_fragment = true, .fragment_id = 7},
	 "eth / ip6 client > acme / fragment id 7 more / udp 1 > 80",
	 0},
	{4,
	 {UDP, .is_fragment = true, .fragment = 1480, .fragment_id = 7, .length = 50},
	 "eth / ip4 client > acme id 7 offset 185 next 17 / 30 bytes",
	 34},
	{6,
	 {UDP, .is_fragment = true, .fragment = 1448, .fragment_id = 7},
	 "eth / ip6 client > acme / fragment id 7 offset 181 next 17 / 8 bytes",
	 62},
	{4, {UDP, .length = 1500}, "eth / ip4 client > acme / udp 1 > 80 / 1472 bytes", 34},
};

static struct synth with_ends(int family, struct synth fields)
{
	assert_int_equal(addr_parse(family == 4 ? "198.51.100.7" : "2001:db8:c::7", &fields.source),
			 0);
	assert_int_equal(
		addr_parse(family == 4 ? "192.0.2.1" : "2001:db8:1::1", &fields.destination), 0);
	return fields;
}

static void as_the_tests_write_them(void **state)
{
	static struct frame frame;
	static uint8_t made[SYNTH_FRAME_MAX];
	struct err err = {};

	(void)state;
	for (size_t i = 0; i < sizeof(packets) / sizeof(*packets); i++) {
		struct synth fields = with_ends(packets[i].family, packets[i].fields);
		size_t length = synth_build(&fields, made, &err), same;

		frame_build(&frame, packets[i].text, NULL);
		assert_int_equal(length, frame.length);
		same = packets[i].same ? packets[i].same : length;
		for (size_t at = MACS; at < same; at++)
			if (made[at] != frame.byte[at])
				fail_msg("%s: byte %zu is %02x, not %02x", packets[i].text, at,
					 made[at], frame.byte[at]);
	}
}

static void refuses(const struct synth *fields, const char *why)
{
	static uint8_t made[SYNTH_FRAME_MAX];
	struct err err = {};

	assert_int_equal(synth_build(fields, made, &err), 0);
	if (!strstr(err.text, why))
		fail_msg("\"%s\" has no \"%s\"", err.text, why);
}

static void what_cannot_be(void **state)
{
	struct synth fields = with_ends(4, (struct synth){UDP, .length = 27});
	struct err err = {};
	uint8_t flags;

	(void)state;
	refuses(&fields, "its headers alone have 28");
	fields.length = SYNTH_FRAME_MAX;
	refuses(&fields, "expected at most");
	fields.length = 0;
	fields.is_fragment = true;
	fields.fragment = 4;
	refuses(&fields, "a multiple of eight");
	fields.fragment = 0;
	assert_int_equal(addr_parse("::1", &fields.source), 0);
	refuses(&fields, "different families");
	assert_int_equal(synth_parse_flags("syn,ACK+ece", &flags, &err), 0);
	assert_int_equal(flags, 0x52);
	assert_int_equal(synth_parse_flags("none", &flags, &err), 0);
	assert_int_equal(flags, 0);
	assert_int_not_equal(synth_parse_flags("syn,nak", &flags, &err), 0);
	assert_non_null(strstr(err.text, "\"nak\" is no flag"));
}

/* --- captures */

static void put32(uint8_t *to, uint32_t value, bool big)
{
	for (int i = 0; i < 4; i++)
		to[i] = (uint8_t)(value >> (big ? 24 - 8 * i : 8 * i));
}

/* Two packets, the second one of them frame; cut: so many bytes of it were not captured. */
static size_t write_pcap(uint8_t *file, const struct frame *frame, uint32_t magic, uint32_t link,
			 bool big, uint32_t cut)
{
	size_t from = link == 101 ? frame->l3 : 0, length = frame->length - from - cut;

	memset(file, 0, 24 + 16 + 20 + 16);
	put32(file, magic, big);
	put32(file + 20, link, big);
	put32(file + 24 + 8, 20, big);
	put32(file + 24 + 12, 20, big);
	put32(file + 60 + 8, (uint32_t)length, big);
	put32(file + 60 + 12, (uint32_t)length + cut, big);
	memcpy(file + 76, frame->byte + from, length);
	return 76 + length;
}

static void assert_read(const uint8_t *file, size_t size, const struct frame *frame)
{
	static uint8_t made[SYNTH_FRAME_MAX];
	struct err err = {};

	assert_int_equal(capture_pcap(file, size, 2, made, &err), frame->length);
	assert_memory_equal(made + MACS, frame->byte + MACS, frame->length - MACS);
}

static void captures(void **state)
{
	static uint8_t file[2048], made[SYNTH_FRAME_MAX];
	static struct frame frame;
	struct err err = {};
	size_t size;

	(void)state;
	frame_build(&frame, "eth / ip6 client > acme / udp 1 > 80 / 99 bytes", NULL);
	for (int big = 0; big < 2; big++)
		for (int link = 1; link <= 101; link += 100) {
			size = write_pcap(file, &frame, 0xa1b2c3d4, link, big, 0);
			assert_read(file, size, &frame);
			size = write_pcap(file, &frame, 0xa1b23c4d, link, big, 0);
			assert_read(file, size, &frame);
		}
	for (size_t end = 0; end < size; end++)
		assert_int_equal(capture_pcap(file, end, 2, made, &err), 0);
	assert_int_equal(capture_pcap(file, size, 3, made, &err), 0);
	assert_non_null(strstr(err.text, "it has 2"));
	assert_int_equal(capture_pcap(file, size, 0, made, &err), 0);
	size = write_pcap(file, &frame, 0xa1b2c3d4, 1, false, 10);
	assert_int_equal(capture_pcap(file, size, 2, made, &err), 0);
	assert_non_null(strstr(err.text, "was cut to 151 of 161 bytes"));
	size = write_pcap(file, &frame, 0xa1b2c3d4, 113, false, 0);
	assert_int_equal(capture_pcap(file, size, 2, made, &err), 0);
	assert_non_null(strstr(err.text, "link type 113"));
	size = write_pcap(file, &frame, 0x0a0d0d0a, 1, false, 0);
	assert_int_equal(capture_pcap(file, size, 2, made, &err), 0);
	assert_non_null(strstr(err.text, "pcapng"));
}

/* --- digits */

static size_t read_hex(const char *text, uint8_t made[SYNTH_FRAME_MAX], struct err *err)
{
	return capture_hex(text, strlen(text), made, err);
}

static void digits(void **state)
{
	static uint8_t made[SYNTH_FRAME_MAX];
	static const char as_tcpdump[] = "\t0x0000:  0200 0000 010b 0200 0000 010c 0806 0001\n"
					 "\t0x0010:  0800 0604\n";
	static const char as_xxd[] = "00000000: 0200 0000 010b 0200 0000 010c 0806 0001\n"
				     "00000010: 08000604\n";
	static const char packet[] = "4500 001c 0000 0000 4011 0000 c633 6407 c000 0201 "
				     "0001 0050 0008 0000";
	struct err err = {};

	(void)state;
	assert_int_equal(read_hex(as_tcpdump, made, &err), 20);
	assert_int_equal(made[16], 8);
	assert_int_equal(made[19], 4);
	assert_int_equal(read_hex(as_xxd, made, &err), 20);
	assert_int_equal(made[0], 2);
	assert_int_equal(made[19], 4);
	assert_int_equal(read_hex(packet, made, &err), 28 + 14);
	assert_memory_equal(made + 12, "\x08\x00\x45\x00", 4);
	assert_int_equal(read_hex("02 00 0", made, &err), 0);
	assert_non_null(strstr(err.text, "expected pairs"));
	assert_int_equal(read_hex("02 00 00g0", made, &err), 0);
	assert_non_null(strstr(err.text, "\"g\" (character 9)"));
	assert_int_equal(read_hex("", made, &err), 0);
	assert_non_null(strstr(err.text, "expected an Ethernet frame"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(as_the_tests_write_them),
		cmocka_unit_test(what_cannot_be),
		cmocka_unit_test(captures),
		cmocka_unit_test(digits),
	};

	return cmocka_run_group_tests_name("inspect/synth", tests, NULL, NULL);
}
