// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Configurations as text: what is refused, in which words (config_bad.def), what is accepted, and
 * what it means.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "userspace/model/load.h"
#include "userspace/model/parse.h"

/* clang-format off */
#define LONG_A                                                                                     \
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"       \
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define HEAD "apiVersion: mtlb/v1\nkind: Platform\nmetadata: {name: n}\n"
#define NODE "node: {interfaces: [{name: eth0}]}\n"
/* 6 lines */
#define PLATFORM                                                                                   \
	HEAD "node: {interfaces: [{name: eth0}], encapSource: {ipv4: 192.0.2.1}}\n"                \
	     "vips: [{name: web4, address: 192.0.2.10}, {name: web6, address: \"2001:db8::10\"}, " \
	     "{name: other, address: 192.0.2.11}]\n"                                               \
	     "tenants: [{name: acme, vips: [web4, web6]}, {name: globex, vips: [other]}]\n"
/* 4 lines */
#define TENANT "---\napiVersion: mtlb/v1\nkind: TenantConfig\nmetadata: {tenant: acme}\n"
#define BACKEND(what) PLATFORM TENANT "pools:\n- name: p\n  backends:\n  - {" what "}\n"
#define HEALTH(what)                                                                               \
	PLATFORM TENANT "pools:\n- name: p\n  backends: [{address: 10.0.0.1}]\n"                   \
			"  health: {" what "}\n"
#define SERVICE(what)                                                                              \
	PLATFORM TENANT "pools:\n  - {name: p, backends: [{address: 10.0.0.1}]}\n"                 \
			"  - {name: q, backends: [{address: \"10.0.0.2:80\"}]}\n"                  \
			"  - {name: six, backends: [{address: \"2001:db8::2\"}]}\n"                \
			"services:\n  - {name: s, " what "}\n"
#define SMALL(what)                                                                                \
	HEAD "node: {interfaces: [{name: eth0}], encapSource: {ipv4: 192.0.2.1}, "                 \
	     "capacity: {" what "}}\n"                                                             \
	     "vips: [{name: v, address: 192.0.2.10}]\ntenants: [{name: acme, vips: [v]}]\n"
#define SMALL_TENANT                                                                               \
	TENANT "pools: [{name: p, backends: [{address: 10.0.0.1}, {address: 10.0.0.2}]}]\n"        \
	       "services:\n  - {name: s, vips: [v], protocol: TCP, ports: [80, 81], pool: p}\n"    \
	       "  - {name: t, vips: [v], protocol: UDP, ports: [80], pool: p}\n"
/* 6 lines */
#define NAT_PLATFORM(node)                                                                         \
	HEAD "node: {interfaces: [{name: eth0}], " node "}\n"                                      \
	     "vips: [{name: web4, address: 192.0.2.10}, {name: web6, address: \"2001:db8::10\"}]\n" \
	     "tenants: [{name: acme, vips: [web4, web6]}]\n"
#define NAT_SOURCES(sources)                                                                       \
	NAT_PLATFORM("capacity: {natSources: 2}, natSources: [" sources "]")
#define NAT(sources, what)                                                                         \
	NAT_SOURCES(sources) TENANT "pools:\n  - {name: p, backends: [{address: 10.0.0.1}]}\n"     \
				    "  - {name: q, backends: [{address: \"10.0.0.2:80\"}]}\n"       \
				    "  - {name: six, backends: [{address: \"2001:db8::2\"}]}\n"     \
				    "services:\n  - {name: s, forward: nat, " what "}\n"
#define NAT_SERVICE(vip)                                                                           \
	"pools: [{name: p, backends: [{address: 10.0.0.1}]}]\n"                                    \
	"services: [{name: s, vips: [" vip "], protocol: TCP, ports: [80], pool: p, forward: nat}]\n"
