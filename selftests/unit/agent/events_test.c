// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * From samples to events, on the fake dataplane: who is attacked is said once, with where it comes
 * from; what is nobody's attack is not; and the list of events is nobody's alone.
 */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "userspace/agent/attacks.h"
#include "userspace/agent/samples.h"
#include "userspace/agent/watchers.h"
#include "userspace/agent/api/stream.h"
#include "userspace/base/log.h"

#define S     1000000000ULL
#define FLOOD 5000

enum {
	ACME = 1,
	GLOBEX = 2,
	GONE = 5,
};

struct node {
	struct dataplane *dataplane;
	struct registry registry;
	uint32_t member; /* of acme's */
	struct loop *loop;
	struct watchers *watchers;
	struct events *events;
	struct attacks *attacks;
	struct samples *samples;
	uint64_t now;
};

static struct node node;

static int begin(void **state)
{
	struct dataplane_options options = {
		.capacity = {.tenants = 8,
			     .vips = 8,
			     .services = 8,
			     .members = 8,
			     .slots = 32,
			     .flow_buckets = 1},
	};

	struct registry_service *service;

	(void)state;
	log_set_level(LOG_LEVEL_ERROR);
	node = (struct node){.now = 1000 * S};
	assert_int_equal(dataplane_open_memory(&options, &node.dataplane), 0);
	assert_int_equal(registry_open(&node.registry, node.dataplane), 0);
	assert_non_null(registry_add_tenant(&node.registry, ACME, "acme"));
	assert_non_null(registry_add_tenant(&node.registry, GLOBEX, "globex"));
	service = registry_add_service(&node.registry, 3, ACME, "web", IPPROTO_TCP);
	assert_non_null(service);
	node.member = 2;
	assert_int_equal(registry_add_member(service, node.member), 0);
	assert_int_equal(loop_new(&node.loop), 0);
	assert_int_equal(watchers_new(&node.watchers), 0);
	assert_int_equal(events_new(node.watchers, &node.events), 0);
	assert_int_equal(attacks_new(&node.registry, node.events, node.now, &node.attacks), 0);
	attacks_set(node.attacks, &(struct config_attacks){.drops = 1000, .new_flows = 10000});
	/* the agent has been there for a while */
	node.now += ATTACKS_START_NS;
	assert_int_equal(
		samples_new(&node.registry, node.loop, node.watchers, node.attacks, &node.samples),
		0);
	return 0;
}

static int end(void **state)
{
	(void)state;
	samples_free(node.samples);
	attacks_free(node.attacks);
	events_free(node.events);
	watchers_free(node.watchers);
	loop_free(node.loop);
	registry_close(&node.registry);
	dataplane_close(node.dataplane);
	return 0;
}

/* The dataplane drops so many for a reason, and hands over a sample. */
static void drop(uint32_t tenant, enum mtlb_reason reason, const char *source, uint64_t packets)
{
	struct mtlb_reason_counter *counters =
		(struct mtlb_reason_counter *)dataplane_view(node.dataplane)->reason_counters;
	struct mtlb_event event = {
		.at = node.now,
		.packets = packets,
		.tenant = tenant,
		.destination_port = htons(443),
		.protocol = IPPROTO_TCP,
		.tcp_flags = 2,
		.reason = (uint8_t)reason,
	};
	struct addr address;

	assert_int_equal(addr_parse(source, &address), 0);
	memcpy(&event.source, &address, sizeof(event.source));
	assert_int_equal(addr_parse("192.0.2.10", &address), 0);
	memcpy(&event.destination, &address, sizeof(event.destination));
	counters[tenant * MTLB_REASONS_PER_TENANT + reason].packets += packets;
	assert_int_equal(dataplane_memory_sample(node.dataplane, &event), 0);
	samples_take(node.samples, node.now);
}

