// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What does not fit the way to its member: the client is told, byte for byte, and not too often;
 * nor is a ping answered too often.
 */
#include <linux/bpf.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <time.h>

#include <cmocka.h>

#include "rig.h"

#define ANSWERS	     64 /* per window, CPU and tenant */
#define WINDOW_SHIFT 27

#define TOLD4(mtu) \
	TOLD(ACME, "eth lb > client / ip4 acme > client / icmp 3 code 4 mtu " mtu " / quote 28")
#define TOLD6(mtu) \
	TOLD(ACME, "eth lb > client / ip6 acme > client / icmp6 2 mtu " mtu " / quote 48")

static void ipv4(void **state)
{
	struct rig *rig = *state;

	RIG_CHECK(rig, "eth / ip4 client > acme df / tcp 1 > 80 ACK / 1461 bytes", TOLD4("1500"));
	RIG_CHECK(rig, "eth / ip4 client > acme df / udp 1 > 80 / 1473 bytes", TOLD4("1500"));
	RIG_CHECK(rig, "eth / ip4 client > acme df / tcp 1 > 84 ACK / 1441 bytes", TOLD4("1480"));
	RIG_CHECK(rig, "eth / ip4 client > acme df / tcp 1 > 86 ACK / 1421 bytes", TOLD4("1460"));
	RIG_CHECK(rig, "eth / ip4 client > acme df / tcp 1 > 94 SYN / 1460 bytes", TOLD4("1480"));
	RIG_CHECK(rig, "eth / ip4 client > acme df / udp 1 > 84 / 3000 bytes", TOLD4("1480"));
	RIG_CHECK(rig, "eth / ip4 client > acme df tos 0xff id 9 ttl 3 / udp 1 > 86 / 1433 bytes",
		  TOLD4("1460"));
	RIG_CHECK(rig, "eth / ip4 client > acme df / tcp 1 > 84 ACK / 1441 bytes / pad 9",
		  TOLD4("1480"));
}

static void ipv6(void **state)
{
	struct rig *rig = *state;

	RIG_CHECK(rig, "eth / ip6 client > acme / tcp 1 > 80 ACK / 1441 bytes", TOLD6("1500"));
	RIG_CHECK(rig, "eth / ip6 client > acme / tcp 1 > 84 ACK / 1421 bytes", TOLD6("1480"));
	RIG_CHECK(rig, "eth / ip6 client > acme / udp 1 > 86 / 1413 bytes", TOLD6("1460"));
	RIG_CHECK(rig, "eth / ip6 client > acme / tcp 1 > 96 ACK / 1401 bytes", TOLD6("1460"));
	RIG_CHECK(rig, "eth / ip6 client > acme class 9 label 77 hops 3 / udp 1 > 84 / 3000 bytes",
		  TOLD6("1480"));
	RIG_CHECK(rig, "eth / ip6 client > acme / dstopts / udp 1 > 86 / 1405 bytes / pad 9",
		  TOLD6("1460"));
}

static void tags(void **state)
{
	struct rig *rig = *state;

	RIG_CHECK(rig, "eth / vlan 5 pcp 3 / ip4 client > acme df / tcp 1 > 84 ACK / 1441 bytes",
		  TOLD(ACME, "eth lb > client / vlan 5 pcp 3 / ip4 acme > client / "
			     "icmp 3 code 4 mtu 1480 / quote 28"));
	RIG_CHECK(rig, "eth / vlan 5 / ip6 client > acme / tcp 1 > 86 ACK / 1401 bytes",
		  TOLD(ACME, "eth lb > client / vlan 5 / ip6 acme > client / "
			     "icmp6 2 mtu 1460 / quote 48"));
	RIG_CHECK(rig, "eth / qinq 6 / vlan 5 / ip4 client > acme df / tcp 1 > 86 ACK / 1421 bytes",
		  TOLD(ACME, "eth lb > client / qinq 6 / vlan 5 / ip4 acme > client / "
			     "icmp 3 code 4 mtu 1460 / quote 28"));
	RIG_CHECK(rig, "eth / qinq 6 / vlan 5 / ip6 client > acme / tcp 1 > 84 ACK / 1421 bytes",
		  TOLD(ACME, "eth lb > client / qinq 6 / vlan 5 / ip6 acme > client / "
			     "icmp6 2 mtu 1480 / quote 48"));
}