#define QUIC(backends, what)                                                                       \
	PLATFORM TENANT "pools:\n- name: p\n  backends:\n" backends                                \
			"services:\n- {name: s, vips: [web4], protocol: UDP, ports: [443], pool: p, " \
			what "}\n"
#define L4(what) HEAD NODE "tiers: [{name: a, l4: {" what "}}]\n"
#define PACKETS	 "\"packets\" must be a rate from 1/s to 1G/s, such as 300/s, 20k/s or 5M/s, or a map, not "
#define BITS	 "\"bits\" must be a rate from 8k/s to 1000G/s, such as 20k/s or 5M/s, not "
#define NEW_FLOWS                                                                                  \
	"\"newFlows\" must be a rate from 1/s to 100M/s, such as 300/s, 20k/s or 5M/s, not "
#define CLIENT_FLOWS                                                                               \
	"\"newFlowsPerClient\" must be a rate from 1/s to 1k/s, such as 300/s, 20k/s or 5M/s, not "
#define BURST "\"burst\" must be a duration from 1ms to 10s, such as 500ms, 2s or 5m, not "
#define ACL(what) PLATFORM TENANT "acl:\n  {" what "}\n"
/* clang-format on */

static const struct {
	const char *text, *errors;
} bad[] = {
#define BAD(text, errors) {text, errors},
#include "config_bad.def"
#include "config_bad_acl.def"
#include "config_bad_health.def"
#include "config_bad_routes.def"
#include "config_bad_tiers.def"
};

/* Loads one text; what is wrong with it comes back as lines, to be freed. Success: NULL. */
static char *load(const char *text, size_t length, struct config *ret_config)
{
	struct load load = {};
	struct load_secret secret;
	struct config_errors errors;
	char *lines = NULL;
	size_t size;
	FILE *file;
	int r;

	assert_int_equal(load_text(&load, "t", text, length), 0);
	assert_int_equal(load_check(&load, "t", ret_config, &secret), 0);
	r = errors_finish(&load.errors, "t", &errors);
	assert_int_equal(r, errors.count ? -EINVAL : 0);
	load_fini(&load);
	if (r == 0)
		return NULL;
	file = open_memstream(&lines, &size);
	assert_non_null(file);
	for (size_t i = 0; i < errors.count; i++) {
		char line[2048];

		fprintf(file, "%s%s", i ? "\n" : "",
			config_error_format(&errors.list[i], line, sizeof(line)));
	}
	fclose(file);
	config_errors_fini(&errors);
	config_fini(ret_config);
	return lines;
}

static void load_good(const char *text, struct config *ret_config)
{
	char *errors = load(text, strlen(text), ret_config);

	if (errors)
		print_message("%s\n%s\n", text, errors);
	assert_null(errors);
}

static void expect_errors(const char *text, size_t length, const char *expected)
{
	struct config config;
	char *errors = load(text, length, &config);

	if (!errors) {
		config_fini(&config);
		print_message("accepted:\n%s\n", text);
	}
	assert_non_null(errors);
	assert_string_equal(errors, expected);
	free(errors);
}

static void refuses_what_is_wrong(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		expect_errors(bad[i].text, strlen(bad[i].text), bad[i].errors);
}

static void refuses_nul_bytes(void **state)
{
	static const char text[] = "a: b\n# \xc3\xa9\0c\n";

	(void)state;
	expect_errors(text, sizeof(text) - 1, "t:2:4: a NUL byte; the file must be UTF-8 text");
}

/* A text with the middle made of count times one character. */
static char *stretch(const char *head, char middle, size_t count, const char *tail)
{
	size_t before = strlen(head);
	char *text = malloc(before + count + strlen(tail) + 1);

	assert_non_null(text);
	memcpy(text, head, before);
	memset(text + before, middle, count);
	strcpy(text + before + count, tail);
	return text;
}

