// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* userspace/wire/proxy_header: both versions, as senders write them and as they must not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include "userspace/wire/proxy_header.h"

#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"

/* In memory of just that size; the answer must be the same with more behind it, and with less there
 * must be none yet. */
static int parse(const char *bytes, size_t len, struct proxy_header *ret)
{
	char *copy = malloc(len + 8);
	size_t length = 0, longer = 0;
	int error, early;

	assert_non_null(copy);
	memcpy(copy, bytes, len);
	memcpy(copy + len, "GET / HT", 8);
	error = proxy_header_parse(copy, len + 8, ret, &longer);
	free(copy);
	for (size_t cut = 0; cut <= len; cut++) {
		copy = malloc(cut + !cut);
		assert_non_null(copy);
		memcpy(copy, bytes, cut);
		early = proxy_header_parse(copy, cut, ret, &length);
		free(copy);
		/* what is wrong may be told early, and is wrong for good */
		assert_true(early == -EAGAIN || early == error);
		if (!early)
			assert_true(cut == len && length == len && longer == len);
	}
	return error;
}

static void is_address(const struct addr *addr, const char *expected)
{
	char text[ADDR_TEXT_MAX];

	assert_string_equal(addr_format(addr, text), expected);
}

static void reads_a_line(void **state)
{
	static const char v4[] = "PROXY TCP4 192.0.2.1 198.51.100.255 0 65535\r\n";
	static const char v6[] = "PROXY TCP6 2001:db8::1 2001:DB8:0:0::2 56324 443\r\n";
	static const char both[] = "PROXY TCP6 ::ffff:192.0.2.1 ::ffff:192.0.2.2 1 2\r\n";
	static const char unknown[] = "PROXY UNKNOWN\r\n", more[] = "PROXY UNKNOWN a b  c\r\n";
	struct proxy_header header;

	(void)state;
	assert_int_equal(parse(v4, sizeof(v4) - 1, &header), 0);
	assert_int_equal(header.version, 1);
	assert_int_equal(header.transport, PROXY_TCP);
	is_address(&header.source, "192.0.2.1");
	is_address(&header.destination, "198.51.100.255");
	assert_int_equal(header.source_port, 0);
	assert_int_equal(header.destination_port, 65535);
	assert_int_equal(parse(v6, sizeof(v6) - 1, &header), 0);
	is_address(&header.source, "2001:db8::1");
	is_address(&header.destination, "2001:db8::2");
	assert_int_equal(header.source_port, 56324);
	assert_int_equal(parse(both, sizeof(both) - 1, &header), 0);
	is_address(&header.source, "192.0.2.1");
	assert_int_equal(parse(unknown, sizeof(unknown) - 1, &header), 0);
	assert_int_equal(header.transport, PROXY_UNKNOWN);
	assert_int_equal(parse(more, sizeof(more) - 1, &header), 0);
	assert_int_equal(header.transport, PROXY_UNKNOWN);
}

static void reads_binary(void **state)
{
	static const char v4[] = SIGNATURE "\x21\x11\0\x0c\xc0\0\2\1\xc6\x33\x64\2\xdc\x04\1\xbb";
	static const char v6[] = SIGNATURE
		"\x21\x22\0\x24\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1\x20\1\x0d\xb8\0\0\0\0\0"
		"\0\0\0\0\0\0\2\0\x35\0\x36";
	static const char values[] = SIGNATURE "\x21\x11\0\x26\xc0\0\2\1\xc6\x33\x64\2\0\1\0\2"
					       "\2\0\5a.com\1\0\2h2\5\0\3uid\x04\0\0\xe0\0\1x";
	static const char local[] = SIGNATURE "\x20\0\0\0", told[] = SIGNATURE "\x20\x11\0\x0c"
									       "aaaabbbbccdd";
	static const char socket_[] = SIGNATURE "\x21\x31\0\xd8";
	char bytes[16 + 216] = {};
	struct proxy_header header;

	(void)state;
	assert_int_equal(parse(v4, sizeof(v4) - 1, &header), 0);
	assert_int_equal(header.version, 2);
	assert_int_equal(header.transport, PROXY_TCP);
	is_address(&header.source, "192.0.2.1");
	is_address(&header.destination, "198.51.100.2");
	assert_int_equal(header.source_port, 56324);
	assert_int_equal(header.destination_port, 443);
	assert_null(header.authority.at);
	assert_int_equal(parse(v6, sizeof(v6) - 1, &header), 0);
	assert_int_equal(header.transport, PROXY_UDP);
	is_address(&header.destination, "2001:db8::2");
	assert_int_equal(header.destination_port, 54);
	assert_int_equal(proxy_header_parse(values, sizeof(values) - 1, &header, &(size_t){0}), 0);
	assert_int_equal(header.authority.length, 5);
	assert_memory_equal(header.authority.at, "a.com", 5);
	assert_memory_equal(header.alpn.at, "h2", 2);
	assert_memory_equal(header.unique_id.at, "uid", 3);
	assert_int_equal(parse(local, sizeof(local) - 1, &header), 0);
	assert_true(header.local);
	assert_int_equal(parse(told, sizeof(told) - 1, &header), 0);
	assert_true(header.local && header.transport == PROXY_UNKNOWN);
	memcpy(bytes, socket_, 16);
	assert_int_equal(parse(bytes, sizeof(bytes), &header), 0);
	assert_int_equal(header.transport, PROXY_UNKNOWN);
}

