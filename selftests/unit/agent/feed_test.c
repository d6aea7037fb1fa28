// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Deny feeds from their files to the trie that packets walk, on the fake dataplane: what is loaded,
 * what is refused and leaves the list of before, what a restarted agent keeps.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "userspace/agent/feed/feed.h"
#include "userspace/base/log.h"
#include "userspace/model/trie.h"

#define SECOND 1000000000ULL

struct rig {
	char folder[64];
	struct loop *loop;
	struct dataplane *dataplane;
	struct registry registry;
	struct feeds *feeds;
	struct config config;
	struct config_feed list[2];
	char paths[2][128];
	struct loop_timer poll;
	uint64_t until;
	bool (*reached)(struct rig *rig);
	const char *state, *source;
	bool denied, timed_out;
};

static void write_file(const char *path, const char *text)
{
	char fresh[160];
	FILE *file;

	snprintf(fresh, sizeof(fresh), "%s.new", path);
	file = fopen(fresh, "w");
	assert_non_null(file);
	fputs(text, file);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(rename(fresh, path), 0);
}

/* The rule that denies, 0: none. */
static uint32_t denies(const struct rig *rig, const char *source)
{
	const struct dataplane_view *view = dataplane_view(rig->dataplane);
	struct trie trie = {
		.nodes = (struct mtlb_trie_node *)view->trie_nodes,
		.records = (struct mtlb_trie_record *)view->trie_records,
		.node_count = rig->registry.trie_nodes.limit,
		.record_count = rig->registry.trie_records.limit,
		.root = {view->guards[0].root[0], view->guards[0].root[1]},
	};
	struct mtlb_address address;
	struct addr addr;
	uint32_t entry;

	assert_int_equal(addr_parse(source, &addr), 0);
	memcpy(&address, addr.byte, sizeof(address));
	entry = trie_look_up(&trie, &address, !addr_is_ipv4(&addr));
	return entry & MTLB_ENTRY_DENY ? entry & MTLB_ENTRY_INDEX : 0;
}

static void poll_again(struct loop_timer *timer)
{
	struct rig *rig = timer->context;

	rig->timed_out = loop_now(rig->loop) > rig->until;
	if (rig->timed_out || rig->reached(rig))
		loop_stop(rig->loop);
	else
		loop_timer_set(rig->loop, timer, SECOND / 100);
}

static void run_until(struct rig *rig, bool (*reached)(struct rig *rig))
{
	rig->reached = reached;
	rig->until = loop_now(rig->loop) + 20 * SECOND;
	loop_timer_set(rig->loop, &rig->poll, 0);
	assert_int_equal(loop_run(rig->loop), 0);
	assert_false(rig->timed_out);
}

static bool state_is(struct rig *rig)
{
	struct feeds_status status;

	feeds_get(rig->feeds, 0, &status);
	return strcmp(status.state, rig->state) == 0;
}

static bool is_too_long(struct rig *rig)
{
	struct feeds_status status;

	feeds_get(rig->feeds, 0, &status);
	return strstr(status.error, "node.capacity.feedPrefixes") != NULL;
}

static bool source_is(struct rig *rig)
{
	return (denies(rig, rig->source) != 0) == rig->denied;
}

static void wait_for_state(struct rig *rig, const char *state)
{
	rig->state = state;
	run_until(rig, state_is);
}

static void wait_for_source(struct rig *rig, const char *source, bool denied)
{
	rig->source = source;
	rig->denied = denied;
	run_until(rig, source_is);
}

static void start(struct rig *rig)
{
	assert_int_equal(registry_open(&rig->registry, rig->dataplane), 0);
	assert_int_equal(feeds_new(rig->loop, &rig->registry, &rig->feeds), 0);
}

static void stop(struct rig *rig)
{
	feeds_free(rig->feeds);
	registry_close(&rig->registry);
}