static void long_lines(void **state)
{
	struct config config;
	char *text = stretch(HEAD NODE "# ", 'x', 65 * 1024, "\n");

	(void)state;
	load_good(text, &config);
	config_fini(&config);
	free(text);

	text = stretch("apiVersion: mtlb/v1\nkind: Platform\nmetadata: {name: ", 'x', 65 * 1024,
		       "}\n" NODE);
	expect_errors(text, strlen(text),
		      "t:3:18: \"name\" must be a name (at most 63 lower case letters, digits and "
		      "inner hyphens), not \"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx...\"");
	free(text);

	text = stretch("", 'x', 65 * 1024, ": y\n");
	expect_errors(text, strlen(text),
		      "t:1:1: a document must be a map that starts with \"apiVersion: mtlb/v1\"\n"
		      "t:1:66561: not valid YAML: mapping values are not allowed in this context");
	free(text);
}

static void deep_nesting_is_cheap(void **state)
{
	char *text = stretch("a: ", '[', 100000, "\n");

	(void)state;
	expect_errors(text, strlen(text), "t:1:35: nested too deeply: at most 32 levels");
	free(text);
}

static void shows_a_hundred_errors(void **state)
{
	char *text = NULL, *errors, *last;
	struct config config;
	size_t size, lines = 1;
	FILE *file = open_memstream(&text, &size);

	(void)state;
	assert_non_null(file);
	fputs(HEAD NODE "vips:\n", file);
	for (int i = 0; i < 10000; i++)
		fprintf(file, "  - {name: v%d, address: 192.0.2}\n", i);
	fclose(file);
	errors = load(text, size, &config);
	assert_non_null(errors);
	for (const char *c = errors; *c; c++)
		lines += *c == '\n';
	assert_int_equal(lines, 101);
	assert_memory_equal(errors, "t:6:25: ", 8);
	last = strrchr(errors, '\n') + 1;
	assert_string_equal(last, "t: 9900 more errors");
	free(errors);
	free(text);
}

static void defaults(void **state)
{
	struct config config;

	(void)state;
	load_good(HEAD NODE "tenants: [{name: acme}]\n", &config);
	assert_string_equal(config.name, "n");
	assert_int_equal(config.interface_count, 1);
	assert_string_equal(config.interfaces[0].name, "eth0");
	assert_int_equal(config.interfaces[0].mode, CONFIG_MODE_AUTO);
	assert_string_equal(config.interfaces[0].place, "t:4:28");
	assert_false(config.has_hash_secret);
	assert_int_equal(config.capacity.tenants, 1024);
	assert_int_equal(config.capacity.vips, 8192);
	assert_int_equal(config.capacity.services, 8192);
	assert_int_equal(config.capacity.members, 32768);
	assert_int_equal(config.capacity.slots, 4000000);
	assert_int_equal(config.capacity.flows, 1000000);
	assert_int_equal(config.capacity.nat_sources, 1);
	assert_int_equal(config.nat_source_count, 0);
	assert_int_equal(config.gue_port, 6080);
	assert_true(addr_is_zero(&config.encap_ipv4));
	assert_true(addr_is_zero(&config.encap_ipv6));
	assert_string_equal(config.api.socket, "/run/mtlb/api.sock");
	assert_int_equal(config.state.tenant_count, 1);
	assert_int_equal(config.state.tenants[0].id, 0);
	assert_int_equal(config.state.tenants[0].flows, 4096);
	assert_int_equal(config.state.tenants[0].nat_ports, 0);
	assert_int_equal(config.state.tenants[0].limits.packets, 0);
	assert_int_equal(config.state.tenants[0].limits.bits, 0);
	assert_int_equal(config.state.tenants[0].limits.new_flows, 0);
	assert_int_equal(config.state.tenants[0].limits.burst_ms, 0);
	config_fini(&config);
}

