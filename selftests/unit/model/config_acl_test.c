// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Access lists, filters, deny feeds and what is an attack, as they are meant. What is refused is in
 * config_bad.def.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "load_good.h"

#define HEAD "apiVersion: mtlb/v1\nkind: Platform\nmetadata: {name: n}\n"
#define NODE "node: {interfaces: [{name: eth0}]}\n"
#define ACME "tenants: [{name: acme}]\n"
#define ACL(what)                                                       \
	HEAD NODE ACME "---\napiVersion: mtlb/v1\nkind: TenantConfig\n" \
		       "metadata: {tenant: acme}\nacl: {" what "}\n"

static void expect_acl(const char *text, const char *expected)
{
	const struct state_acl *acl;
	struct config config;
	char got[512], prefix[PREFIX_TEXT_MAX];
	size_t used;

	load_good(text, &config);
	acl = &config.state.tenants[0].acl;
	used = (size_t)snprintf(got, sizeof(got), "%s", acl->default_deny ? "deny" : "allow");
	for (size_t i = 0; i < acl->rule_count; i++)
		used += (size_t)snprintf(got + used, sizeof(got) - used, " %c%s",
					 acl->rules[i].deny ? '-' : '+',
					 prefix_format(&acl->rules[i].prefix, prefix));
	assert_string_equal(got, expected);
	config_fini(&config);
}

static void lists(void **state)
{
	(void)state;
	expect_acl(HEAD NODE ACME, "allow");
	expect_acl(ACL(""), "allow");
	expect_acl(ACL("default: deny"), "deny");
	expect_acl(ACL("deny: []"), "allow");
	expect_acl(ACL("deny: [203.0.113.0/24]"), "allow -203.0.113.0/24");
	expect_acl(ACL("deny: [203.0.113.0/24, \"2001:db8::/32\", 10.1.2.3], "
		       "allow: [203.0.113.7, 10.0.0.0/8]"),
		   "allow +10.0.0.0/8 -10.1.2.3 -203.0.113.0/24 +203.0.113.7 -2001:db8::/32");
	/* one in the other is what lists are made of */
	expect_acl(ACL("deny: [10.0.0.0/8, 10.0.0.0/10], allow: [10.0.0.0/9]"),
		   "allow -10.0.0.0/8 +10.0.0.0/9 -10.0.0.0/10");
	expect_acl(ACL("default: deny, allow: [0.0.0.0/0]"), "deny +0.0.0.0/0");
}

static void filters(void **state)
{
	struct config config;

	(void)state;
	load_good(HEAD NODE, &config);
	assert_true(config.filters.tcp_flags && config.filters.land);
	assert_false(config.filters.vip_source || config.filters.bogons);
	assert_int_equal(config.feed_count, 0);
	assert_int_equal(config.capacity.acl_prefixes, 16384);
	assert_int_equal(config.capacity.feed_prefixes, 0);
	config_fini(&config);
	load_good(HEAD "node: {interfaces: [{name: eth0}], filters: {tcpFlags: false, land: false, "
		       "vipSource: true, bogons: true}}\n",
		  &config);
	assert_false(config.filters.tcp_flags || config.filters.land);
	assert_true(config.filters.vip_source && config.filters.bogons);
	config_fini(&config);
}

static void attacks(void **state)
{
	struct config config;

	(void)state;
	load_good(HEAD NODE, &config);
	assert_int_equal(config.attacks.drops, 1000);
	assert_int_equal(config.attacks.new_flows, 10000);
	config_fini(&config);
	load_good(HEAD
		  "node: {interfaces: [{name: eth0}], attacks: {drops: 5/s, newFlows: 2M/s}}\n",
		  &config);
	assert_int_equal(config.attacks.drops, 5);
	assert_int_equal(config.attacks.new_flows, 2000000);
	config_fini(&config);
}

static void feeds(void **state)
{
	struct config config;

	(void)state;
	load_good(HEAD "node: {interfaces: [{name: eth0}], capacity: {feedPrefixes: 1M}}\n"
		       "denyFeeds:\n"
		       "- {name: drop, file: feeds/drop.txt}\n"
		       "- {name: amp, file: /etc/amp, type: udpSourcePorts, badLines: refuse}\n",
		  &config);
	assert_int_equal(config.capacity.feed_prefixes, 1000000);
	assert_int_equal(config.feed_count, 2);
	assert_string_equal(config.feeds[0].name, "drop");
	assert_string_equal(config.feeds[0].path, "feeds/drop.txt");
	assert_false(config.feeds[0].udp_ports || config.feeds[0].refuse);
	assert_string_equal(config.feeds[1].name, "amp");
	assert_string_equal(config.feeds[1].path, "/etc/amp");
	assert_true(config.feeds[1].udp_ports && config.feeds[1].refuse);
	config_fini(&config);
	/* ports take no room of prefixes */
	load_good(HEAD NODE "denyFeeds: [{name: amp, file: amp, type: udpSourcePorts}]\n", &config);
	assert_int_equal(config.feed_count, 1);
	config_fini(&config);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lists),
		cmocka_unit_test(filters),
		cmocka_unit_test(attacks),
		cmocka_unit_test(feeds),
	};

	return cmocka_run_group_tests_name("acl", tests, NULL, NULL);
}
