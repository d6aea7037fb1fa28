// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* userspace/model/attack.c: when an attack begins and ends, and what its samples say. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

#include "userspace/model/attack.h"

#define S	  1000000000ULL
#define THRESHOLD 1000

static struct attack attack;
static uint64_t now;

static int begin(void **state)
{
	(void)state;
	now = 1000 * S;
	attack_init(&attack, now);
	return 0;
}

/* A second goes by. */
static enum attack_turn look(uint64_t count)
{
	now += S;
	return attack_look(&attack, now, count, THRESHOLD);
}

static void take(const char *source, const char *destination, uint16_t port, uint8_t protocol,
		 uint8_t flags, uint64_t packets)
{
	struct attack_sample sample = {
		.port = port, .protocol = protocol, .tcp_flags = flags, .packets = packets};

	assert_int_equal(addr_parse(source, &sample.source), 0);
	assert_int_equal(addr_parse(destination, &sample.destination), 0);
	attack_take(&attack, &sample);
}

static void begins_at_the_second_look(void **state)
{
	(void)state;
	assert_int_equal(look(1001), ATTACK_SAME);
	assert_int_equal(look(5000), ATTACK_BEGINS);
	assert_true(attack.on);
	assert_int_equal(attack.rate, 5000);
	assert_int_equal(attack.counted, 6001);
	assert_int_equal(attack.began_at, 1000 * S);
	assert_int_equal(look(2000), ATTACK_SAME);
	assert_int_equal(attack.peak, 5000);
	assert_int_equal(attack.counted, 8001);
}

static void one_look_is_none(void **state)
{
	(void)state;
	for (int i = 0; i < 20; i++) {
		assert_int_equal(look(100000), ATTACK_SAME);
		assert_int_equal(look(THRESHOLD), ATTACK_SAME);
	}
}

/* The first look may come soon after the first sample: a burst then is not many a second. */
static void a_burst_is_no_rate(void **state)
{
	(void)state;
	now += S / 100;
	assert_int_equal(attack_look(&attack, now, 900, THRESHOLD), ATTACK_SAME);
	assert_int_equal(attack.rate, 900);
	now += 4 * S;
	assert_int_equal(attack_look(&attack, now, 3996, THRESHOLD), ATTACK_SAME);
	assert_int_equal(attack.rate, 999);
	assert_int_equal(attack.above, 0);
}

static void ends_after_ten_quiet_seconds(void **state)
{
	(void)state;
	look(2000);
	assert_int_equal(look(2000), ATTACK_BEGINS);
	for (int i = 0; i < 9; i++)
		assert_int_equal(look(499), ATTACK_SAME);
	/* half of the threshold is not quiet: it all begins again */
	assert_int_equal(look(500), ATTACK_SAME);
	for (int i = 0; i < 9; i++)
		assert_int_equal(look(499), ATTACK_SAME);
	assert_int_equal(look(0), ATTACK_ENDS);
	assert_false(attack.on);
	assert_int_equal(attack.counted, 4000 + 18 * 499 + 500);
	assert_int_equal(attack.peak, 2000);
	/* and the next one is counted anew */
	assert_int_equal(look(3000), ATTACK_SAME);
	assert_int_equal(look(3000), ATTACK_BEGINS);
	assert_int_equal(attack.counted, 6000);
	assert_int_equal(attack.peak, 3000);
}

static void says_who_and_whom(void **state)
{
	struct attack_source sources[ATTACK_SOURCES];
	char text[ADDR_TEXT_MAX];
	struct addr address;
	uint8_t protocol;
	uint16_t port;

	(void)state;
	assert_false(attack_target(&attack, &address, &port, &protocol));
	assert_false(attack_is_spread(&attack));
	for (int i = 0; i < 30; i++) {
		snprintf(text, sizeof(text), "198.51.100.%d", i);
		take(text, "192.0.2.10", 443, IPPROTO_TCP, 0x02, 20);
	}
	for (int i = 0; i < 30; i++) {
		snprintf(text, sizeof(text), "2001:db8:77:%x::%x", i, i);
		take(text, "192.0.2.10", 443, IPPROTO_TCP, 0x02, 10);
	}
	take("203.0.113.1", "192.0.2.11", 53, IPPROTO_UDP, 0, 100);
	assert_int_equal(attack_kind(&attack), ATTACK_SYN);
	assert_true(attack_target(&attack, &address, &port, &protocol));
	assert_string_equal(addr_format_endpoint(&address, port, text), "192.0.2.10:443");
	assert_int_equal(protocol, IPPROTO_TCP);
	assert_int_equal(attack_sources(&attack, sources), 3);
	assert_string_equal(addr_format(&sources[0].prefix, text), "198.51.100.0");
	assert_int_equal(sources[0].length, 24);
	assert_true(sources[0].share == 0.6);
	assert_string_equal(addr_format(&sources[1].prefix, text), "2001:db8:77::");
	assert_int_equal(sources[1].length, 48);
	assert_true(sources[1].share == 0.3);
	assert_false(attack_is_spread(&attack));
}

