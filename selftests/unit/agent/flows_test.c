// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The agent's walk of the flow table on the fake dataplane: which flags it keeps, what it frees and
 * lists, with facts, without them, and while a hash is being written.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "userspace/agent/flow_log.h"
#include "userspace/agent/flows.h"
#include "userspace/base/log.h"

#define TENANT	 1U
#define SERVICE	 1U
#define OTHER	 2U /* a service of the same tenant */
#define OWNER	 1U
#define OLD	 2U
#define OTHERS	 3U
#define RANGE	 16U
#define SLOTS	 7U
#define SECOND	 1000000000ULL
#define COMPLAIN (2 * FLOW_LOG_COMPLAINT_NS)

struct node {
	struct dataplane *dataplane;
	const struct dataplane_view *view;
	struct registry registry;
	struct registry_service *service;
};

static void put_member(struct node *node, uint32_t index, uint32_t service)
{
	struct mtlb_member_name name = {.used = 1, .service = service, .weight = 1};
	struct mtlb_member member = {.service = service};

	name.address.word[3] = htonl(0x0a000000 + index);
	name.address.word[2] = htonl(0xffff);
	assert_int_equal(dataplane_put_member(node->dataplane, index, &member, &name), 0);
}

static int setup(void **state)
{
	struct dataplane_options options = {
		.capacity = {.tenants = 3,
			     .vips = 4,
			     .services = 4,
			     .members = 8,
			     .slots = 64,
			     .flow_buckets = 64},
	};
	struct mtlb_tenant tenant = {
		.used = 1, .flow_first = 1, .flow_count = RANGE, .name = "acme"};
	struct node *node = calloc(1, sizeof(*node));
	uint32_t slots[SLOTS];

	assert_non_null(node);
	log_set_level(LOG_LEVEL_ERROR);
	assert_int_equal(dataplane_open_memory(&options, &node->dataplane), 0);
	node->view = dataplane_view(node->dataplane);
	assert_int_equal(dataplane_put_tenant(node->dataplane, TENANT, &tenant), 0);
	for (uint32_t i = SERVICE; i <= OTHER; i++) {
		struct mtlb_service service = {.used = 1,
					       .tenant = TENANT,
					       .protocol = IPPROTO_TCP,
					       .idle = 300,
					       .name = {(char)('a' + i)}};

		assert_int_equal(dataplane_put_service(node->dataplane, i, &service), 0);
	}
	put_member(node, OWNER, SERVICE);
	put_member(node, OLD, SERVICE);
	put_member(node, OTHERS, OTHER);
	assert_int_equal(registry_open(&node->registry, node->dataplane), 0);
	for (uint32_t i = 0; i < SLOTS; i++)
		slots[i] = OWNER | MTLB_SLOT_CHANGED;
	assert_int_equal(dataplane_put_slots(node->dataplane, MTLB_SLOTS_PER_LINE, slots, SLOTS),
			 0);
	node->service = registry_service(&node->registry, TENANT, "b", IPPROTO_TCP);
	assert_non_null(node->service);
	node->service->slot_first = MTLB_SLOTS_PER_LINE;
	node->service->slot_count = SLOTS;
	*state = node;
	return 0;
}

static int teardown(void **state)
{
	struct node *node = *state;

	registry_close(&node->registry);
	dataplane_close(node->dataplane);
	free(node);
	return 0;
}

/* A hash that falls in this slot. */
static uint64_t hash_in(uint32_t slot, uint32_t more)
{
	uint32_t upper = (uint32_t)(((uint64_t)slot << 32) / SLOTS) + 1000 + more;

	assert_int_equal(mtlb_slot_of(upper, SLOTS), slot);
	return (uint64_t)upper << 32 | 0x5a000000U | (more * 7 & 0xffffff);
}

/* As a packet stores it. */
static void store(struct node *node, uint64_t hash, uint32_t member, uint32_t state)
{
	uint32_t bucket = 1 + (mtlb_flow_bucket_hash(hash) & (RANGE - 1));
	uint64_t word =
		mtlb_flow_word(mtlb_flow_tag_of(hash), member, flows_now(&node->registry), state);

	assert_true(dataplane_move_flow(node->dataplane, bucket, word, hash, NULL));
}

static uint32_t position_of(const struct node *node, uint64_t hash)
{
	for (uint32_t i = 0; i < 64 * MTLB_FLOWS_PER_BUCKET; i++)
		if (node->view->flows[i / MTLB_FLOWS_PER_BUCKET].hash[i % MTLB_FLOWS_PER_BUCKET] ==
		    hash)
			return i;
	fail_msg("the flow is not there");
	return 0;
}

/* What a packet writes into its log. */
static void tell(struct node *node, uint64_t hash, uint32_t position)
{
	struct mtlb_flow_log *log = (struct mtlb_flow_log *)node->view->flow_logs;

	log->entry[log->written % MTLB_FLOW_LOG_ENTRIES] = (struct mtlb_flow_facts){
		.hash = hash, .position = position, .source_port = htons(5555)};
	log->written++;
}

