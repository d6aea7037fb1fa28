// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The program itself, as the kernel gets it, and the table that tells its maps apart. A map that is
 * a plain array needs no line here: the dataplane's list has it. Any other has a line in maps[].
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "program.h"
#include "../../userspace/dataplane/internal.h"

#include <bpf/bpf_helpers.h>

#include "../../bpf/abi/reason.h"
#include "../../bpf/core/packet.h"

/* Knobs are constants to the kernel's verifier; here a test sets them for the world it made. All
 * that this file includes it has included above, so that nothing else is touched.
 */
#define const
#include "../../bpf/stage/knobs.bpf.h"
#undef const

#include "../../bpf/prog/l4_ingress.bpf.c"

static struct dataplane *opened;
static enum host_fault broken;

static void *find_vip(const void *key)
{
	static struct mtlb_vip_index index;

	index.record = dataplane_find_vip(opened, key);
	return index.record ? &index : NULL;
}

struct quic_search {
	const struct mtlb_quic_key *key;
	struct mtlb_quic_value found;
};

static void look_at_quic(void *context, const struct mtlb_quic_key *key, uint32_t member)
{
	struct quic_search *search = context;

	if (!memcmp(key, search->key, sizeof(*key)))
		search->found = (struct mtlb_quic_value){.key = *key, .member = member};
}

static void *find_quic(const void *key)
{
	static struct quic_search search;

	search = (struct quic_search){.key = key};
	dataplane_each_quic_id(opened, look_at_quic, &search);
	return search.found.member ? &search.found : NULL;
}

static void *find_interface(const void *key)
{
	return (void *)dataplane_memory_interface(opened, *(const __u32 *)key);
}

static const struct {
	const void *map;
	const char *name;
	void *(*find)(const void *key); /* NULL: an array */
	enum dataplane_array array;
} maps[] = {
#define ARRAY(field, name, type) {&name, #name, NULL, DATAPLANE_ARRAY_##field},
	DATAPLANE_ARRAYS(ARRAY)
#undef ARRAY
#define HASH(name, find) {&name, #name, find, DATAPLANE_ARRAY_COUNT},
		HASH(mtlb_vips, find_vip) HASH(mtlb_quic_ids, find_quic)
			HASH(mtlb_interfaces, find_interface)
#undef HASH
};

static void *find_element(enum dataplane_array array, __u32 index)
{
	size_t length = dataplane_memory_length(opened, array);

	if (broken == HOST_FAULT_LOOKUP)
		length /= 2;
	if (index >= length)
		return NULL;
	return (char *)*dataplane_array_slot(&opened->arrays, array) +
	       index * dataplane_array_size(array);
}

void *program_lookup(const void *map, const void *key)
{
	for (size_t i = 0; i < sizeof(maps) / sizeof(*maps); i++)
		if (maps[i].map == map)
			return maps[i].find ? maps[i].find(key)
					    : find_element(maps[i].array, *(const __u32 *)key);
	fprintf(stderr, "host: the program looks into a map that maps[] of program.c lacks\n");
	abort();
}

void program_open(struct dataplane *dataplane, enum host_fault fault)
{
	const struct mtlb_node *node = dataplane_view(dataplane)->node;

	opened = dataplane;
	broken = fault;
	knob_hash_key_0 = node->secret[0];
	knob_hash_key_1 = node->secret[1] ^ (fault == HOST_FAULT_SECRET);
	knob_members = node->members;
	knob_tenants = node->tenants;
	knob_stamp_shift = node->stamp_shift;
	knob_nat_first = node->nat_first;
	knob_rules = dataplane_rules(node->acl_prefixes);
}

int program_run(struct xdp_md *ctx)
{
	return mtlb_ingress(ctx);
}
