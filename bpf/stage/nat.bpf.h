/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The flows of services that translate (forward: nat): every one is remembered, and where it stands
 * is the port it is translated to (abi/nat.h). Owns mtlb_nat_ways, and what stands in mtlb_flows
 * and mtlb_flow_facts from knob_nat_first on.
 *
 * A flow has two buckets to stand in, which its hash tells. It is found by its tag, but believed
 * only when its facts are those of the packet: a tag that two flows share would send one client
 * into the other's connection.
 *
 * A place changes hands in three steps: its word is exchanged for one that names no member, the
 * facts and the way are written, then the word is completed. So nobody, on any CPU, meets a word
 * with a member beside another flow's facts.
 *
 * Only a SYN opens a TCP flow, and nothing proves it but an answer of the member and then a word of
 * the client: of a flood, no matter of which packets, nothing stays that is not given up for the
 * next client.
 */
#ifndef MTLB_STAGE_NAT_H
#define MTLB_STAGE_NAT_H

#include "track.bpf.h"
#include "../abi/nat.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct mtlb_nat_way);
} mtlb_nat_ways SEC(".maps");

/* A place in the flow table. */
struct nat_seat {
	__u32 at, place;
};

#define NAT_CHOICES 2

static __always_inline __u32 nat_now(void)
{
	return (__u32)(bpf_ktime_get_coarse_ns() >> knob_stamp_shift) & MTLB_FLOW_STAMP_MASK;
}

/* With one bucket, half of all ports in use would leave one new flow in fifty without any. */
static __always_inline __u32 nat_bucket(const struct mtlb_vip *vip, __u64 hash, __u32 choice)
{
	__u32 bits = mtlb_flow_bucket_hash(hash);

	return vip->flow_first + ((choice ? bits >> 12 : bits) & vip->flow_mask);
}

/* Counted from knob_nat_first: its lower 16 bits are the port. */
static __always_inline __u32 nat_position(__u32 at, __u32 place)
{
	return (at - knob_nat_first) * MTLB_FLOWS_PER_BUCKET + place;
}

static __always_inline struct mtlb_flow_facts *nat_facts(__u32 at, __u32 place)
{
	__u32 facts_at = at * MTLB_FLOWS_PER_BUCKET + place;

	return bpf_map_lookup_elem(&mtlb_flow_facts, &facts_at);
}

static __always_inline bool nat_is_flow(const struct mtlb_flow_facts *facts, const struct packet *p)
{
	return nat_same_address(&facts->source, &p->source) &&
	       nat_same_address(&facts->destination, &p->key.address) &&
	       facts->source_port == p->source_port && facts->destination_port == p->key.port &&
	       facts->protocol == p->key.protocol;
}

/* Out of line for the verifier's sake, as in track.bpf.h. Where in this bucket the packet's flow
 * stands; TRACK_NO_ROOM when it does not. named: only if it is with this member; 0: with any.
 */
__attribute__((noinline)) __u32 nat_find(struct packet *p, __u32 at, __u32 named)
{
	const struct mtlb_flow_bucket *bucket = bpf_map_lookup_elem(&mtlb_flows, &at);

	if (!bucket || !p)
		return TRACK_NO_ROOM;
	for (__u32 i = 0; i < MTLB_FLOWS_PER_BUCKET; i++) {
		__u64 word = *(volatile const __u64 *)&bucket->word[i];
		const struct mtlb_flow_facts *facts;

		if (mtlb_flow_tag(word) != mtlb_flow_tag_of(p->hash) || !mtlb_flow_member(word) ||
		    (named && mtlb_flow_member(word) != named))
			continue;
		facts = nat_facts(at, i);
		if (facts && nat_is_flow(facts, p))
			return i;
	}
	return TRACK_NO_ROOM;
}

/* The way of this packet, back. */
static __always_inline void nat_take_way(struct xdp_md *ctx, const struct packet *p,
					 struct mtlb_nat_way *ret_way)
{
	const struct ethhdr *eth = (void *)(long)ctx->data;

	if ((const void *)(eth + 1) > (void *)(long)ctx->data_end)
		return;
	__builtin_memcpy(ret_way->client, eth->h_source, ETH_ALEN);
	__builtin_memcpy(ret_way->own, eth->h_dest, ETH_ALEN);
	ret_way->ifindex = ctx->ingress_ifindex;
	ret_way->tag[0] = p->tag[0];
	ret_way->tag[1] = p->tag[1];
	ret_way->l3 = (__u8)p->l3;
}

