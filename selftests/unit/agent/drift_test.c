// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Drift on the fake dataplane: an entry of each map that verbs write is edited, added and removed
 * behind the agent's back, found by its name, and put right; what verbs write is none.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "userspace/agent/drift.h"
#include "userspace/agent/watchers.h"
#include "userspace/base/log.h"
#include "userspace/dataplane/internal.h"

static struct node {
	struct dataplane *dataplane;
	struct registry registry;
	struct watchers *watchers;
	struct events *events;
	struct drift drift;
} node;

static const struct mtlb_vip_key web = {
	.address = {{0, 0, 0, 0}}, .port = 0x5000, .protocol = IPPROTO_TCP};
static const struct mtlb_vip_key other = {
	.address = {{0, 0, 0, 1}}, .port = 0x5000, .protocol = IPPROTO_TCP};
static const struct mtlb_quic_key server = {.id = 7, .service = 1, .length = 1};
static const struct mtlb_quic_key stranger = {.id = 8, .service = 1, .length = 1};

static void write_all(uint32_t rate)
{
	struct mtlb_tenant tenant = {.used = 1, .name = "acme", .flow_first = 1, .flow_count = 1};
	struct mtlb_service service = {
		.used = 1, .tenant = 1, .protocol = IPPROTO_TCP, .name = "web", .changed_at = rate};
	struct mtlb_member member = {.flags = MTLB_MEMBER_NO_NEXT_HOP};
	struct mtlb_member_name name = {.used = 1, .service = 1, .weight = rate};
	struct mtlb_meter meter = {.rate[0] = {.interval = rate, .burst = 5}};
	struct mtlb_vip vip = {.key = web, .tenant = 1, .service = 1};
	struct mtlb_share share = {.capacity = rate, .interval = 3};
	struct mtlb_defence defence = {.rate = rate};
	struct mtlb_guard guard = {.record_count = rate};
	struct mtlb_rule rule = {.used = 1};
	struct mtlb_trie_node trie = {};
	struct mtlb_trie_record record = {};
	struct mtlb_port_line line = {};
	uint64_t ports[MTLB_GUARD_PORT_WORDS] = {rate};
	uint32_t slots[MTLB_SLOTS_PER_LINE] = {rate};

	memset(&trie, (int)rate, sizeof(trie));
	memset(&record, (int)rate, sizeof(record));
	memset(&line, (int)rate, sizeof(line));
	assert_int_equal(dataplane_put_tenant(node.dataplane, 1, &tenant), 0);
	assert_int_equal(dataplane_put_service(node.dataplane, 1, &service), 0);
	assert_int_equal(dataplane_put_service_times(node.dataplane, 1, rate, rate), 0);
	assert_int_equal(dataplane_put_member(node.dataplane, 1, &member, &name), 0);
	member.outer_csum = (uint16_t)rate;
	assert_int_equal(dataplane_put_forwarding(node.dataplane, 1, &member), 0);
	assert_int_equal(dataplane_put_meter(node.dataplane, 1, &meter), 0);
	assert_int_equal(dataplane_put_share(node.dataplane, &share), 0);
	assert_int_equal(dataplane_put_defence(node.dataplane, 1, &defence), 0);
	assert_int_equal(dataplane_put_guard(node.dataplane, 1, &guard), 0);
	assert_int_equal(dataplane_put_rule(node.dataplane, 1, &rule), 0);
	assert_int_equal(dataplane_put_trie(node.dataplane, 1, &trie, 1, 1, &record, 1), 0);
	assert_int_equal(dataplane_put_guard_ports(node.dataplane, 0, ports), 0);
	assert_int_equal(dataplane_put_port_lines(node.dataplane, 1, &line), 0);
	assert_int_equal(dataplane_put_slots(node.dataplane, MTLB_SLOTS_PER_LINE, slots,
					     MTLB_SLOTS_PER_LINE),
			 0);
	assert_int_equal(dataplane_put_slot(node.dataplane, MTLB_SLOTS_PER_LINE + 1, rate), 0);
	assert_int_equal(dataplane_put_vip(node.dataplane, 1, &vip), 0);
	assert_int_equal(dataplane_put_quic_id(node.dataplane, &server, rate), 0);
}