static void a_service_in_full(void **state)
{
	const struct state_tenant *tenant;
	const struct state_service *s;
	char text[ADDR_TEXT_MAX];
	struct config config;

	(void)state;
	load_good(PLATFORM TENANT
		  "pools:\n"
		  "- name: p\n"
		  "  backends:\n"
		  "  - {address: 10.0.0.2, weight: 3}\n"
		  "  - {address: \"10.0.0.1:53\", state: drain}\n"
		  "  health: {type: tcp, port: 99, interval: 4s, timeout: 4s, rise: 1, fall: 10}\n"
		  "  drainDeadline: 0s\n"
		  "  stickWhenDown: 1m\n"
		  "services:\n"
		  "- {name: z, vips: [web6, web4], protocol: UDP, ports: [53], pool: p}\n"
		  "- {name: a, vips: [web4], protocol: TCP, ports: [53], pool: p, forward: dsr, "
		  "track: always, idleTimeout: 12h}\n",
		  &config);
	assert_int_equal(config.state.tenant_count, 2);
	tenant = &config.state.tenants[0];
	assert_string_equal(tenant->name, "acme");
	assert_int_equal(tenant->address_count, 2);
	assert_string_equal(addr_format(&tenant->addresses[0].address, text), "192.0.2.10");
	assert_string_equal(addr_format(&tenant->addresses[1].address, text), "2001:db8::10");
	assert_int_equal(tenant->service_count, 2);

	s = &tenant->services[0];
	assert_string_equal(s->name, "a");
	assert_int_equal(s->protocol, IPPROTO_TCP);
	assert_int_equal(s->forward, STATE_FORWARD_DSR);
	assert_true(s->track_always);
	assert_int_equal(s->idle_s, 12 * 3600);
	assert_int_equal(s->learn_s, 0);

	s = &tenant->services[1];
	assert_string_equal(s->name, "z");
	assert_string_equal(s->pool, "p");
	assert_int_equal(s->protocol, IPPROTO_UDP);
	assert_int_equal(s->forward, STATE_FORWARD_IPIP);
	assert_false(s->track_always);
	assert_int_equal(s->affinity, STATE_AFFINITY_CLIENT_PORT);
	assert_int_equal(s->mss, 0);
	assert_int_equal(s->quic_server_id_bytes, 0);
	assert_int_equal(s->slow_start_s, 0);
	assert_int_equal(s->idle_s, 60);
	assert_int_equal(s->learn_s, 10);
	assert_int_equal(s->drain_deadline_s, 0);
	assert_int_equal(s->stick_s, 60);
	assert_int_equal(s->health.type, PROBE_TCP);
	assert_int_equal(s->health.port, 99);
	assert_int_equal(s->health.interval_ms, 4000);
	assert_int_equal(s->health.timeout_ms, 4000);
	assert_int_equal(s->health.rise, 1);
	assert_int_equal(s->health.fall, 10);
	assert_int_equal(s->vip_count, 2);
	assert_string_equal(addr_format(&s->vips[1].address, text), "2001:db8::10");
	assert_int_equal(s->vips[1].port, 53);
	assert_int_equal(s->member_count, 2);
	assert_string_equal(addr_format(&s->members[0].address, text), "10.0.0.1");
	assert_int_equal(s->members[0].port, 0); /* that of the VIP, as ports are not translated */
	assert_int_equal(s->members[0].weight, 1);
	assert_true(s->members[0].drain);
	assert_int_equal(s->members[1].weight, 3);
	assert_false(s->members[1].drain);
	assert_int_equal(s->members[1].server_id_bytes, 0);
	config_fini(&config);
}

static const struct state_service *first_service(const struct config *config)
{
	assert_int_equal(config->state.tenants[0].service_count, 1);
	return &config->state.tenants[0].services[0];
}

