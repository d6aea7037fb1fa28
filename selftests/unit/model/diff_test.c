// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Plans, as the lines an operator sees: from one configuration text to another.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "load_good.h"

#include "userspace/model/diff.h"

#define HEAD                                                                                      \
	"apiVersion: mtlb/v1\nkind: Platform\nmetadata: {name: n}\n"                              \
	"node: {interfaces: [{name: eth0}], encapSource: {ipv4: 192.0.2.1, ipv6: 2001:db8::1}}\n" \
	"vips: [{name: a, address: 192.0.2.10}, {name: b, address: 192.0.2.11}]\n"
#define NAT_HEAD                                                                \
	"apiVersion: mtlb/v1\nkind: Platform\nmetadata: {name: n}\n"            \
	"node: {interfaces: [{name: eth0}], natSources: [{ipv4: 192.0.2.5}]}\n" \
	"tiers: [{name: more, l4: {natPorts: 2k}}]\n"                           \
	"vips: [{name: a, address: 192.0.2.10}, {name: b, address: 192.0.2.11}]\n"
#define ACME   "tenants: [{name: acme, vips: [a, b]}]\n"
#define CONFIG "---\napiVersion: mtlb/v1\nkind: TenantConfig\nmetadata: {tenant: acme}\n"
#define POOL(settings) \
	"pools:\n- {name: p, backends: [{address: 10.0.0.1}, {address: 10.0.0.2}]" settings "}\n"
#define SERVICES "services:\n"
#define WEB	 "- {name: web, vips: [a], protocol: TCP, ports: [80], pool: p}\n"
#define BASE	 HEAD ACME CONFIG POOL("") SERVICES WEB

#define WEB_SETTINGS(pool)                                                            \
	"protocol TCP, pool " pool ", forward ipip, track changed, idleTimeout 15m, " \
	"drainDeadline 10m, stickWhenDown 30s, health none\n"

/* NULL: an empty node. */
static void expect_plan(const char *before, const char *after, const char *expected)
{
	struct config old_config = {}, new_config = {};
	char lines[8192] = "";
	struct plan plan;
	size_t used = 0;

	if (before)
		load_good(before, &old_config);
	if (after)
		load_good(after, &new_config);
	assert_int_equal(plan_make(&old_config.state, &new_config.state, &plan), 0);
	for (size_t i = 0; i < plan.count; i++) {
		char line[512];

		used += (size_t)snprintf(lines + used, sizeof(lines) - used, "%s\n",
					 op_format(&plan.ops[i], line, sizeof(line)));
	}
	assert_string_equal(lines, expected);
	plan_fini(&plan);
	config_fini(&old_config);
	config_fini(&new_config);
}

static void nothing_to_do(void **state)
{
	(void)state;
	expect_plan(NULL, NULL, "");
	expect_plan(BASE, BASE, "");
}

static void everything_is_new(void **state)
{
	(void)state;
	expect_plan(
		NULL, BASE,
		"+ tenant acme: flows 4096\n"
		"+ address acme 192.0.2.10\n"
		"+ address acme 192.0.2.11\n"
		"+ service acme/web: " WEB_SETTINGS("p") "+ member acme/web 10.0.0.1: weight 1\n"
							 "+ member acme/web 10.0.0.2: weight 1\n"
							 "+ vip acme/web TCP 192.0.2.10:80\n");
}

static void everything_goes(void **state)
{
	(void)state;
	expect_plan(BASE, NULL,
		    "- vip acme/web TCP 192.0.2.10:80\n"
		    "- member acme/web 10.0.0.1\n"
		    "- member acme/web 10.0.0.2\n"
		    "- service acme/web\n"
		    "- address acme 192.0.2.10\n"
		    "- address acme 192.0.2.11\n"
		    "- tenant acme\n");
}

