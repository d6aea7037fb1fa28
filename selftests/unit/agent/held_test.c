// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * userspace/agent/held.c on the fake dataplane: what is claimed goes back once and in order, what
 * is not is dropped in time, and nobody takes another tenant's room.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "userspace/agent/held.h"
#include "userspace/base/log.h"

#define TENANTS	 130
#define MS	 1000000ULL
#define START	 (500000 * MS) /* of the tests' own time */
#define REPLIES	 (TENANTS * MTLB_FRAGMENT_BUCKETS)
#define BACK_MAX 8192

struct node {
	struct dataplane *dataplane;
	struct loop *loop;
	struct held *held;
	size_t back; /* how many were put back, and in the order of that: */
	uint32_t number[BACK_MAX], ifindex[BACK_MAX], length[BACK_MAX];
};

static struct node node;

/* A frame is its number and then that number's lowest byte over and over. */
static void went_back(void *context, uint32_t ifindex, const void *frame, uint32_t length)
{
	const uint8_t *bytes = frame;
	uint32_t number;

	(void)context;
	memcpy(&number, frame, sizeof(number));
	for (uint32_t i = sizeof(number); i < length; i++)
		assert_int_equal(bytes[i], (uint8_t)number);
	assert_in_range(node.back, 0, BACK_MAX - 1);
	node.number[node.back] = number;
	node.ifindex[node.back] = ifindex;
	node.length[node.back++] = length;
	loop_stop(node.loop);
}

static int begin(void **state)
{
	struct dataplane_options options = {
		.capacity = {.tenants = TENANTS,
			     .vips = 1,
			     .services = 2,
			     .members = 2,
			     .slots = 32,
			     .flow_buckets = 1},
	};

	(void)state;
	log_set_level(LOG_LEVEL_ERROR);
	node = (struct node){};
	assert_int_equal(dataplane_open_memory(&options, &node.dataplane), 0);
	dataplane_memory_on_put_back(node.dataplane, went_back, NULL);
	assert_int_equal(loop_new(&node.loop), 0);
	assert_int_equal(held_new(node.dataplane, node.loop, &node.held), 0);
	return 0;
}

static int end(void **state)
{
	(void)state;
	held_free(node.held);
	loop_free(node.loop);
	dataplane_close(node.dataplane);
	return 0;
}

static void hold(uint32_t number, uint32_t tenant, uint32_t bucket, uint32_t tag, uint64_t since)
{
	static struct mtlb_held record;

	record = (struct mtlb_held){
		.tenant = tenant,
		.ifindex = 3 + number % 2,
		.bucket = bucket,
		.tag = tag,
		.length = 60 + number % 1900,
		.since = since,
	};
	memset(record.frame, (int)(uint8_t)number, record.length);
	memcpy(record.frame, &number, sizeof(number));
	assert_int_equal(dataplane_memory_hold(node.dataplane, &record), 0);
}

static __u64 *word_at(uint32_t bucket, uint32_t place)
{
	return (__u64 *)&dataplane_view(node.dataplane)->fragments[bucket].word[place];
}

/* The first fragment comes. */
static void claim(uint32_t bucket, uint32_t place, uint32_t tag, uint64_t now,
		  enum mtlb_fragment_kind kind)
{
	*word_at(bucket, place) =
		mtlb_flow_word(tag, 1, (uint32_t)(now >> MTLB_FRAGMENT_STAMP_SHIFT), kind);
}

/* Each that was taken over ends in one way. */
static void check_counters(uint64_t put_back, uint64_t unclaimed, uint64_t crowded, uint64_t failed)
{
	const struct held_counters *is = held_counters(node.held);

	assert_int_equal(is->put_back, put_back);
	assert_int_equal(is->unclaimed, unclaimed);
	assert_int_equal(is->crowded, crowded);
	assert_int_equal(is->failed, failed);
	assert_int_equal(is->taken,
			 put_back + unclaimed + crowded + failed + held_waiting(node.held));
}

static void goes_back_once_and_in_order(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 6; i++)
		hold(i, 1, 9, 77, START);
	held_take(node.held, START);
	assert_int_equal(node.back, 0);
	assert_int_equal(held_waiting(node.held), 6);
	claim(9, 7, 77, START, MTLB_FRAGMENT_MEMBER);
	held_poll(node.held, START + MS);
	assert_int_equal(node.back, 6);
	for (uint32_t i = 0; i < 6; i++) {
		assert_int_equal(node.number[i], i);
		assert_int_equal(node.ifindex[i], 3 + i % 2);
		assert_int_equal(node.length[i], 60 + i);
	}
	held_poll(node.held, START + 2 * MS);
	held_take(node.held, START + 3 * MS);
	assert_int_equal(node.back, 6);
	check_counters(6, 0, 0, 0);
}

