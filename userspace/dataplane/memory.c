// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The fake dataplane: the same arrays without a kernel behind them, for tests that must fail on
 * cue. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <uthash.h>

#include "internal.h"
#include "kept.h"

struct memory_key {
	struct mtlb_vip_key key;
	uint32_t index;
	UT_hash_handle hh;
};

struct memory_quic {
	struct mtlb_quic_key key;
	uint32_t member;
	UT_hash_handle hh;
};

struct memory_held {
	struct memory_held *next;
	struct mtlb_held held;
};

struct memory_event {
	struct memory_event *next;
	struct mtlb_event event;
};

#define MEMORY_INTERFACES 64

struct memory {
	struct dataplane dataplane;
	struct memory_key *keys;
	struct memory_quic *quic;
	struct memory_held *held;    /* in the order they came in */
	struct memory_event *events; /* the same */
	void (*on_put_back)(void *context, uint32_t ifindex, const void *frame, uint32_t length);
	void *put_back_context;
	size_t length[DATAPLANE_ARRAY_COUNT];
	uint32_t interfaces[MEMORY_INTERFACES]; /* that packets may leave by; 0: free */
};

static struct memory *memory_of(const struct dataplane *dataplane)
{
	return (struct memory *)dataplane;
}

static struct memory_key *find(const struct dataplane *dataplane, const struct mtlb_vip_key *key)
{
	struct memory_key *found;

	HASH_FIND(hh, memory_of(dataplane)->keys, key, sizeof(*key), found);
	return found;
}

static int put_vip_key(struct dataplane *dataplane, const struct mtlb_vip_key *key, uint32_t index)
{
	struct memory_key *entry = find(dataplane, key);

	if (!entry) {
		entry = calloc(1, sizeof(*entry));
		if (!entry)
			return -ENOMEM;
		entry->key = *key;
		HASH_ADD(hh, memory_of(dataplane)->keys, key, sizeof(entry->key), entry);
	}
	entry->index = index;
	return 0;
}

static int delete_vip_key(struct dataplane *dataplane, const struct mtlb_vip_key *key)
{
	struct memory_key *entry = find(dataplane, key);

	if (!entry)
		return -ENOENT;
	HASH_DEL(memory_of(dataplane)->keys, entry);
	free(entry);
	return 0;
}

static uint32_t find_vip_key(const struct dataplane *dataplane, const struct mtlb_vip_key *key)
{
	const struct memory_key *entry = find(dataplane, key);

	return entry ? entry->index : 0;
}

static int each_vip_key(const struct dataplane *dataplane,
			void (*each)(void *, const struct mtlb_vip_key *, uint32_t), void *context)
{
	struct memory_key *entry, *next;

	HASH_ITER (hh, memory_of(dataplane)->keys, entry, next)
		each(context, &entry->key, entry->index);
	return 0;
}

static int put_quic_id(struct dataplane *dataplane, const struct mtlb_quic_key *key,
		       uint32_t member)
{
	struct memory *memory = memory_of(dataplane);
	struct memory_quic *entry;

	HASH_FIND(hh, memory->quic, key, sizeof(*key), entry);
	if (!entry) {
		entry = calloc(1, sizeof(*entry));
		if (!entry)
			return -ENOMEM;
		entry->key = *key;
		HASH_ADD(hh, memory->quic, key, sizeof(entry->key), entry);
	}
	entry->member = member;
	return 0;
}

static int delete_quic_id(struct dataplane *dataplane, const struct mtlb_quic_key *key)
{
	struct memory_quic *entry;

	HASH_FIND(hh, memory_of(dataplane)->quic, key, sizeof(*key), entry);
	if (!entry)
		return -ENOENT;
	HASH_DEL(memory_of(dataplane)->quic, entry);
	free(entry);
	return 0;
}

static int each_quic_id(const struct dataplane *dataplane,
			void (*each)(void *, const struct mtlb_quic_key *, uint32_t), void *context)
{
	struct memory_quic *entry, *next;

	HASH_ITER (hh, memory_of(dataplane)->quic, entry, next)
		each(context, &entry->key, entry->member);
	return 0;
}