/* The client may be behind another router now. Whole words: a reply may be reading them. */
static __always_inline void nat_renew_way(struct xdp_md *ctx, const struct packet *p,
					  struct mtlb_nat_way *way)
{
	_Alignas(8) struct mtlb_nat_way is = {};
	const __u64 *from = (const __u64 *)&is;
	volatile __u64 *to = (volatile __u64 *)way;

	nat_take_way(ctx, p, &is);
	for (int i = 0; i < 3; i++)
		if (to[i] != from[i])
			to[i] = from[i];
	if (way->l3 != is.l3)
		way->l3 = is.l3;
}

/* A hit. Returns false when what is remembered no longer holds, and the flow is to be seen as new.
 */
static __always_inline bool nat_known(struct xdp_md *ctx, struct packet *p,
				      const struct mtlb_vip *vip, __u32 at, __u32 place, __u32 now)
{
	struct mtlb_flow_bucket *bucket = bpf_map_lookup_elem(&mtlb_flows, &at);
	__u32 position = nat_position(at, place), state, next;
	struct mtlb_nat_way *way = bpf_map_lookup_elem(&mtlb_nat_ways, &position);
	const struct mtlb_member *m;
	__u64 *seat, word;

	if (!bucket || !way)
		return false;
	seat = track_word(bucket, place);
	word = *(volatile __u64 *)seat;
	m = forward_member(vip, mtlb_flow_member(word));
	/* another CPU may have put another flow there since it was found */
	if (!m || mtlb_flow_tag(word) != mtlb_flow_tag_of(p->hash))
		return false;
	if (m->flags & MTLB_MEMBER_LET_GO || mtlb_flow_expired(word, now, vip->idle))
		return false;
	state = next = mtlb_flow_state(word);
	if (!packet_has_state(p)) {
		next = MTLB_FLOW_ESTABLISHED;
	} else if (packet_opens(p)) {
		if (state == MTLB_FLOW_CLOSING ||
		    (state == MTLB_FLOW_UNPROVEN && m->flags & MTLB_MEMBER_NO_NEW))
			return false;
	} else if (packet_closes(p)) {
		next = MTLB_FLOW_CLOSING;
	} else if (state == MTLB_FLOW_UNPROVEN && way->answered) {
		next = MTLB_FLOW_ESTABLISHED;
	}
	p->member = mtlb_flow_member(word);
	p->nat = position;
	if (p->related)
		return true; /* a router's word keeps no flow alive */
	if (next != state || mtlb_flow_stamp(word) != now)
		__sync_val_compare_and_swap(
			seat, word, mtlb_flow_word(mtlb_flow_tag(word), p->member, now, next));
	nat_renew_way(ctx, p, way);
	return true;
}

static __always_inline void nat_write_facts(struct xdp_md *ctx, const struct packet *p,
					    const struct mtlb_vip *vip, __u32 position,
					    struct mtlb_flow_facts *facts, struct mtlb_nat_way *way)
{
	facts->hash = p->hash;
	facts->source = p->source;
	facts->destination = p->key.address;
	facts->source_port = p->source_port;
	facts->destination_port = p->key.port;
	facts->protocol = p->key.protocol;
	facts->service = vip->service;
	facts->first_seen = bpf_ktime_get_coarse_ns();
	facts->position = position;
	nat_renew_way(ctx, p, way);
	way->answered = 0;
	way->mss = (__u16)(vip->flags >> MTLB_VIP_MSS_SHIFT);
	barrier();
}

