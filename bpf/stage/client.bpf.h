/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* May this client open one more connection? abi/client.h. Owns mtlb_clients. */
#ifndef MTLB_STAGE_CLIENT_H
#define MTLB_STAGE_CLIENT_H

#include "meters.bpf.h"
#include "../core/client.h"
#include "../core/hash.h"

ARRAY_MAP(mtlb_clients, struct mtlb_client_line);

#define CLIENT_TRIES 2

static __always_inline __u64 client_hash(const struct mtlb_address *source, __u32 tenant, bool ipv6)
{
	struct mtlb_address who = {};

	if (ipv6) {
		who.word[0] = source->word[0];
		who.word[1] = source->word[1];
	} else {
		who.word[3] = source->word[3];
	}
	return hash_client(&who, ipv6, knob_hash_key_0 ^ tenant * HASH_C2, knob_hash_key_1);
}

/* Out of line, since few packets are asked about. When other CPUs are always first, it may. */
__attribute__((noinline)) int client_may_open(struct mtlb_address *source, __u32 tenant, __u32 ipv6)
{
	const struct mtlb_meter *meter = bpf_map_lookup_elem(&mtlb_meters, &tenant);
	__u64 hash, who, now, interval;
	struct mtlb_client_line *line;
	__u32 at;

	if (!source || !meter)
		return 0;
	interval = meter->client_interval;
	if (!interval)
		return 1;
	hash = client_hash(source, tenant, ipv6);
	who = hash & ~CLIENT_DUE;
	at = (__u32)hash % MTLB_CLIENT_LINES;
	line = bpf_map_lookup_elem(&mtlb_clients, &at);
	if (!line)
		return 1;
	now = bpf_ktime_get_ns() >> MTLB_CLIENT_TICK_SHIFT;
	for (int i = 0; i < CLIENT_TRIES; i++) {
		struct client_place place = client_find(line->entry, who, now);
		__u64 next = client_charge(&place, who, now, interval);
		__u32 at_entry = place.at;

		barrier_var(at_entry); /* or the compiler, which knows better, drops the mask */
		if (!next)
			return 0;
		if (__sync_val_compare_and_swap(&line->entry[at_entry % MTLB_CLIENTS_PER_LINE],
						place.entry, next) == place.entry)
			return 1;
	}
	return 1;
}

#endif