static void tells_the_kinds_apart(void **state)
{
	static const struct {
		uint8_t protocol, flags;
		const char *name;
	} kinds[] = {
		{IPPROTO_TCP, 0x02, "syn"}, {IPPROTO_TCP, 0x10, "ack"}, {IPPROTO_TCP, 0x12, "ack"},
		{IPPROTO_UDP, 0, "udp"},    {IPPROTO_ICMP, 0, "icmp"},	{IPPROTO_ICMPV6, 0, "icmp"},
		{IPPROTO_SCTP, 0, "other"}, {IPPROTO_TCP, 0xc2, "syn"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		attack_init(&attack, now);
		take("1.2.3.4", "192.0.2.1", 1, kinds[i].protocol, kinds[i].flags, 2);
		take("1.2.3.4", "192.0.2.1", 1, 99, 0, 1);
		assert_string_equal(attack_kind_name(attack_kind(&attack)), kinds[i].name);
	}
}

static void made_up_sources_are_spread(void **state)
{
	char text[ADDR_TEXT_MAX];

	(void)state;
	for (int i = 0; i < 1000; i++) {
		snprintf(text, sizeof(text), "%d.%d.1.1", 1 + i % 200, i / 200);
		take(text, "192.0.2.10", 443, IPPROTO_TCP, 0x02, 50);
	}
	assert_true(attack_is_spread(&attack));
	/* unless one of them sends a quarter of it all */
	take("198.51.100.1", "192.0.2.10", 443, IPPROTO_TCP, 0x02, 17000);
	assert_false(attack_is_spread(&attack));
}

/* What a tenant always gets is not an attack, what is four times as much is. */
static void the_usual_is_learned(void **state)
{
	(void)state;
	for (int i = 0; i < 600; i++) {
		assert_int_equal(look(900), ATTACK_SAME);
		attack_learn(&attack);
	}
	assert_in_range(attack_threshold(&attack, THRESHOLD), 3590, 3600);
	assert_int_equal(attack_threshold(&attack, 5000), 5000);
	/* nothing is learned of what may be an attack */
	look(9000);
	attack_learn(&attack);
	look(9000);
	assert_true(attack.on);
	attack_learn(&attack);
	assert_in_range(attack_threshold(&attack, THRESHOLD), 3590, 3600);
}

/* What was dropped here and there before has no part in what is said of an attack. */
static void older_samples_are_forgotten(void **state)
{
	struct attack_source sources[ATTACK_SOURCES];

	(void)state;
	take("203.0.113.1", "192.0.2.11", 53, IPPROTO_UDP, 0, 1000000);
	assert_int_equal(look(10), ATTACK_SAME);
	take("198.51.100.1", "192.0.2.10", 443, IPPROTO_TCP, 0x02, 10);
	look(2000);
	look(2000);
	assert_int_equal(attack_sources(&attack, sources), 1);
	assert_int_equal(attack_kind(&attack), ATTACK_SYN);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(begins_at_the_second_look, begin),
		cmocka_unit_test_setup(one_look_is_none, begin),
		cmocka_unit_test_setup(a_burst_is_no_rate, begin),
		cmocka_unit_test_setup(ends_after_ten_quiet_seconds, begin),
		cmocka_unit_test_setup(says_who_and_whom, begin),
		cmocka_unit_test_setup(tells_the_kinds_apart, begin),
		cmocka_unit_test_setup(made_up_sources_are_spread, begin),
		cmocka_unit_test_setup(the_usual_is_learned, begin),
		cmocka_unit_test_setup(older_samples_are_forgotten, begin),
	};

	return cmocka_run_group_tests_name("attack", tests, NULL, NULL);
}
