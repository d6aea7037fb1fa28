// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * table_change() against the whole truth: for sampled hashes a reference remembers with which owner
 * flows may live that nobody stored, through random changes, resizes and clearings of flags.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "bpf/abi/vip.h"
#include "userspace/model/table.h"

#define SAMPLES	      3000
#define CHANGES	      40
#define RUNS	      400
#define SIZE_MAX_USED 131

static const uint32_t sizes[] = {13, 31, 67, 131};
#define SIZES (sizeof(sizes) / sizeof(sizes[0]))

/* What is true of one hash. */
struct truth {
	uint32_t hash;
	uint32_t owner;	   /* now */
	uint32_t unstored; /* flows of which no table of flows knows are with this owner; 0: none
			      are */
	bool must;	   /* its slot has to be flagged */
	bool learn;	   /* ... and was by a change that learns */
};

struct history {
	struct table table;
	struct truth truths[SAMPLES];
	unsigned int seed;
	int change;
	uint32_t before[SIZE_MAX_USED], before_count; /* the owners before the last change */
};

static uint32_t pick(struct history *history, uint32_t below)
{
	return (uint32_t)rand_r(&history->seed) % below;
}

static uint32_t slot_at(const struct table *table, uint32_t hash)
{
	return table->slots[mtlb_slot_of(hash, table->count)];
}

static uint32_t old_at(const struct table *table, uint32_t hash)
{
	return table->old_count ? table->old[mtlb_slot_of(hash, table->old_count)] : 0;
}

/* Hashes at the edges of slots are where two sizes disagree. */
static void sample(struct history *history)
{
	for (uint32_t i = 0; i < SAMPLES; i++) {
		uint32_t count = sizes[pick(history, SIZES)];
		uint64_t edge = (((uint64_t)pick(history, count) << 32) + count - 1) / count;
		uint32_t any = (uint32_t)pick(history, 1 << 16) << 16 | pick(history, 1 << 16);

		history->truths[i] = (struct truth){
			.hash = i % 2 ? any : (uint32_t)edge - pick(history, 2),
		};
	}
}

/*
 * A packet without an entry goes to the old owner when its slot is flagged and there is one, else
 * to the slot's. It has to meet the flows that nobody stored.
 */
static void check_rule(const struct history *history)
{
	const struct table *table = &history->table;

	for (uint32_t i = 0; i < SAMPLES; i++) {
		const struct truth *truth = &history->truths[i];
		uint32_t slot = slot_at(table, truth->hash);
		uint32_t found = slot & MTLB_SLOT_CHANGED ? old_at(table, truth->hash)
							  : slot & MTLB_SLOT_MEMBER;

		assert_int_equal(slot & MTLB_SLOT_MEMBER, truth->owner);
		if (truth->unstored)
			assert_int_equal(found, truth->unstored);
		if (truth->must)
			assert_true(slot & MTLB_SLOT_CHANGED);
		if (truth->learn)
			assert_true(slot & MTLB_SLOT_LEARN);
		if (slot & MTLB_SLOT_LEARN)
			assert_true(slot & MTLB_SLOT_CHANGED);
	}
}

static void change(struct history *history, const uint32_t *owners, uint32_t count, bool learn)
{
	struct table next = {};
	bool was_learning = table_any(&history->table, MTLB_SLOT_LEARN);

	assert_int_equal(table_change(&history->table, owners, count, learn, &next), 0);
	assert_int_equal(next.count, count);
	assert_true(table_same_owners(&next, owners, count));
	assert_int_equal(table_any(&next, MTLB_SLOT_CHANGED), next.old_count != 0);
	assert_int_equal(next.old != NULL, next.old_count != 0);
	if (!learn && !was_learning)
		assert_false(table_any(&next, MTLB_SLOT_LEARN));
	for (uint32_t i = 0; i < SAMPLES; i++) {
		struct truth *truth = &history->truths[i];
		uint32_t owner = owners[mtlb_slot_of(truth->hash, count)];

		bool was_flagged = history->table.count &&
				   slot_at(&history->table, truth->hash) & MTLB_SLOT_CHANGED;
		bool is_flagged = slot_at(&next, truth->hash) & MTLB_SLOT_CHANGED;

		truth->must |= truth->owner && truth->owner != owner;
		/* what was flagged has learnt already, or must not */
		truth->learn |= learn && truth->owner && is_flagged && !was_flagged;
		truth->owner = owner;
		/* in a slot that is not flagged nothing is stored: new flows are the owner's */
		if (!is_flagged)
			truth->unstored = owner;
	}
	table_fini(&history->table);
	history->table = next;
	check_rule(history);
}

