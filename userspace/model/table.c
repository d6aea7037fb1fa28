// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../../bpf/abi/vip.h"

void table_fini(struct table *table)
{
	free(table->slots);
	free(table->old);
	*table = (struct table){};
}

bool table_same_owners(const struct table *table, const uint32_t *owners, uint32_t count)
{
	if (table->count != count)
		return false;
	for (uint32_t i = 0; i < count; i++)
		if ((table->slots[i] & MTLB_SLOT_MEMBER) != owners[i])
			return false;
	return true;
}

bool table_any(const struct table *table, uint32_t flag)
{
	for (uint32_t i = 0; i < table->count; i++)
		if (table->slots[i] & flag)
			return true;
	return false;
}

/* The first hash of slot i: the least h with h * count >> 32 == i. */
static uint64_t first_hash(uint32_t i, uint32_t count)
{
	return (((uint64_t)i << 32) + count - 1) / count;
}

/* The slots of a table of size count that overlap slot i of one of size other. */
static void overlap(uint32_t i, uint32_t other, uint32_t count, uint32_t *ret_from,
		    uint32_t *ret_to)
{
	uint64_t from = first_hash(i, other), last = first_hash(i + 1, other) - 1;

	*ret_from = mtlb_slot_of((uint32_t)from, count);
	*ret_to = mtlb_slot_of((uint32_t)last, count);
}

/*
 * The old table of the successor, at the finest grain that still tells the truth. Unflagged slots
 * of now name their own owner. While slots are flagged the old table keeps its size: where now is
 * not flagged the two agree (only all flags together are cleared while their sizes differ).
 */
static int old_owners(const struct table *now, struct table *next)
{
	uint32_t count = now->old_count ? now->old_count : now->count;

	next->old = malloc(count * sizeof(*next->old));
	if (!next->old)
		return -ENOMEM;
	next->old_count = count;
	if (count != now->count) {
		memcpy(next->old, now->old, count * sizeof(*next->old));
		return 0;
	}
	for (uint32_t i = 0; i < count; i++) {
		bool flagged = now->slots[i] & MTLB_SLOT_CHANGED;

		next->old[i] = flagged ? now->old[i] : now->slots[i] & MTLB_SLOT_MEMBER;
	}
	return 0;
}

/*
 * What nobody owned had no flows, so its new owner needs no flag; unless the old table has another
 * size: then it cannot be told of the new owner when the next change comes (see old_owners).
 */
static bool nobody_counts(const struct table *now, uint32_t count)
{
	if ((now->old_count ? now->old_count : now->count) == count)
		return false;
	for (uint32_t i = 0; i < now->count; i++)
		if (now->slots[i])
			return true;
	return false;
}

/*
 * The flags slot i must carry, were it to have this owner. Where it is flagged only because another
 * part of it is, flows are not stored either: they have to be learnt before the next change.
 */
static uint32_t flags(const struct table *now, uint32_t i, uint32_t count, uint32_t owner,
		      bool learn, bool nobody)
{
	uint32_t from = i, to = i, result = 0;
	bool unstored = false;

	if (count != now->count)
		overlap(i, count, now->count, &from, &to);
	for (uint32_t j = from; j <= to; j++) {
		uint32_t slot = now->slots[j], before = slot & MTLB_SLOT_MEMBER;

		if (slot & MTLB_SLOT_CHANGED) {
			result |= slot & (MTLB_SLOT_CHANGED | MTLB_SLOT_LEARN);
			continue;
		}
		unstored |= before != 0;
		if (before != owner && (before || nobody))
			result |= MTLB_SLOT_CHANGED;
	}
	return result && unstored && learn ? result | MTLB_SLOT_LEARN : result;
}

int table_change(const struct table *now, const uint32_t *owners, uint32_t count, bool learn,
		 struct table *ret_next)
{
	struct table next = {};
	bool flagged = false, nobody = nobody_counts(now, count);
	int error;

	next.slots = malloc(count * sizeof(*next.slots));
	next.count = count;
	error = next.slots ? 0 : -ENOMEM;
	if (error)
		goto done;
	for (uint32_t i = 0; i < count; i++) {
		uint32_t more = now->count ? flags(now, i, count, owners[i], learn, nobody) : 0;

		flagged |= more != 0;
		next.slots[i] = owners[i] | more;
	}
	if (flagged)
		error = old_owners(now, &next);
done:
	if (error)
		table_fini(&next);
	else
		*ret_next = next;
	return error;
}
