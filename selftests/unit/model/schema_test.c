// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The table itself: rows must not contradict one another, and the reference must name them all.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "userspace/model/quote.h"
#include "userspace/model/value.h"

static void rows_are_sound(void **state)
{
	(void)state;
	for (int i = 0; i < SCHEMA_KEYS; i++) {
		const struct schema_row *row = &schema_rows[i];
		size_t length = strlen(row->sentence);
		char expected[256];

		assert_true(length > 0 && row->sentence[length - 1] == '.');
		assert_true(strlen(schema_expected(row, expected, sizeof(expected))) < 200);
		assert_true(row->min <= row->max);
		assert_false(row->required && row->fallback);
		if (row->type == SCHEMA_TYPE_CHOICE)
			assert_non_null(row->choices);
		for (int j = 0; j < i; j++)
			assert_false(schema_rows[j].object == row->object &&
				     strcmp(schema_rows[j].key, row->key) == 0);
	}
}

static void defaults_are_valid(void **state)
{
	(void)state;
	for (int i = 0; i < SCHEMA_KEYS; i++) {
		const struct schema_row *row = &schema_rows[i];
		const char *remedy;
		uint64_t number;

		if (!row->fallback || i == SCHEMA_service_idleTimeout)
			continue;
		assert_int_equal(value_parse(row, row->fallback, &number, &remedy), 0);
	}
	assert_int_equal(schema_number(NULL, SCHEMA_health_interval), 2000);
	assert_int_equal(schema_number(NULL, SCHEMA_capacity_slots), 4000000);
	assert_int_equal(schema_number_for(NULL, SCHEMA_service_idleTimeout, "TCP"), 900);
	assert_int_equal(schema_number_for(NULL, SCHEMA_service_idleTimeout, "UDP"), 60);
	assert_int_equal(schema_number_for(NULL, SCHEMA_service_idleTimeout, "SCTP"), 900);
	assert_int_equal(schema_number(NULL, SCHEMA_tenant_id), 0);
	assert_string_equal(schema_text(NULL, SCHEMA_api_socket), "/run/mtlb/api.sock");
	assert_null(schema_text(NULL, SCHEMA_service_pool));
}

static void choices_are_in_the_order_of_the_enums(void **state)
{
	(void)state;
	assert_int_equal(schema_number(NULL, SCHEMA_interface_mode), CONFIG_MODE_AUTO);
	assert_int_equal(schema_number(NULL, SCHEMA_service_forward), STATE_FORWARD_IPIP);
	assert_string_equal(schema_rows[SCHEMA_service_forward].choices, "dsr|ipip|gue|nat|local");
	assert_int_equal(STATE_FORWARD_LOCAL, 4);
	assert_string_equal(schema_rows[SCHEMA_service_affinity].choices,
			    "client-port|client|none");
	assert_int_equal(STATE_AFFINITY_NONE, 2);
	assert_int_equal(schema_number(NULL, SCHEMA_service_affinity), STATE_AFFINITY_CLIENT_PORT);
	assert_int_equal(schema_number(NULL, SCHEMA_vip_echo), false);
}

static void hexadecimal_is_read_byte_by_byte(void **state)
{
	uint8_t bytes[VALUE_HEX_MAX] = {};

	(void)state;
	assert_int_equal(value_read_hex("00", bytes), 1);
	assert_int_equal(bytes[0], 0);
	assert_int_equal(value_read_hex("0aFf019900Bc7e80", bytes), 8);
	assert_memory_equal(bytes, "\x0a\xff\x01\x99\x00\xbc\x7e\x80", 8);
}

static void ports_are_a_first_and_a_last(void **state)
{
	static const struct {
		const char *text;
		uint64_t first, last;
	} rows[] = {{"1", 1, 1}, {"65535", 65535, 65535}, {"1-65535", 1, 65535}, {"any", 0, 65535}};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const char *remedy;
		uint64_t number;

		assert_int_equal(value_parse(&schema_rows[SCHEMA_service_ports], rows[i].text,
					     &number, &remedy),
				 0);
		assert_int_equal(number, rows[i].first | rows[i].last << 16);
	}
}

static void reference_names_every_key(void **state)
{
	char *text = NULL;
	size_t size = 0;
	FILE *file = open_memstream(&text, &size);
	const char *at;

	(void)state;
	assert_non_null(file);
	schema_print_reference(file);
	assert_int_equal(fclose(file), 0);
	at = text;
	for (int i = 0; i < SCHEMA_OBJECTS; i++) {
		char heading[80];

		snprintf(heading, sizeof(heading), "\n## %s\n", schema_objects[i].name);
		at = strstr(at, heading);
		assert_non_null(at);
		for (int j = 0; j < SCHEMA_KEYS; j++) {
			char row[80];

			if ((int)schema_rows[j].object != i)
				continue;
			snprintf(row, sizeof(row), "\n| `%s` | ", schema_rows[j].key);
			at = strstr(at, row);
			assert_non_null(at);
		}
	}
	free(text);
}

static void quotes_are_short_and_harmless(void **state)
{
	(void)state;
	assert_string_equal(quote("").text, "\"\"");
	assert_string_equal(quote("a\tb\x7f").text, "\"a\\x09b\\x7f\"");
	assert_string_equal(quote("\xc3\xa9\xc2\x9b").text, "\"\xc3\xa9\\x9b\"");
	assert_string_equal(quote("1234567890123456789012345678901234567890").text,
			    "\"1234567890123456789012345678901234567890\"");
	assert_string_equal(quote("12345678901234567890123456789012345678901").text,
			    "\"1234567890123456789012345678901234567890...\"");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_are_sound),
		cmocka_unit_test(defaults_are_valid),
		cmocka_unit_test(choices_are_in_the_order_of_the_enums),
		cmocka_unit_test(hexadecimal_is_read_byte_by_byte),
		cmocka_unit_test(ports_are_a_first_and_a_last),
		cmocka_unit_test(reference_names_every_key),
		cmocka_unit_test(quotes_are_short_and_harmless),
	};

	return cmocka_run_group_tests_name("schema", tests, NULL, NULL);
}