/* The dataplane forwards packets to acme that open so many flows, and samples one. */
static void open_flows(const char *source, uint64_t flows)
{
	struct mtlb_member_counter *counters =
		(struct mtlb_member_counter *)dataplane_view(node.dataplane)->member_counters;
	struct mtlb_event event = {
		.at = node.now,
		.packets = MTLB_EVENT_OPENED_EVERY,
		.tenant = ACME,
		.destination_port = htons(53),
		.protocol = IPPROTO_UDP,
		.reason = MTLB_REASON_redirected,
	};
	struct addr address;

	assert_int_equal(addr_parse(source, &address), 0);
	memcpy(&event.source, &address, sizeof(event.source));
	assert_int_equal(addr_parse("192.0.2.11", &address), 0);
	memcpy(&event.destination, &address, sizeof(event.destination));
	counters[node.member].new_flows += flows;
	assert_int_equal(dataplane_memory_sample(node.dataplane, &event), 0);
	samples_take(node.samples, node.now);
}

/* A second goes by. */
static size_t look(void)
{
	node.now += S;
	return attacks_look(node.attacks, node.now);
}

/* The last event's member of that name, as text; "" when there is none. */
static const char *last(const char *name)
{
	static char text[512];
	json_t *items = events_list(node.events);
	json_t *event = json_array_get(items, json_array_size(items) - 1);
	json_t *value = json_object_get(event, name);

	text[0] = 0;
	if (json_is_integer(value))
		snprintf(text, sizeof(text), "%lld", (long long)json_integer_value(value));
	else if (json_is_string(value))
		snprintf(text, sizeof(text), "%s", json_string_value(value));
	json_decref(items);
	return text;
}

static size_t count_events(void)
{
	json_t *items = events_list(node.events);
	size_t count = json_array_size(items);

	json_decref(items);
	return count;
}

static void an_attack_is_told_once(void **state)
{
	(void)state;
	drop(ACME, MTLB_REASON_over_new_flows, "198.51.100.1", 1);
	for (int i = 0; i < 20; i++) {
		drop(ACME, MTLB_REASON_over_new_flows, "198.51.100.7", FLOOD);
		drop(GLOBEX, MTLB_REASON_no_service, "203.0.113.9", 10);
		assert_int_equal(look(), 2);
	}
	assert_int_equal(count_events(), 1);
	assert_string_equal(last("kind"), "attack-begins");
	assert_string_equal(last("tenant"), "acme");
	assert_string_equal(last("address"), "192.0.2.10");
	assert_string_equal(last("port"), "443");
	assert_string_equal(last("protocol"), "TCP");
	assert_string_equal(last("attack"), "syn");
	assert_string_equal(last("rate"), "5000");
	assert_string_equal(last("sentence"),
			    "attack on acme: syn flood to 192.0.2.10:443, 5000 packets a second "
			    "dropped, from 198.51.100.0/24 (100%)");
	for (int i = 0; i < 10; i++)
		look();
	assert_int_equal(count_events(), 2);
	assert_string_equal(last("kind"), "attack-ends");
	assert_string_equal(last("packets"), "100000");
	assert_string_equal(last("seconds"), "30");
	/* and there is nothing left to look at */
	for (int i = 0; i < 3; i++)
		look();
	assert_int_equal(look(), 0);
}

/* Without limits nothing is dropped, but the backends feel it. */
static void what_nothing_limits_is_told_too(void **state)
{
	(void)state;
	open_flows("198.51.100.7", 1024);
	for (int i = 0; i < 20; i++) {
		open_flows("198.51.100.7", 20000);
		assert_int_equal(look(), 1);
	}
	assert_int_equal(count_events(), 1);
	assert_string_equal(last("kind"), "attack-begins");
	assert_string_equal(last("measure"), "newFlows");
	assert_string_equal(last("attack"), "udp");
	assert_string_equal(last("sentence"),
			    "attack on acme: udp flood to 192.0.2.11:53, 20000 new flows a second, "
			    "which nothing limits, from 198.51.100.0/24 (100%)");
	for (int i = 0; i < 10; i++)
		look();
	assert_int_equal(count_events(), 2);
	assert_string_equal(last("kind"), "attack-ends");
	assert_string_equal(last("packets"), "400000");
	assert_string_equal(last("sentence"),
			    "the attack on acme is over: 400000 new flows in 30 s, at most 20000 a "
			    "second, from 198.51.100.0/24 (100%)");
	for (int i = 0; i < 3; i++)
		look();
	assert_int_equal(look(), 0);
}

