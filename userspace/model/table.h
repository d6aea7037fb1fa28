/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * How a Maglev table is replaced by another without losing track of who owned what: the CHANGED and
 * LEARN flags of its slots (bpf/abi/vip.h) and the table of old owners beside it. Pure.
 *
 * The rule that all of this keeps: for every hash whose slot is flagged, the old table names the
 * owner the hash had before the flag was set; for every other hash, the table itself does. The old
 * table may be of another size: a slot is a contiguous interval of hashes, so slots of two tables
 * either overlap or not.
 */
#ifndef MTLB_MODEL_TABLE_H
#define MTLB_MODEL_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct table {
	uint32_t *slots; /* owner | MTLB_SLOT_CHANGED | MTLB_SLOT_LEARN */
	uint32_t count;	 /* 0: the service has no table yet */
	uint32_t *old;	 /* old owners, no flags; NULL when no slot is flagged */
	uint32_t old_count;
};

void table_fini(struct table *table);

/*
 * The successor of now: owners[0..count) from now on, flagged where that moves a hash. learn: newly
 * flagged slots learn first (UDP, a planned change). Owner 0 is
 * nobody: new flows are refused, old ones still find their old owner. A slot that returns to its
 * old owner stays flagged: flows were stored meanwhile. 0 or -ENOMEM.
 */
int table_change(const struct table *now, const uint32_t *owners, uint32_t count, bool learn,
		 struct table *ret_next);

/* Same owners? Then there is nothing to change. */
bool table_same_owners(const struct table *table, const uint32_t *owners, uint32_t count);

/* True when any slot has the flag. */
bool table_any(const struct table *table, uint32_t flag);

#endif