/* The three steps. rank: as in track_store; 0: the place is this very flow's. */
static __always_inline bool nat_take_seat(struct xdp_md *ctx, struct packet *p,
					  const struct mtlb_vip *vip, __u32 at, __u32 place,
					  __u32 rank, __u32 now)
{
	struct mtlb_flow_bucket *bucket = bpf_map_lookup_elem(&mtlb_flows, &at);
	struct mtlb_flow_facts *facts = nat_facts(at, place);
	__u32 position = nat_position(at, place), tag = mtlb_flow_tag_of(p->hash);
	struct mtlb_nat_way *way = bpf_map_lookup_elem(&mtlb_nat_ways, &position);
	/* nobody's, and as something established safe from others while it is written */
	__u64 claim = mtlb_flow_word(tag, 0, now, MTLB_FLOW_ESTABLISHED), old, *seat;
	bool over;

	if (!bucket || !facts || !way || (position & 0xffff) < MTLB_NAT_PORT_FIRST)
		return false;
	seat = track_word(bucket, place);
	old = *(volatile __u64 *)seat;
	if (rank && track_rank(old, now, vip->idle, vip->service, MTLB_FLOW_UNPROVEN) < rank)
		return false;
	if (!rank && mtlb_flow_tag(old) != tag)
		return false;
	over = !rank || !old || track_over(old, now, vip->idle, vip->service);
	if (__sync_val_compare_and_swap(seat, old, claim) != old)
		return false;
	*track_hash(bucket, place) = p->hash;
	nat_write_facts(ctx, p, vip, at * MTLB_FLOWS_PER_BUCKET + place, facts, way);
	if (__sync_val_compare_and_swap(
		    seat, claim, mtlb_flow_word(tag, p->member, now, MTLB_FLOW_UNPROVEN)) != claim)
		return false;
	if (!over)
		count_tenant(vip->tenant, MTLB_COUNTER_flows_evicted);
	count_tenant(vip->tenant, MTLB_COUNTER_flows_stored);
	p->nat = position;
	p->new_flow = true;
	return true;
}

/* The better place of both buckets: rank and place as of track_room. */
static __always_inline __u32 nat_room(const struct mtlb_vip *vip, __u64 hash, __u32 now,
				      __u32 *ret_at)
{
	__u32 best = 0;

	for (__u32 choice = 0; choice < NAT_CHOICES; choice++) {
		__u32 at = nat_bucket(vip, hash, choice), room;

		room = track_room(at, now, vip->idle, vip->service, MTLB_FLOW_UNPROVEN);
		if (room >> 3 > best >> 3) {
			best = room;
			*ret_at = at;
		}
		if (best >> 3 == TRACK_FREE)
			break;
	}
	return best;
}

/* 0: a flow may be opened. */
static __always_inline int nat_may_open(const struct packet *p, const struct mtlb_vip *vip)
{
	const struct mtlb_member *m = forward_member(vip, p->member);

	if (p->related)
		return MTLB_REASON_icmp;
	/* SCTP's checksum would have to be made anew: it is not translated */
	if (p->key.protocol == IPPROTO_SCTP || (packet_has_state(p) && !packet_opens(p)))
		return MTLB_REASON_no_flow;
	if (!m)
		return p->member ? MTLB_REASON_no_record : MTLB_REASON_no_member;
	/* what would not get there takes no port */
	return m->flags & MTLB_MEMBER_NO_NEXT_HOP ? MTLB_REASON_no_next_hop : 0;
}

static __always_inline int nat_open(struct xdp_md *ctx, struct packet *p,
				    const struct mtlb_vip *vip, __u32 at, __u32 place, __u32 now)
{
	__u32 rank = 0;

	if (place >= MTLB_FLOWS_PER_BUCKET) {
		__u32 room = nat_room(vip, p->hash, now, &at);

		rank = room >> 3;
		place = room & (MTLB_FLOWS_PER_BUCKET - 1);
		if (!rank)
			goto full;
	}
	if (nat_take_seat(ctx, p, vip, at, place, rank, now))
		return 0;
full:
	count_tenant(vip->tenant, MTLB_COUNTER_flows_unstored);
	return MTLB_REASON_no_port;
}

/* p->member: the owner of the slot, or whom a QUIC connection ID has named. */
__attribute__((noinline)) int nat_track(struct xdp_md *ctx, struct packet *p)
{
	__u32 record, now = nat_now(), named, at = 0, place = TRACK_NO_ROOM;
	const struct mtlb_vip *vip;
	int reason;

	if (!p)
		return MTLB_REASON_no_record;
	record = p->record;
	vip = bpf_map_lookup_elem(&mtlb_vip_records, &record);
	if (!vip)
		return MTLB_REASON_no_record;
	named = p->slot & MTLB_SLOT_MEMBER ? 0 : p->member;
	for (__u32 choice = 0; choice < NAT_CHOICES && place == TRACK_NO_ROOM; choice++) {
		at = nat_bucket(vip, p->hash, choice);
		place = nat_find(p, at, named);
	}
	if (place < MTLB_FLOWS_PER_BUCKET && nat_known(ctx, p, vip, at, place, now))
		return 0;
	reason = nat_may_open(p, vip);
	return reason ? reason : nat_open(ctx, p, vip, at, place, now);
}

#endif
