// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* userspace/proxy/held.c: clients that are held. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

#include "userspace/proxy/held.h"

#define SECOND 1000000000ULL
#define NOW    (1000 * SECOND)
#define ACME   1
#define BOLT   2

static struct addr at(const char *text)
{
	struct addr addr;

	assert_int_equal(addr_parse(text, &addr), 0);
	return addr;
}

static void cut(struct held *held, uint32_t tenant, const char *client, int times, uint64_t now)
{
	const struct addr addr = at(client);

	while (times--)
		held_cut(held, tenant, &addr, now);
}

static bool is_held(const struct held *held, uint32_t tenant, const char *client, uint64_t now)
{
	const struct addr addr = at(client);

	return held_left(held, tenant, &addr, now) > 0;
}

static void one_that_was_cut_so_often(void **state)
{
	struct held held = {.secret = 12345};

	(void)state;
	assert_false(is_held(&held, ACME, "192.0.2.1", NOW));
	cut(&held, ACME, "192.0.2.1", HELD_CUTS - 1, NOW);
	assert_false(is_held(&held, ACME, "192.0.2.1", NOW));
	cut(&held, ACME, "192.0.2.1", 1, NOW);
	assert_true(is_held(&held, ACME, "192.0.2.1", NOW));
	assert_false(is_held(&held, BOLT, "192.0.2.1", NOW));
	assert_false(is_held(&held, ACME, "192.0.2.2", NOW));
}

static void for_a_while(void **state)
{
	const struct addr client = at("192.0.2.1");
	struct held held = {.secret = 12345};

	(void)state;
	cut(&held, ACME, "192.0.2.1", HELD_CUTS, NOW);
	assert_int_equal(held_left(&held, ACME, &client, NOW), HELD_FOR);
	assert_int_equal(held_left(&held, ACME, &client, NOW + HELD_FOR - 1), 1);
	assert_false(is_held(&held, ACME, "192.0.2.1", NOW + HELD_FOR));
	/* who goes on has no such patience again */
	cut(&held, ACME, "192.0.2.1", 1, NOW + HELD_FOR);
	assert_true(is_held(&held, ACME, "192.0.2.1", NOW + HELD_FOR));
	/* and who has not been cut for long begins anew */
	cut(&held, ACME, "192.0.2.1", 1, NOW + HELD_FOR + HELD_MEMORY + 1);
	assert_false(is_held(&held, ACME, "192.0.2.1", NOW + HELD_FOR + HELD_MEMORY + 1));
}

/* One that is cut now and then never adds up. */
static void cuts_far_apart(void **state)
{
	struct held held = {.secret = 12345};

	(void)state;
	for (uint64_t i = 0; i < 100; i++) {
		cut(&held, ACME, "192.0.2.1", 1, NOW + i * (HELD_MEMORY + 1));
		assert_false(is_held(&held, ACME, "192.0.2.1", NOW + i * (HELD_MEMORY + 1)));
	}
}

static void of_ipv6_its_network(void **state)
{
	struct held held = {.secret = 12345};

	(void)state;
	cut(&held, ACME, "2001:db8:0:1::1", HELD_CUTS / 2, NOW);
	cut(&held, ACME, "2001:db8:0:1:2:3:4:5", HELD_CUTS - HELD_CUTS / 2, NOW);
	assert_true(is_held(&held, ACME, "2001:db8:0:1::9", NOW));
	assert_false(is_held(&held, ACME, "2001:db8:0:2::1", NOW));
}

/* There are more than places: those that were cut last are known. */
static void many(void **state)
{
	struct held held = {.secret = 0x9e3779b97f4a7c15};
	char text[32];
	int known = 0;

	(void)state;
	for (int i = 0; i < 10 * HELD_PLACES; i++) {
		snprintf(text, sizeof(text), "10.0.%d.%d", i / 256, i % 256);
		cut(&held, ACME, text, HELD_CUTS, NOW + (uint64_t)i);
		assert_true(is_held(&held, ACME, text, NOW + (uint64_t)i));
	}
	for (int i = 0; i < 10 * HELD_PLACES; i++) {
		snprintf(text, sizeof(text), "10.0.%d.%d", i / 256, i % 256);
		known += is_held(&held, ACME, text, NOW + SECOND);
	}
	assert_int_equal(known, HELD_PLACES);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_that_was_cut_so_often),
		cmocka_unit_test(for_a_while),
		cmocka_unit_test(cuts_far_apart),
		cmocka_unit_test(of_ipv6_its_network),
		cmocka_unit_test(many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