static void services_of_the_other_kinds(void **state)
{
	const struct state_service *s;
	struct config config;

	(void)state;
	load_good(SERVICE("vips: [web4], protocol: SCTP, ports: [80], pool: p, forward: gue, "
			  "affinity: client, track: always"),
		  &config);
	s = first_service(&config);
	assert_int_equal(s->protocol, IPPROTO_SCTP);
	assert_int_equal(s->forward, STATE_FORWARD_GUE);
	assert_int_equal(s->affinity, STATE_AFFINITY_CLIENT);
	assert_true(s->track_always);
	assert_int_equal(s->idle_s, 900);
	assert_int_equal(s->learn_s, 0);
	config_fini(&config);

	load_good(SERVICE("vips: [web4], protocol: TCP, ports: [80], pool: p, mss: 1400"), &config);
	assert_int_equal(first_service(&config)->mss, 1400);
	config_fini(&config);

	load_good(SERVICE("vips: [web4], protocol: UDP, ports: [any], pool: p, affinity: none"),
		  &config);
	s = first_service(&config);
	assert_int_equal(s->affinity, STATE_AFFINITY_NONE);
	assert_false(s->track_always);
	assert_int_equal(s->vip_count, 1);
	assert_int_equal(s->vips[0].port, 0);
	assert_int_equal(s->vips[0].last, 65535);
	config_fini(&config);
}

static void ranges_of_ports(void **state)
{
	const struct state_service *s;
	struct config config;

	(void)state;
	load_good(SERVICE("vips: [web4], protocol: TCP, ports: [443, 5432-5440, 80], pool: p")
		  /* next to them, of another protocol, at another VIP */
		  "  - {name: t, vips: [web4], protocol: TCP, ports: [5441-5450, 5431], pool: p}\n"
		  "  - {name: u, vips: [web4], protocol: UDP, ports: [any], pool: p}\n"
		  "  - {name: v, vips: [web6], protocol: TCP, ports: [1-65535], pool: p}\n",
		  &config);
	s = &config.state.tenants[0].services[0];
	assert_int_equal(s->vip_count, 3);
	assert_int_equal(s->vips[0].port, 80);
	assert_int_equal(s->vips[0].last, 80);
	assert_int_equal(s->vips[1].port, 443);
	assert_int_equal(s->vips[2].port, 5432);
	assert_int_equal(s->vips[2].last, 5440);
	config_fini(&config);
	/* a range is one entry: with the granted address there are two */
	load_good(SMALL("vips: 2") TENANT
		  "pools: [{name: p, backends: [{address: 10.0.0.1}]}]\n"
		  "services: [{name: s, vips: [v], protocol: TCP, ports: [1000-2000], pool: p}]\n",
		  &config);
	config_fini(&config);
}

/* At most 80 of a VIP and protocol, whatever the service. */
static void number_of_ranges(void **state)
{
	(void)state;
	for (int count = 80; count <= 81; count++) {
		char *text = NULL;
		struct config config;
		size_t size;
		FILE *file = open_memstream(&text, &size);

		assert_non_null(file);
		fputs(SERVICE("vips: [web4, web6], protocol: TCP, ports: [1-2], pool: p"), file);
		fputs("  - {name: u, vips: [web4], protocol: UDP, ports: [1-2], pool: p}\n", file);
		fputs("  - name: t\n    vips: [web4]\n    protocol: TCP\n    pool: p\n    ports:\n"
		      "    - 7\n", /* a single port is none */
		      file);
		for (int i = 1; i < count; i++)
			fprintf(file, "    - %d-%d\n", 60000 - 10 * i, 60001 - 10 * i);
		fclose(file);
		if (count == 80) {
			load_good(text, &config);
			config_fini(&config);
		} else {
			expect_errors(text, size,
				      "t:103:7: ports 59200-59201 are one range too many for TCP "
				      "on 192.0.2.10: at most 80; join ranges, or use another VIP");
		}
		free(text);
	}
}