static int put_interface(struct dataplane *dataplane, uint32_t ifindex)
{
	struct memory *memory = memory_of(dataplane);

	for (size_t i = 0; i < MEMORY_INTERFACES; i++) {
		if (memory->interfaces[i] && memory->interfaces[i] != ifindex)
			continue;
		memory->interfaces[i] = ifindex;
		return 0;
	}
	return -E2BIG;
}

const uint32_t *dataplane_memory_interface(const struct dataplane *dataplane, uint32_t ifindex)
{
	const struct memory *memory = memory_of(dataplane);

	for (size_t i = 0; i < MEMORY_INTERFACES; i++)
		if (ifindex && memory->interfaces[i] == ifindex)
			return &memory->interfaces[i];
	return NULL;
}

static int held_fd(const struct dataplane *dataplane)
{
	(void)dataplane;
	return -1;
}

static int each_held(struct dataplane *dataplane, void (*each)(void *, const struct mtlb_held *),
		     void *context)
{
	struct memory *memory = memory_of(dataplane);
	struct memory_held *entry;

	while ((entry = memory->held)) {
		memory->held = entry->next;
		each(context, &entry->held);
		free(entry);
	}
	return 0;
}

static int each_event(struct dataplane *dataplane, void (*each)(void *, const struct mtlb_event *),
		      void *context)
{
	struct memory *memory = memory_of(dataplane);
	struct memory_event *entry;

	while ((entry = memory->events)) {
		memory->events = entry->next;
		each(context, &entry->event);
		free(entry);
	}
	return 0;
}

static int put_back(struct dataplane *dataplane, uint32_t ifindex, const void *frame,
		    uint32_t length)
{
	struct memory *memory = memory_of(dataplane);

	if (memory->on_put_back)
		memory->on_put_back(memory->put_back_context, ifindex, frame, length);
	return 0;
}

static int attach_probe(struct dataplane *dataplane, uint32_t ifindex)
{
	(void)dataplane;
	(void)ifindex;
	return 0;
}

static int grace(struct dataplane *dataplane)
{
	(void)dataplane;
	return 0;
}

static int attach(struct dataplane *dataplane, const char *interface, enum dataplane_mode mode,
		  struct dataplane_link *ret_link, struct err *err)
{
	(void)dataplane;
	(void)err;
	*ret_link = (struct dataplane_link){.ifindex = 1, .native = mode != DATAPLANE_MODE_GENERIC};
	strncpy(ret_link->interface, interface, sizeof(ret_link->interface) - 1);
	return 0;
}

static int detach_others(struct dataplane *dataplane, const struct dataplane_link *keep,
			 size_t count)
{
	(void)dataplane;
	(void)keep;
	(void)count;
	return 0;
}

/* All that is not in an array. */
static void forget(struct dataplane *dataplane)
{
	struct memory_key *entry, *next;
	struct memory_quic *quic, *next_quic;
	struct memory_event *event;
	struct memory_held *held;

	while ((event = memory_of(dataplane)->events)) {
		memory_of(dataplane)->events = event->next;
		free(event);
	}
	while ((held = memory_of(dataplane)->held)) {
		memory_of(dataplane)->held = held->next;
		free(held);
	}
	HASH_ITER (hh, memory_of(dataplane)->keys, entry, next) {
		HASH_DEL(memory_of(dataplane)->keys, entry);
		free(entry);
	}
	HASH_ITER (hh, memory_of(dataplane)->quic, quic, next_quic) {
		HASH_DEL(memory_of(dataplane)->quic, quic);
		free(quic);
	}
}

static void close_memory(struct dataplane *dataplane)
{
	forget(dataplane);
	for (int i = 0; i < DATAPLANE_ARRAY_COUNT; i++)
		free(*dataplane_array_slot(&dataplane->arrays, i));
	free(dataplane);
}

