// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "store.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int compare_items(const void *left, const void *right)
{
	const struct store_item *a = left, *b = right;

	return memcmp(a->digest, b->digest, IMAGE_DIGEST_SIZE);
}

size_t store_sort(struct store_item *items, size_t count)
{
	size_t kept = 0;

	if (!count)
		return 0;
	qsort(items, count, sizeof(*items), compare_items);
	for (size_t i = 1; i < count; i++)
		if (compare_items(&items[kept], &items[i]))
			items[++kept] = items[i];
	return kept + 1;
}

void *store_begin(const struct store_item *items, size_t count, size_t *ret_length)
{
	size_t length = sizeof(struct store_head) + count * sizeof(struct store_entry);
	uint64_t at = length;
	struct store_head *head = count < UINT32_MAX ? calloc(1, length) : NULL;
	struct store_entry *entries = head ? (struct store_entry *)(head + 1) : NULL;

	if (!head)
		return NULL;
	for (size_t i = 0; i < count; i++) {
		memcpy(entries[i].digest, items[i].digest, IMAGE_DIGEST_SIZE);
		for (unsigned part = 0; part < CERTIFICATE_PARTS; part++) {
			entries[i].parts[part].at = (uint32_t)at;
			entries[i].parts[part].length = (uint32_t)items[i].parts[part].length;
			at += items[i].parts[part].length;
		}
		if (at > UINT32_MAX) {
			free(head);
			return NULL;
		}
	}
	*head = (struct store_head){
		.magic = STORE_MAGIC,
		.version = STORE_VERSION,
		.count = (uint32_t)count,
		.size = at,
	};
	*ret_length = length;
	return head;
}

static bool good_entries(const struct store *store)
{
	for (uint32_t i = 0; i < store->head->count; i++) {
		const struct store_entry *entry = &store->entries[i];

		if (i && memcmp(entry[-1].digest, entry->digest, sizeof(entry->digest)) >= 0)
			return false;
		for (unsigned part = 0; part < CERTIFICATE_PARTS; part++)
			if ((uint64_t)entry->parts[part].at + entry->parts[part].length >
			    store->head->size)
				return false;
	}
	return true;
}

int store_open(const void *base, size_t size, struct store *ret_store, struct err *err)
{
	struct store store = {.base = base, .head = base};

	if (size < sizeof(*store.head) || store.head->magic != STORE_MAGIC ||
	    store.head->version != STORE_VERSION)
		return err_set(err, -EINVAL, "these %zu bytes are no store of certificates", size);
	store.entries = (const struct store_entry *)(store.head + 1);
	if (store.head->size != size ||
	    (uint64_t)store.head->count * sizeof(*store.entries) > size - sizeof(*store.head) ||
	    !good_entries(&store))
		return err_set(err, -EINVAL, "the store of certificates is inconsistent");
	*ret_store = store;
	return 0;
}

bool store_find(const struct store *store, const uint8_t digest[IMAGE_DIGEST_SIZE],
		struct certificate_bytes ret_parts[CERTIFICATE_PARTS])
{
	uint32_t begin = 0, end = store->head ? store->head->count : 0;

	while (begin < end) {
		uint32_t middle = begin + (end - begin) / 2;
		const struct store_entry *entry = &store->entries[middle];
		int order = memcmp(digest, entry->digest, sizeof(entry->digest));

		if (!order) {
			for (unsigned part = 0; part < CERTIFICATE_PARTS; part++)
				ret_parts[part] = (struct certificate_bytes){
					entry->parts[part].length
						? store->base + entry->parts[part].at
						: NULL,
					entry->parts[part].length};
			return true;
		}
		if (order < 0)
			end = middle;
		else
			begin = middle + 1;
	}
	return false;
}
