// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Whose way is chosen, when, and what follows from it; where it leads is the lab's to show. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "check_fixture.h"

static struct {
	int calls;
	struct check_wish wish; /* the last one */
	char service[STATE_NAME_MAX];
	struct check_way answer;
	struct addr barred; /* the backend that is; zero: none */
} asked;

static void choose(void *context, const struct check_wish *wish, struct check_way *ret_way)
{
	static const struct check_way empty;

	assert_ptr_equal(context, &seen);
	assert_memory_equal(ret_way, &empty, sizeof(empty));
	asked.calls++;
	asked.wish = *wish;
	snprintf(asked.service, sizeof(asked.service), "%s", wish->service);
	*ret_way = asked.answer;
	if (addr_compare(&wish->address, &asked.barred) == 0)
		ret_way->barred = true;
}

static int begin_choosing(void **state)
{
	struct prober_options options = {.path = prober_path()};
	struct checks_events events = {
		.changed = changed, .lost = lost, .choose = choose, .context = &seen};

	(void)state;
	memset(&seen, 0, sizeof(seen));
	memset(&asked, 0, sizeof(asked));
	if (loop_new(&loop))
		return -1;
	return checks_new(loop, &options, &events, &checks);
}

static struct check_way way_now;

static void take_way(void *context, const struct check_status *status)
{
	(void)context;
	way_now = *status->way;
}

static const struct check_way *way(void)
{
	checks_each(checks, take_way, NULL);
	return &way_now;
}

/* The first service that has the pool, and its first VIP. */
static void test_whom(void **state)
{
	(void)state;
	want("127.0.0.1", 0);
	wanted.tenant.service_count = 2;
	wanted.services[0].protocol = IPPROTO_UDP;
	asked.answer = (struct check_way){.by_vip = true, .member = 7, .vip = ip("192.0.2.10")};
	apply();
	assert_int_equal(asked.calls, 1);
	assert_string_equal(asked.service, "web0");
	assert_int_equal(asked.wish.protocol, IPPROTO_UDP);
	assert_int_equal(asked.wish.via, STATE_VIA_AUTO);
	assert_int_equal(addr_compare(&asked.wish.vip, &wanted.vip.address), 0);
	assert_int_equal(addr_compare(&asked.wish.address, &wanted.members[0].address), 0);
	assert_true(way()->by_vip);
	assert_int_equal(way()->member, 7);
}

static void test_who_has_no_choice(void **state)
{
	(void)state;
	want("127.0.0.1", 1);
	asked.answer.by_vip = true;
	wanted.services[0].health.via = STATE_VIA_DIRECT;
	apply();
	wanted.services[0].health.via = STATE_VIA_AUTO;
	wanted.services[0].forward = STATE_FORWARD_NAT;
	apply();
	wanted.services[0].forward = STATE_FORWARD_DSR;
	wanted.services[0].health.type = PROBE_ICMP;
	apply();
	assert_int_equal(asked.calls, 0);
	assert_false(way()->by_vip);
}

static bool told_to_prober(void)
{
	return get()->next_ns != 0;
}

/* There is no table here, so that a probe by VIP finds no way: that is no word about the backend.
 */
static void test_by_vip(void **state)
{
	int fd = listen_on("127.0.0.1", 0, 128);

	(void)state;
	want("127.0.0.1", port_of(fd));
	asked.answer = (struct check_way){.by_vip = true, .member = 7, .vip = ip("127.0.0.1")};
	apply();
	run_until(told_to_prober);
	assert_int_equal(get()->state, HEALTH_UNKNOWN);
	assert_int_equal(get()->probes, 0);

	/* and directly once the node has changed */
	asked.answer = (struct check_way){};
	assert_int_equal(checks_choose(checks), 0);
	run_until(is_up);
	close(fd);
}

static bool other_was_asked(void)
{
	const struct check_result *result = checks_get(
		checks, "acme", "web", &wanted.members[1].address, wanted.members[1].port);

	return result && result->probes >= 3;
}

/* While it is barred nothing is asked, and others are. */
static void test_barred(void **state)
{
	int fd = listen_on("127.0.0.1", 0, 128);

	(void)state;
	want("127.0.0.1", port_of(fd));
	wanted.members[1] = (struct state_member){.address = ip("127.0.0.2"), .port = 9};
	wanted.services[0].member_count = 2;
	wanted.services[0].health.via = STATE_VIA_VIP;
	asked.barred = ip("127.0.0.1");
	apply();
	assert_int_equal(asked.wish.via, STATE_VIA_VIP);
	run_until(other_was_asked);
	assert_int_equal(get()->probes, 0);
	assert_int_equal(get()->next_ns, 0);

	asked.barred = (struct addr){};
	assert_int_equal(checks_choose(checks), 0);
	run_until(is_up);
	close(fd);
}

static int ways;

static void count_way(void *context, const struct check_way *one)
{
	assert_null(context);
	assert_int_equal(one->member, 7);
	ways++;
}

static void test_each_way(void **state)
{
	(void)state;
	want("127.0.0.1", 1);
	asked.answer = (struct check_way){.by_vip = true, .member = 7};
	apply();
	ways = 0;
	checks_each_way(checks, count_way, NULL);
	assert_int_equal(ways, 1);
	asked.answer = (struct check_way){.barred = true};
	assert_int_equal(checks_choose(checks), 0);
	checks_each_way(checks, count_way, NULL);
	assert_int_equal(ways, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin_choosing, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_whom),   TEST(test_who_has_no_choice), TEST(test_by_vip),
		TEST(test_barred), TEST(test_each_way),
	};

	leave_the_host();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