/* Every live flow has been stored: a flag may go where none is with another than the owner. */
static void clear_slot(struct history *history, uint32_t slot)
{
	history->table.slots[slot] &= MTLB_SLOT_MEMBER;
	for (uint32_t i = 0; i < SAMPLES; i++) {
		struct truth *truth = &history->truths[i];

		if (mtlb_slot_of(truth->hash, history->table.count) != slot)
			continue;
		truth->unstored = truth->owner;
		truth->must = truth->learn = false;
	}
}

static void clear_all(struct history *history)
{
	for (uint32_t i = 0; i < history->table.count; i++)
		clear_slot(history, i);
	free(history->table.old);
	history->table.old = NULL;
	history->table.old_count = 0;
	check_rule(history);
}

/* As publish_clear_flags() does: some go, unless the sizes differ; with the last one the old
 * owners. */
static void clear_some(struct history *history)
{
	if (history->table.count != history->table.old_count)
		return;
	for (uint32_t i = 0; i < history->table.count; i++)
		if (pick(history, 2))
			clear_slot(history, i);
	if (!table_any(&history->table, MTLB_SLOT_CHANGED))
		clear_all(history);
	check_rule(history);
}

static void end_learning(struct history *history)
{
	for (uint32_t i = 0; i < history->table.count; i++)
		history->table.slots[i] &= ~MTLB_SLOT_LEARN;
	for (uint32_t i = 0; i < SAMPLES; i++)
		history->truths[i].learn = false;
}

/* Owners 1..6 spread anyhow, a few of nobody's if holes, or all nobody's. */
static void random_owners(struct history *history, uint32_t *owners, uint32_t count)
{
	uint32_t members = 1 + pick(history, 6), kind = pick(history, 8);

	for (uint32_t i = 0; i < count; i++) {
		owners[i] = 1 + pick(history, members);
		if (kind == 0 || (kind == 1 && pick(history, 4) == 0))
			owners[i] = 0;
	}
}

/* A few slots of the same table change, or it goes back to an older one. */
static void step(struct history *history)
{
	uint32_t owners[SIZE_MAX_USED], count = history->table.count;
	bool learn = pick(history, 2);

	switch (pick(history, 8)) {
	case 0:
		count = sizes[pick(history, SIZES)];
		random_owners(history, owners, count);
		break;
	case 1:
		clear_all(history);
		return;
	case 2:
		clear_some(history);
		return;
	case 3:
		end_learning(history);
		return;
	case 4:
		if (history->before_count) {
			count = history->before_count;
			memcpy(owners, history->before, sizeof(history->before));
			break;
		}
		/* fallthrough */
	case 5:
		random_owners(history, owners, count);
		break;
	default:
		for (uint32_t i = 0; i < count; i++)
			owners[i] = pick(history, 5) ? history->table.slots[i] & MTLB_SLOT_MEMBER
						     : pick(history, 7);
	}
	for (uint32_t i = 0; i < history->table.count; i++)
		history->before[i] = history->table.slots[i] & MTLB_SLOT_MEMBER;
	history->before_count = history->table.count;
	change(history, owners, count, learn);
}

static void test_random_histories(void **state)
{
	static struct history history;

	(void)state;
	for (unsigned int run = 0; run < RUNS; run++) {
		uint32_t owners[SIZE_MAX_USED], count;

		history = (struct history){.seed = run + 1};
		sample(&history);
		count = sizes[pick(&history, SIZES)];
		random_owners(&history, owners, count);
		change(&history, owners, count, false);
		for (history.change = 0; history.change < CHANGES; history.change++)
			step(&history);
		table_fini(&history.table);
	}
}

/* handmade */

static void fill_owners(uint32_t *owners, uint32_t count, uint32_t owner)
{
	for (uint32_t i = 0; i < count; i++)
		owners[i] = owner;
}

