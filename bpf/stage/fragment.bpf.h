/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Fragments: only the first one of a datagram has ports. It goes its way like a whole packet, and
 * where that led is remembered; the later ones, whenever they come, follow. One that comes before
 * its first is handed to the agent to hold, within a budget of its tenant's. Owns mtlb_fragments
 * and mtlb_held.
 *
 * A word is found and stored in one bucket, whoever's that is: a tenant's own, where nobody else
 * writes, or one of those that all replies to translated flows share.
 */
#ifndef MTLB_STAGE_FRAGMENT_H
#define MTLB_STAGE_FRAGMENT_H

#include "answer.bpf.h"
#include "forward.bpf.h"
#include "knobs.bpf.h"
#include "names.bpf.h"
#include "../abi/fragment.h"
#include "../core/hash.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct mtlb_fragment_bucket);
} mtlb_fragments SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 21);
} mtlb_held SEC(".maps");

#define FRAGMENT_HELD_MAX 128U /* of a tenant, by a CPU, in a window of answer.bpf.h */
#define FRAGMENT_TRIES	  3

static __always_inline __u64 fragment_hash(const struct packet *p)
{
	return hash_fragment(p, knob_hash_key_0, knob_hash_key_1);
}

/* In mtlb_fragments. */
static __always_inline __u32 fragment_bucket(__u32 tenant, __u64 hash)
{
	return tenant * MTLB_FRAGMENT_BUCKETS +
	       (mtlb_flow_bucket_hash(hash) & (MTLB_FRAGMENT_BUCKETS - 1));
}

static __always_inline __u32 fragment_reply_bucket(__u64 hash)
{
	return knob_tenants * MTLB_FRAGMENT_BUCKETS +
	       (mtlb_flow_bucket_hash(hash) & (MTLB_FRAGMENT_REPLY_BUCKETS - 1));
}

static __always_inline __u32 fragment_now(void)
{
	return (__u32)(bpf_ktime_get_coarse_ns() >> MTLB_FRAGMENT_STAMP_SHIFT) &
	       MTLB_FLOW_STAMP_MASK;
}

/* target: the member, or the position of the NAT flow; never 0. */
static __always_inline __u64 fragment_word(__u64 hash, __u32 target, enum mtlb_fragment_kind kind)
{
	return mtlb_flow_word(mtlb_flow_tag_of(hash), target, fragment_now(), kind);
}

static __always_inline bool fragment_live(__u64 word, __u32 now)
{
	return word && mtlb_flow_age(word, now) <= MTLB_FRAGMENT_LIFE;
}

/* Out of line for the verifier's sake, as in track.bpf.h. The target, 0 when it is not known. */
__attribute__((noinline)) __u32 fragment_find(__u32 at, __u32 tag, __u32 kind)
{
	const struct mtlb_fragment_bucket *bucket = bpf_map_lookup_elem(&mtlb_fragments, &at);
	__u32 now = fragment_now();

	if (!bucket)
		return 0;
	for (__u32 i = 0; i < MTLB_FLOWS_PER_BUCKET; i++) {
		__u64 word = *(volatile const __u64 *)&bucket->word[i];

		if (mtlb_flow_tag(word) == tag && mtlb_flow_state(word) == kind &&
		    fragment_live(word, now))
			return mtlb_flow_member(word);
	}
	return 0;
}

/* A word that may be overwritten: the greatest rank goes first. */
struct fragment_place {
	__u64 word;
	__u32 place, rank;
};

enum fragment_rank {
	FRAGMENT_FREE = 0x10000, /* or expired; below it: the age + 1 */
	FRAGMENT_SAME = 0x20000, /* the same datagram's */
};

struct fragment_search {
	struct mtlb_fragment_bucket *bucket;
	__u64 word; /* to be stored */
	__u32 now;
	__u32 own_first, own_count; /* targets that share the right to a few words */
	__u32 owned;		    /* of those, how many there are in the bucket */
	struct fragment_place any, own;
};

/* The barrier keeps the compiler from dropping the mask, which the verifier wants to see. */
static __always_inline __u64 *fragment_at(struct mtlb_fragment_bucket *bucket, __u32 place)
{
	barrier_var(place);
	return &bucket->word[place & (MTLB_FLOWS_PER_BUCKET - 1)];
}

/* A callback, which the verifier checks once. */
static long fragment_look(__u32 i, void *context)
{
	struct fragment_search *search = context;
	struct fragment_place found = {.place = i};

	found.word = *(volatile __u64 *)fragment_at(search->bucket, i);
	if (!fragment_live(found.word, search->now))
		found.rank = FRAGMENT_FREE;
	else if (mtlb_flow_tag(found.word) == mtlb_flow_tag(search->word) &&
		 mtlb_flow_state(found.word) == mtlb_flow_state(search->word))
		found.rank = FRAGMENT_SAME;
	else
		found.rank = mtlb_flow_age(found.word, search->now) + 1;
	if (found.rank > search->any.rank)
		search->any = found;
	if (found.rank == FRAGMENT_FREE ||
	    mtlb_flow_state(found.word) != mtlb_flow_state(search->word) ||
	    mtlb_flow_member(found.word) - search->own_first >= search->own_count)
		return 0;
	search->owned++;
	if (found.rank > search->own.rank)
		search->own = found;
	return 0;
}

/*
 * Remembers a word (fragment_word) in a bucket, in the place of the oldest when that is full. Where
 * tenants share the bucket, those whose targets are the own_count ones from own_first on get no
 * more than MTLB_FRAGMENT_REPLY_SHARE places of it: the oldest of their own goes first. own_count
 * 0: the bucket is one tenant's. Returns false when other CPUs were faster each time.
 */
