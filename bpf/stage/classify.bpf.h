/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Whose packet is it? Owns mtlb_vips and mtlb_vip_records. One hash lookup for a packet of a
 * service; a second one, by address alone, only for packets that match none: they are nobody's and
 * pass, or they are for a VIP and get their reason, charged to its tenant.
 */
#ifndef MTLB_STAGE_CLASSIFY_H
#define MTLB_STAGE_CLASSIFY_H

#include "knobs.bpf.h"
#include "../core/hash.h"

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, struct mtlb_vip_key);
	__type(value, struct mtlb_vip_index);
} mtlb_vips SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct mtlb_vip);
} mtlb_vip_records SEC(".maps");

/* Protects tenants from each other: see abi/vip.h on why the key is compared once more. */
static __always_inline bool classify_same(const struct mtlb_vip_key *a,
					  const struct mtlb_vip_key *b)
{
	const __u32 *x = (const __u32 *)a, *y = (const __u32 *)b;

	return !((x[0] ^ y[0]) | (x[1] ^ y[1]) | (x[2] ^ y[2]) | (x[3] ^ y[3]) | (x[4] ^ y[4]));
}

static __always_inline const struct mtlb_vip *classify_find(const struct mtlb_vip_key *key,
							    __u32 *ret_record, bool *ret_torn)
{
	const struct mtlb_vip_index *index = bpf_map_lookup_elem(&mtlb_vips, key);
	const struct mtlb_vip *vip;

	if (!index)
		return NULL;
	*ret_record = index->record;
	vip = bpf_map_lookup_elem(&mtlb_vip_records, ret_record);
	if (unlikely(!vip || !classify_same(&vip->key, key))) {
		*ret_torn = true;
		return NULL;
	}
	return vip;
}

static __always_inline int classify_by_address(struct packet *p)
{
	struct mtlb_vip_key key = {.address = p->key.address};
	bool torn = false;

	p->vip = classify_find(&key, &p->record, &torn);
	if (p->vip)
		return p->trouble ?: MTLB_REASON_no_service;
	return torn ? MTLB_REASON_no_record : MTLB_REASON_not_vip;
}

/* IPv4 VIPs are kept in the IPv4-mapped form: nobody may reach them by writing it on the wire. */
static __always_inline bool classify_mapped(const struct mtlb_address *address)
{
	return !(address->word[0] | address->word[1]) && address->word[2] == core_be32(0xffff);
}

static __always_inline int classify(struct packet *p)
{
	bool torn = false;

	if (p->ipv6 && unlikely(classify_mapped(&p->key.address)))
		return MTLB_REASON_not_vip;
	if (unlikely(p->trouble))
		return classify_by_address(p);
	p->vip = classify_find(&p->key, &p->record, &torn);
	if (unlikely(torn))
		return MTLB_REASON_no_record;
	if (!p->vip)
		return classify_by_address(p);
	p->hash = hash_packet(p, knob_hash_key_0, knob_hash_key_1);
	return 0;
}

#endif