static void test_first_table_is_not_flagged(void **state)
{
	uint32_t owners[13];
	struct table now = {}, next = {};

	(void)state;
	fill_owners(owners, 13, 5);
	assert_int_equal(table_change(&now, owners, 13, true, &next), 0);
	assert_false(table_any(&next, MTLB_SLOT_CHANGED | MTLB_SLOT_LEARN));
	assert_null(next.old);
	table_fini(&next);
}

static void test_only_moved_slots_are_flagged(void **state)
{
	uint32_t owners[13];
	struct table a = {}, b = {}, c = {};

	(void)state;
	fill_owners(owners, 13, 5);
	assert_int_equal(table_change(&a, owners, 13, false, &b), 0);
	owners[4] = 6;
	assert_int_equal(table_change(&b, owners, 13, true, &c), 0);
	for (uint32_t i = 0; i < 13; i++)
		assert_int_equal(c.slots[i], i == 4 ? 6 | MTLB_SLOT_CHANGED | MTLB_SLOT_LEARN : 5);
	assert_int_equal(c.old_count, 13);
	assert_int_equal(c.old[4], 5);
	table_fini(&b);
	table_fini(&c);
}

/* Flows were stored with 6 meanwhile: without its flag the slot would forget them. */
static void test_return_to_the_old_owner_stays_flagged(void **state)
{
	uint32_t owners[13];
	struct table a = {}, b = {}, c = {}, d = {};

	(void)state;
	fill_owners(owners, 13, 5);
	assert_int_equal(table_change(&a, owners, 13, false, &b), 0);
	owners[4] = 6;
	assert_int_equal(table_change(&b, owners, 13, false, &c), 0);
	owners[4] = 5;
	assert_int_equal(table_change(&c, owners, 13, false, &d), 0);
	assert_int_equal(d.slots[4], 5 | MTLB_SLOT_CHANGED);
	assert_int_equal(d.old[4], 5);
	table_fini(&b);
	table_fini(&c);
	table_fini(&d);
}

static void test_nobody_to_somebody_needs_no_flag(void **state)
{
	uint32_t owners[31];
	struct table a = {}, b = {}, c = {};

	(void)state;
	fill_owners(owners, 31, 0);
	assert_int_equal(table_change(&a, owners, 13, false, &b), 0);
	fill_owners(owners, 31, 7);
	assert_int_equal(table_change(&b, owners, 31, true, &c), 0);
	assert_false(table_any(&c, MTLB_SLOT_CHANGED));
	table_fini(&b);
	table_fini(&c);
}

static void test_somebody_to_nobody_keeps_the_old_owner(void **state)
{
	uint32_t owners[13];
	struct table a = {}, b = {}, c = {};

	(void)state;
	fill_owners(owners, 13, 5);
	assert_int_equal(table_change(&a, owners, 13, false, &b), 0);
	fill_owners(owners, 13, 0);
	assert_int_equal(table_change(&b, owners, 13, false, &c), 0);
	for (uint32_t i = 0; i < 13; i++) {
		assert_int_equal(c.slots[i], MTLB_SLOT_CHANGED);
		assert_int_equal(c.old[i], 5);
	}
	table_fini(&b);
	table_fini(&c);
}

static void test_same_owners(void **state)
{
	uint32_t owners[13], slots[13];
	struct table table = {.slots = slots, .count = 13};

	(void)state;
	fill_owners(owners, 13, 5);
	fill_owners(slots, 13, 5 | MTLB_SLOT_CHANGED);
	assert_true(table_same_owners(&table, owners, 13));
	assert_false(table_same_owners(&table, owners, 11));
	owners[12] = 4;
	assert_false(table_same_owners(&table, owners, 13));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_first_table_is_not_flagged),
		cmocka_unit_test(test_only_moved_slots_are_flagged),
		cmocka_unit_test(test_return_to_the_old_owner_stays_flagged),
		cmocka_unit_test(test_nobody_to_somebody_needs_no_flag),
		cmocka_unit_test(test_somebody_to_nobody_keeps_the_old_owner),
		cmocka_unit_test(test_same_owners),
		cmocka_unit_test(test_random_histories),
	};

	return cmocka_run_group_tests_name("table", tests, NULL, NULL);
}