__attribute__((noinline)) int fragment_store(__u32 at, __u64 word, __u32 own_first, __u32 own_count)
{
	struct fragment_search search = {.word = word, .own_first = own_first};

	search.own_count = own_count;
	search.now = mtlb_flow_stamp(word);
	for (__u32 i = 0; i < FRAGMENT_TRIES; i++) {
		struct fragment_place *best = &search.any;
		__u64 *to;

		search.bucket = bpf_map_lookup_elem(&mtlb_fragments, &at);
		if (!search.bucket)
			return 0;
		search.any.rank = search.own.rank = search.owned = 0;
		bpf_loop(MTLB_FLOWS_PER_BUCKET, fragment_look, &search, 0);
		if (search.any.rank != FRAGMENT_SAME && search.owned >= MTLB_FRAGMENT_REPLY_SHARE)
			best = &search.own;
		to = fragment_at(search.bucket, best->place);
		if (__sync_val_compare_and_swap(to, best->word, word) == best->word)
			return 1;
	}
	return 0;
}

/* Whom an ICMP error is from, where p names the flow that it is about. */
static __always_inline void fragment_take_source(struct xdp_md *ctx, struct packet *p)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	void *ip = data + (p->l3 & 0x1f);

	if (ip + sizeof(struct ipv6hdr) > end) /* an error is longer than that */
		return;
	if (p->ipv6)
		__builtin_memcpy(&p->source, &((struct ipv6hdr *)ip)->saddr, sizeof(p->source));
	else
		p->source.word[3] = ((struct iphdr *)ip)->saddr;
}

/* A first fragment that has found its member, or is for this node's own stack. p->vip is lost. */
__attribute__((noinline)) int fragment_remember(struct xdp_md *ctx, struct packet *p, __u32 kind)
{
	struct mtlb_address source;
	__u32 target;
	__u64 hash;

	if (!p)
		return 0;
	target = kind == MTLB_FRAGMENT_LOCAL ? 1 : p->member;
	source = p->source;
	if (p->related)
		fragment_take_source(ctx, p);
	hash = fragment_hash(p);
	p->source = source;
	return fragment_store(fragment_bucket(p->tenant, hash), fragment_word(hash, target, kind),
			      0, 0);
}

/* Not called: for the types, as event_record. */
int fragment_record(const struct mtlb_held *record);
int fragment_record(const struct mtlb_held *record)
{
	return !record;
}

/* The agent waits for the tag to appear in the bucket, and then lets it in again. */
__attribute__((noinline)) int fragment_hold(struct xdp_md *ctx, struct packet *p, __u32 bucket,
					    __u32 tag)
{
	__u64 length = bpf_xdp_get_buff_len(ctx);
	struct mtlb_answer_budget *budget;
	struct mtlb_held *held;

	/* two comparisons, whatever the compiler thinks: verifiers before 6.8 learn nothing from
	 * one with zero, and would take the length for 0 */
	if (!p || length < ETH_HLEN)
		return MTLB_REASON_fragment;
	barrier_var(length);
	if (length > MTLB_HELD_FRAME_MAX)
		return MTLB_REASON_fragment;
	budget = answer_budget(p);
	if (!budget || !answer_left(&budget->held, FRAGMENT_HELD_MAX))
		return MTLB_REASON_fragment;
	held = bpf_ringbuf_reserve(&mtlb_held, sizeof(*held), 0);
	if (!held)
		return MTLB_REASON_fragment;
	if (bpf_xdp_load_bytes(ctx, 0, held->frame, (__u32)length)) {
		bpf_ringbuf_discard(held, BPF_RB_NO_WAKEUP);
		return MTLB_REASON_fragment;
	}
	held->tenant = p->tenant;
	held->ifindex = ctx->ingress_ifindex;
	held->bucket = bucket;
	held->tag = tag;
	held->length = (__u32)length;
	held->spare = 0;
	held->since = bpf_ktime_get_coarse_ns();
	bpf_ringbuf_submit(held, 0);
	budget->held++;
	return MTLB_REASON_fragment_held;
}

/*
 * A later fragment, for an address of p->tenant's. One whose way is known but barred is not held:
 * the agent would see the tag and let it in again at once, for ever.
 */
__attribute__((noinline)) int fragment_follow(struct xdp_md *ctx, struct packet *p)
{
	const struct mtlb_service *service;
	const struct mtlb_member *m;
	__u32 at, tag, member, service_at;

	if (!p)
		return MTLB_REASON_fragment;
	p->hash = fragment_hash(p); /* the outer header shows it */
	at = fragment_bucket(p->tenant, p->hash);
	tag = mtlb_flow_tag_of(p->hash);
	member = fragment_find(at, tag, MTLB_FRAGMENT_MEMBER);
	if (!member)
		return fragment_find(at, tag, MTLB_FRAGMENT_LOCAL) ? MTLB_REASON_local
								   : fragment_hold(ctx, p, at, tag);
	m = bpf_map_lookup_elem(&mtlb_members, &member);
	if (!m || m->flags & MTLB_MEMBER_LET_GO)
		return MTLB_REASON_fragment;
	/* its number may have been given to another service since */
	service_at = m->service;
	service = bpf_map_lookup_elem(&mtlb_services, &service_at);
	if (!service || !service->used || service->tenant != p->tenant)
		return MTLB_REASON_fragment;
	p->member = member;
	return forward_to(ctx, p, m);
}

#endif
