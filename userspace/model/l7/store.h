/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Certificates with their keys, as mtlbd hands them to workers: one run of bytes, of which a worker
 * takes what a handshake asks for, when it does. The image names them by their digest, so that a
 * store outlives images and the other way round. Holds secrets: it is made, and mapped, without
 * leaving copies.
 */
#ifndef MTLB_MODEL_L7_STORE_H
#define MTLB_MODEL_L7_STORE_H

#include <stdint.h>

#include "certificate.h"
#include "image.h"

#define STORE_MAGIC   UINT64_C(0x3165726f74736d37)
#define STORE_VERSION 2

struct store_entry {
	uint8_t digest[IMAGE_DIGEST_SIZE];
	struct {
		uint32_t at, length;
	} parts[CERTIFICATE_PARTS];
};

struct store_head {
	uint64_t magic;
	uint32_t version, count; /* of entries, which follow, by their digest, each once */
	uint64_t size;
};

struct store {
	const char *base;
	const struct store_head *head;
	const struct store_entry *entries;
};

/* What an entry is made of. */
struct store_item {
	const uint8_t *digest;
	const struct certificate_bytes *parts;
};

/* Sorts the items, and drops those that are there twice; returns how many are left. */
size_t store_sort(struct store_item *items, size_t count);
/* Head and entries of sorted items, to be freed; what follows them is each one's parts in their
 * order. NULL: no memory, or they do not fit into 4 GiB. */
void *store_begin(const struct store_item *items, size_t count, size_t *ret_length);

/* As image_open(): 0 or -EINVAL. */
int store_open(const void *base, size_t size, struct store *ret_store, struct err *err);
/* False: it has none with this digest. */
bool store_find(const struct store *store, const uint8_t digest[IMAGE_DIGEST_SIZE],
		struct certificate_bytes ret_parts[CERTIFICATE_PARTS]);

#endif