static void claimed_before_it_is_taken_over(void **state)
{
	(void)state;
	claim(9, 0, 77, START, MTLB_FRAGMENT_MEMBER);
	hold(1, 1, 9, 77, START);
	held_take(node.held, START + MS);
	assert_int_equal(node.back, 1);
	check_counters(1, 0, 0, 0);
}

/* Only the tag, in the bucket, of that kind, and not expired. */
static void not_claimed(void **state)
{
	const uint64_t life = (uint64_t)MTLB_FRAGMENT_LIFE << MTLB_FRAGMENT_STAMP_SHIFT;

	(void)state;
	hold(1, 1, 9, 77, START);
	hold(2, 1, 10, 77, START);
	hold(3, 2, REPLIES + 5, 77, START);
	hold(4, 1, 9, 0, START);
	claim(8, 0, 77, START, MTLB_FRAGMENT_MEMBER);
	claim(9, 0, 78, START, MTLB_FRAGMENT_MEMBER);
	claim(9, 1, 77, START, MTLB_FRAGMENT_REPLY);
	claim(10, 0, 77, START - life - (1ULL << MTLB_FRAGMENT_STAMP_SHIFT), MTLB_FRAGMENT_MEMBER);
	claim(REPLIES + 5, 0, 77, START, MTLB_FRAGMENT_MEMBER);
	held_take(node.held, START);
	assert_int_equal(node.back, 0);
	claim(10, 0, 77, START - life, MTLB_FRAGMENT_MEMBER);
	held_poll(node.held, START + MS);
	assert_int_equal(node.back, 1);
	assert_int_equal(node.number[0], 2);
	claim(REPLIES + 5, 0, 77, START, MTLB_FRAGMENT_REPLY);
	held_poll(node.held, START + 2 * MS);
	assert_int_equal(node.back, 2);
	assert_int_equal(node.number[1], 3);
	check_counters(2, 0, 0, 0);
	held_poll(node.held, START + 1000 * MS);
	check_counters(2, 2, 0, 0);
}

static void a_second_and_no_longer(void **state)
{
	(void)state;
	hold(1, 1, 9, 77, START);
	hold(2, 1, 9, 77, START + 300 * MS);
	held_take(node.held, START + 300 * MS);
	held_poll(node.held, START + 999 * MS);
	assert_int_equal(held_waiting(node.held), 2);
	held_poll(node.held, START + 1000 * MS);
	assert_int_equal(held_waiting(node.held), 1);
	check_counters(0, 1, 0, 0);
	claim(9, 0, 77, START, MTLB_FRAGMENT_MEMBER);
	held_poll(node.held, START + 1299 * MS);
	assert_int_equal(node.back, 1);
	assert_int_equal(node.number[0], 2);
	/* one that an earlier agent left, and one from a clock that is ahead */
	hold(3, 1, 11, 77, START - 60000 * MS);
	hold(4, 1, 11, 77, START + 9000 * MS);
	held_take(node.held, START + 2000 * MS);
	check_counters(1, 2, 0, 0);
	assert_int_equal(held_waiting(node.held), 1);
}

static void no_more_than_its_share(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < HELD_TENANT_MAX + 10; i++)
		hold(i, 1, 9, 77, START);
	hold(1000, 2, 17, 77, START);
	held_take(node.held, START);
	assert_int_equal(held_waiting(node.held), HELD_TENANT_MAX + 1);
	check_counters(0, 0, 10, 0);
	/* those that were there first keep their places, and one that goes makes room for one */
	claim(17, 0, 77, START, MTLB_FRAGMENT_MEMBER);
	held_poll(node.held, START + MS);
	assert_int_equal(node.number[0], 1000);
	hold(2000, 1, 9, 77, START + MS);
	held_take(node.held, START + 2 * MS);
	check_counters(1, 0, 11, 0);
	claim(9, 0, 77, START, MTLB_FRAGMENT_MEMBER);
	held_poll(node.held, START + 3 * MS);
	assert_int_equal(node.back, HELD_TENANT_MAX + 1);
	assert_int_equal(node.number[HELD_TENANT_MAX], HELD_TENANT_MAX - 1);
	*word_at(9, 0) = 0;
	for (uint32_t i = 0; i < HELD_TENANT_MAX; i++)
		hold(i, 1, 9, 77, START + 4 * MS);
	held_take(node.held, START + 5 * MS);
	check_counters(HELD_TENANT_MAX + 1, 0, 11, 0);
}