static void tenant_settings(void **state)
{
	(void)state;
	expect_plan(HEAD "tenants: [{name: acme}]\n", HEAD "tenants: [{name: acme, id: 7}]\n",
		    "~ tenant acme: id none -> 7\n");
	expect_plan(HEAD "tenants: [{name: acme, id: 7}]\n",
		    HEAD "tiers: [{name: t, l4: {flows: 64}}]\ntenants: [{name: acme, tier: t}]\n",
		    "~ tenant acme: id 7 -> none, flows 4096 -> 64\n");
	expect_plan(HEAD "tiers: [{name: t, l4: {flows: 64}}]\ntenants: [{name: a, tier: t}]\n",
		    HEAD "tiers: [{name: t, l4: {flows: 64, flowsShared: true}}]\n"
			 "tenants: [{name: a, tier: t}, {name: b, tier: t}]\n",
		    "+ tenant b: flows 64, flows shared in tier t\n"
		    "~ tenant a: flows shared in tier none -> t\n");
	expect_plan(HEAD "tenants: [{name: b}, {name: d}]\n",
		    HEAD "tenants: [{name: a}, {name: c, id: 3}, {name: d}, {name: e}]\n",
		    "+ tenant a: flows 4096\n"
		    "+ tenant c: id 3, flows 4096\n"
		    "+ tenant e: flows 4096\n"
		    "- tenant b\n");
}

static void acls(void **state)
{
#define ACL(what) HEAD "tenants: [{name: acme}]\n" CONFIG "acl: {" what "}\n"
	(void)state;
	expect_plan(NULL, ACL("default: deny, allow: [10.0.0.0/8]"),
		    "+ tenant acme: flows 4096\n"
		    "~ acl acme: default allow -> deny, +allow 10.0.0.0/8\n");
	expect_plan(NULL, ACL("default: allow"), "+ tenant acme: flows 4096\n");
	expect_plan(ACL("deny: [10.0.0.0/8]"), NULL, "- tenant acme\n");
	expect_plan(ACL("deny: [10.0.0.0/8, 10.1.0.0/16]"), ACL("deny: [10.1.0.0/16, 10.0.0.0/8]"),
		    "");
	expect_plan(ACL("default: deny"), ACL(""), "~ acl acme: default deny -> allow\n");
	expect_plan(ACL("deny: [10.0.0.0/8, \"2001:db8::/32\"]"),
		    ACL("allow: [10.0.0.0/8], deny: [192.0.2.1]"),
		    "~ acl acme: -deny 10.0.0.0/8, +allow 10.0.0.0/8, +deny 192.0.2.1, -deny "
		    "2001:db8::/32\n");
	expect_plan(ACL(""),
		    ACL("deny: [10.0.0.1, 10.0.0.2, 10.0.0.3, 10.0.0.4, 10.0.0.5, 10.0.0.6, "
			"10.0.0.7, 10.0.0.8, 10.0.0.9, 10.0.0.10]"),
		    "~ acl acme: +deny 10.0.0.1, +deny 10.0.0.2, +deny 10.0.0.3, +deny 10.0.0.4, "
		    "+deny 10.0.0.5, +deny 10.0.0.6, +deny 10.0.0.7, +deny 10.0.0.8 and 2 more\n");
	/* it holds before packets come by a new address */
	expect_plan(HEAD "tenants: [{name: acme}]\n",
		    HEAD ACME CONFIG "acl: {deny: [10.0.0.0/8]}\n",
		    "~ acl acme: +deny 10.0.0.0/8\n"
		    "+ address acme 192.0.2.10\n"
		    "+ address acme 192.0.2.11\n");
#undef ACL
}

