// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * userspace/sys/netlink.c against the kernel, in two network namespaces that end with the test:
 *
 *	     here                          peer (a child's)
 *	near0 10.7.0.1/24 ----------- far0 10.7.0.2/24
 *	      fd07::1/64                   fd07::2/64
 *
 * Needs root. It waits for conditions, with a patience of 30 s.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "userspace/sys/netlink.h"

#define MS 1000000ULL

static const uint8_t far_mac[6] = {2, 0, 0, 0, 7, 2}, near_mac[6] = {2, 0, 0, 0, 7, 1};
static const uint8_t other_mac[6] = {2, 0, 0, 0, 7, 9};

static struct loop *loop;
static struct netlink *netlink;
static pid_t peer;
static int changes;

static void run(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void run(const char *format, ...)
{
	char command[512];
	va_list args;

	va_start(args, format);
	vsnprintf(command, sizeof(command), format, args);
	va_end(args);
	if (system(command))
		fail_msg("%s", command);
}

/* In the peer's namespace. */
static void run_there(const char *command)
{
	run("nsenter --target %d --net %s", (int)peer, command);
}

static void start_peer(void)
{
	pid_t parent = getpid();
	int ready[2];
	char byte;

	assert_int_equal(pipe(ready), 0);
	peer = fork();
	assert_true(peer >= 0);
	if (peer == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent || unshare(CLONE_NEWNET) || write(ready[1], "", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
}

static void count_change(void *context)
{
	assert_ptr_equal(context, &changes);
	changes++;
}

static int begin(void **state)
{
	struct err err;

	(void)state;
	if (unshare(CLONE_NEWNET))
		return -1;
	start_peer();
	/* Duplicate address detection would keep IPv6 waiting. */
	run("sysctl -qw net.ipv6.conf.default.accept_dad=0");
	run_there("sysctl -qw net.ipv6.conf.default.accept_dad=0");
	run("ip link set lo up");
	run("ip link add name near0 address 02:00:00:00:07:01 mtu 1400 type veth peer name far0 "
	    "address 02:00:00:00:07:02 mtu 1400 netns %d",
	    (int)peer);
	run("ip addr add 10.7.0.1/24 dev near0");
	run("ip addr add fd07::1/64 dev near0 nodad");
	run_there("ip addr add 10.7.0.2/24 dev far0");
	run_there("ip addr add fd07::2/64 dev far0 nodad");
	run_there("ip link set far0 up");
	run("ip link set near0 up");

	changes = 0;
	if (loop_new(&loop))
		return -1;
	if (netlink_new(loop, count_change, &changes, &netlink, &err)) {
		fprintf(stderr, "%s\n", err.text);
		return -1;
	}
	return 0;
}

static int end(void **state)
{
	(void)state;
	netlink_free(netlink);
	loop_free(loop);
	kill(peer, SIGKILL);
	waitpid(peer, NULL, 0);
	return 0;
}

/* Asking, and waiting for another answer. */

static struct next_hop ask(const char *text)
{
	struct next_hop hop;
	struct addr addr;

	assert_int_equal(addr_parse(text, &addr), 0);
	assert_int_equal(netlink_next_hop(netlink, &addr, &hop), 0);
	return hop;
}

struct wait {
	struct loop_timer timer;
	int changes;
	uint64_t until;
};

static void look(struct loop_timer *timer)
{
	struct wait *wait = timer->context;

	if (changes > wait->changes || loop_now(loop) > wait->until)
		loop_stop(loop);
	else
		assert_int_equal(loop_timer_set(loop, timer, MS), 0);
}

/* Until changed was called once more than known times, or for ms. */
static bool wait_change(int known, uint64_t ms)
{
	struct wait wait = {.changes = known, .until = loop_now(loop) + ms * MS};

	wait.timer = (struct loop_timer){.fire = look, .context = &wait};
	assert_int_equal(loop_timer_set(loop, &wait.timer, 0), 0);
	assert_int_equal(loop_run(loop), 0);
	return changes > known;
}

/* Asks, and asks again when told of a change and only then: a change that is not told is a failure.
 * Before the first question nothing is relied upon, so nothing need be told.
 */
static struct next_hop ask_until(const char *text, enum next_hop_status status)
{
	for (;;) {
		int known = changes;
		struct next_hop hop = ask(text);

		if (hop.status == status)
			return hop;
		if (!wait_change(known, 30000))
			fail_msg("%s is %s, and not %s", text, next_hop_status_name(hop.status),
				 next_hop_status_name(status));
	}
}

/* Lets what was caused so far be told: until nothing was for ms. The kernel sits on news of links
 * for up to a second, which matters to those who then expect silence.
 */
static void settle(uint64_t ms)
{
	int known;

	do
		known = changes;
	while (wait_change(known, ms));
}

static void assert_addr(const struct addr *addr, const char *text)
{
	char printed[ADDR_TEXT_MAX];

	assert_string_equal(addr_format(addr, printed), text);
}

static void assert_far(const struct next_hop *hop)
{
	assert_int_equal(hop->status, NEXT_HOP_OK);
	assert_memory_equal(hop->mac, far_mac, 6);
	assert_memory_equal(hop->source_mac, near_mac, 6);
	assert_true(hop->ifindex > 1);
	assert_int_equal(hop->mtu, 1400);
}

/* The tests. */

static void test_direct(void **state)
{
	struct next_hop hop;

	(void)state;
	hop = ask("10.7.0.2");
	assert_int_equal(hop.status, NEXT_HOP_RESOLVING);
	assert_int_equal(hop.mtu, 1400);
	hop = ask_until("10.7.0.2", NEXT_HOP_OK);
	assert_far(&hop);
	assert_true(hop.on_link);
	assert_addr(&hop.source, "10.7.0.1");
}

static void test_direct_ipv6(void **state)
{
	struct next_hop hop = ask_until("fd07::2", NEXT_HOP_OK);

	(void)state;
	assert_far(&hop);
	assert_true(hop.on_link);
	assert_addr(&hop.source, "fd07::1");
}

static void test_gateway(void **state)
{
	struct next_hop hop;

	(void)state;
	run("ip route add 192.0.2.0/24 via 10.7.0.2 mtu 1300");
	run("ip route add 198.51.100.0/24 via inet6 fd07::2 dev near0");
	run("ip addr add 10.7.0.77/24 dev near0");
	run("ip route add 203.0.113.0/24 via 10.7.0.2 mtu 9000 src 10.7.0.77");
	run("ip -6 route add 2001:db8::/32 via fd07::2 mtu 1350");

	hop = ask_until("192.0.2.9", NEXT_HOP_OK);
	assert_false(hop.on_link);
	assert_int_equal(hop.mtu, 1300);
	assert_memory_equal(hop.mac, far_mac, 6);
	assert_addr(&hop.source, "10.7.0.1");

	hop = ask_until("198.51.100.9", NEXT_HOP_OK);
	assert_far(&hop);
	assert_false(hop.on_link);

	hop = ask_until("203.0.113.9", NEXT_HOP_OK);
	assert_far(&hop); /* no more than the link's MTU */
	assert_addr(&hop.source, "10.7.0.77");

	hop = ask_until("2001:db8::9", NEXT_HOP_OK);
	assert_false(hop.on_link);
	assert_int_equal(hop.mtu, 1350);
	assert_memory_equal(hop.mac, far_mac, 6);
	assert_addr(&hop.source, "fd07::1");
}

static void test_no_route(void **state)
{
	static const char *const nowhere[] = {
		"192.0.2.1", "198.51.100.1", "203.0.113.1", "100.64.0.1",
		"10.7.0.1",  "127.0.0.1",    "2001:db8::1", "2001:db8:1::1",
		"fd07::1",   "::1",	     "10.7.0.255",  "2001:db8:2::1",
	};

	(void)state;
	run("ip route add blackhole 198.51.100.0/24");
	run("ip route add unreachable 203.0.113.0/24");
	run("ip route add prohibit 100.64.0.0/24");
	run("ip -6 route add blackhole 2001:db8:1::/48");
	run("ip -6 route add unreachable 2001:db8:2::/48");
	for (size_t i = 0; i < sizeof(nowhere) / sizeof(nowhere[0]); i++) {
		struct next_hop hop = ask(nowhere[i]);

		if (hop.status != NEXT_HOP_NO_ROUTE)
			fail_msg("%s: %s", nowhere[i], next_hop_status_name(hop.status));
		assert_int_equal(hop.ifindex, 0);
	}
}

/* The change is told before anybody asks. */
static void expect(const char *command, enum next_hop_status status)
{
	int known;

	settle(150);
	known = changes;
	run("%s", command);
	if (!wait_change(known, 30000))
		fail_msg("not told: %s", command);
	ask_until("192.0.2.1", status);
}

static void test_route_changes(void **state)
{
	(void)state;
	assert_int_equal(ask("192.0.2.1").status, NEXT_HOP_NO_ROUTE);
	expect("ip route add 192.0.2.0/24 via 10.7.0.2", NEXT_HOP_OK);
	expect("ip route replace blackhole 192.0.2.0/24", NEXT_HOP_NO_ROUTE);
	expect("ip route replace 192.0.2.0/24 via 10.7.0.2", NEXT_HOP_OK);
	expect("ip rule add to 192.0.2.0/24 blackhole", NEXT_HOP_NO_ROUTE);
	expect("ip rule del to 192.0.2.0/24 blackhole", NEXT_HOP_OK);
	expect("ip route del 192.0.2.0/24", NEXT_HOP_NO_ROUTE);
	/* With this off, the kernel tells of the next hop and no more of the routes that use it. */
	run("sysctl -qw net.ipv4.nexthop_compat_mode=0");
	run("ip nexthop add id 7 via 10.7.0.2 dev near0");
	expect("ip route add 192.0.2.0/24 nhid 7", NEXT_HOP_OK);
	expect("ip nexthop replace id 7 blackhole", NEXT_HOP_NO_ROUTE);
	expect("ip nexthop replace id 7 via 10.7.0.2 dev near0", NEXT_HOP_OK);
	expect("ip addr add 192.0.2.1/32 dev lo", NEXT_HOP_NO_ROUTE);
}

static void test_silent_neighbour(void **state)
{
	int known;

	(void)state;
	run("sysctl -qw net.ipv4.neigh.near0.retrans_time_ms=50");
	assert_int_equal(ask("10.7.0.66").status, NEXT_HOP_RESOLVING);
	ask_until("10.7.0.66", NEXT_HOP_NO_NEIGHBOUR);
	/* It is asked again, which by itself changes nothing. */
	settle(1100);
	known = changes;
	for (int i = 0; i < 3; i++) {
		assert_int_equal(ask("10.7.0.66").status, NEXT_HOP_NO_NEIGHBOUR);
		assert_false(wait_change(known, 200));
	}
	/* And when it comes, that is told without anybody asking. */
	known = changes;
	run_there("ip addr add 10.7.0.66/24 dev far0");
	assert_true(wait_change(known, 30000));
	assert_memory_equal(ask_until("10.7.0.66", NEXT_HOP_OK).mac, far_mac, 6);
}

static void test_neighbour_changes(void **state)
{
	struct next_hop hop;
	int known;

	(void)state;
	ask_until("10.7.0.2", NEXT_HOP_OK);
	ask_until("fd07::2", NEXT_HOP_OK);
	settle(1100);
	known = changes;
	run("ip neigh replace 10.7.0.2 lladdr 02:00:00:00:07:09 nud permanent dev near0");
	assert_true(wait_change(known, 30000));
	hop = ask("10.7.0.2");
	assert_int_equal(hop.status, NEXT_HOP_OK);
	assert_memory_equal(hop.mac, other_mac, 6);

	/* Two states, one MAC: no news. Neither is a neighbour that nobody asked for. */
	settle(1100);
	known = changes;
	run("ip neigh replace 10.7.0.2 lladdr 02:00:00:00:07:09 nud reachable dev near0");
	run("ip neigh replace 10.7.0.2 lladdr 02:00:00:00:07:09 nud stale dev near0");
	run("ip neigh replace 10.7.0.99 lladdr 02:00:00:00:07:09 nud reachable dev near0");
	run("ip neigh replace 10.7.0.99 lladdr 02:00:00:00:07:02 nud reachable dev near0");
	assert_false(wait_change(known, 500));
	assert_memory_equal(ask("10.7.0.2").mac, other_mac, 6);

	/* Deleted: it is resolved at once, and the true one comes back. */
	known = changes;
	run("ip neigh del 10.7.0.2 dev near0");
	assert_true(wait_change(known, 30000));
	assert_memory_equal(ask_until("10.7.0.2", NEXT_HOP_OK).mac, far_mac, 6);
}

/* A stale entry is an answer, and it is verified because of the question. */
static void test_stale(void **state)
{
	struct next_hop hop;
	int known;

	(void)state;
	run("sysctl -qw net.ipv4.neigh.near0.delay_first_probe_time=1");
	run("ip neigh replace 10.7.0.2 lladdr 02:00:00:00:07:09 nud stale dev near0");
	known = changes;
	hop = ask("10.7.0.2");
	assert_int_equal(hop.status, NEXT_HOP_OK);
	assert_memory_equal(hop.mac, other_mac, 6);
	assert_true(wait_change(known, 30000));
	do {
		known = changes;
		hop = ask("10.7.0.2");
	} while (memcmp(hop.mac, far_mac, 6) != 0 && wait_change(known, 30000));
	assert_memory_equal(hop.mac, far_mac, 6);
}

static void test_link(void **state)
{
	struct next_hop hop;

	(void)state;
	ask_until("10.7.0.2", NEXT_HOP_OK);
	run("ip link set near0 mtu 1380");
	do {
		int known = changes;

		hop = ask("10.7.0.2");
		if (hop.mtu != 1380)
			assert_true(wait_change(known, 30000));
	} while (hop.mtu != 1380);

	/* The cable, so to speak: the route is still there. */
	run_there("ip link set far0 down");
	hop = ask_until("10.7.0.2", NEXT_HOP_LINK_DOWN);
	assert_true(hop.ifindex > 1);
	run_there("ip link set far0 up");
	ask_until("10.7.0.2", NEXT_HOP_OK);

	run("ip link set near0 down");
	ask_until("10.7.0.2", NEXT_HOP_NO_ROUTE);
	run("ip link set near0 up");
	ask_until("10.7.0.2", NEXT_HOP_OK);

	run("ip link del near0");
	ask_until("10.7.0.2", NEXT_HOP_NO_ROUTE);
}

/* A thousand changes become few calls, and the last of them comes after the last change. */
static void test_coalesced(void **state)
{
	FILE *batch;

	(void)state;
	settle(1100);
	changes = 0;
	batch = popen("ip -batch -", "w");
	assert_non_null(batch);
	for (int i = 0; i < 1000; i++)
		fprintf(batch, "route add 100.64.%d.%d/32 via 10.7.0.2\n", i / 250, i % 250);
	assert_int_equal(pclose(batch), 0);
	settle(1100);
	assert_in_range(changes, 1, 20);
}

/* More than the buffer holds: the loss is a change, and afterwards all is as ever. */
static void test_overrun(void **state)
{
	FILE *batch;

	(void)state;
	settle(1100);
	changes = 0;
	batch = popen("ip -batch -", "w");
	assert_non_null(batch);
	for (int i = 0; i < 10000; i++)
		fprintf(batch,
			"neigh replace 10.7.0.99 lladdr 02:00:00:00:%02x:%02x nud "
			"permanent dev near0\n",
			i / 256, i % 256);
	assert_int_equal(pclose(batch), 0);
	settle(1100);
	assert_true(changes >= 1);
	ask_until("10.7.0.2", NEXT_HOP_OK);
}

/* An interface without Ethernet addresses has no next hop that could be written into a frame. */
static void test_no_ethernet(void **state)
{
	(void)state;
	if (system("ip tuntap add name tun0 mode tun 2>/dev/null"))
		skip();
	run("ip link set tun0 up");
	run("ip route add 192.0.2.0/24 dev tun0");
	assert_int_not_equal(ask("192.0.2.1").status, NEXT_HOP_OK);
}

static void test_names(void **state)
{
	(void)state;
	assert_string_equal(next_hop_status_name(NEXT_HOP_OK), "ok");
	assert_string_equal(next_hop_status_name(NEXT_HOP_NO_ROUTE), "no route");
	assert_string_equal(next_hop_status_name(NEXT_HOP_RESOLVING), "resolving");
	assert_string_equal(next_hop_status_name(NEXT_HOP_NO_NEIGHBOUR), "no neighbour");
	assert_string_equal(next_hop_status_name(NEXT_HOP_LINK_DOWN), "link down");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_direct),
		TEST(test_direct_ipv6),
		TEST(test_gateway),
		TEST(test_no_route),
		TEST(test_route_changes),
		TEST(test_silent_neighbour),
		TEST(test_neighbour_changes),
		TEST(test_stale),
		TEST(test_link),
		TEST(test_coalesced),
		TEST(test_overrun),
		TEST(test_no_ethernet),
		cmocka_unit_test(test_names),
	};

	if (geteuid() != 0) {
		fprintf(stderr, "netlink_test: needs root\n");
		return 1;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
