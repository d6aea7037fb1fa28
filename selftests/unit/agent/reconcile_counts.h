/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Packets that were counted once, through changes that are cut off anywhere: members come and go,
 * rows are given to others, and what was counted is in a member's row, in a tenant's total, or was
 * told before the row was reset; all of it, and no more than once.
 */
#ifndef MTLB_SELFTESTS_RECONCILE_COUNTS_H
#define MTLB_SELFTESTS_RECONCILE_COUNTS_H

#include "reconcile_node.h"

#define COUNTED_ROWS 64

struct carried {
	struct node *node;
	struct registry_reader reader;
	size_t rows;
	uint64_t id[COUNTED_ROWS], packets[COUNTED_ROWS]; /* of rows that were reset */
	uint64_t all;
};

/* It may be told again when the reset failed. */
static void note_reset(void *context, uint32_t tenant)
{
	struct carried *carried = context;
	const struct mtlb_total *total = &dataplane_view(carried->node->dataplane)->totals[tenant];
	size_t i = 0;

	while (i < carried->rows && carried->id[i] != total->id)
		i++;
	if (!total->id)
		return;
	assert_true(i < COUNTED_ROWS);
	carried->rows += i == carried->rows;
	carried->id[i] = total->id;
	carried->packets[i] = total->now.packets;
}

static void watch_resets(struct carried *carried)
{
	carried->reader = (struct registry_reader){.before_reset = note_reset, .context = carried};
	registry_on_reset(&carried->node->registry, &carried->reader);
}

static bool is_noted(const struct carried *carried, uint64_t id)
{
	for (size_t i = 0; i < carried->rows; i++)
		if (carried->id[i] == id)
			return true;
	return false;
}

static void count_packets(struct node *node, struct carried *carried)
{
	const struct dataplane_view *view = dataplane_view(node->dataplane);

	*carried = (struct carried){.node = node};
	watch_resets(carried);
	for (uint32_t i = 1; i < view->node->members; i++) {
		struct mtlb_member_counter *row =
			(struct mtlb_member_counter *)&view->member_counters[i];

		if (!view->member_names[i].used)
			continue;
		row->packets = 1000 + i;
		carried->all += row->packets;
	}
	assert_true(carried->all > 0);
}

static void check_counts(const struct carried *carried)
{
	const struct dataplane_view *view = dataplane_view(carried->node->dataplane);
	uint64_t all = 0;

	for (uint32_t i = 1; i < view->node->members; i++)
		all += view->member_counters[i].packets;
	for (uint32_t i = 1; i < view->node->tenants; i++)
		if (!is_noted(carried, view->totals[i].id))
			all += view->totals[i].now.packets;
	for (size_t i = 0; i < carried->rows; i++)
		all += carried->packets[i];
	assert_int_equal(all, carried->all);
}

/* Killed in the middle of carrying a member's counters over, at each step of it. */
static void check_resumed_fold(struct node *node)
{
	const struct dataplane_view *view = dataplane_view(node->dataplane);
	struct mtlb_member_counter *row = (struct mtlb_member_counter *)view->member_counters;
	struct mtlb_total *total = (struct mtlb_total *)&view->totals[1];

	for (int step = 0; step < 3; step++) {
		*total = (struct mtlb_total){.id = 7, .folding = 5};
		total->next = (struct mtlb_amount){.packets = 30, .bytes = 300};
		row[5] = (struct mtlb_member_counter){.packets = 10, .bytes = 100, .owner = 7};
		if (step > 0)
			total->now = total->next;
		if (step > 1)
			row[5] = (struct mtlb_member_counter){};
		assert_int_equal(dataplane_resume_folds(node->dataplane), 0);
		assert_int_equal(total->now.packets, 30);
		assert_int_equal(total->now.bytes, 300);
		assert_int_equal(total->folding, 0);
		assert_int_equal(row[5].packets + row[5].bytes + row[5].owner, 0);
	}
}

#endif