static void limits(void **state)
{
#define TIER(l4) HEAD "tiers: [{name: t, l4: {" l4 "}}]\ntenants: [{name: acme, tier: t}]\n"
#define ALL	 "packets: 20k/s, bits: 50M/s, newFlows: 50/s"
	(void)state;
	expect_plan(NULL, TIER(ALL),
		    "+ tenant acme: flows 4096, packets 20k/s, bits 50M/s, newFlows 50/s, burst "
		    "100ms\n");
	expect_plan(NULL, TIER("newFlows: 1500/s, burst: 2s"),
		    "+ tenant acme: flows 4096, newFlows 1500/s, burst 2s\n");
	expect_plan(NULL, TIER("burst: 2s"), "+ tenant acme: flows 4096\n");
	expect_plan(TIER(ALL), NULL, "- tenant acme\n");
	expect_plan(TIER(ALL), TIER(ALL), "");
	/* To write what is so anyway, or what nothing follows from, changes nothing. */
	expect_plan(TIER(ALL), TIER(ALL ", burst: 100ms"), "");
	expect_plan(TIER("packets: 20k/s"), TIER("packets: 20000/s"), "");
	expect_plan(TIER(""), TIER("burst: 2s"), "");

	expect_plan(TIER(""), TIER("packets: 20k/s"),
		    "~ tenant acme: packets none -> 20k/s, burst none -> 100ms\n");
	expect_plan(TIER("packets: 20k/s"), TIER(""),
		    "~ tenant acme: packets 20k/s -> none, burst 100ms -> none\n");
	expect_plan(TIER(ALL), TIER("bits: 50M/s, newFlows: 50/s"),
		    "~ tenant acme: packets 20k/s -> none\n");
	expect_plan(TIER(ALL), TIER("packets: 20k/s, bits: 5G/s, newFlows: 50/s"),
		    "~ tenant acme: bits 50M/s -> 5G/s\n");
	expect_plan(TIER("packets: 20k/s"), TIER("packets: 20k/s, newFlows: 50/s"),
		    "~ tenant acme: newFlows none -> 50/s\n");
	expect_plan(NULL, TIER("newFlowsPerClient: 20/s"),
		    "+ tenant acme: flows 4096, newFlowsPerClient 20/s\n");
	expect_plan(TIER(ALL), TIER(ALL ", newFlowsPerClient: 20/s"),
		    "~ tenant acme: newFlowsPerClient none -> 20/s\n");
	expect_plan(TIER("newFlowsPerClient: 20/s"), TIER("newFlowsPerClient: 1k/s"),
		    "~ tenant acme: newFlowsPerClient 20/s -> 1k/s\n");
	expect_plan(TIER("newFlowsPerClient: 20/s"), TIER(""),
		    "~ tenant acme: newFlowsPerClient 20/s -> none\n");
	expect_plan(TIER(ALL), TIER(ALL ", burst: 2s"), "~ tenant acme: burst 100ms -> 2s\n");
	expect_plan(TIER(ALL), HEAD "tenants: [{name: acme, id: 7}]\n",
		    "~ tenant acme: id none -> 7, packets 20k/s -> none, bits 50M/s -> none, "
		    "newFlows 50/s -> none, burst 100ms -> none\n");
}

static void cookies(void **state)
{
	(void)state;
	expect_plan(NULL, TIER("synCookies: auto, synRate: 5k/s"), "+ tenant acme: flows 4096\n");
	expect_plan(NULL, TIER("synCookies: off"), "+ tenant acme: flows 4096, synCookies off\n");
	expect_plan(TIER(""), TIER("synCookies: auto, synRate: 1000/s"), "");
	expect_plan(TIER("synRate: 5k/s"), TIER("synCookies: always"),
		    "~ tenant acme: synCookies auto -> always, synRate 5k/s -> 1k/s\n");
	expect_plan(TIER(""), TIER("synRate: 5k/s"), "~ tenant acme: synRate 1k/s -> 5k/s\n");
}

static void shares(void **state)
{
#define SHARED(node, tier)                                           \
	"apiVersion: mtlb/v1\nkind: Platform\nmetadata: {name: n}\n" \
	"node: {interfaces: [{name: eth0}]" node "}\n"               \
	"tiers: [{name: t" tier "}]\ntenants: [{name: acme, tier: t}]\n"
#define CAPACITY(rate) ", capacity: {packets: " rate "}"
	(void)state;
	expect_plan(SHARED("", ""), SHARED(CAPACITY("5M/s"), ", weight: 3"),
		    "~ node: capacity.packets none -> 5M/s\n"
		    "~ tenant acme: weight none -> 3\n");
	expect_plan(SHARED(CAPACITY("5M/s"), ", weight: 3"),
		    SHARED(CAPACITY("4M/s") ", charges: {newFlow: 2, icmp: 4, fragment: 3}",
			   ", weight: 3, l4: {packets: {guaranteed: 5k/s, ceiling: 9k/s}}"),
		    "~ node: capacity.packets 5M/s -> 4M/s, charges.newFlow 1 -> 2, "
		    "charges.fragment 1 -> 3, charges.icmp 1 -> 4\n"
		    "~ tenant acme: packets none -> 9k/s, packets.guaranteed none -> 5k/s, burst "
		    "none -> 100ms\n");
	expect_plan(SHARED(CAPACITY("5M/s"), ""), SHARED("", ", weight: 9"),
		    "~ node: capacity.packets 5M/s -> none\n"
		    "~ tenant acme: weight 1 -> none\n");
}

