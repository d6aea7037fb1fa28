/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The flow benchmark's maps: one tenant, one VIP, 100 members in IPIP behind one Maglev table, and
 * a VIP record for each way of tracking; all of them have the VIP's key, and which one packets meet
 * is switched between measurements. Included by flow.c alone.
 */
#ifndef MTLB_BENCH_FLOW_MAPS_H
#define MTLB_BENCH_FLOW_MAPS_H

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../../bpf/core/encap.h"
#include "../../bpf/abi/counter.h"
#include "../../bpf/abi/flow.h"
#include "../../userspace/model/maglev.h"
#include "flow.h"
#include "selftests/bench/flow.skel.h"

#define FLOW_MEMBERS	 100U
#define FLOW_SLOTS	 65537U
#define FLOW_SLOTS_SPAN	 (MTLB_SLOTS_PER_LINE * (FLOW_SLOTS / MTLB_SLOTS_PER_LINE + 1))
#define FLOW_BUCKETS	 (1U << 18) /* two million flows: as many as FLOW_LRU_ENTRIES */
#define FLOW_BUCKETS_ONE (2 * FLOW_BUCKETS)
#define FLOW_LRU_ENTRIES (FLOW_BUCKETS * MTLB_FLOWS_PER_BUCKET)
#define FLOW_SERVICE	 1U
#define FLOW_LOOPBACK	 1U /* where BPF_PROG_TEST_RUN says that packets come from */

enum flow_record {
	FLOW_NO_RECORD,
	FLOW_JUST_ENOUGH,
	FLOW_ALWAYS,	  /* the first range of buckets */
	FLOW_CHANGED,	  /* every slot is flagged CHANGED; the second range */
	FLOW_ALWAYS_ONE,  /* a range of one bucket */
	FLOW_CHANGED_ONE, /* the same, in changed slots */
	FLOW_RECORDS,
};

struct flow_maps {
	struct flow *skeleton;
	struct flow_control *control;
	struct mtlb_tenant_counter *tenant_counters;
	size_t tenant_rows;
	int harness_fd, floor_fd, mtlb_fd, lru_fd;
};

static struct mtlb_vip_key flow_key(void)
{
	struct mtlb_vip_key key = {
		.address.word = {0, 0, htonl(0xffff), htonl(FLOW_VIP)},
		.port = htons(FLOW_PORT),
		.protocol = IPPROTO_TCP,
	};

	return key;
}

static void *flow_map_memory(const struct bpf_map *map, size_t *ret_size)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t size = (size_t)bpf_map__max_entries(map) * bpf_map__value_size(map);
	void *memory;

	*ret_size = (size + page - 1) / page * page;
	memory = mmap(NULL, *ret_size, PROT_READ | PROT_WRITE, MAP_SHARED, bpf_map__fd(map), 0);
	return memory == MAP_FAILED ? NULL : memory;
}

/* Copies count elements to the beginning of a plain array. */
static int flow_fill(const struct bpf_map *map, const void *from, size_t bytes)
{
	size_t size;
	void *memory = flow_map_memory(map, &size);

	if (!memory)
		return -errno;
	memcpy(memory, from, bytes);
	munmap(memory, size);
	return 0;
}

static int flow_fill_members(struct flow *skeleton)
{
	struct mtlb_member members[FLOW_MEMBERS + 1] = {};

	for (uint32_t i = 1; i <= FLOW_MEMBERS; i++) {
		struct mtlb_member *member = &members[i];
		__be32 source = htonl(0xc6336401), destination = htonl(0x0ac80000 + i);

		memcpy(member->next_hop, (uint8_t[]){2, 0, 0, 1, 0, (uint8_t)i}, 6);
		memcpy(member->source_mac, (uint8_t[]){2, 0, 0, 0, 0, 1}, 6);
		member->mtu = 1500;
		member->encap = MTLB_ENCAP_IPV4;
		member->service = FLOW_SERVICE;
		member->ifindex = FLOW_LOOPBACK;
		member->outer_source.word[3] = source;
		member->outer_destination.word[3] = destination;
		member->outer_csum = encap_ipv4_csum(source, destination);
	}
	return flow_fill(skeleton->maps.mtlb_members, members, sizeof(members));
}

/* The same table twice: as it is, and with every slot flagged. */
static int flow_fill_slots(struct flow *skeleton)
{
	struct maglev_member members[FLOW_MEMBERS];
	uint32_t *slots = calloc(2 * FLOW_SLOTS_SPAN, sizeof(*slots));
	int error;

	if (!slots)
		return -ENOMEM;
	for (uint32_t i = 0; i < FLOW_MEMBERS; i++) {
		struct addr address = {.byte = {[10] = 0xff, 0xff, 10, 200, 0, (uint8_t)(i + 1)}};

		members[i] = (struct maglev_member){.weight = 1, .owner = i + 1};
		maglev_identify(&members[i], &address, FLOW_PORT);
	}
	error = maglev_fill(members, FLOW_MEMBERS, FLOW_SLOTS, slots);
	for (uint32_t i = 0; i < FLOW_SLOTS; i++)
		slots[FLOW_SLOTS_SPAN + i] = slots[i] | MTLB_SLOT_CHANGED;
	error = error
			?: flow_fill(skeleton->maps.mtlb_slots, slots,
				     2 * FLOW_SLOTS_SPAN * sizeof(*slots));
	free(slots);
	return error;
}