static int start(void **state)
{
	struct dataplane_options options = {
		.directory = "/fake",
		.capacity = {.tenants = 4,
			     .vips = 4,
			     .services = 4,
			     .members = 8,
			     .slots = 256,
			     .flow_buckets = 8,
			     .acl_prefixes = 8,
			     .feed_prefixes = 8},
	};

	(void)state;
	assert_int_equal(dataplane_open_memory(&options, &node.dataplane), 0);
	write_all(3);
	assert_int_equal(registry_open(&node.registry, node.dataplane), 0);
	/* a server ID that no member has is taken away at the start */
	assert_int_equal(dataplane_put_quic_id(node.dataplane, &server, 1), 0);
	assert_int_equal(watchers_new(&node.watchers), 0);
	assert_int_equal(events_new(node.watchers, &node.events), 0);
	assert_int_equal(drift_init(&node.drift, &node.registry, node.events), 0);
	return 0;
}

static int stop(void **state)
{
	(void)state;
	drift_fini(&node.drift);
	events_free(node.events);
	watchers_free(node.watchers);
	registry_close(&node.registry);
	dataplane_close(node.dataplane);
	return 0;
}

/* want: the one line; NULL: nothing differs */
static void expect(bool repair, const char *want)
{
	struct drift_lines lines;

	assert_int_equal(drift_look(&node.drift, repair, &lines), 0);
	if (want && lines.count)
		assert_string_equal(lines.line[0], want);
	assert_int_equal(lines.count, want ? 1 : 0);
	drift_lines_fini(&lines);
}

static size_t events(const char *kind)
{
	json_t *list = events_list(node.events), *event;
	size_t i, count = 0;

	json_array_foreach (list, i, event)
		count += !strcmp(json_string_value(json_object_get(event, "kind")), kind);
	json_decref(list);
	return count;
}

static void pass(void)
{
	for (int i = 0; i <= 3 * DRIFT_PASS; i++) {
		assert_int_equal(drift_run(&node.drift), 0);
		if (!node.drift.next.row && !node.drift.next.element)
			return;
	}
	fail_msg("a pass does not end");
}

/* tests */

static const struct {
	enum dataplane_array array;
	const char *line;
} maps[] = {
	{DATAPLANE_ARRAY_tenants, "~ tenant acme: name and ranges"},
	{DATAPLANE_ARRAY_services, "~ service acme/web: settings"},
	{DATAPLANE_ARRAY_members, "~ service acme/web backend ::: the way to it"},
	{DATAPLANE_ARRAY_member_names, "~ service acme/web backend ::: state and weight"},
	{DATAPLANE_ARRAY_vips, "~ vip [::]:80 tcp: record"},
	{DATAPLANE_ARRAY_port_lines, "~ node: ranges of ports"},
	{DATAPLANE_ARRAY_slots, "~ a service's old table: table of backends"},
	{DATAPLANE_ARRAY_meters, "~ tenant acme: limits"},
	{DATAPLANE_ARRAY_defences, "~ tenant acme: SYN cookies"},
	{DATAPLANE_ARRAY_guards, "~ tenant acme: access list"},
	{DATAPLANE_ARRAY_trie_nodes, "~ node: prefixes of access lists and deny feeds"},
	{DATAPLANE_ARRAY_trie_records, "~ node: prefixes of access lists and deny feeds"},
	{DATAPLANE_ARRAY_guard_ports, "~ node: filters' ports"},
	{DATAPLANE_ARRAY_rules, "~ node: names of access rules"},
};

static char *entry(size_t map, uint32_t index)
{
	char *all = *dataplane_array_slot(&node.dataplane->arrays, maps[map].array);

	return all + index * dataplane_array_size(maps[map].array);
}

/* Each eight bytes of the entry in turn, then all of it gone. */
static void test_edited_and_removed(void **state)
{
	char before[1024];

	(void)state;
	expect(false, NULL);
	for (size_t map = 0; map < sizeof(maps) / sizeof(maps[0]); map++) {
		size_t size = dataplane_array_size(maps[map].array);

		memcpy(before, entry(map, 1), size);
		for (size_t word = 0; word < size; word += 8) {
			entry(map, 1)[word + word / 8 % 8] ^= 0x40;
			expect(false, maps[map].line);
			expect(true, maps[map].line);
			assert_memory_equal(entry(map, 1), before, size);
			expect(false, NULL);
		}
		/* nothing of it is left, or it was nothing */
		memset(entry(map, 1), 0, size);
		if (memcmp(entry(map, 1), before, size) != 0)
			expect(true, maps[map].line);
		assert_memory_equal(entry(map, 1), before, size);
	}
}