static void members(void **state)
{
	(void)state;
	expect_plan(
		BASE,
		HEAD ACME CONFIG
		"pools:\n- {name: p, backends: [{address: 10.0.0.2, weight: 3, state: drain}, "
		"{address: 10.0.0.3, state: drain}, {address: \"2001:db8::9\"}]}\n" SERVICES WEB,
		"+ member acme/web 10.0.0.3: weight 1, state drain\n"
		"+ member acme/web 2001:db8::9: weight 1\n"
		"~ member acme/web 10.0.0.2: weight 1 -> 3, state active -> drain\n"
		"- member acme/web 10.0.0.1\n");
	/* To write the port that is used anyway changes nothing. */
	expect_plan(BASE,
		    HEAD ACME CONFIG "pools:\n- {name: p, backends: [{address: \"10.0.0.1:80\"}, "
				     "{address: 10.0.0.2}]}\n" SERVICES WEB,
		    "");
}

static void service_settings(void **state)
{
	(void)state;
	expect_plan(BASE,
		    HEAD ACME CONFIG POOL(", drainDeadline: 1h, stickWhenDown: 0s") SERVICES
		    "- {name: web, vips: [a], protocol: TCP, ports: [80], pool: p, forward: dsr, "
		    "track: always, idleTimeout: 90s}\n",
		    "~ service acme/web: forward ipip -> dsr, track changed -> always, idleTimeout "
		    "15m -> 90s, drainDeadline 10m -> 1h, stickWhenDown 30s -> 0s\n");
	expect_plan(HEAD ACME CONFIG POOL("") SERVICES
		    "- {name: dns, vips: [a], protocol: UDP, ports: [53], pool: p}\n",
		    HEAD ACME CONFIG POOL("") SERVICES
		    "- {name: dns, vips: [a], protocol: UDP, ports: [53], pool: p, learn: 0s}\n",
		    "~ service acme/dns: learn 10s -> 0s\n");
}

static void another_pool(void **state)
{
	(void)state;
	expect_plan(BASE,
		    HEAD ACME CONFIG
		    "pools: [{name: q, backends: [{address: 10.0.0.2}, "
		    "{address: 10.0.0.3}]}]\n" SERVICES
		    "- {name: web, vips: [a], protocol: TCP, ports: [80], pool: q}\n",
		    "+ member acme/web 10.0.0.3: weight 1\n"
		    "~ service acme/web: pool p -> q\n"
		    "- member acme/web 10.0.0.1\n");
}

static void health_settings(void **state)
{
	(void)state;
	expect_plan(
		BASE, HEAD ACME CONFIG POOL(", health: {type: tcp}") SERVICES WEB,
		"~ service acme/web: health none -> tcp, health.interval 2s, health.timeout 1s, "
		"health.rise 2, health.fall 3\n");
	expect_plan(
		HEAD ACME CONFIG POOL(", health: {type: tcp}") SERVICES WEB,
		HEAD ACME CONFIG POOL(", health: {type: tcp, port: 99, interval: 1500ms, fall: 5}")
			SERVICES WEB,
		"~ service acme/web: health.port default -> 99, health.interval 2s -> 1500ms, "
		"health.fall 3 -> 5\n");
	expect_plan(HEAD ACME CONFIG POOL(", health: {type: tcp, port: 99}") SERVICES WEB, BASE,
		    "~ service acme/web: health tcp -> none\n");
}

/* What is asked, and wanted as an answer, in the words of the configuration. */
/* 71 bytes */
#define LONG_SEND "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\\n"

static void health_questions(void **state)
{
	(void)state;
	expect_plan(
		BASE,
		HEAD ACME CONFIG POOL(", health: {type: http, host: a.example, path: /up}")
			SERVICES WEB,
		"~ service acme/web: health none -> http, health.interval 2s, health.timeout 1s, "
		"health.rise 2, health.fall 3, health.method GET, health.status 200-399, "
		"health.host \"a.example\", health.path \"/up\"\n");
	expect_plan(HEAD ACME CONFIG POOL(", health: {type: http, host: a.example, path: /up}")
			    SERVICES WEB,
		    HEAD ACME CONFIG POOL(", health: {type: http, method: HEAD, status: 204}")
			    SERVICES WEB,
		    "~ service acme/web: health.method GET -> HEAD, health.status 200-399 -> 204, "
		    "health.host \"a.example\" -> none, health.path \"/up\" -> \"/\"\n");
	expect_plan(HEAD ACME CONFIG POOL(", health: {type: udp, send: ping}") SERVICES WEB,
		    HEAD ACME CONFIG POOL(", health: {type: udp, send: \"hex:0a00ff\"}")
			    SERVICES WEB,
		    "~ service acme/web: health.send \"ping\" -> hex:0a00ff\n");
	expect_plan(HEAD ACME CONFIG POOL(", health: {type: udp, send: \"hex:70696e67\"}")
			    SERVICES WEB,
		    HEAD ACME CONFIG POOL(", health: {type: udp, send: ping}") SERVICES WEB, "");
	/* what differs may be beyond what is shown */
	expect_plan(HEAD ACME CONFIG POOL(", health: {type: udp, send: \"" LONG_SEND "1\"}")
			    SERVICES WEB,
		    HEAD ACME CONFIG POOL(", health: {type: udp, send: \"" LONG_SEND "2\"}")
			    SERVICES WEB,
		    "~ service acme/web: health.send \"" LONG_SEND
		    "...\" (72 bytes, 27931c86) -> \"" LONG_SEND "...\" (72 bytes, 26931af3)\n");
}

