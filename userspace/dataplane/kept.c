// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "kept.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "words.h"

#define PAGE 4096

/* Those that packets only read. Of the share, what packets write comes after. */
static const struct {
	enum dataplane_array array;
	size_t compared; /* bytes of an element; 0: all */
} kept_arrays[] = {
	{DATAPLANE_ARRAY_tenants, 0},
	{DATAPLANE_ARRAY_services, 0},
	{DATAPLANE_ARRAY_members, 0},
	{DATAPLANE_ARRAY_member_names, 0},
	{DATAPLANE_ARRAY_vips, 0},
	{DATAPLANE_ARRAY_port_lines, 0},
	{DATAPLANE_ARRAY_slots, 0},
	{DATAPLANE_ARRAY_meters, 0},
	{DATAPLANE_ARRAY_defences, 0},
	{DATAPLANE_ARRAY_guards, 0},
	{DATAPLANE_ARRAY_trie_nodes, 0},
	{DATAPLANE_ARRAY_trie_records, 0},
	{DATAPLANE_ARRAY_guard_ports, 0},
	{DATAPLANE_ARRAY_rules, 0},
	{DATAPLANE_ARRAY_share, offsetof(struct mtlb_share, fair)},
};

_Static_assert(sizeof(kept_arrays) / sizeof(kept_arrays[0]) == DATAPLANE_VIP_KEY,
	       "enum dataplane_what");

#define ARRAYS (sizeof(kept_arrays) / sizeof(kept_arrays[0]))

/* All zero behind the key that is shorter, so that keys compare as bytes. */
struct kept_key {
	struct {
		uint32_t quic;
		union {
			struct mtlb_vip_key vip;
			struct mtlb_quic_key server;
		};
	} key;
	uint32_t value;
	bool seen;
	UT_hash_handle hh;
};

struct dataplane_kept {
	struct dataplane_arrays arrays;
	struct dataplane_view view;
	size_t length[DATAPLANE_ARRAY_COUNT];
	struct kept_key *keys;
};

static struct kept_key make_vip(const struct mtlb_vip_key *key)
{
	struct kept_key made;

	memset(&made, 0, sizeof(made));
	made.key.vip = *key;
	return made;
}

static struct kept_key make_quic(const struct mtlb_quic_key *key)
{
	struct kept_key made;

	memset(&made, 0, sizeof(made));
	made.key.quic = 1;
	made.key.server = *key;
	return made;
}

static struct kept_key *find_key(const struct dataplane_kept *kept, const struct kept_key *like)
{
	struct kept_key *found;

	HASH_FIND(hh, kept->keys, &like->key, sizeof(like->key), found);
	return found;
}

static int put_key(struct dataplane_kept *kept, const struct kept_key *like, uint32_t value)
{
	struct kept_key *entry = kept ? find_key(kept, like) : NULL;

	if (!kept)
		return 0;
	if (!entry) {
		entry = malloc(sizeof(*entry));
		if (!entry)
			return -ENOMEM;
		*entry = *like;
		HASH_ADD(hh, kept->keys, key, sizeof(entry->key), entry);
	}
	entry->value = value;
	return 0;
}

static void delete_key(struct dataplane_kept *kept, const struct kept_key *like)
{
	struct kept_key *entry = kept ? find_key(kept, like) : NULL;

	if (!entry)
		return;
	HASH_DEL(kept->keys, entry);
	free(entry);
}

int kept_put_vip(struct dataplane *dataplane, const struct mtlb_vip_key *key, uint32_t index)
{
	struct kept_key like = make_vip(key);

	return put_key(dataplane->kept, &like, index);
}

int kept_put_quic(struct dataplane *dataplane, const struct mtlb_quic_key *key, uint32_t member)
{
	struct kept_key like = make_quic(key);

	return put_key(dataplane->kept, &like, member);
}

void kept_delete_vip(struct dataplane *dataplane, const struct mtlb_vip_key *key)
{
	struct kept_key like = make_vip(key);

	delete_key(dataplane->kept, &like);
}

void kept_delete_quic(struct dataplane *dataplane, const struct mtlb_quic_key *key)
{
	struct kept_key like = make_quic(key);

	delete_key(dataplane->kept, &like);
}

static char *array_of(struct dataplane_arrays *arrays, enum dataplane_array array)
{
	return *dataplane_array_slot(arrays, array);
}

void kept_write(struct dataplane *dataplane, const void *at, size_t size)
{
	struct dataplane_kept *kept = dataplane->kept;

	for (size_t i = 0; kept && i < ARRAYS; i++) {
		enum dataplane_array array = kept_arrays[i].array;
		char *from = array_of(&dataplane->arrays, array);
		size_t bytes = kept->length[array] * dataplane_array_size(array);

		if ((const char *)at < from || (const char *)at >= from + bytes)
			continue;
		memcpy(array_of(&kept->arrays, array) + ((const char *)at - from), at, size);
		return;
	}
}

