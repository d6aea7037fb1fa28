/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Whose packet is it? Owns mtlb_vips, mtlb_vip_records and mtlb_port_lines. One hash lookup for a
 * packet of a service; a second one, by address alone, only for packets that match none: they are
 * nobody's and pass, or they are for a VIP: then a service may listen on a range of ports that
 * theirs is in, or they get their reason, charged to the address's tenant.
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

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct mtlb_port_line);
} mtlb_port_lines SEC(".maps");

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

struct classify_walk {
	__u32 line;
	__u32 port; /* host order */
	__u32 record;
};

/* A callback, which the verifier checks once. */
static long classify_look(__u32 i, void *context)
{
	struct classify_walk *walk = context;
	__u32 at = walk->line;
	const struct mtlb_port_line *line = bpf_map_lookup_elem(&mtlb_port_lines, &at);

	(void)i;
	if (!line)
		return 1;
	for (__u32 r = 0; r < MTLB_PORT_RANGES_PER_LINE; r++) {
		if (line->range[r].record && walk->port >= line->range[r].first &&
		    walk->port <= line->range[r].last) {
			walk->record = line->range[r].record;
			return 1;
		}
	}
	walk->line = line->next;
	return !walk->line;
}

static __always_inline __u32 classify_line(const struct mtlb_vip *address, __u8 protocol)
{
	if (protocol == IPPROTO_TCP)
		return address->port_line[MTLB_PORT_TCP];
	if (protocol == IPPROTO_UDP)
		return address->port_line[MTLB_PORT_UDP];
	return protocol == IPPROTO_SCTP ? address->port_line[MTLB_PORT_SCTP] : 0;
}

/* Out of line for the verifier's sake. The record of the range that the port is in; 0: none. */
__attribute__((noinline)) __u32 classify_range(__u32 line, __u32 port)
{
	struct classify_walk walk = {.line = line, .port = port};

	bpf_loop(MTLB_PORT_LINES_MAX, classify_look, &walk, 0);
	return walk.record;
}

/* Protects tenants from each other, should a line ever lead to what is another's by now. */
static __always_inline bool classify_covers(const struct mtlb_vip *vip, const struct packet *p)
{
	struct mtlb_vip_key key = p->key;
	__u32 port = core_be16(key.port);

	key.port = vip->key.port;
	return classify_same(&vip->key, &key) && port >= core_be16(vip->key.port) &&
	       port <= vip->port_last;
}

/* 0: a service listens on a range of ports. */
static __always_inline int classify_by_address(struct packet *p)
{
	struct mtlb_vip_key key = {.address = p->key.address};
	bool torn = false;
	__u32 line, record;

	p->vip = classify_find(&key, &p->record, &torn);
	if (!p->vip)
		return torn ? MTLB_REASON_no_record : MTLB_REASON_not_vip;
	/* an address of the node's own: see detour */
	if (p->vip->flags & MTLB_VIP_NAT_SOURCE)
		return MTLB_REASON_not_vip;
	p->tenant = p->vip->tenant;
	if (p->trouble)
		return p->trouble;
	line = classify_line(p->vip, p->key.protocol);
	if (!line)
		return MTLB_REASON_no_service;
	record = classify_range(line, core_be16(p->key.port));
	if (!record)
		return MTLB_REASON_no_service;
	p->record = record;
	p->vip = bpf_map_lookup_elem(&mtlb_vip_records, &p->record);
	return p->vip && classify_covers(p->vip, p) ? 0 : MTLB_REASON_no_record;
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
	if (unlikely(!p->vip)) {
		int reason = classify_by_address(p);

		if (reason)
			return reason;
	}
	p->tenant = p->vip->tenant;
	p->hash = hash_packet(p, knob_hash_key_0, knob_hash_key_1);
	return 0;
}

#endif