static void ports_and_vips(void **state)
{
	(void)state;
	expect_plan(BASE,
		    HEAD ACME CONFIG POOL("") SERVICES
		    "- {name: web, vips: [b, a], protocol: TCP, ports: [443, 80], pool: p}\n",
		    "+ vip acme/web TCP 192.0.2.10:443\n"
		    "+ vip acme/web TCP 192.0.2.11:80\n"
		    "+ vip acme/web TCP 192.0.2.11:443\n");
	expect_plan(BASE,
		    HEAD ACME CONFIG POOL("") SERVICES
		    "- {name: web, vips: [b], protocol: TCP, ports: [80], pool: p}\n",
		    "+ vip acme/web TCP 192.0.2.11:80\n"
		    "- vip acme/web TCP 192.0.2.10:80\n");
}

/* The new service is complete, then takes the VIP, then the old one lets go of it. */
static void vip_moves_to_another_service(void **state)
{
	(void)state;
	expect_plan(
		BASE,
		HEAD ACME CONFIG POOL("") SERVICES
		"- {name: edge, vips: [a], protocol: TCP, ports: [80], pool: p}\n",
		"+ service acme/edge: " WEB_SETTINGS("p") "+ member acme/edge 10.0.0.1: weight 1\n"
							  "+ member acme/edge 10.0.0.2: weight 1\n"
							  "+ vip acme/edge TCP 192.0.2.10:80\n"
							  "- vip acme/web TCP 192.0.2.10:80\n"
							  "- member acme/web 10.0.0.1\n"
							  "- member acme/web 10.0.0.2\n"
							  "- service acme/web\n");
}

static void address_moves_to_another_tenant(void **state)
{
	(void)state;
	expect_plan(HEAD "tenants: [{name: acme, vips: [a]}, {name: globex}]\n",
		    HEAD "tenants: [{name: acme}, {name: globex, vips: [a]}]\n",
		    "+ address globex 192.0.2.10\n"
		    "- address acme 192.0.2.10\n");
}

static void another_protocol_is_another_service(void **state)
{
	(void)state;
	expect_plan(BASE,
		    HEAD ACME CONFIG POOL("") SERVICES
		    "- {name: web, vips: [a], protocol: UDP, ports: [80], pool: p}\n",
		    "+ service acme/web: protocol UDP, pool p, forward ipip, track changed, "
		    "idleTimeout 1m, learn 10s, drainDeadline 10m, stickWhenDown 30s, health none\n"
		    "+ member acme/web 10.0.0.1: weight 1\n"
		    "+ member acme/web 10.0.0.2: weight 1\n"
		    "+ vip acme/web UDP 192.0.2.10:80\n"
		    "- vip acme/web TCP 192.0.2.10:80\n"
		    "- member acme/web 10.0.0.1\n"
		    "- member acme/web 10.0.0.2\n"
		    "- service acme/web\n");
}