static void translation(void **state)
{
	const struct state_service *s;
	char text[ADDR_TEXT_MAX];
	struct config config;

	(void)state;
	load_good(NAT("{ipv4: 192.0.2.5, ipv6: \"2001:db8::5\"}, {ipv4: 192.0.2.6, ipv6: "
		      "\"2001:db8::6\"}",
		      "vips: [web4], protocol: TCP, ports: [8080], pool: q"),
		  &config);
	assert_int_equal(config.nat_source_count, 2);
	assert_string_equal(addr_format(&config.nat_sources[0].ipv4, text), "192.0.2.5");
	assert_string_equal(addr_format(&config.nat_sources[1].ipv6, text), "2001:db8::6");
	assert_int_equal(config.state.tenants[0].nat_ports, 1024);
	s = first_service(&config);
	assert_int_equal(s->forward, STATE_FORWARD_NAT);
	assert_true(s->track_always); /* it is the nature of translation */
	assert_int_equal(s->members[0].port, 80);
	config_fini(&config);

	/* Where the port is the VIP's, or is kept, there is nothing to say. */
	load_good(NAT("{ipv4: 192.0.2.5}", "vips: [web4], protocol: TCP, ports: [80], pool: q"),
		  &config);
	assert_int_equal(first_service(&config)->members[0].port, 0);
	assert_true(addr_is_zero(&config.nat_sources[0].ipv6));
	config_fini(&config);
	load_good(NAT("{ipv4: 192.0.2.5}", "vips: [web4], protocol: TCP, ports: [1-9], pool: p"),
		  &config);
	assert_int_equal(first_service(&config)->members[0].port, 0);
	config_fini(&config);
	/* Two ports to one are allowed, though a range is not. */
	load_good(
		NAT("{ipv4: 192.0.2.5}", "vips: [web4], protocol: TCP, ports: [80, 443], pool: q"),
		&config);
	assert_int_equal(first_service(&config)->members[0].port, 80);
	config_fini(&config);
	/* Ports tell backends apart. */
	load_good(NAT_SOURCES("{ipv4: 192.0.2.5}") TENANT
		  "pools: [{name: p, backends: [{address: \"10.0.0.1:81\"}, {address: "
		  "\"10.0.0.1:80\"}]}]\n"
		  "services: [{name: s, vips: [web4], protocol: TCP, ports: [80], pool: p, "
		  "forward: nat}]\n",
		  &config);
	s = first_service(&config);
	assert_int_equal(s->member_count, 2);
	assert_int_equal(s->members[0].port, 0);
	assert_int_equal(s->members[1].port, 81);
	config_fini(&config);
}

