// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * userspace/sys/netlink_change.c against the kernel, in a network namespace of its own; what came
 * of it is looked at with ip and ethtool. Needs root.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "userspace/sys/netlink_change.h"

#define TABLE 4242

static const struct netlink_pair pair = {
	.name = "near", .peer = "far", .alias = "one of the test's", .mtu = 1280};
static struct netlink_request *request;

/* Does the command say this, or with ! before it: does it not? */
static void says(const char *command, const char *what)
{
	static char text[8192];
	bool wanted = *what != '!';
	FILE *pipe = popen(command, "r");

	assert_non_null(pipe);
	text[fread(text, 1, sizeof(text) - 1, pipe)] = 0;
	pclose(pipe);
	if ((strstr(text, wanted ? what : what + 1) != NULL) != wanted)
		fail_msg("%s: %s:\n%s", command, what, text);
}

static int begin(void **state)
{
	struct err err;

	(void)state;
	if (unshare(CLONE_NEWNET))
		return -1;
	/* without any address of a family the kernel takes no gateway */
	if (system("ip link set lo up"))
		return -1;
	return netlink_request_new(&request, &err);
}

static int end(void **state)
{
	(void)state;
	netlink_request_free(request);
	return 0;
}

static void pairs(void **state)
{
	char alias[NETLINK_ALIAS_MAX];

	(void)state;
	assert_int_equal(netlink_alias(request, "near", alias), -ENODEV);
	assert_int_equal(netlink_remove_link(request, "near"), -ENODEV);
	assert_int_equal(netlink_add_pair(request, &pair), 0);
	assert_int_equal(netlink_alias(request, "near", alias), 0);
	assert_string_equal(alias, pair.alias);
	assert_int_equal(netlink_alias(request, "far", alias), 0);
	assert_string_equal(alias, "");
	assert_int_equal(netlink_add_pair(request, &pair), -EEXIST);
	assert_int_equal(netlink_set_up(request, "far"), 0);
	assert_int_equal(netlink_set_up(request, "near"), 0);
	says("ip link show near", "NOARP,UP,LOWER_UP");
	says("ip link show near", "mtu 1280");
	says("ip link show far", "NOARP,UP,LOWER_UP");
	says("ip link show far", "mtu 1280");
	says("ip address show near", "!inet");
	says("ip address show far", "!inet");
	says("ethtool -k near", "tx-checksumming: off");
	says("ethtool -k near", "tx-tcp-segmentation: off");
}

static struct netlink_path path_to(const char *destination, const char *gateway)
{
	struct netlink_path path = {.ifindex = if_nametoindex("near"), .table = TABLE};

	assert_int_equal(addr_parse(destination, &path.destination), 0);
	assert_int_equal(addr_parse(gateway, &path.gateway), 0);
	return path;
}

static void paths(void **state)
{
	struct netlink_path ipv4 = path_to("192.0.2.10", "192.0.0.8");
	struct netlink_path ipv6 = path_to("2001:db8::10", "fe80::1");

	(void)state;
	for (int i = 0; i < 2; i++) {
		assert_int_equal(netlink_add_path(request, &ipv4), 0);
		assert_int_equal(netlink_add_path(request, &ipv6), 0);
	}
	says("ip route show table 4242", "192.0.2.10 via 192.0.0.8 dev near");
	says("ip -6 route show table 4242", "2001:db8::10 via fe80::1 dev near");
	says("ip route show", "!near");
	for (int i = 0; i < 2; i++) {
		assert_int_equal(netlink_remove_path(request, &ipv4), 0);
		assert_int_equal(netlink_remove_path(request, &ipv6), 0);
	}
	says("ip route show table 4242", "!near");
	says("ip -6 route show table 4242", "!near");
}

/* The user's packets go by the table, those of others do not. */
static void rules(void **state)
{
	struct netlink_path path = path_to("192.0.2.10", "192.0.0.8");
	struct netlink_rule rule = {.priority = 1000, .table = TABLE, .user = 65534};

	(void)state;
	assert_int_equal(netlink_add_path(request, &path), 0);
	for (int ipv4 = 0; ipv4 < 2; ipv4++) {
		assert_int_equal(netlink_add_rule(request, ipv4, &rule), 0);
		assert_int_equal(netlink_add_rule(request, ipv4, &rule), 0);
	}
	rule.user = 65533;
	assert_int_equal(netlink_add_rule(request, true, &rule), 0);
	says("ip rule", "1000:	from all uidrange 65534-65534 lookup 4242");
	says("ip -6 rule", "1000:	from all uidrange 65534-65534 lookup 4242");
	says("ip route get 192.0.2.10 uid 65534", "dev near");
	says("ip route get 192.0.2.10 uid 0 2>&1", "unreachable");
	for (int ipv4 = 0; ipv4 < 2; ipv4++) {
		assert_int_equal(netlink_remove_rules(request, ipv4, TABLE), 0);
		assert_int_equal(netlink_remove_rules(request, ipv4, TABLE), 0);
	}
	says("ip rule", "!4242");
	says("ip -6 rule", "!4242");
	says("ip rule", "main");
}

/* All that leads by it goes with it. */
static void gone(void **state)
{
	struct netlink_path path = path_to("192.0.2.10", "192.0.0.8");

	(void)state;
	assert_int_equal(netlink_add_path(request, &path), 0);
	assert_int_equal(netlink_remove_link(request, "near"), 0);
	says("ip link", "!far");
	assert_int_equal(netlink_remove_path(request, &path), 0);
	assert_int_equal(netlink_set_up(request, "near"), -ENODEV);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pairs),
		cmocka_unit_test(paths),
		cmocka_unit_test(rules),
		cmocka_unit_test(gone),
	};

	return cmocka_run_group_tests_name("netlink_change", tests, begin, end);
}