static uint32_t count_kept(struct node *node, bool keep[SLOTS])
{
	uint32_t count = 0;

	memset(keep, 0, SLOTS * sizeof(*keep));
	flows_mark_foreign(&node->registry, node->service, keep);
	for (uint32_t i = 0; i < SLOTS; i++)
		count += keep[i];
	return count;
}

static void test_flags_need_no_facts(void **state)
{
	struct node *node = *state;
	bool keep[SLOTS];

	assert_int_equal(count_kept(node, keep), 0);
	store(node, hash_in(2, 1), OWNER, MTLB_FLOW_ESTABLISHED);
	assert_int_equal(count_kept(node, keep), 0);
	store(node, hash_in(3, 2), OLD, MTLB_FLOW_ADOPTED);
	store(node, hash_in(6, 3), OLD, MTLB_FLOW_UNPROVEN);
	/* another service's flow keeps no flag of this one */
	store(node, hash_in(4, 4), OTHERS, MTLB_FLOW_ESTABLISHED);
	assert_int_equal(count_kept(node, keep), 2);
	assert_true(keep[3] && keep[6]);
}

static void test_a_hash_that_is_not_there_yet_keeps_every_flag(void **state)
{
	struct node *node = *state;
	struct mtlb_flow_bucket *bucket = (struct mtlb_flow_bucket *)&node->view->flows[5];
	bool keep[SLOTS];

	bucket->word[3] =
		mtlb_flow_word(0x123456, OWNER, flows_now(&node->registry), MTLB_FLOW_ESTABLISHED);
	bucket->hash[3] = hash_in(1, 9);
	assert_int_equal(count_kept(node, keep), SLOTS);
	/* it cannot be told from a flow that a packet just stored, until it is older than any */
	assert_int_equal(flows_expire(&node->registry, NULL), 1);
	bucket->word[3] = mtlb_flow_word(0x123456, OWNER, flows_now(&node->registry) - 20,
					 MTLB_FLOW_UNPROVEN);
	assert_int_equal(flows_expire(&node->registry, NULL), 0);
	assert_int_equal(bucket->word[3], 0);
}

struct listed {
	uint32_t count, named;
	uint16_t port;
};

static bool list(void *context, const struct flows_flow *flow)
{
	struct listed *listed = context;

	listed->count++;
	assert_int_equal(flow->service, SERVICE);
	if (flow->facts) {
		listed->named++;
		listed->port = ntohs(flow->facts->source_port);
	}
	return true;
}

static void test_listed_with_and_without_facts(void **state)
{
	struct node *node = *state;
	struct listed listed = {};
	uint64_t known = hash_in(0, 1), nameless = hash_in(0, 2);

	store(node, known, OWNER, MTLB_FLOW_ESTABLISHED);
	store(node, nameless, OWNER, MTLB_FLOW_ESTABLISHED);
	flows_each(&node->registry, TENANT, list, &listed);
	assert_int_equal(listed.count, 2);
	assert_int_equal(listed.named, 0);
	/* the listing itself reads the log: nobody waits for a timer */
	tell(node, known, position_of(node, known));
	listed = (struct listed){};
	flows_each(&node->registry, TENANT, list, &listed);
	assert_int_equal(listed.count, 2);
	assert_int_equal(listed.named, 1);
	assert_int_equal(listed.port, 5555);
}

static void test_entries_that_point_nowhere(void **state)
{
	struct node *node = *state;
	struct listed listed = {};
	uint64_t hash = hash_in(0, 1);

	store(node, hash, OWNER, MTLB_FLOW_ESTABLISHED);
	tell(node, hash, 64 * MTLB_FLOWS_PER_BUCKET);
	tell(node, hash, 0xffffffff);
	tell(node, hash + 1, position_of(node, hash));
	flows_each(&node->registry, TENANT, list, &listed);
	assert_int_equal(listed.count, 1);
	assert_int_equal(listed.named, 0);
}

static void test_copies_keep_hash_and_facts(void **state)
{
	struct node *node = *state;
	struct mtlb_tenant from = node->view->tenants[TENANT], to = from;
	uint64_t known = hash_in(3, 1), nameless = hash_in(4, 2);
	struct listed listed = {};
	bool keep[SLOTS];

	store(node, known, OLD, MTLB_FLOW_ESTABLISHED);
	store(node, nameless, OLD, MTLB_FLOW_ESTABLISHED);
	tell(node, known, position_of(node, known));
	to.flow_first = 32;
	to.flow_count = 32;
	flows_copy(&node->registry, TENANT, &from, &to);
	assert_int_equal(dataplane_clear_flows(node->dataplane, from.flow_first, from.flow_count),
			 0);
	assert_int_equal(dataplane_put_tenant(node->dataplane, TENANT, &to), 0);
	assert_int_equal(count_kept(node, keep), 2);
	assert_true(keep[3] && keep[4]);
	flows_each(&node->registry, TENANT, list, &listed);
	assert_int_equal(listed.count, 2);
	assert_int_equal(listed.named, 1);
	assert_int_equal(node->view->facts[position_of(node, known)].position,
			 position_of(node, known));
}