static void echo(void **state)
{
#define ECHO(a, b)                                                                          \
	"apiVersion: mtlb/v1\nkind: Platform\nmetadata: {name: n}\n"                        \
	"node: {interfaces: [{name: eth0}]}\nvips:\n- {name: a, address: 192.0.2.1" a "}\n" \
	"- {name: b, address: \"2001:db8::1\"" b "}\n"                                      \
	"tenants: [{name: acme, vips: [a, b]}]\n"
	(void)state;
	expect_plan(ECHO("", ", echo: true"), ECHO(", echo: true", ""),
		    "~ address acme 192.0.2.1: echo off -> on\n"
		    "~ address acme 2001:db8::1: echo on -> off\n");
	expect_plan(NULL, ECHO("", ", echo: true"),
		    "+ tenant acme: flows 4096\n"
		    "+ address acme 192.0.2.1\n"
		    "+ address acme 2001:db8::1: echo on\n");
	expect_plan(ECHO("", ", echo: true"), ECHO(", echo: false", ", echo: true"), "");
	expect_plan(ECHO("", ", echo: true"), NULL,
		    "- address acme 192.0.2.1\n"
		    "- address acme 2001:db8::1\n"
		    "- tenant acme\n");
}

static void ranges_of_ports(void **state)
{
#define DB(vip, protocol, ports)                                                               \
	HEAD ACME CONFIG POOL("") SERVICES "- {name: db, vips: [" vip "], protocol: " protocol \
					   ", ports: [" ports "], pool: p}\n"
	(void)state;
	expect_plan(DB("a", "TCP", "80"), DB("a", "TCP", "5432-5440, 80"),
		    "+ vip acme/db TCP 192.0.2.10:5432-5440\n");
	expect_plan(DB("a", "TCP", "80"), DB("a", "TCP", "any"),
		    "+ vip acme/db TCP 192.0.2.10:any\n"
		    "- vip acme/db TCP 192.0.2.10:80\n");
	expect_plan(DB("a", "TCP", "1-65535"), DB("a", "TCP", "1-65534"),
		    "+ vip acme/db TCP 192.0.2.10:1-65534\n"
		    "- vip acme/db TCP 192.0.2.10:1-65535\n");
	expect_plan(DB("a", "TCP", "80"), DB("a", "TCP", "80-81"),
		    "+ vip acme/db TCP 192.0.2.10:80-81\n"
		    "- vip acme/db TCP 192.0.2.10:80\n");
	expect_plan(DB("a", "SCTP", "80"), DB("b", "SCTP", "80"),
		    "+ vip acme/db SCTP 192.0.2.11:80\n"
		    "- vip acme/db SCTP 192.0.2.10:80\n");
#define DB6(ports)                                                             \
	"apiVersion: mtlb/v1\nkind: Platform\nmetadata: {name: n}\n"           \
	"node: {interfaces: [{name: eth0}], encapSource: {ipv4: 192.0.2.1}}\n" \
	"vips: [{name: a, address: \"2001:db8::10\"}]\n"                       \
	"tenants: [{name: acme, vips: [a]}]\n" CONFIG POOL("") SERVICES        \
		"- {name: db, vips: [a], protocol: TCP, ports: [" ports "], pool: p}\n"
	expect_plan(DB6("any"), DB6("5-6"),
		    "+ vip acme/db TCP [2001:db8::10]:5-6\n"
		    "- vip acme/db TCP [2001:db8::10]:any\n");
}