static int open_rig(void **state)
{
	struct dataplane_options options = {
		.capacity = {.tenants = 2,
			     .vips = 8,
			     .services = 2,
			     .members = 2,
			     .slots = 1024,
			     .flow_buckets = 64,
			     .acl_prefixes = 8,
			     .feed_prefixes = 100},
	};
	struct rig *rig = calloc(1, sizeof(*rig));

	assert_non_null(rig);
	log_set_level(LOG_LEVEL_ERROR);
	strcpy(rig->folder, "/tmp/mtlb-feed-XXXXXX");
	assert_non_null(mkdtemp(rig->folder));
	assert_int_equal(loop_new(&rig->loop), 0);
	assert_int_equal(dataplane_open_memory(&options, &rig->dataplane), 0);
	rig->poll = (struct loop_timer){.fire = poll_again, .context = rig};
	rig->config = (struct config){
		.capacity = {.feed_prefixes = 100},
		.filters = {.tcp_flags = true, .land = true},
		.feeds = rig->list,
		.feed_count = 2,
	};
	for (int i = 0; i < 2; i++) {
		strcpy(rig->paths[i], rig->folder);
		strcat(rig->paths[i], i ? "/1" : "/0");
		rig->list[i].path = rig->paths[i];
		snprintf(rig->list[i].name, sizeof(rig->list[i].name), "feed%d", i);
	}
	start(rig);
	*state = rig;
	return 0;
}

static int close_rig(void **state)
{
	struct rig *rig = *state;

	stop(rig);
	dataplane_close(rig->dataplane);
	loop_free(rig->loop);
	for (int i = 0; i < 2; i++)
		unlink(rig->paths[i]);
	rmdir(rig->folder);
	free(rig);
	return 0;
}

static void loads_and_merges(void **state)
{
	struct rig *rig = *state;
	const struct dataplane_view *view = dataplane_view(rig->dataplane);

	write_file(rig->paths[0], "203.0.113.0/24\nnonsense\n2001:db8::/32\n");
	write_file(rig->paths[1], "203.0.113.0/24\n198.51.100.0/24\n");
	assert_int_equal(feeds_set(rig->feeds, &rig->config), 0);
	wait_for_state(rig, "loaded");
	/* the same prefix in both: the earlier one's */
	assert_int_equal(denies(rig, "203.0.113.1"), MTLB_RULE_FEEDS);
	assert_int_equal(denies(rig, "2001:db8::1"), MTLB_RULE_FEEDS);
	assert_int_equal(denies(rig, "198.51.100.1"), MTLB_RULE_FEEDS + 1);
	assert_int_equal(denies(rig, "192.0.2.1"), 0);
	assert_int_equal(view->rules[MTLB_RULE_FEEDS].reason, MTLB_REASON_denied_feed);
	assert_int_equal(view->guards[0].flags, MTLB_GUARD_TCP_FLAGS | MTLB_GUARD_LAND);
}

static void follows_changes(void **state)
{
	struct rig *rig = *state;
	uint32_t nodes, records;

	write_file(rig->paths[0], "203.0.113.0/24\n");
	write_file(rig->paths[1], "198.51.100.0/24\n");
	assert_int_equal(feeds_set(rig->feeds, &rig->config), 0);
	wait_for_state(rig, "loaded");
	nodes = rig->registry.trie_nodes.in_use;
	records = rig->registry.trie_records.in_use;
	write_file(rig->paths[0], "192.0.2.0/24\n");
	wait_for_source(rig, "192.0.2.1", true);
	assert_int_equal(denies(rig, "203.0.113.1"), 0);
	assert_int_equal(denies(rig, "198.51.100.1"), MTLB_RULE_FEEDS + 1);
	/* nothing of the old list stays taken */
	assert_int_equal(rig->registry.trie_nodes.in_use, nodes);
	assert_int_equal(rig->registry.trie_records.in_use, records);
}

static void keeps_the_list_of_before(void **state)
{
	struct rig *rig = *state;
	char text[101 * 20] = "";
	struct feeds_status status;

	write_file(rig->paths[0], "203.0.113.0/24\n");
	write_file(rig->paths[1], "");
	assert_int_equal(feeds_set(rig->feeds, &rig->config), 0);
	wait_for_state(rig, "loaded");
	/* no such list at all */
	write_file(rig->paths[0], "<html>\nNot found\n</html>\n");
	wait_for_state(rig, "kept");
	feeds_get(rig->feeds, 0, &status);
	assert_non_null(strstr(status.error, "no good line"));
	assert_int_equal(status.bad_lines, 3);
	assert_true(denies(rig, "203.0.113.1"));
	/* good again */
	write_file(rig->paths[0], "203.0.113.0/24\n192.0.2.0/24\n");
	wait_for_state(rig, "loaded");
	assert_true(denies(rig, "192.0.2.1"));
	/* gone */
	unlink(rig->paths[0]);
	wait_for_state(rig, "kept");
	assert_true(denies(rig, "203.0.113.1"));
	/* more than there is room for */
	for (int i = 0; i < 101; i++)
		sprintf(text + strlen(text), "10.0.%d.0/24\n", i);
	write_file(rig->paths[0], text);
	run_until(rig, is_too_long);
	assert_false(denies(rig, "10.0.1.1"));
	assert_true(denies(rig, "203.0.113.1"));
}

