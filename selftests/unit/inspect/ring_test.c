// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * A ring that is read without taking anything out of it, against a writer and a reader that the
 * test plays: records come whole, once and in order; what was overwritten is counted; nothing is
 * written.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>

#include "../../../userspace/inspect/ring.h"

#define SIZE   (1U << 14)
#define RECORD 80U
#define ROOM   88U /* of a record, with its header */
#define FULL   (SIZE / ROOM)

struct world {
	uint64_t consumer, producer;
	uint8_t data[2 * SIZE];
	struct ring ring;
};

static int setup(void **state)
{
	struct world *world = calloc(1, sizeof(*world));

	assert_non_null(world);
	world->ring = (struct ring){.consumer = &world->consumer,
				    .producer = &world->producer,
				    .data = world->data,
				    .size = SIZE};
	*state = world;
	return 0;
}

static int teardown(void **state)
{
	free(*state);
	return 0;
}

/* The memory that the kernel maps twice is written twice. */
static void put(struct world *world, uint64_t at, const void *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		size_t place = (at + i) % SIZE;

		world->data[place] = world->data[place + SIZE] = ((const uint8_t *)bytes)[i];
	}
}

/* A record of nothing but that number; flags: of its header. */
static void write_one(struct world *world, uint32_t number, uint32_t flags)
{
	uint32_t header[2] = {RECORD | flags, 0}, body[RECORD / 4];

	for (size_t i = 0; i < RECORD / 4; i++)
		body[i] = number;
	put(world, world->producer, header, sizeof(header));
	put(world, world->producer + sizeof(header), body, sizeof(body));
	world->producer += ROOM;
}

static int read_one(struct world *world, uint32_t *ret_number, uint64_t *ret_missed)
{
	uint32_t body[RECORD / 4] = {};
	struct ring_record record = {};
	int is = ring_next(&world->ring, body, sizeof(body), &record);

	if (is != 1)
		return is;
	assert_int_equal(record.size, RECORD);
	for (size_t i = 0; i < RECORD / 4; i++)
		assert_int_equal(body[i], body[0]);
	*ret_number = body[0];
	*ret_missed = record.missed;
	return 1;
}

static void expect_next(struct world *world, uint32_t number, uint64_t missed)
{
	uint64_t was_missed;
	uint32_t is;

	assert_int_equal(read_one(world, &is, &was_missed), 1);
	assert_int_equal(is, number);
	assert_int_equal(was_missed, missed);
}

static void expect_none(struct world *world)
{
	uint64_t missed;
	uint32_t is;

	assert_int_equal(read_one(world, &is, &missed), 0);
}

static void gives_each_once_and_in_order(void **state)
{
	struct world *world = *state;

	expect_none(world);
	for (uint32_t i = 1; i <= 10 * FULL; i++) {
		write_one(world, i, 0);
		expect_next(world, i, 0);
		expect_none(world);
		world->consumer = world->producer; /* the agent takes it as well */
	}
}

static void takes_nothing(void **state)
{
	struct world *world = *state, *before = malloc(sizeof(*before));

	assert_non_null(before);
	for (uint32_t i = 1; i <= 5; i++)
		write_one(world, i, 0);
	*before = *world;
	for (uint32_t i = 1; i <= 5; i++)
		expect_next(world, i, 0);
	assert_memory_equal(before, world, offsetof(struct world, ring));
	free(before);
}

static void a_ring_that_nobody_empties_is_kept(void **state)
{
	struct world *world = *state;

	for (uint32_t i = 1; i <= FULL; i++)
		write_one(world, i, 0);
	for (uint32_t i = 1; i <= FULL; i++)
		expect_next(world, i, 0);
	expect_none(world);
	assert_true(ring_waiting(&world->ring) > 0.9);
	world->consumer = world->producer;
	assert_true(ring_waiting(&world->ring) == 0);
}

static void waits_for_what_is_being_written(void **state)
{
	struct world *world = *state;
	uint64_t at = world->producer;
	uint32_t ready = RECORD;

	write_one(world, 1, BPF_RINGBUF_BUSY_BIT);
	write_one(world, 2, 0);
	expect_none(world);
	put(world, at, &ready, sizeof(ready));
	expect_next(world, 1, 0);
	expect_next(world, 2, 0);
}

static void leaves_out_what_was_thrown_away(void **state)
{
	struct world *world = *state;

	write_one(world, 1, BPF_RINGBUF_DISCARD_BIT);
	write_one(world, 2, 0);
	write_one(world, 3, BPF_RINGBUF_DISCARD_BIT);
	expect_next(world, 2, 0);
	expect_none(world);
}

/* The agent was quicker by more than the ring holds: the next is what it has not taken. */
static void counts_what_was_overwritten(void **state)
{
	struct world *world = *state;
	uint32_t i;

	write_one(world, 1, 0);
	expect_next(world, 1, 0);
	for (i = 2; i <= 3 * FULL; i++)
		write_one(world, i, 0);
	world->consumer = world->producer;
	write_one(world, i, 0);
	expect_next(world, i, 3 * FULL - 1);
	write_one(world, i + 1, 0);
	expect_next(world, i + 1, 0);
}

/* Where the next one is about to be written there is no telling what is read. */
static void trusts_nothing_that_is_due_to_be_overwritten(void **state)
{
	struct world *world = *state;
	uint32_t i;

	for (i = 1; i <= FULL; i++)
		write_one(world, i, 0);
	world->consumer = world->producer;
	write_one(world, i, 0);
	expect_next(world, i, FULL);
}

static void bytes_that_are_no_records_are_told(void **state)
{
	struct world *world = *state;
	uint32_t huge = SIZE + 8;
	uint64_t missed;
	uint32_t is;

	write_one(world, 1, 0);
	put(world, 0, &huge, sizeof(huge));
	assert_int_equal(read_one(world, &is, &missed), -EPROTO);
	world->ring.at = 3;
	assert_int_equal(read_one(world, &is, &missed), -EPROTO);
	world->ring.at = 0;
	world->producer = 1ULL << 40; /* more than it holds, none of which was taken */
	assert_int_equal(read_one(world, &is, &missed), -EPROTO);
}

static void copies_no_more_than_there_is_room_for(void **state)
{
	struct world *world = *state;
	struct ring_record record;
	uint32_t body[2] = {0, 7};

	write_one(world, 1, 0);
	assert_int_equal(ring_next(&world->ring, body, sizeof(body[0]), &record), 1);
	assert_int_equal(record.size, RECORD);
	assert_int_equal(body[0], 1);
	assert_int_equal(body[1], 7);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(gives_each_once_and_in_order),
		CASE(takes_nothing),
		CASE(a_ring_that_nobody_empties_is_kept),
		CASE(waits_for_what_is_being_written),
		CASE(leaves_out_what_was_thrown_away),
		CASE(counts_what_was_overwritten),
		CASE(trusts_nothing_that_is_due_to_be_overwritten),
		CASE(bytes_that_are_no_records_are_told),
		CASE(copies_no_more_than_there_is_room_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