/* Tenants with a NAT service take ranges of 64512 ports; others take none. */
static void nat_ports_that_fit(void **state)
{
	static const struct {
		const char *first, *ports; /* of the first tenant, and of each other one */
		int tenants, sources, needed;
	} rows[] = {{"1024", "1024", 63, 1, 1}, {"1024", "1024", 64, 1, 2},
		    {"513", "513", 63, 1, 1},	{"32768", "32768", 1, 1, 1},
		    {"16k", "16k", 6, 2, 2},	{"32768", "32768", 3, 2, 3},
		    {"64", "64", 1008, 1, 1},	{"64", "64", 1009, 1, 2},
		    {"32k", "1024", 32, 1, 1},	{"32k", "1024", 33, 1, 2}};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char *text = NULL, *errors, expected[256];
		struct config config;
		size_t size;
		FILE *file = open_memstream(&text, &size);

		assert_non_null(file);
		fputs(HEAD "node: {interfaces: [{name: e}], capacity: {natSources: 3, tenants: 4k, "
			   "flows: 16M}, natSources: [",
		      file);
		for (int j = 0; j < rows[i].sources; j++)
			fprintf(file, "{ipv4: 192.0.2.%d}, ", j + 1);
		fprintf(file,
			"]}\ntiers: [{name: t0, l4: {natPorts: %s}}, "
			"{name: t1, l4: {natPorts: %s}}]\nvips:\n",
			rows[i].first, rows[i].ports);
		for (int j = 0; j < rows[i].tenants; j++)
			fprintf(file, "- {name: v%d, address: 10.1.%d.%d}\n", j, j / 250, j % 250);
		fputs("tenants:\n- {name: other, tier: t1}\n", file);
		for (int j = 0; j < rows[i].tenants; j++)
			fprintf(file, "- {name: t%d, tier: t%d, vips: [v%d]}\n", j, j > 0, j);
		for (int j = 0; j < rows[i].tenants; j++)
			fprintf(file,
				"---\napiVersion: mtlb/v1\nkind: TenantConfig\n"
				"metadata: {tenant: t%d}\n"
				"pools: [{name: p, backends: [{address: 10.9.0.1}]}]\n"
				"services: [{name: s, vips: [v%d], protocol: TCP, ports: [80], "
				"pool: p, forward: nat}]\n",
				j, j);
		fclose(file);
		snprintf(expected, sizeof(expected),
			 "t:4:85: the tenants' natPorts fill %d items of node.natSources, but "
			 "there %s %d; add source addresses, or lower l4.natPorts of the tiers",
			 rows[i].needed, rows[i].sources == 1 ? "is" : "are", rows[i].sources);
		errors = load(text, size, &config);
		if (rows[i].needed > rows[i].sources)
			assert_string_equal(errors, expected);
		else
			assert_null(errors);
		if (!errors) {
			assert_string_equal(config.state.tenants[0].name, "other");
			assert_int_equal(config.state.tenants[0].nat_ports, 0);
			assert_true(config.state.tenants[1].nat_ports >= 64);
			config_fini(&config);
		}
		free(errors);
		free(text);
	}
}

static void server_ids(void **state)
{
	const struct state_service *s;
	struct config config;

	(void)state;
	load_good(QUIC("  - {address: 10.0.1.1}\n  - {address: 10.0.0.2, serverId: 00FF}\n"
		       "  - {address: \"10.0.0.3:443\", state: drain}\n",
		       "quic: {serverIdBytes: 2}, affinity: client"),
		  &config);
	s = first_service(&config);
	assert_int_equal(s->quic_server_id_bytes, 2);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(s->members[i].server_id_bytes, 2);
	assert_memory_equal(s->members[0].server_id, "\x00\xff\0\0\0\0\0\0", 8);
	assert_memory_equal(s->members[1].server_id, "\x00\x03\0\0\0\0\0\0", 8);
	assert_memory_equal(s->members[2].server_id, "\x01\x01\0\0\0\0\0\0", 8);
	config_fini(&config);

	load_good(HEAD "node: {interfaces: [{name: e}]}\n"
		       "vips: [{name: v, address: \"2001:db8::1\", echo: true}]\n"
		       "tenants: [{name: acme, vips: [v]}]\n" TENANT
		       "pools: [{name: p, backends: [{address: \"2001:db8::a0b:c0d:e0f:1011\"}], "
		       "slowStart: 1h}]\n"
		       "services: [{name: s, vips: [v], protocol: UDP, ports: [443], pool: p, "
		       "forward: dsr, quic: {serverIdBytes: 8}}]\n",
		  &config);
	s = first_service(&config);
	assert_int_equal(s->members[0].server_id_bytes, 8);
	assert_memory_equal(s->members[0].server_id, "\x0a\x0b\x0c\x0d\x0e\x0f\x10\x11", 8);
	assert_int_equal(s->slow_start_s, 3600);
	assert_true(config.state.tenants[0].addresses[0].echo);
	config_fini(&config);
	/* A server ID is of no consequence to services without quic. */
	load_good(QUIC("  - {address: 10.0.0.1, serverId: 01}\n  - {address: 10.0.0.2, serverId: "
		       "01}\n",
		       "track: always"),
		  &config);
	assert_int_equal(first_service(&config)->members[0].server_id_bytes, 0);
	config_fini(&config);
}