static void refuses_bad_lines_when_told(void **state)
{
	struct rig *rig = *state;

	write_file(rig->paths[0], "203.0.113.0/24\n");
	write_file(rig->paths[1], "");
	rig->list[0].refuse = true;
	assert_int_equal(feeds_set(rig->feeds, &rig->config), 0);
	wait_for_state(rig, "loaded");
	write_file(rig->paths[0], "192.0.2.0/24\nnonsense\n");
	wait_for_state(rig, "kept");
	assert_false(denies(rig, "192.0.2.1"));
	assert_true(denies(rig, "203.0.113.1"));
}

static void a_restarted_agent_keeps_what_it_cannot_read(void **state)
{
	struct rig *rig = *state;

	write_file(rig->paths[0], "203.0.113.0/24\n");
	write_file(rig->paths[1], "198.51.100.0/24\n");
	assert_int_equal(feeds_set(rig->feeds, &rig->config), 0);
	wait_for_state(rig, "loaded");
	stop(rig);
	unlink(rig->paths[0]);
	start(rig);
	assert_int_equal(feeds_set(rig->feeds, &rig->config), 0);
	wait_for_state(rig, "failed");
	assert_true(denies(rig, "203.0.113.1"));
	assert_true(denies(rig, "198.51.100.1"));
	/* taken out of the configuration, it goes */
	rig->config.feeds = &rig->list[1];
	rig->config.feed_count = 1;
	assert_int_equal(feeds_set(rig->feeds, &rig->config), 0);
	wait_for_source(rig, "203.0.113.1", false);
	assert_int_equal(denies(rig, "198.51.100.1"), MTLB_RULE_FEEDS + 1);
}

static void ports_bogons_and_vips(void **state)
{
	struct rig *rig = *state;
	const struct dataplane_view *view = dataplane_view(rig->dataplane);
	struct state_address address;
	struct state_tenant tenant = {.name = "t", .addresses = &address, .address_count = 1};

	assert_int_equal(addr_parse("198.51.100.10", &address.address), 0);
	write_file(rig->paths[0], "9.0.0.0/8\n");
	write_file(rig->paths[1], "19\n53\n");
	rig->list[1].udp_ports = true;
	rig->config.filters = (struct config_filters){.bogons = true, .vip_source = true};
	rig->config.state = (struct state){.tenants = &tenant, .tenant_count = 1};
	assert_int_equal(feeds_set(rig->feeds, &rig->config), 0);
	wait_for_state(rig, "loaded");
	assert_int_equal(view->guards[0].flags, MTLB_GUARD_UDP_PORTS);
	assert_int_equal(view->guard_ports[view->guards[0].ports * MTLB_GUARD_PORT_WORDS],
			 1ULL << 19 | 1ULL << 53);
	assert_int_equal(denies(rig, "9.1.1.1"), MTLB_RULE_FEEDS);
	assert_int_equal(denies(rig, "10.1.1.1"), MTLB_RULE_BOGONS);
	assert_int_equal(denies(rig, "198.51.100.10"), MTLB_RULE_VIPS);
	assert_int_equal(denies(rig, "198.51.100.11"), MTLB_RULE_BOGONS);
	assert_int_equal(denies(rig, "8.8.8.8"), 0);
	assert_int_equal(view->rules[MTLB_RULE_PORTS].reason, MTLB_REASON_reflected);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_rig, close_rig)
	const struct CMUnitTest tests[] = {
		TEST(loads_and_merges),
		TEST(follows_changes),
		TEST(keeps_the_list_of_before),
		TEST(refuses_bad_lines_when_told),
		TEST(a_restarted_agent_keeps_what_it_cannot_read),
		TEST(ports_bogons_and_vips),
	};

	return cmocka_run_group_tests_name("feeds", tests, NULL, NULL);
}