static void more_settings(void **state)
{
#define DNS(settings)                      \
	HEAD ACME CONFIG POOL("") SERVICES \
		"- {name: dns, vips: [a], protocol: UDP, ports: [53], pool: p" settings "}\n"
#define TCP(settings)                      \
	HEAD ACME CONFIG POOL("") SERVICES \
		"- {name: web, vips: [a], protocol: TCP, ports: [80], pool: p" settings "}\n"
	(void)state;
	expect_plan(DNS(""), DNS(", forward: gue, affinity: none"),
		    "~ service acme/dns: forward ipip -> gue, affinity client-port -> none\n");
	expect_plan(DNS(", affinity: none"), DNS(", affinity: client"),
		    "~ service acme/dns: affinity none -> client\n");
	expect_plan(TCP(""), TCP(", mss: 1400"), "~ service acme/web: mss none -> 1400\n");
	expect_plan(TCP(", mss: 1400"), TCP(", mss: 1360"),
		    "~ service acme/web: mss 1400 -> 1360\n");
	expect_plan(BASE, HEAD ACME CONFIG POOL(", slowStart: 30s") SERVICES WEB,
		    "~ service acme/web: slowStart 0s -> 30s\n");
	expect_plan(DNS(""), DNS(", quic: {serverIdBytes: 2}"),
		    "~ service acme/dns: quic.serverIdBytes none -> 2\n"
		    "~ member acme/dns 10.0.0.1: serverId none -> 0001\n"
		    "~ member acme/dns 10.0.0.2: serverId none -> 0002\n");
	expect_plan(NULL,
		    HEAD ACME CONFIG POOL(", slowStart: 1m") SERVICES
		    "- {name: q, vips: [a], protocol: UDP, ports: [443], pool: p, forward: gue, "
		    "affinity: client, quic: {serverIdBytes: 1}}\n"
		    "- {name: t, vips: [a], protocol: TCP, ports: [any], pool: p, mss: 1400}\n",
		    "+ tenant acme: flows 4096\n"
		    "+ address acme 192.0.2.10\n"
		    "+ address acme 192.0.2.11\n"
		    "+ service acme/q: protocol UDP, pool p, forward gue, affinity client, track "
		    "changed, idleTimeout 1m, learn 10s, quic.serverIdBytes 1, drainDeadline 10m, "
		    "stickWhenDown 30s, slowStart 1m, health none\n"
		    "+ service acme/t: protocol TCP, pool p, forward ipip, track changed, "
		    "idleTimeout 15m, mss 1400, drainDeadline 10m, stickWhenDown 30s, slowStart "
		    "1m, health none\n"
		    "+ member acme/q 10.0.0.1: weight 1, serverId 01\n"
		    "+ member acme/q 10.0.0.2: weight 1, serverId 02\n"
		    "+ member acme/t 10.0.0.1: weight 1\n"
		    "+ member acme/t 10.0.0.2: weight 1\n"
		    "+ vip acme/q UDP 192.0.2.10:443\n"
		    "+ vip acme/t TCP 192.0.2.10:any\n");
}

static void server_ids(void **state)
{
#define QUIC(backend)                                                                          \
	HEAD ACME CONFIG "pools: [{name: p, backends: [{address: 10.0.0.1" backend             \
			 "}]}]\n" SERVICES                                                     \
			 "- {name: q, vips: [a], protocol: UDP, ports: [443], pool: p, quic: " \
			 "{serverIdBytes: 2}}\n"
	(void)state;
	expect_plan(QUIC(""), QUIC(", serverId: 0a1b"),
		    "~ member acme/q 10.0.0.1: serverId 0001 -> 0a1b\n");
	/* To write what is so anyway changes nothing. */
	expect_plan(QUIC(""), QUIC(", serverId: 0001"), "");
}

/* A tenant's ports are there before a service needs them, and go when none does any more. */
static void translation(void **state)
{
#define NAT(tier, port, settings)                                                             \
	NAT_HEAD "tenants: [{name: acme, vips: [a]" tier "}]\n" CONFIG                        \
		 "pools: [{name: p, backends: [{address: \"10.0.0.1" port "\"}]}]\n" SERVICES \
		 "- {name: web, vips: [a], protocol: TCP, ports: [80], pool: p" settings "}\n"
#define SETTINGS                                                                                \
	"protocol TCP, pool p, forward nat, track always, idleTimeout 15m, drainDeadline 10m, " \
	"stickWhenDown 30s, health none\n"
	(void)state;
	expect_plan(NAT("", "", ", forward: dsr"), NAT("", "", ", forward: nat"),
		    "~ tenant acme: natPorts none -> 1024\n"
		    "~ service acme/web: forward dsr -> nat, track changed -> always\n");
	expect_plan(NAT("", "", ", forward: nat"), NAT("", "", ", forward: dsr"),
		    "~ service acme/web: forward nat -> dsr, track always -> changed\n"
		    "~ tenant acme: natPorts 1024 -> none\n");
	expect_plan(NAT("", "", ", forward: nat"), NAT(", tier: more", ":8080", ", forward: nat"),
		    "~ tenant acme: natPorts 1024 -> 2048\n"
		    "+ member acme/web 10.0.0.1:8080: weight 1\n"
		    "- member acme/web 10.0.0.1\n");
	expect_plan(NULL, NAT("", "", ", forward: nat"),
		    "+ tenant acme: flows 4096, natPorts 1024\n"
		    "+ address acme 192.0.2.10\n"
		    "+ service acme/web: " SETTINGS "+ member acme/web 10.0.0.1: weight 1\n"
		    "+ vip acme/web TCP 192.0.2.10:80\n");
	expect_plan(NAT("", "", ", forward: nat"), NAT_HEAD "tenants: [{name: acme, vips: [a]}]\n",
		    "- vip acme/web TCP 192.0.2.10:80\n"
		    "- member acme/web 10.0.0.1\n"
		    "- service acme/web\n"
		    "~ tenant acme: natPorts 1024 -> none\n");
}