static void test_added(void **state)
{
	char nothing[1024] = {};

	(void)state;
	for (size_t map = 0; map < sizeof(maps) / sizeof(maps[0]); map++) {
		size_t size = dataplane_array_size(maps[map].array);
		struct drift_lines lines;

		memset(entry(map, 2), 1, size);
		assert_int_equal(drift_look(&node.drift, true, &lines), 0);
		assert_int_equal(lines.all, 1);
		drift_lines_fini(&lines);
		assert_memory_equal(entry(map, 2), nothing, size);
		expect(false, NULL);
	}
}

static void test_share(void **state)
{
	struct mtlb_share *share = node.dataplane->arrays.share;

	(void)state;
	share->fair = 12345; /* packets do */
	share->due = 1;
	expect(false, NULL);
	share->capacity = 1;
	expect(true, "~ node: capacity that is shared");
	assert_int_equal(share->capacity, 3);
	assert_int_equal(share->fair, 12345);
}

static void test_keys(void **state)
{
	const struct dataplane_ops *ops = node.dataplane->ops;

	(void)state;
	assert_int_equal(ops->put_vip_key(node.dataplane, &web, 2), 0);
	expect(true, "~ vip [::]:80 tcp: which record it leads to");
	assert_int_equal(ops->find_vip_key(node.dataplane, &web), 1);
	assert_int_equal(ops->delete_vip_key(node.dataplane, &web), 0);
	expect(true, "~ vip [::]:80 tcp: which record it leads to");
	assert_int_equal(ops->find_vip_key(node.dataplane, &web), 1);
	assert_int_equal(ops->put_vip_key(node.dataplane, &other, 1), 0);
	expect(true, "+ vip [::1.0.0.0]:80 tcp: which record it leads to");
	assert_int_equal(ops->find_vip_key(node.dataplane, &other), 0);
	assert_int_equal(ops->put_quic_id(node.dataplane, &server, 4), 0);
	expect(true, "~ service acme/web: QUIC server ID");
	assert_int_equal(ops->delete_quic_id(node.dataplane, &server), 0);
	expect(true, "~ service acme/web: QUIC server ID");
	assert_int_equal(ops->put_quic_id(node.dataplane, &stranger, 1), 0);
	expect(true, "+ service acme/web: QUIC server ID");
	expect(false, NULL);
}

/* Whatever verbs write, and take away again, is no drift. */
static void test_verbs(void **state)
{
	struct mtlb_tenant gone = {};

	(void)state;
	for (uint32_t rate = 1; rate < 9; rate++) {
		write_all(rate);
		expect(false, NULL);
	}
	assert_int_equal(dataplane_delete_vip(node.dataplane, &web), 0);
	assert_int_equal(dataplane_delete_quic_id(node.dataplane, &server), 0);
	assert_int_equal(dataplane_put_tenant(node.dataplane, 1, &gone), 0);
	expect(false, NULL);
}

static void test_told_once(void **state)
{
	(void)state;
	pass();
	assert_int_equal(events("drift"), 0);
	entry(0, 1)[8] ^= 1;
	for (int i = 0; i < 3; i++)
		pass();
	assert_int_equal(events("drift"), 1);
	assert_int_equal(node.drift.entries, 1);
	assert_int_equal(node.drift.repaired, 0);
	entry(1, 1)[8] ^= 1;
	pass();
	assert_int_equal(events("drift"), 2);
}

static void test_repairs(void **state)
{
	(void)state;
	node.drift.repair = true;
	for (int i = 1; i < 4; i++) {
		entry(0, 1)[8] ^= 1;
		pass();
		assert_int_equal(events("drift-repaired"), i);
		assert_int_equal(node.drift.repaired, i);
		expect(false, NULL);
	}
	assert_int_equal(events("drift"), 0);
}

static void test_repair_fails(void **state)
{
	struct drift_lines lines;

	(void)state;
	entry(0, 1)[8] ^= 1;
	dataplane_memory_fail_at(node.dataplane, 1);
	assert_int_equal(drift_look(&node.drift, true, &lines), -EIO);
	drift_lines_fini(&lines);
	assert_int_equal(events("drift"), 1);
	assert_int_equal(node.drift.repaired, 0);
	expect(true, "~ tenant acme: name and ranges");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_edited_and_removed, start, stop),
		cmocka_unit_test_setup_teardown(test_added, start, stop),
		cmocka_unit_test_setup_teardown(test_share, start, stop),
		cmocka_unit_test_setup_teardown(test_keys, start, stop),
		cmocka_unit_test_setup_teardown(test_verbs, start, stop),
		cmocka_unit_test_setup_teardown(test_told_once, start, stop),
		cmocka_unit_test_setup_teardown(test_repairs, start, stop),
		cmocka_unit_test_setup_teardown(test_repair_fails, start, stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