static uint64_t window(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	return ((uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec) >> WINDOW_SHIFT;
}

static uint64_t next_window(void)
{
	uint64_t was = window(), is;

	while ((is = window()) == was)
		nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
	return is;
}

/* Answers are counted per CPU. */
static void stay(cpu_set_t *ret_were)
{
	cpu_set_t here;

	assert_int_equal(sched_getaffinity(0, sizeof(*ret_were), ret_were), 0);
	CPU_ZERO(&here);
	CPU_SET(sched_getcpu(), &here);
	assert_int_equal(sched_setaffinity(0, sizeof(here), &here), 0);
}

#define BIG    "eth / ip4 client > acme df / tcp 1 > 84 ACK / 1441 bytes"
#define PING   "eth / ip6 client > pinged / icmp6 128 / 8 bytes"
#define OTHERS "eth / ip4 client > globex df / tcp 1 > 80 ACK / 1461 bytes"

/* What may be answered, what may not, and the same tenant's and another's afterwards. */
struct kind {
	const char *worthy, *unworthy, *same;
};

static const struct kind kinds[] = {
	{BIG, "eth / ip4 client > acme / tcp 1 > 84 ACK / 1441 bytes", BIG},
	{PING, "eth / ip6 client > pinged / icmp6 128 code 1 / 8 bytes", PING},
	{PING, "eth / ip6 client > acme / icmp6 128 / 8 bytes", BIG},
	{BIG, "eth / ip4 client > pinged / icmp 13", PING},
};

struct spent {
	uint32_t unworthy, told; /* of as many packets that may not be answered, and that may */
	int after, other;	 /* the verdict on one more, and on the other tenant's */
};

/* Returns false when a window ended meanwhile. */
static bool spend(const struct rig *rig, const struct kind *kind, struct spent *spent)
{
	static struct frame worthy, unworthy, same, other, out;
	uint64_t begun;

	frame_build(&worthy, kind->worthy, NULL);
	frame_build(&unworthy, kind->unworthy, NULL);
	frame_build(&same, kind->same, NULL);
	frame_build(&other, OTHERS, NULL);
	*spent = (struct spent){};
	begun = next_window();
	for (uint32_t i = 0; i < ANSWERS; i++)
		spent->unworthy += rig_run(rig, &unworthy, &out, 0) == XDP_TX;
	for (uint32_t i = 0; i < ANSWERS; i++)
		spent->told += rig_run(rig, &worthy, &out, 0) == XDP_TX;
	spent->after = rig_run(rig, &same, &out, 0);
	if (spent->after == XDP_DROP)
		frame_assert_equal(&out, &same, "past the budget");
	spent->other = rig_run(rig, &other, &out, 0);
	return window() == begun;
}

static void put_pinged(const struct rig *rig)
{
	static const char *const addresses[] = {"192.0.2.7", "2001:db8:1::7"};

	for (uint32_t i = 0; i < 2; i++) {
		struct mtlb_vip vip = {.tenant = ACME, .flags = MTLB_VIP_ADDRESS | MTLB_VIP_ECHO};

		rig_key(&vip.key, addresses[i], 0, 0);
		rig_put_vip(rig, 130 + i, &vip);
	}
}

static void budget_of(const struct rig *rig, const struct kind *kind)
{
	struct spent spent;
	cpu_set_t were;
	bool whole = false;

	stay(&were);
	for (uint32_t i = 0; i < 50 && !whole; i++)
		whole = spend(rig, kind, &spent);
	sched_setaffinity(0, sizeof(were), &were);
	if (!whole)
		skip(); /* too slow a machine to give so many answers in a window */
	assert_int_equal(spent.unworthy, 0);
	assert_int_equal(spent.told, ANSWERS);
	assert_int_equal(spent.after, XDP_DROP);
	assert_int_equal(spent.other, XDP_TX);
}

static void budget(void **state)
{
	struct rig *rig = *state;

	put_pinged(rig);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		budget_of(rig, &kinds[i]);
	/* the next window is a new one */
	next_window();
	RIG_CHECK(rig, "eth / ip4 client > acme df / tcp 1 > 84 ACK / 1441 bytes", TOLD4("1480"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ipv4),
		cmocka_unit_test(ipv6),
		cmocka_unit_test(tags),
		cmocka_unit_test(budget),
	};

	return cmocka_run_group_tests_name("answer", tests, rig_setup, rig_teardown);
}