static void the_usual_is_none(void **state)
{
	(void)state;
	for (uint64_t rate = 5000; rate < 60000; rate += 100) {
		open_flows("198.51.100.7", rate);
		assert_int_equal(look(), 1);
	}
	assert_int_equal(count_events(), 0);
	/* but so much more is one */
	for (int i = 0; i < 3; i++) {
		open_flows("198.51.100.7", 250000);
		look();
	}
	assert_int_equal(count_events(), 1);
}

/* What comes when the agent starts came before, too. */
static void a_restart_wakes_nobody(void **state)
{
	(void)state;
	attacks_free(node.attacks);
	samples_free(node.samples);
	assert_int_equal(attacks_new(&node.registry, node.events, node.now, &node.attacks), 0);
	attacks_set(node.attacks, &(struct config_attacks){.drops = 1000, .new_flows = 10000});
	assert_int_equal(
		samples_new(&node.registry, node.loop, node.watchers, node.attacks, &node.samples),
		0);
	for (int i = 0; i < 20; i++) {
		open_flows("198.51.100.7", i < 10 ? 50000 : 150000);
		look();
	}
	assert_int_equal(count_events(), 0);
}

/* One that is refused gets through in part: it is told once. */
static void what_is_dropped_comes_first(void **state)
{
	(void)state;
	for (int i = 0; i < 10; i++) {
		drop(ACME, MTLB_REASON_over_new_flows, "198.51.100.7", FLOOD);
		open_flows("198.51.100.7", i < 2 ? 5000 : 20000);
		look();
	}
	assert_int_equal(count_events(), 1);
	assert_string_equal(last("measure"), "drops");
}

static void sources_that_are_made_up(void **state)
{
	(void)state;
	for (int i = 0; i < 200; i++) {
		char source[32];

		snprintf(source, sizeof(source), "%d.7.7.7", i + 1);
		drop(ACME, MTLB_REASON_over_packets, source, 100);
		if (i % 50 == 49)
			look();
	}
	assert_int_equal(count_events(), 1);
	assert_non_null(strstr(last("sentence"), "from spoofed or widely spread sources"));
}

/* What is lost for want of a backend is nobody's attack, however much it is. */
static void our_own_faults_are_none(void **state)
{
	(void)state;
	for (int i = 0; i < 5; i++) {
		drop(ACME, MTLB_REASON_no_member, "198.51.100.7", FLOOD);
		drop(ACME, MTLB_REASON_no_next_hop, "198.51.100.7", FLOOD);
		assert_int_equal(look(), 0);
	}
	assert_int_equal(count_events(), 0);
}

/* Its counters may be large already when the first sample comes. */
static void the_past_is_not_counted(void **state)
{
	struct mtlb_reason_counter *counters =
		(struct mtlb_reason_counter *)dataplane_view(node.dataplane)->reason_counters;

	(void)state;
	counters[ACME * MTLB_REASONS_PER_TENANT + MTLB_REASON_over_packets].packets = 1000000;
	for (int i = 0; i < 5; i++) {
		drop(ACME, MTLB_REASON_over_packets, "198.51.100.7", 10);
		look();
	}
	assert_int_equal(count_events(), 0);
}

/* A number that is given to another tenant meanwhile brings nothing along. */
static void a_tenant_goes(void **state)
{
	struct registry_tenant *tenant = registry_tenant(&node.registry, "acme");

	(void)state;
	drop(ACME, MTLB_REASON_over_packets, "198.51.100.7", FLOOD);
	look();
	drop(ACME, MTLB_REASON_over_packets, "198.51.100.7", FLOOD);
	registry_remove_tenant(&node.registry, tenant);
	assert_int_equal(look(), 0);
	drop(ACME, MTLB_REASON_over_packets, "198.51.100.7", FLOOD);
	assert_int_equal(look(), 0);
	assert_int_equal(count_events(), 0);
}