/* Pages of nothing are not written: those of the copy cost no memory then. */
static void copy_array(char *to, const char *from, size_t bytes)
{
	static const char nothing[PAGE];

	for (size_t i = 0; i < bytes; i += PAGE) {
		size_t size = bytes - i < PAGE ? bytes - i : PAGE;

		if (memcmp(from + i, nothing, size) != 0)
			memcpy(to + i, from + i, size);
	}
}

struct reading {
	struct dataplane *dataplane;
	int error;
};

static void read_vip(void *context, const struct mtlb_vip_key *key, uint32_t index)
{
	struct reading *reading = context;

	reading->error = reading->error ?: kept_put_vip(reading->dataplane, key, index);
}

static void read_quic(void *context, const struct mtlb_quic_key *key, uint32_t member)
{
	struct reading *reading = context;

	reading->error = reading->error ?: kept_put_quic(reading->dataplane, key, member);
}

static struct dataplane_capacity capacity_of(const struct mtlb_node *node)
{
	return (struct dataplane_capacity){
		.tenants = node->tenants,
		.vips = node->vips,
		.services = node->services,
		.members = node->members,
		.slots = node->slots,
		.flow_buckets = node->flow_buckets,
		.nat_sources = node->nat_sources,
		.acl_prefixes = node->acl_prefixes,
		.feed_prefixes = node->feed_prefixes,
	};
}

int dataplane_keep(struct dataplane *dataplane)
{
	struct dataplane_capacity capacity = capacity_of(dataplane->view.node);
	struct reading reading = {.dataplane = dataplane};
	struct dataplane_kept *kept = calloc(1, sizeof(*kept));
	int error;

	if (!kept)
		return -ENOMEM;
	kept_free(dataplane);
	dataplane->kept = kept;
	for (size_t i = 0; i < ARRAYS; i++) {
		enum dataplane_array array = kept_arrays[i].array;
		void **slot = dataplane_array_slot(&kept->arrays, array);

		kept->length[array] =
			dataplane_array_length(array, &capacity, dataplane->view.node->cpus);
		*slot = calloc(kept->length[array], dataplane_array_size(array));
		if (!*slot) {
			kept_free(dataplane);
			return -ENOMEM;
		}
		copy_array(*slot, array_of(&dataplane->arrays, array),
			   kept->length[array] * dataplane_array_size(array));
	}
	error = dataplane->ops->each_vip_key(dataplane, read_vip, &reading);
	error = error ?: dataplane->ops->each_quic_id(dataplane, read_quic, &reading);
	error = error ?: reading.error;
	if (error) {
		kept_free(dataplane);
		return error;
	}
#define ARRAY(field, map, type) kept->view.field = kept->arrays.field;
	DATAPLANE_ARRAYS(ARRAY)
#undef ARRAY
	kept->view.node = dataplane->view.node;
	return 0;
}

void kept_free(struct dataplane *dataplane)
{
	struct dataplane_kept *kept = dataplane->kept;
	struct kept_key *entry, *next;

	if (!kept)
		return;
	HASH_ITER (hh, kept->keys, entry, next) {
		HASH_DEL(kept->keys, entry);
		free(entry);
	}
	for (int i = 0; i < DATAPLANE_ARRAY_COUNT; i++)
		free(*dataplane_array_slot(&kept->arrays, i));
	free(kept);
	dataplane->kept = NULL;
}

const struct dataplane_view *dataplane_kept(const struct dataplane *dataplane)
{
	return &dataplane->kept->view;
}

size_t dataplane_kept_size(const struct dataplane *dataplane)
{
	size_t size = 0;

	for (size_t i = 0; i < ARRAYS; i++)
		size += dataplane->kept->length[kept_arrays[i].array] *
			dataplane_array_size(kept_arrays[i].array);
	return size;
}

/* comparing */

struct comparison {
	struct dataplane *dataplane;
	void (*each)(void *context, const struct dataplane_difference *difference);
	void *context;
	struct kept_key *others; /* keys that nobody here wrote; told when the walk is over */
	int error;
};

static void compare_elements(const struct comparison *comparison, size_t row, size_t first,
			     size_t count)
{
	struct dataplane_kept *kept = comparison->dataplane->kept;
	enum dataplane_array array = kept_arrays[row].array;
	size_t size = dataplane_array_size(array), compared = kept_arrays[row].compared ?: size;
	const char *is = array_of(&comparison->dataplane->arrays, array) + first * size;
	const char *was = array_of(&kept->arrays, array) + first * size;

	if (compared == size && memcmp(is, was, count * size) == 0)
		return;
	for (size_t i = 0; i < count; i++) {
		struct dataplane_difference difference = {
			.map = dataplane_array_map(array),
			.what = (enum dataplane_what)row,
			.index = (uint32_t)(first + i),
		};

		if (memcmp(is + i * size, was + i * size, compared) != 0)
			comparison->each(comparison->context, &difference);
	}
}

static struct dataplane_difference key_difference(const struct kept_key *key)
{
	struct dataplane_difference difference = {
		.map = key->key.quic ? "mtlb_quic_ids" : "mtlb_vips",
		.what = key->key.quic ? DATAPLANE_QUIC_KEY : DATAPLANE_VIP_KEY,
		.index = key->value,
	};