static void no_more_than_all_may_have(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < TENANTS * 40; i++)
		hold(i, i % TENANTS, 0, 77, START);
	held_take(node.held, START);
	assert_int_equal(held_waiting(node.held), HELD_MAX);
	check_counters(0, 0, TENANTS * 40 - HELD_MAX, 0);
	claim(0, 0, 77, START, MTLB_FRAGMENT_MEMBER);
	held_poll(node.held, START + MS);
	assert_int_equal(node.back, HELD_MAX);
	for (uint32_t i = 0; i < HELD_MAX; i++)
		assert_int_equal(node.number[i], i);
}

static void what_cannot_be_put_back(void **state)
{
	(void)state;
	hold(1, 1, 9, 77, START);
	hold(2, 1, 9, 77, START);
	claim(9, 0, 77, START, MTLB_FRAGMENT_MEMBER);
	dataplane_memory_fail_at(node.dataplane, 1);
	held_take(node.held, START);
	assert_int_equal(node.back, 1);
	assert_int_equal(node.number[0], 2);
	check_counters(1, 0, 0, 1);
}

static void records_that_make_no_sense(void **state)
{
	static struct mtlb_held record;

	(void)state;
	hold(1, TENANTS, 9, 77, START);
	hold(2, 1, REPLIES + MTLB_FRAGMENT_REPLY_BUCKETS, 77, START);
	record = (struct mtlb_held){.tenant = 1, .length = MTLB_HELD_FRAME_MAX + 1};
	assert_int_equal(dataplane_memory_hold(node.dataplane, &record), 0);
	hold(3, TENANTS - 1, REPLIES + MTLB_FRAGMENT_REPLY_BUCKETS - 1, 77, START);
	held_take(node.held, START);
	check_counters(0, 0, 0, 3);
	assert_int_equal(held_waiting(node.held), 1);
}

/* A stamp of fourteen bits comes round again: what has expired may not be there by then. */
static void old_words_are_freed(void **state)
{
	const uint64_t life = (uint64_t)MTLB_FRAGMENT_LIFE << MTLB_FRAGMENT_STAMP_SHIFT;

	(void)state;
	claim(9, 0, 1, START, MTLB_FRAGMENT_MEMBER);
	claim(9, 7, 2, START + life, MTLB_FRAGMENT_MEMBER);
	claim(REPLIES + MTLB_FRAGMENT_REPLY_BUCKETS - 1, 3, 3, START, MTLB_FRAGMENT_REPLY);
	held_sweep(node.held, START + life);
	assert_int_not_equal(*word_at(9, 0), 0);
	held_sweep(node.held, START + life + (1ULL << MTLB_FRAGMENT_STAMP_SHIFT));
	assert_int_equal(*word_at(9, 0), 0);
	assert_int_not_equal(*word_at(9, 7), 0);
	assert_int_equal(*word_at(REPLIES + MTLB_FRAGMENT_REPLY_BUCKETS - 1, 3), 0);
}

/* on the loop's own time */

static void give_up(struct loop_timer *timer)
{
	(void)timer;
	loop_stop(node.loop);
}

static void first_comes(struct loop_timer *timer)
{
	(void)timer;
	claim(9, 0, 77, loop_now(node.loop), MTLB_FRAGMENT_MEMBER);
}

static void it_looks_by_itself(void **state)
{
	struct loop_timer limit = {.fire = give_up}, first = {.fire = first_comes};
	struct timespec now;
	uint64_t since;

	(void)state;
	clock_gettime(CLOCK_MONOTONIC, &now);
	since = (uint64_t)now.tv_sec * 1000 * MS + (uint64_t)now.tv_nsec;
	hold(5, 1, 9, 77, since);
	held_take(node.held, since);
	loop_timer_set(node.loop, &first, 20 * MS);
	loop_timer_set(node.loop, &limit, 900 * MS);
	assert_int_equal(loop_run(node.loop), 0);
	assert_int_equal(node.back, 1);
	assert_int_equal(node.number[0], 5);
	assert_true(limit.place);
	loop_timer_cancel(node.loop, &limit);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(goes_back_once_and_in_order),
		TEST(claimed_before_it_is_taken_over),
		TEST(not_claimed),
		TEST(a_second_and_no_longer),
		TEST(no_more_than_its_share),
		TEST(no_more_than_all_may_have),
		TEST(what_cannot_be_put_back),
		TEST(records_that_make_no_sense),
		TEST(old_words_are_freed),
		TEST(it_looks_by_itself),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