static const struct dataplane_ops memory_ops = {
	.put_vip_key = put_vip_key,
	.delete_vip_key = delete_vip_key,
	.find_vip_key = find_vip_key,
	.each_vip_key = each_vip_key,
	.put_quic_id = put_quic_id,
	.delete_quic_id = delete_quic_id,
	.each_quic_id = each_quic_id,
	.put_interface = put_interface,
	.attach_probe = attach_probe,
	.events_fd = held_fd, /* neither has one */
	.each_event = each_event,
	.held_fd = held_fd,
	.each_held = each_held,
	.put_back = put_back,
	.grace = grace,
	.attach = attach,
	.detach_others = detach_others,
	.close = close_memory,
};

int dataplane_open_memory(const struct dataplane_options *options, struct dataplane **ret_dataplane)
{
	struct memory *memory = calloc(1, sizeof(*memory));

	if (!memory)
		return -ENOMEM;
	memory->dataplane.ops = &memory_ops;
	memory->dataplane.program_fd = -1;
	memory->dataplane.probe_program_fd = -1;
	memory->dataplane.probes_fd = -1;
	for (int i = 0; i < DATAPLANE_ARRAY_COUNT; i++) {
		void **slot = dataplane_array_slot(&memory->dataplane.arrays, i);

		memory->length[i] = dataplane_array_length(i, &options->capacity, 1);
		*slot = calloc(memory->length[i], dataplane_array_size(i));
		if (!*slot) {
			close_memory(&memory->dataplane);
			return -ENOMEM;
		}
	}
	dataplane_fill_node(memory->dataplane.arrays.node, options, 1);
	dataplane_make_view(&memory->dataplane);
	*ret_dataplane = &memory->dataplane;
	return 0;
}

void dataplane_memory_clear(struct dataplane *dataplane, const struct dataplane_options *options)
{
	struct memory *memory = memory_of(dataplane);

	kept_free(dataplane);
	forget(dataplane);
	memset(memory->interfaces, 0, sizeof(memory->interfaces));
	for (int i = 0; i < DATAPLANE_ARRAY_COUNT; i++)
		memset(*dataplane_array_slot(&dataplane->arrays, i), 0,
		       memory->length[i] * dataplane_array_size(i));
	dataplane->closing = false;
	dataplane_memory_fail_at(dataplane, 0);
	dataplane_fill_node(dataplane->arrays.node, options, 1);
	dataplane_make_view(dataplane);
}

size_t dataplane_memory_length(const struct dataplane *dataplane, enum dataplane_array array)
{
	return memory_of(dataplane)->length[array];
}

void dataplane_memory_fail_at(struct dataplane *dataplane, unsigned long verb)
{
	dataplane->verbs = 0;
	dataplane->fail_at = verb;
}

unsigned long dataplane_memory_verbs(const struct dataplane *dataplane)
{
	return dataplane->verbs;
}

int dataplane_memory_hold(struct dataplane *dataplane, const struct mtlb_held *held)
{
	struct memory_held *entry = calloc(1, sizeof(*entry)), **last = &memory_of(dataplane)->held;

	if (!entry)
		return -ENOMEM;
	entry->held = *held;
	while (*last)
		last = &(*last)->next;
	*last = entry;
	return 0;
}

int dataplane_memory_sample(struct dataplane *dataplane, const struct mtlb_event *event)
{
	struct memory_event *entry = calloc(1, sizeof(*entry)), **last;

	if (!entry)
		return -ENOMEM;
	entry->event = *event;
	for (last = &memory_of(dataplane)->events; *last;)
		last = &(*last)->next;
	*last = entry;
	return 0;
}

void dataplane_memory_on_put_back(struct dataplane *dataplane,
				  void (*put_back)(void *context, uint32_t ifindex,
						   const void *frame, uint32_t length),
				  void *context)
{
	memory_of(dataplane)->on_put_back = put_back;
	memory_of(dataplane)->put_back_context = context;
}