/* A bit that changed anywhere behind the command is noticed, but where it says that there is one.
 */
static void checks_the_checksum(void **state)
{
	char bytes[] = SIGNATURE "\x21\x11\0\x13\xc0\0\2\1\xc0\0\2\2\0\1\0\2\3\0\4????";
	size_t len = sizeof(bytes) - 1;
	uint32_t crc = UINT32_MAX;
	struct proxy_header header;

	(void)state;
	memset(bytes + len - 4, 0, 4);
	for (size_t i = 0; i < len; i++) {
		crc ^= (uint8_t)bytes[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78U : 0);
	}
	for (int i = 0; i < 4; i++)
		bytes[len - 4 + (size_t)i] = (char)(~crc >> (24 - 8 * i));
	assert_int_equal(parse(bytes, len, &header), 0);
	for (size_t i = 13; i < len; i++) {
		if (i == len - 7)
			continue;
		bytes[i] ^= 1;
		assert_true(parse(bytes, len, &header) < 0);
		bytes[i] ^= 1;
	}
}

static void refuses(void **state)
{
	static const struct {
		const char *error, *bytes;
		size_t length;
	} cases[] = {
#define CASE(error, bytes) {#error, bytes, sizeof(bytes) - 1}
		CASE(no_header, "GET / HTTP/1.1\r\n\r\n"),
		CASE(no_header, "proxy TCP4 192.0.2.1 192.0.2.2 1 2\r\n"),
		CASE(no_header, " PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n"),
		CASE(no_header, "\r\n\r\nGET / HTTP/1.1\r\n\r\n"),
		CASE(no_header, "\x16\3\1"),
		CASE(bad_line, "PROXY \r\n"),
		CASE(bad_line, "PROXY\x20\n"),
		CASE(bad_line, "PROXY TCP4 192.0.2.1 192.0.2.2 1 2\n"),
		CASE(bad_line, "PROXY TCP4 192.0.2.1\r 192.0.2.2 1 2\r\n"),
		CASE(bad_line, "PROXY  TCP4 192.0.2.1 192.0.2.2 1 2\r\n"),
		CASE(bad_line, "PROXY TCP5 192.0.2.1 192.0.2.2 1 2\r\n"),
		CASE(bad_line, "PROXY UDP4 192.0.2.1 192.0.2.2 1 2\r\n"),
		CASE(bad_line, "PROXY UNKNOWNS\r\n"),
		CASE(bad_line, "PROXY TCP4  192.0.2.1 192.0.2.2 1 2\r\n"),
		CASE(bad_line, "PROXY TCP4 192.0.2.1\r\n"),
		CASE(bad_address, "PROXY TCP4 192.0.2.01 192.0.2.2 1 2\r\n"),
		CASE(bad_address, "PROXY TCP4 192.0.2 192.0.2.2 1 2\r\n"),
		CASE(bad_address, "PROXY TCP4 2001:db8::1 2001:db8::2 1 2\r\n"),
		CASE(bad_address, "PROXY TCP4 ::ffff:192.0.2.1 192.0.2.2 1 2\r\n"),
		CASE(bad_address, "PROXY TCP6 192.0.2.1 192.0.2.2 1 2\r\n"),
		CASE(bad_address, "PROXY TCP6 2001:db8::1 ::ffff:192.0.2.2 1 2\r\n"),
		CASE(bad_address, "PROXY TCP4 localhost 192.0.2.2 1 2\r\n"),
		CASE(bad_address, "PROXY TCP6 fe80::1%1 fe80::2 1 2\r\n"),
		CASE(bad_line, "PROXY TCP4 192.0.2.1\0 192.0.2.2 1 2\r\n"),
		CASE(bad_port, "PROXY TCP4 192.0.2.1 192.0.2.2 1 65536\r\n"),
		CASE(bad_port, "PROXY TCP4 192.0.2.1 192.0.2.2 01 2\r\n"),
		CASE(bad_port, "PROXY TCP4 192.0.2.1 192.0.2.2 -1 2\r\n"),
		CASE(bad_port, "PROXY TCP4 192.0.2.1 192.0.2.2 1 \r\n"),
		CASE(bad_port, "PROXY TCP4 192.0.2.1 192.0.2.2 1 2 \r\n"),
		CASE(bad_port, "PROXY TCP4 192.0.2.1 192.0.2.2 1 2 3\r\n"),
		CASE(bad_port, "PROXY TCP4 192.0.2.1 192.0.2.2 1\r\n"),
		CASE(bad_version, SIGNATURE "\x11\x11\0\0"),
		CASE(bad_version, SIGNATURE "\x31\x11\0\0"),
		CASE(bad_command, SIGNATURE "\x22\x11\0\0"),
		CASE(bad_family, SIGNATURE "\x21\x41\0\0"),
		CASE(bad_family, SIGNATURE "\x21\x13\0\x0c"
					   "aaaabbbbccdd"),
		CASE(bad_family, SIGNATURE "\x21\x10\0\x0c"
					   "aaaabbbbccdd"),
		CASE(bad_length, SIGNATURE "\x21\x11\0\x0b"
					   "aaaabbbbccd"),
		CASE(bad_length, SIGNATURE "\x21\x21\0\x0c"
					   "aaaabbbbccdd"),
		CASE(bad_length, SIGNATURE "\x21\0\0\2\4\0"),
		CASE(bad_length, SIGNATURE "\x21\0\0\3\4\0\1"),
		CASE(bad_length, SIGNATURE "\x21\0\0\6\3\0\3abc"),
		CASE(bad_checksum, SIGNATURE "\x21\0\0\7\3\0\4abcd"),
		CASE(bad_value, SIGNATURE "\x21\0\0\x0a\2\0\2ab\2\0\2ab"),
		CASE(long_header, SIGNATURE "\x21\x11\x0f\xf1"),
#undef CASE
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct proxy_header header;
		int error = parse(cases[i].bytes, cases[i].length, &header);
		const char *name = proxy_header_error_name(error);

		if (!name || strcmp(name, cases[i].error) != 0)
			fail_msg("case %zu: %s (%d) instead of %s", i, name ? name : "none", error,
				 cases[i].error);
		assert_non_null(proxy_header_error_sentence(error));
	}
	assert_null(proxy_header_error_name(-EAGAIN));
	assert_null(proxy_header_error_name(-PROXY_HEADER_ERROR_END));
}

