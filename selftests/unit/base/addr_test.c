// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * userspace/base/addr.c: what is read, what is refused, and that printing and reading are inverse.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "userspace/base/addr.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void test_reads_addresses(void **state)
{
	static const struct {
		const char *text, *printed;
		bool ipv4;
	} cases[] = {
		{"192.0.2.1", "192.0.2.1", true},
		{"0.0.0.0", "0.0.0.0", true},
		{"255.255.255.255", "255.255.255.255", true},
		{"::", "::", false},
		{"::1", "::1", false},
		{"2001:DB8::A", "2001:db8::a", false},
		{"2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1", false},
		{"2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1", false},
		{"2001:0db8:0000:0000:0000:0000:0002:0001", "2001:db8::2:1", false},
		{"::ffff:192.0.2.1", "192.0.2.1", true},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		char text[ADDR_TEXT_MAX];
		struct addr addr, again;

		assert_int_equal(addr_parse(cases[i].text, &addr), 0);
		assert_string_equal(addr_format(&addr, text), cases[i].printed);
		assert_int_equal(addr_is_ipv4(&addr), cases[i].ipv4);
		assert_int_equal(addr_parse(text, &again), 0);
		assert_int_equal(addr_compare(&addr, &again), 0);
	}
}

static void test_refuses_addresses(void **state)
{
	static const char *const cases[] = {
		"",
		" ",
		"192.0.2",
		"192.0.2.256",
		"192.0.2.1/32",
		"192.0.2.1 ",
		" 192.0.2.1",
		"fe80::1%eth0",
		"2001:db8::/32",
		"::1::",
		":",
		":::",
		"1:2:3:4:5:6:7",
		"g::",
		"localhost",
		"[::1]",
		"192.0.2.1:80",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct addr addr = {.byte = {7}}, before = addr;

		assert_int_equal(addr_parse(cases[i], &addr), -EINVAL);
		assert_memory_equal(&addr, &before, sizeof(addr));
	}
}

static void test_reads_endpoints(void **state)
{
	static const struct {
		const char *text, *printed;
		uint16_t port;
	} cases[] = {
		{"192.0.2.1", "192.0.2.1", 0},
		{"192.0.2.1:80", "192.0.2.1:80", 80},
		{"192.0.2.1:65535", "192.0.2.1:65535", 65535},
		{"2001:db8::1", "2001:db8::1", 0},
		{"[2001:db8::1]", "2001:db8::1", 0},
		{"[2001:db8::1]:1", "[2001:db8::1]:1", 1},
		{"[::]:53", "[::]:53", 53},
		{"2001:db8::1:80", "2001:db8::1:80", 0}, /* the last group, not a port */
		{"[2001:db8:1111:2222:3333:4444:5555:6666]:65535",
		 "[2001:db8:1111:2222:3333:4444:5555:6666]:65535", 65535},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		char text[ADDR_TEXT_MAX];
		uint16_t port = 9;
		struct addr addr;

		assert_int_equal(addr_parse_endpoint(cases[i].text, &addr, &port), 0);
		assert_int_equal(port, cases[i].port);
		assert_string_equal(addr_format_endpoint(&addr, port, text), cases[i].printed);
	}
}

static void test_refuses_endpoints(void **state)
{
	static const char *const cases[] = {
		"",
		":80",
		"192.0.2.1:",
		"192.0.2.1:0",
		"192.0.2.1:65536",
		"192.0.2.1:99999999999999999999",
		"192.0.2.1:80x",
		"192.0.2.1: 80",
		"192.0.2.1:+80",
		"192.0.2.1:-80",
		"[192.0.2.1]:80",
		"[192.0.2.1]",
		"[::1",
		"[::1]80",
		"[::1]:",
		"[::1]:0",
		"[[::1]]:80",
		"[]:80",
		"[::1]]:80",
		"1:2",
		"[2001:db8:1111:2222:3333:4444:5555:6666]:65535 and a good deal more than fits",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct addr addr = {.byte = {7}}, before = addr;
		uint16_t port = 9;

		assert_int_equal(addr_parse_endpoint(cases[i], &addr, &port), -EINVAL);
		assert_memory_equal(&addr, &before, sizeof(addr));
		assert_int_equal(port, 9);
	}
}

static struct addr parse(const char *text)
{
	struct addr addr;

	assert_int_equal(addr_parse(text, &addr), 0);
	return addr;
}

static void test_zero_and_order(void **state)
{
	struct addr unset, low = parse("192.0.2.1"), high = parse("192.0.2.2");
	struct addr any4 = parse("0.0.0.0"), any6 = parse("::"), one = parse("::1");
	struct addr ipv6 = parse("2001:db8::1");

	(void)state;
	memset(&unset, 0, sizeof(unset));
	assert_true(addr_is_zero(&unset));
	assert_true(addr_is_zero(&any4));
	assert_true(addr_is_zero(&any6));
	assert_false(addr_is_zero(&one));
	assert_false(addr_is_zero(&low));
	assert_true(addr_compare(&low, &high) < 0);
	assert_true(addr_compare(&high, &low) > 0);
	assert_int_equal(addr_compare(&low, &low), 0);
	assert_true(addr_compare(&low, &ipv6) < 0);
}

static void test_client(void **state)
{
	struct addr ipv4 = parse("192.0.2.1"), ipv6 = parse("2001:db8:1:2:3:4:5:6");
	struct addr network = parse("2001:db8:1:2::"), client = addr_client(&ipv4);

	(void)state;
	assert_int_equal(addr_compare(&client, &ipv4), 0);
	client = addr_client(&ipv6);
	assert_int_equal(addr_compare(&client, &network), 0);
}

static void test_sockaddr(void **state)
{
	struct addr ipv4 = parse("192.0.2.1"), ipv6 = parse("2001:db8::1");
	struct sockaddr_storage storage;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
	char text[ADDR_TEXT_MAX];

	(void)state;
	memset(&storage, 0xff, sizeof(storage));
	assert_int_equal(addr_to_sockaddr(&ipv4, 80, &storage), sizeof(in));
	memcpy(&in, &storage, sizeof(in));
	assert_int_equal(in.sin_family, AF_INET);
	assert_int_equal(ntohs(in.sin_port), 80);
	assert_non_null(inet_ntop(AF_INET, &in.sin_addr, text, sizeof(text)));
	assert_string_equal(text, "192.0.2.1");

	memset(&storage, 0xff, sizeof(storage));
	assert_int_equal(addr_to_sockaddr(&ipv6, 443, &storage), sizeof(in6));
	memcpy(&in6, &storage, sizeof(in6));
	assert_int_equal(in6.sin6_family, AF_INET6);
	assert_int_equal(ntohs(in6.sin6_port), 443);
	assert_int_equal(in6.sin6_scope_id, 0);
	assert_non_null(inet_ntop(AF_INET6, &in6.sin6_addr, text, sizeof(text)));
	assert_string_equal(text, "2001:db8::1");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reads_addresses), cmocka_unit_test(test_refuses_addresses),
		cmocka_unit_test(test_reads_endpoints), cmocka_unit_test(test_refuses_endpoints),
		cmocka_unit_test(test_zero_and_order),	cmocka_unit_test(test_sockaddr),
		cmocka_unit_test(test_client),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