/* The same port of the same VIP may serve another protocol, another VIP the same port. */
static void listens_that_do_not_clash(void **state)
{
	struct config config;

	(void)state;
	load_good(
		SERVICE("vips: [web4], protocol: TCP, ports: [80, 443], pool: p") "  - {name: t, "
										  "vips: [web4], "
										  "protocol: UDP, "
										  "ports: [443], "
										  "pool: p}\n"
										  "  - {name: u, "
										  "vips: [web6], "
										  "protocol: TCP, "
										  "ports: [80], "
										  "pool: q}\n",
		&config);
	assert_int_equal(config.state.tenants[0].service_count, 3);
	config_fini(&config);
}

/* An empty document between two others is nothing, and a broken one hides nothing before it. */
static void documents(void **state)
{
	struct config config;

	(void)state;
	load_good("---\n---\n" HEAD NODE "---\n", &config);
	config_fini(&config);
	expect_errors(HEAD "node: {}\n---\na: [\n", strlen(HEAD "node: {}\n---\na: [\n"),
		      "t:4:7: missing key \"interfaces\" in node; it must be a list\n"
		      "t:7:1: not valid YAML: did not find expected node content, while parsing a "
		      "flow node");
}

/* 10,000 tenants with three services each; the time it takes is measured by the benchmarks. */
static void ten_thousand_tenants(void **state)
{
	char *text = NULL;
	struct config config;
	size_t size;
	FILE *file = open_memstream(&text, &size);

	(void)state;
	assert_non_null(file);
	fputs(HEAD "node: {interfaces: [{name: eth0}], encapSource: {ipv4: 192.0.2.1}, capacity: "
		   "{tenants: 10k, vips: 40k, services: 30k, members: 60k, flows: 1M}}\n"
		   "tiers: [{name: t, l4: {flows: 64}}]\nvips:\n",
	      file);
	for (int i = 0; i < 10000; i++)
		fprintf(file, "- {name: v%d, address: 10.0.%d.%d}\n", i, i / 250, i % 250 + 1);
	fputs("tenants:\n", file);
	for (int i = 0; i < 10000; i++)
		fprintf(file, "- {name: t%d, id: %d, tier: t, vips: [v%d]}\n", i, i + 1, i);
	for (int i = 0; i < 10000; i++) {
		fprintf(file,
			"---\napiVersion: mtlb/v1\nkind: TenantConfig\nmetadata: {tenant: t%d}\n"
			"pools: [{name: p, backends: [{address: 10.9.0.1}, {address: 10.9.0.2}]}]\n"
			"services:\n",
			i);
		for (int j = 0; j < 3; j++)
			fprintf(file,
				"- {name: s%d, vips: [v%d], protocol: TCP, ports: [%d], pool: p}\n",
				j, i, 80 + j);
	}
	fclose(file);
	load_good(text, &config);
	assert_int_equal(config.state.tenant_count, 10000);
	assert_int_equal(config.state.tenants[9999].service_count, 3);
	config_fini(&config);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refuses_what_is_wrong),
		cmocka_unit_test(refuses_nul_bytes),
		cmocka_unit_test(long_lines),
		cmocka_unit_test(deep_nesting_is_cheap),
		cmocka_unit_test(shows_a_hundred_errors),
		cmocka_unit_test(defaults),
		cmocka_unit_test(a_service_in_full),
		cmocka_unit_test(services_of_the_other_kinds),
		cmocka_unit_test(ranges_of_ports),
		cmocka_unit_test(number_of_ranges),
		cmocka_unit_test(translation),
		cmocka_unit_test(nat_ports_that_fit),
		cmocka_unit_test(server_ids),
		cmocka_unit_test(listens_that_do_not_clash),
		cmocka_unit_test(documents),
		cmocka_unit_test(ten_thousand_tenants),
	};

	return cmocka_run_group_tests_name("config", tests, NULL, NULL);
}