static void limits_a_line(void **state)
{
	char bytes[PROXY_HEADER_V1_MAX + 1];
	struct proxy_header header;
	size_t length;

	(void)state;
	memset(bytes, ' ', sizeof(bytes));
	memcpy(bytes, "PROXY UNKNOWN", 13);
	memcpy(bytes + PROXY_HEADER_V1_MAX - 2, "\r\n", 2);
	assert_int_equal(proxy_header_parse(bytes, sizeof(bytes), &header, &length), 0);
	assert_int_equal(length, PROXY_HEADER_V1_MAX);
	memcpy(bytes + PROXY_HEADER_V1_MAX - 2, " \r\n", 3);
	assert_int_equal(proxy_header_parse(bytes, sizeof(bytes), &header, &length),
			 -PROXY_HEADER_ERROR_long_line);
	assert_int_equal(proxy_header_parse(bytes, PROXY_HEADER_V1_MAX - 1, &header, &length),
			 -EAGAIN);
}

static void writes_what_it_reads(void **state)
{
	static const char *const ends[][2] = {{"192.0.2.1", "198.51.100.2"},
					      {"2001:db8::1", "2001:db8::2"}};
	char bytes[PROXY_HEADER_MAX];
	struct proxy_header header, again;
	size_t length;

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		header = (struct proxy_header){.version = (uint8_t)(1 + i / 2),
					       .transport = PROXY_TCP,
					       .source_port = 1,
					       .destination_port = 65535};
		assert_int_equal(addr_parse(ends[i % 2][0], &header.source), 0);
		assert_int_equal(addr_parse(ends[i % 2][1], &header.destination), 0);
		if (i >= 2)
			header.authority = (struct h1_text){"a.example", 9};
		length = (size_t)proxy_header_write(&header, bytes, sizeof(bytes));
		assert_int_equal(parse(bytes, length, &again), 0);
		assert_int_equal(proxy_header_parse(bytes, length, &again, &length), 0);
		assert_int_equal(addr_compare(&again.source, &header.source), 0);
		assert_int_equal(addr_compare(&again.destination, &header.destination), 0);
		assert_int_equal(again.source_port, 1);
		assert_int_equal(again.destination_port, 65535);
		assert_int_equal(again.authority.length, i >= 2 ? 9 : 0);
		assert_int_equal(proxy_header_write(&header, bytes, 20), -ENOSPC);
	}
	header = (struct proxy_header){.version = 2, .local = true};
	length = (size_t)proxy_header_write(&header, bytes, sizeof(bytes));
	assert_int_equal(length, 16);
	assert_int_equal(parse(bytes, length, &again), 0);
	assert_true(again.local);
	header = (struct proxy_header){.version = 1};
	assert_int_equal(proxy_header_write(&header, bytes, sizeof(bytes)), 15);
	header.transport = PROXY_UDP;
	assert_int_equal(proxy_header_write(&header, bytes, sizeof(bytes)), -EINVAL);
	header.version = 3;
	assert_int_equal(proxy_header_write(&header, bytes, sizeof(bytes)), -EINVAL);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_a_line),	       cmocka_unit_test(reads_binary),
		cmocka_unit_test(checks_the_checksum), cmocka_unit_test(refuses),
		cmocka_unit_test(limits_a_line),       cmocka_unit_test(writes_what_it_reads),
	};

	return cmocka_run_group_tests_name("proxy_header", tests, NULL, NULL);
}