/* Another tenant in the same range: what is whose is known by the members. */
static void test_a_shared_range(void **state)
{
	struct node *node = *state;
	struct mtlb_tenant range = node->view->tenants[TENANT], own = range;
	struct mtlb_service service = node->view->services[OTHER];
	uint32_t counts[3];
	struct listed listed = {};
	bool keep[SLOTS];

	strcpy(range.flows_of, "few");
	assert_int_equal(dataplane_put_tenant(node->dataplane, TENANT, &range), 0);
	strcpy(range.name, "globex");
	assert_int_equal(dataplane_put_tenant(node->dataplane, TENANT + 1, &range), 0);
	assert_non_null(registry_add_tenant(&node->registry, TENANT + 1, "globex"));
	service.tenant = TENANT + 1;
	assert_int_equal(dataplane_put_service(node->dataplane, OTHER, &service), 0);
	store(node, hash_in(1, 1), OWNER, MTLB_FLOW_ESTABLISHED);
	store(node, hash_in(3, 2), OLD, MTLB_FLOW_ESTABLISHED);
	for (uint32_t i = 3; i < 6; i++)
		store(node, hash_in(4, i), OTHERS, MTLB_FLOW_ESTABLISHED);

	assert_int_equal(flows_expire(&node->registry, counts), 5); /* each once */
	assert_int_equal(counts[TENANT], 2);
	assert_int_equal(counts[TENANT + 1], 3);
	assert_int_equal(flows_count(&node->registry, counts), 0);
	assert_int_equal(counts[TENANT], 2);
	assert_int_equal(counts[TENANT + 1], 3);
	assert_int_equal(count_kept(node, keep), 1);
	assert_true(keep[3]);
	flows_each(&node->registry, TENANT, list, &listed);
	assert_int_equal(listed.count, 2);

	/* one leaves and takes its flows with it, and no other's */
	own.flow_first = 32;
	own.flow_count = 32;
	flows_copy(&node->registry, TENANT, &range, &own);
	flows_forget(&node->registry, &range, TENANT, 0);
	assert_int_equal(dataplane_put_tenant(node->dataplane, TENANT, &own), 0);
	assert_int_equal(flows_count(&node->registry, counts), 0);
	assert_int_equal(counts[TENANT], 2);
	assert_int_equal(counts[TENANT + 1], 3);
	assert_int_equal(flows_expire(&node->registry, NULL), 5);
	listed = (struct listed){};
	flows_each(&node->registry, TENANT, list, &listed);
	assert_int_equal(listed.count, 2);

	/* of one service only, or of all */
	flows_forget(&node->registry, &own, TENANT, OTHER);
	flows_forget(&node->registry, &range, TENANT, SERVICE);
	assert_int_equal(flows_expire(&node->registry, NULL), 5);
	flows_forget(&node->registry, &range, TENANT + 1, OTHER);
	assert_int_equal(flows_expire(&node->registry, NULL), 2);
}

static void test_lost_entries_are_told_of_once(void **state)
{
	struct node *node = *state;
	uint64_t hash = hash_in(0, 1), now = 1000 * SECOND;
	struct flow_log flow_log;

	store(node, hash, OWNER, MTLB_FLOW_ESTABLISHED);
	/* while no agent ran */
	for (uint32_t i = 0; i < 2 * MTLB_FLOW_LOG_ENTRIES; i++)
		tell(node, hash, position_of(node, hash));
	flow_log_init(&flow_log, node->dataplane, now);
	assert_int_equal(dataplane_sum_lost_facts(node->dataplane), MTLB_FLOW_LOG_ENTRIES + 1);
	assert_int_equal(flow_log_run(&flow_log, now), 0);
	for (uint32_t i = 0; i < MTLB_FLOW_LOG_ENTRIES + 4; i++)
		tell(node, hash, position_of(node, hash));
	assert_int_equal(flow_log_run(&flow_log, now), 5);
	assert_int_equal(flow_log_run(&flow_log, now + COMPLAIN), 0);
	for (uint32_t i = 0; i < MTLB_FLOW_LOG_ENTRIES; i++)
		tell(node, hash, position_of(node, hash));
	assert_int_equal(flow_log_run(&flow_log, now + SECOND), 0);
	assert_int_equal(flow_log_run(&flow_log, now + COMPLAIN), 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_flags_need_no_facts),
		TEST(test_a_hash_that_is_not_there_yet_keeps_every_flag),
		TEST(test_listed_with_and_without_facts),
		TEST(test_entries_that_point_nowhere),
		TEST(test_copies_keep_hash_and_facts),
		TEST(test_a_shared_range),
		TEST(test_lost_entries_are_told_of_once),
	};

	return cmocka_run_group_tests_name("flows", tests, NULL, NULL);
}
