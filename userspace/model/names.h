/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Names that must be unique, and what each stands for. Also finds the nearest one when a name is
 * not there.
 */
#ifndef MTLB_MODEL_NAMES_H
#define MTLB_MODEL_NAMES_H

#include <uthash.h>

#include "suggest.h"
#include "tree.h"

struct names_entry {
	const struct tree_node *node; /* where it was defined */
	size_t index;
	UT_hash_handle hh;
	char name[];
};

struct names {
	struct names_entry *entries;
};

/*
 * Adds name. Returns 0, -ENOMEM, or -EEXIST when the name is taken; *ret_entry is then the entry
 * that has it.
 */
int names_add(struct names *names, const char *name, const struct tree_node *node, size_t index,
	      struct names_entry **ret_entry);

/* NULL: none. */
struct names_entry *names_find(const struct names *names, const char *name);

/* `; did you mean "NAME"?`, or nothing. */
struct suggest_tail names_nearest(const struct names *names, const char *name);

void names_fini(struct names *names);

#endif