	if (key->key.quic)
		difference.quic = key->key.server;
	else
		difference.vip = key->key.vip;
	return difference;
}

/* Told later: whoever is told may delete it, and the walk must not lose its place. */
static void compare_key(struct comparison *comparison, const struct kept_key *like, uint32_t value)
{
	struct kept_key *entry = find_key(comparison->dataplane->kept, like), *other;

	if (entry && entry->value == value) {
		entry->seen = true;
		return;
	}
	if (entry)
		return; /* not seen: told as one that was changed */
	other = malloc(sizeof(*other));
	if (!other) {
		comparison->error = -ENOMEM;
		return;
	}
	*other = *like;
	other->value = value;
	HASH_ADD(hh, comparison->others, key, sizeof(other->key), other);
}

static void compare_vip(void *context, const struct mtlb_vip_key *key, uint32_t index)
{
	struct kept_key like = make_vip(key);

	compare_key(context, &like, index);
}

static void compare_quic(void *context, const struct mtlb_quic_key *key, uint32_t member)
{
	struct kept_key like = make_quic(key);

	compare_key(context, &like, member);
}

static int compare_keys(struct comparison *comparison)
{
	struct dataplane *dataplane = comparison->dataplane;
	struct dataplane_difference difference;
	struct kept_key *entry, *next;
	int error;

	HASH_ITER (hh, dataplane->kept->keys, entry, next)
		entry->seen = false;
	error = dataplane->ops->each_vip_key(dataplane, compare_vip, comparison);
	error = error ?: dataplane->ops->each_quic_id(dataplane, compare_quic, comparison);
	error = error ?: comparison->error;
	HASH_ITER (hh, dataplane->kept->keys, entry, next) {
		difference = key_difference(entry);
		if (!error && !entry->seen)
			comparison->each(comparison->context, &difference);
	}
	HASH_ITER (hh, comparison->others, entry, next) {
		difference = key_difference(entry);
		difference.added = true;
		if (!error)
			comparison->each(comparison->context, &difference);
		HASH_DEL(comparison->others, entry);
		free(entry);
	}
	return error;
}

int dataplane_compare(struct dataplane *dataplane, struct dataplane_cursor *cursor, size_t bytes,
		      void (*each)(void *context, const struct dataplane_difference *difference),
		      void *context)
{
	struct comparison comparison = {.dataplane = dataplane, .each = each, .context = context};
	int error;

	while (cursor->row < ARRAYS && bytes) {
		enum dataplane_array array = kept_arrays[cursor->row].array;
		size_t size = dataplane_array_size(array);
		size_t left = dataplane->kept->length[array] - cursor->element;
		size_t count = bytes / size + 1 < left ? bytes / size + 1 : left;

		/* in pages, so that the one that differs is found without a look at each element */
		count = count < PAGE / 8 ? count : PAGE / 8;
		compare_elements(&comparison, cursor->row, cursor->element, count);
		bytes -= count * size < bytes ? count * size : bytes;
		cursor->element += count;
		if (cursor->element < dataplane->kept->length[array])
			continue;
		cursor->row++;
		cursor->element = 0;
	}
	if (cursor->row < ARRAYS)
		return 0;
	error = compare_keys(&comparison);
	*cursor = (struct dataplane_cursor){};
	return error ?: 1;
}

/* repairing */

static int restore_key(struct dataplane *dataplane, const struct dataplane_difference *difference)
{
	const struct dataplane_ops *ops = dataplane->ops;

	if (difference->what == DATAPLANE_VIP_KEY)
		return difference->added
			       ? ops->delete_vip_key(dataplane, &difference->vip)
			       : ops->put_vip_key(dataplane, &difference->vip, difference->index);
	return difference->added
		       ? ops->delete_quic_id(dataplane, &difference->quic)
		       : ops->put_quic_id(dataplane, &difference->quic, difference->index);
}

int dataplane_restore(struct dataplane *dataplane, const struct dataplane_difference *difference)
{
	struct dataplane_kept *kept = dataplane->kept;
	size_t size, compared;
	enum dataplane_array array;
	int error = 0;

	if (difference->what >= DATAPLANE_VIP_KEY) {
		error = gate(dataplane);
		return error ?: restore_key(dataplane, difference);
	}
	array = kept_arrays[difference->what].array;
	size = dataplane_array_size(array);
	compared = kept_arrays[difference->what].compared ?: size;
	/* its outer header must not change under packets that meet it */
	if (array == DATAPLANE_ARRAY_members) {
		struct mtlb_member member = kept->arrays.members[difference->index];

		return dataplane_put_forwarding(dataplane, difference->index, &member);
	}
	error = gate(dataplane);
	if (!error)
		store_words(array_of(&dataplane->arrays, array) + difference->index * size,
			    array_of(&kept->arrays, array) + difference->index * size,
			    compared / 8 * 8);
	return error;
}
