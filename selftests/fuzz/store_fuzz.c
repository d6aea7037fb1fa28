// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Stores of certificates with any bytes changed: what can be opened has its parts inside of it, and
 * what they are is parsed or refused. Input: how many changes, each where and what, then how much
 * of the store there is.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "userspace/model/l7/store.h"

#define ITEMS 3

#define REQUIRE(condition)        \
	do {                      \
		if (!(condition)) \
			abort();  \
	} while (0)

static const char part[] = "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n";
static uint8_t digests[ITEMS][IMAGE_DIGEST_SIZE];
static char *bytes;
static size_t bytes_size;

static void make_store(void)
{
	const struct certificate_bytes parts[CERTIFICATE_PARTS] = {
		{part, sizeof(part) - 1}, {part, sizeof(part) - 1}, {NULL, 0}, {part, 4}};
	struct store_item items[ITEMS];
	size_t head_length;
	void *head;

	for (uint8_t i = 0; i < ITEMS; i++) {
		memset(digests[i], 7 * i + 1, sizeof(digests[i]));
		items[i] = (struct store_item){digests[i], parts};
	}
	REQUIRE(store_sort(items, ITEMS) == ITEMS);
	head = store_begin(items, ITEMS, &head_length);
	REQUIRE(head);
	bytes_size = (size_t)((struct store_head *)head)->size;
	bytes = calloc(1, bytes_size);
	REQUIRE(bytes);
	memcpy(bytes, head, head_length);
	free(head);
	for (size_t at = head_length; at < bytes_size; at++)
		bytes[at] = part[(at - head_length) % (sizeof(part) - 1)];
}

static void look(const struct store *store, const uint8_t digest[IMAGE_DIGEST_SIZE],
		 const char *end)
{
	struct certificate_bytes parts[CERTIFICATE_PARTS];
	struct certificate certificate;
	enum certificate_part wrong;

	if (!store_find(store, digest, parts))
		return;
	for (unsigned i = 0; i < CERTIFICATE_PARTS; i++)
		REQUIRE(!parts[i].at || (parts[i].at >= store->base && parts[i].length &&
					 parts[i].length <= (size_t)(end - parts[i].at)));
	if (!certificate_parse(parts, &certificate, &wrong, NULL))
		certificate_fini(&certificate);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t changes = size ? data[0] % 16 : 0, left;
	const uint8_t *at = data + 1;
	struct store store;
	char *copy;

	if (!bytes)
		make_store();
	if (size < 1 + 3 * changes + 2)
		return 0;
	left = bytes_size - (size_t)(at[3 * changes] << 8 | at[3 * changes + 1]) % (bytes_size + 1);
	/* just as long as it is, so that nothing behind it can be read unseen */
	copy = malloc(left + !left);
	REQUIRE(copy);
	memcpy(copy, bytes, left);
	for (size_t i = 0; i < changes; i++, at += 3)
		if (left)
			copy[(size_t)(at[0] << 8 | at[1]) % left] = (char)at[2];
	/* cut off, and saying so */
	if (left != bytes_size && left >= sizeof(struct store_head) && changes & 1)
		((struct store_head *)copy)->size = left;
	if (!store_open(copy, left, &store, NULL)) {
		for (int i = 0; i < ITEMS; i++)
			look(&store, digests[i], copy + left);
		for (uint32_t i = 0; i < store.head->count; i++)
			look(&store, store.entries[i].digest, copy + left);
	}
	free(copy);
	return 0;
}
