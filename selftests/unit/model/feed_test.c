// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The text of deny feeds: what is read, what is refused and in which words, and that bytes of any
 * kind do no harm.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "userspace/model/feed.h"

static void expect_prefixes(const char *text, const char *expected, const char *bad)
{
	char got[1024] = "", wrong[1024] = "", prefix[PREFIX_TEXT_MAX];
	struct feed_list list;
	size_t used = 0;

	assert_int_equal(feed_parse(text, strlen(text), false, &list), 0);
	for (size_t i = 0; i < list.count; i++)
		used += (size_t)snprintf(got + used, sizeof(got) - used, "%s%s", i ? " " : "",
					 prefix_format(&list.prefixes[i], prefix));
	used = 0;
	for (size_t i = 0; i < list.bad_count && i < FEED_BAD_SHOWN; i++)
		used += (size_t)snprintf(wrong + used, sizeof(wrong) - used, "%s%zu: %s",
					 i ? "\n" : "", list.bad[i].line, list.bad[i].text);
	assert_string_equal(got, expected);
	assert_string_equal(wrong, bad);
	feed_fini(&list);
}

static void prefixes(void **state)
{
	(void)state;
	expect_prefixes("", "", "");
	expect_prefixes("\n\n# nothing\n;\n \t\r\n", "", "");
	expect_prefixes("203.0.113.0/24\n2001:db8::/32\n", "203.0.113.0/24 2001:db8::/32", "");
	expect_prefixes("  203.0.113.7  # why\n\t10.0.0.0/8;SBL1\n192.0.2.1#x",
			"203.0.113.7 10.0.0.0/8 192.0.2.1", "");
	expect_prefixes("203.0.113.0/24\r\n\r\n198.51.100.0/24\r\n",
			"203.0.113.0/24 198.51.100.0/24", "");
	expect_prefixes("\xef\xbb\xbf"
			"203.0.113.0/24\n",
			"203.0.113.0/24", "");
	/* the order is that of the file, doubles and all */
	expect_prefixes("9.0.0.0/8\n1.0.0.0/8\n9.0.0.0/8", "9.0.0.0/8 1.0.0.0/8 9.0.0.0/8", "");
}

static void bad_lines(void **state)
{
	(void)state;
	expect_prefixes(
		"203.0.113.0/24\nhello\n\n203.0.113.9/24 # x\n0.0.0.0/0\n::/0\n10.0.0.1 2\n",
		"203.0.113.0/24",
		"2: \"hello\" is no prefix and no address\n"
		"4: \"203.0.113.9/24\" has bits of an address beyond its length; "
		"203.0.113.0/24 may be meant\n"
		"5: 0.0.0.0/0 is everybody\n"
		"6: ::/0 is everybody\n"
		"7: \"10.0.0.1 2\" is no prefix and no address");
}

static void many_bad_lines_are_counted(void **state)
{
	char text[4096] = "";
	struct feed_list list;

	(void)state;
	for (int i = 0; i < 25; i++)
		strcat(text, "x\n");
	strcat(text, "192.0.2.1\n");
	assert_int_equal(feed_parse(text, strlen(text), false, &list), 0);
	assert_int_equal(list.bad_count, 25);
	assert_int_equal(list.bad[FEED_BAD_SHOWN - 1].line, FEED_BAD_SHOWN);
	assert_int_equal(list.count, 1);
	feed_fini(&list);
}

static bool has_port(const struct feed_list *list, unsigned port)
{
	return list->ports[port / 64] >> (port % 64) & 1;
}

static void ports(void **state)
{
	static const char text[] =
		"19 # chargen\n53\n135-139\n65535\n53\n0\n65536\n9-1\n1-\n-1\nx\n"
		"123456\n1 2\n";
	struct feed_list list;

	(void)state;
	assert_int_equal(feed_parse(text, strlen(text), true, &list), 0);
	assert_int_equal(list.count, 8);
	assert_int_equal(list.bad_count, 8);
	assert_int_equal(list.bad[0].line, 6);
	assert_string_equal(list.bad[0].text,
			    "\"0\" is no port from 1 to 65535, and no range such as 135-139");
	for (unsigned port = 0; port < 65536; port++)
		assert_int_equal(has_port(&list, port), port == 19 || port == 53 || port == 65535 ||
								(port >= 135 && port <= 139));
	feed_fini(&list);
}

static void any_bytes(void **state)
{
	static const char alphabet[] = "0123456789./:abcdef#;\n\r \t-\0\xff";
	unsigned int seed = 1;

	(void)state;
	for (int round = 0; round < 2000; round++) {
		size_t length = (size_t)(rand_r(&seed) % 200);
		char *text = malloc(length ? length : 1); /* its end is watched */
		struct feed_list list;

		assert_non_null(text);
		for (size_t i = 0; i < length; i++)
			text[i] = alphabet[(size_t)rand_r(&seed) % (sizeof(alphabet) - 1)];
		assert_int_equal(feed_parse(text, length, round % 2, &list), 0);
		feed_fini(&list);
		free(text);
	}
}

static void bogons_are_prefixes(void **state)
{
	(void)state;
	assert_true(feed_bogon_count > 20);
	for (size_t i = 0; i < feed_bogon_count; i++) {
		struct prefix prefix;

		assert_int_equal(prefix_parse(feed_bogons[i], &prefix), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(prefixes),
		cmocka_unit_test(bad_lines),
		cmocka_unit_test(many_bad_lines_are_counted),
		cmocka_unit_test(ports),
		cmocka_unit_test(any_bytes),
		cmocka_unit_test(bogons_are_prefixes),
	};

	return cmocka_run_group_tests_name("feed", tests, NULL, NULL);
}