/* Pointers of an operation: old is NULL for what is added, new for what goes. */
static void pointers(void **state)
{
	struct config a, b;
	struct plan plan;

	(void)state;
	load_good(BASE, &a);
	load_good(HEAD ACME CONFIG "pools: [{name: p, backends: [{address: 10.0.0.1, weight: 2}, "
				   "{address: 10.0.0.3}]}]\n" SERVICES WEB,
		  &b);
	assert_int_equal(plan_make(&a.state, &b.state, &plan), 0);
	assert_int_equal(plan.count, 3);
	for (size_t i = 0; i < plan.count; i++) {
		const struct op *op = &plan.ops[i];

		assert_ptr_equal(op->old_tenant, &a.state.tenants[0]);
		assert_ptr_equal(op->new_tenant, &b.state.tenants[0]);
		assert_ptr_equal(op->old_service, &a.state.tenants[0].services[0]);
		assert_ptr_equal(op->new_service, &b.state.tenants[0].services[0]);
		assert_int_equal(op->old_member == NULL, op->kind == OP_MEMBER_ADD);
		assert_int_equal(op->new_member == NULL, op->kind == OP_MEMBER_DEL);
		assert_null(op->vip);
		assert_null(op->address);
	}
	plan_fini(&plan);
	config_fini(&a);
	config_fini(&b);
}

static void short_buffers(void **state)
{
	struct config config;
	struct plan plan;
	struct state empty = {};
	char text[16];

	(void)state;
	load_good(BASE, &config);
	assert_int_equal(plan_make(&empty, &config.state, &plan), 0);
	for (size_t i = 0; i < plan.count; i++)
		assert_true(strlen(op_format(&plan.ops[i], text, sizeof(text))) < sizeof(text));
	plan_fini(&plan);
	config_fini(&config);
}

static void state_is_sorted(void **state)
{
	struct state_tenant *tenants = calloc(2, sizeof(*tenants));
	struct state s = {.tenants = tenants, .tenant_count = 2};

	(void)state;
	assert_non_null(tenants);
	strcpy(tenants[0].name, "b");
	strcpy(tenants[1].name, "a");
	tenants[1].services = calloc(3, sizeof(*tenants[1].services));
	assert_non_null(tenants[1].services);
	tenants[1].service_count = 3;
	strcpy(tenants[1].services[0].name, "y");
	strcpy(tenants[1].services[1].name, "x");
	tenants[1].services[1].protocol = IPPROTO_UDP;
	strcpy(tenants[1].services[2].name, "x");
	tenants[1].services[2].protocol = IPPROTO_TCP;
	state_sort(&s);
	assert_string_equal(s.tenants[0].name, "a");
	assert_int_equal(s.tenants[0].services[0].protocol, IPPROTO_TCP);
	assert_int_equal(s.tenants[0].services[1].protocol, IPPROTO_UDP);
	assert_string_equal(s.tenants[0].services[2].name, "y");
	state_fini(&s);
	assert_int_equal(s.tenant_count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_to_do),
		cmocka_unit_test(everything_is_new),
		cmocka_unit_test(everything_goes),
		cmocka_unit_test(tenant_settings),
		cmocka_unit_test(acls),
		cmocka_unit_test(limits),
		cmocka_unit_test(cookies),
		cmocka_unit_test(shares),
		cmocka_unit_test(members),
		cmocka_unit_test(service_settings),
		cmocka_unit_test(another_pool),
		cmocka_unit_test(health_settings),
		cmocka_unit_test(health_questions),
		cmocka_unit_test(ports_and_vips),
		cmocka_unit_test(vip_moves_to_another_service),
		cmocka_unit_test(address_moves_to_another_tenant),
		cmocka_unit_test(another_protocol_is_another_service),
		cmocka_unit_test(echo),
		cmocka_unit_test(ranges_of_ports),
		cmocka_unit_test(more_settings),
		cmocka_unit_test(server_ids),
		cmocka_unit_test(translation),
		cmocka_unit_test(pointers),
		cmocka_unit_test(short_buffers),
		cmocka_unit_test(state_is_sorted),
	};

	return cmocka_run_group_tests_name("diff", tests, NULL, NULL);
}
