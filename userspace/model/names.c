// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#define HASH_NONFATAL_OOM 1
#include "names.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int names_add(struct names *names, const char *name, const struct tree_node *node, size_t index,
	      struct names_entry **ret_entry)
{
	struct names_entry *entry = names_find(names, name);
	size_t length = strlen(name);

	if (entry) {
		*ret_entry = entry;
		return -EEXIST;
	}
	entry = calloc(1, sizeof(*entry) + length + 1);
	if (!entry)
		return -ENOMEM;
	memcpy(entry->name, name, length);
	entry->node = node;
	entry->index = index;
	HASH_ADD_KEYPTR(hh, names->entries, entry->name, length, entry);
	if (!entry->hh.tbl) {
		free(entry);
		return -ENOMEM;
	}
	*ret_entry = entry;
	return 0;
}

struct names_entry *names_find(const struct names *names, const char *name)
{
	struct names_entry *entry = NULL;

	HASH_FIND(hh, names->entries, name, strlen(name), entry);
	return entry;
}

struct suggest_tail names_nearest(const struct names *names, const char *name)
{
	struct suggest near;

	suggest_init(&near, name);
	for (const struct names_entry *entry = names->entries; entry; entry = entry->hh.next)
		suggest_offer(&near, entry->name);
	return suggest_tail(&near);
}

void names_fini(struct names *names)
{
	struct names_entry *entry, *next;

	HASH_ITER (hh, names->entries, entry, next) {
		HASH_DEL(names->entries, entry);
		free(entry);
	}
}