static int flow_fill_records(struct flow *skeleton)
{
	struct mtlb_vip records[FLOW_RECORDS] = {};

	for (int i = FLOW_JUST_ENOUGH; i < FLOW_RECORDS; i++) {
		bool changed = i == FLOW_CHANGED || i == FLOW_CHANGED_ONE;
		bool always = i == FLOW_ALWAYS || i == FLOW_ALWAYS_ONE;
		bool one = i == FLOW_CHANGED_ONE || i == FLOW_ALWAYS_ONE;

		records[i] = (struct mtlb_vip){
			.key = flow_key(),
			.tenant = FLOW_TENANT,
			.service = FLOW_SERVICE,
			.flags = always ? MTLB_VIP_TRACK_ALWAYS : 0,
			.slot_first = changed ? FLOW_SLOTS_SPAN : 0,
			.slot_count = FLOW_SLOTS,
			.old_first = 0,
			.old_count = changed ? FLOW_SLOTS : 0,
			.flow_first = one	? FLOW_BUCKETS_ONE
				      : changed ? FLOW_BUCKETS
						: 0,
			.flow_mask = one ? 0 : FLOW_BUCKETS - 1,
			.idle = 210, /* 15 minutes */
		};
	}
	return flow_fill(skeleton->maps.mtlb_vip_records, records, sizeof(records));
}

static int flow_maps_size(struct flow *skeleton)
{
	uint32_t cpus = (uint32_t)libbpf_num_possible_cpus(), tenants = FLOW_TENANT + 1;
	const struct {
		struct bpf_map *map;
		uint32_t entries;
	} sizes[] = {
		{skeleton->maps.mtlb_vips, 64},
		{skeleton->maps.mtlb_vip_records, FLOW_RECORDS},
		{skeleton->maps.mtlb_members, FLOW_MEMBERS + 1},
		{skeleton->maps.mtlb_slots, 2 * FLOW_SLOTS_SPAN / MTLB_SLOTS_PER_LINE},
		{skeleton->maps.mtlb_flows, FLOW_BUCKETS_ONE + 1},
		{skeleton->maps.mtlb_flow_logs, cpus},
		{skeleton->maps.mtlb_flow_facts, (FLOW_BUCKETS_ONE + 1) * MTLB_FLOWS_PER_BUCKET},
		{skeleton->maps.mtlb_member_counters, cpus * (FLOW_MEMBERS + 1)},
		{skeleton->maps.mtlb_tenant_counters, cpus * tenants},
		{skeleton->maps.mtlb_reason_counters, cpus * tenants * 64},
		{skeleton->maps.flow_lru, FLOW_LRU_ENTRIES},
	};

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		int error = bpf_map__set_max_entries(sizes[i].map, sizes[i].entries);

		if (error)
			return error;
	}
	skeleton->rodata->knob_members = FLOW_MEMBERS + 1;
	skeleton->rodata->knob_tenants = tenants;
	skeleton->rodata->knob_hash_key_0 = 0x6a09e667f3bcc908ULL;
	skeleton->rodata->knob_hash_key_1 = 0xbb67ae8584caa73bULL;
	return 0;
}

static int flow_maps_open(struct flow_maps *maps)
{
	struct flow *skeleton = flow__open();
	size_t size;
	int error;

	if (!skeleton)
		return -errno;
	maps->skeleton = skeleton;
	error = flow_maps_size(skeleton);
	error = error ?: flow__load(skeleton);
	error = error ?: flow_fill_members(skeleton);
	error = error ?: flow_fill_slots(skeleton);
	error = error ?: flow_fill_records(skeleton);
	if (error)
		return error;
	maps->tenant_counters = flow_map_memory(skeleton->maps.mtlb_tenant_counters, &size);
	if (!maps->tenant_counters)
		return -errno;
	maps->tenant_rows = bpf_map__max_entries(skeleton->maps.mtlb_tenant_counters);
	maps->control = &skeleton->bss->flow_control;
	maps->harness_fd = bpf_program__fd(skeleton->progs.bench_harness);
	maps->floor_fd = bpf_program__fd(skeleton->progs.bench_floor);
	maps->mtlb_fd = bpf_program__fd(skeleton->progs.bench_mtlb);
	maps->lru_fd = bpf_program__fd(skeleton->progs.bench_lru_hash);
	return 0;
}

static void flow_maps_close(struct flow_maps *maps)
{
	flow__destroy(maps->skeleton);
}

/* Which record packets meet from now on. */
static int flow_maps_use(struct flow_maps *maps, enum flow_record record)
{
	struct mtlb_vip_key key = flow_key();
	struct mtlb_vip_index index = {.record = record};

	return bpf_map_update_elem(bpf_map__fd(maps->skeleton->maps.mtlb_vips), &key, &index,
				   BPF_F_LOCK);
}

static uint64_t flow_maps_sum(const struct flow_maps *maps, enum mtlb_tenant_counter_name name)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < maps->tenant_rows; i++)
		sum += maps->tenant_counters[i].value[name];
	return sum;
}

#endif