static void nonsense_is_left_out(void **state)
{
	struct mtlb_event event = {.tenant = 1000, .reason = 1};

	(void)state;
	dataplane_memory_sample(node.dataplane, &event);
	event.tenant = ACME;
	event.reason = 255;
	dataplane_memory_sample(node.dataplane, &event);
	event.reason = MTLB_REASON_no_service;
	event.tenant = GONE;
	dataplane_memory_sample(node.dataplane, &event);
	samples_take(node.samples, node.now);
	assert_int_equal(look(), 0);
}

static size_t count_of(const char *tenant)
{
	json_t *items = events_list(node.events), *event;
	size_t count = 0, i;

	json_array_foreach (items, i, event)
		count += !strcmp(json_string_value(json_object_get(event, "tenant")), tenant);
	json_decref(items);
	return count;
}

static void nobody_pushes_out_anothers(void **state)
{
	(void)state;
	for (int i = 0; i < 5; i++)
		events_raise(node.events, "member-down", "globex", NULL, "number %d", i);
	for (int i = 0; i < 3 * EVENTS_KEPT; i++)
		events_raise(node.events, "member-down", "acme", json_object(), "number %d", i);
	assert_int_equal(count_events(), EVENTS_KEPT);
	assert_int_equal(count_of("globex"), 5);
	assert_string_equal(last("sentence"), "number 1535");
	assert_string_equal(last("id"), "1541");
}

static void so_many_may_watch(void **state)
{
	struct stream *streams[WATCHERS_MAX], *stream;

	(void)state;
	for (int i = 0; i < WATCHERS_MAX; i++)
		assert_int_equal(watchers_add(node.watchers, WATCHERS_DROPS, i ? "acme" : NULL,
					      "no_service", &streams[i]),
				 0);
	assert_int_equal(watchers_add(node.watchers, WATCHERS_DROPS, NULL, NULL, &stream), -EBUSY);
	assert_int_equal(watchers_count(node.watchers), WATCHERS_MAX);
	assert_true(watchers_want(node.watchers, WATCHERS_DROPS, "globex", "no_service"));
	assert_false(watchers_want(node.watchers, WATCHERS_DROPS, "globex", "no_member"));
	assert_false(watchers_want(node.watchers, WATCHERS_EVENTS, "acme", "no_service"));
	for (int i = 0; i < WATCHERS_MAX; i++)
		stream_free(streams[i]);
	assert_int_equal(watchers_count(node.watchers), 0);
}

/* What is told goes to those who want it: the room of the others does not fill up. */
static void told_to_those_who_want_it(void **state)
{
	struct stream *acme, *globex;
	uint64_t missed;

	(void)state;
	assert_int_equal(watchers_add(node.watchers, WATCHERS_DROPS, "acme", NULL, &acme), 0);
	assert_int_equal(watchers_add(node.watchers, WATCHERS_DROPS, "globex", NULL, &globex), 0);
	for (int i = 0; i < 1000; i++)
		drop(ACME, MTLB_REASON_no_service, "198.51.100.7", 1);
	assert_true(stream_missed(acme) > 0);
	assert_int_equal(stream_missed(globex), 0);
	missed = stream_missed(acme);
	assert_int_equal(watchers_missed(node.watchers), missed);
	stream_free(acme);
	stream_free(globex);
	assert_int_equal(watchers_missed(node.watchers), missed);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
	static const struct CMUnitTest tests[] = {
		TEST(an_attack_is_told_once),
		TEST(what_nothing_limits_is_told_too),
		TEST(the_usual_is_none),
		TEST(a_restart_wakes_nobody),
		TEST(what_is_dropped_comes_first),
		TEST(sources_that_are_made_up),
		TEST(our_own_faults_are_none),
		TEST(the_past_is_not_counted),
		TEST(a_tenant_goes),
		TEST(nonsense_is_left_out),
		TEST(nobody_pushes_out_anothers),
		TEST(so_many_may_watch),
		TEST(told_to_those_who_want_it),
	};
#undef TEST

	return cmocka_run_group_tests_name("events", tests, NULL, NULL);
}
