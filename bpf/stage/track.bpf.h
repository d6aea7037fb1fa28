/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Just-enough tracking: a flow is remembered only while its hash alone would not find its member.
 * Owns mtlb_flows, mtlb_flow_facts and mtlb_flow_logs.
 *
 * The idea is that of JET (Mendelson et al., CoNEXT 2021) and of Beamer's previous owner (Olteanu
 * et al., NSDI 2018), applied to Maglev slots. In a slot that is not flagged CHANGED every flow is
 * with the owner. In a flagged one:
 *   - a SYN is new: it goes to the owner and is stored;
 *   - any other TCP packet is looked up; if it is not found it is older than the flag, since all
 *     newer flows were stored, and so the old owner's;
 *   - UDP has no SYN: while the slot learns, an unknown flow is the old owner's and is stored, and
 *     after that it is new.
 *
 * A flow that cannot be stored goes where its later packets, unknown as it is, will go too.
 */
#ifndef MTLB_STAGE_TRACK_H
#define MTLB_STAGE_TRACK_H

#include "classify.bpf.h"
#include "count.bpf.h"
#include "forward.bpf.h"
#include "pick.bpf.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct mtlb_flow_bucket);
} mtlb_flows SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct mtlb_flow_facts);
} mtlb_flow_facts SEC(".maps");

/* One per CPU. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct mtlb_flow_log);
} mtlb_flow_logs SEC(".maps");

#define TRACK_NO_ROOM MTLB_FLOWS_PER_BUCKET

static __always_inline __u32 track_stamp(__u64 clock)
{
	return (__u32)(clock >> knob_stamp_shift) & MTLB_FLOW_STAMP_MASK;
}

static __always_inline bool track_usable(const struct mtlb_vip *vip, __u32 member)
{
	const struct mtlb_member *m = forward_member(vip, member);

	return m && !(m->flags & MTLB_MEMBER_LET_GO);
}

/* The barrier keeps the compiler from dropping the mask, which the verifier wants to see. */
static __always_inline __u64 *track_word(struct mtlb_flow_bucket *bucket, __u32 place)
{
	barrier_var(place);
	return &bucket->word[place & (MTLB_FLOWS_PER_BUCKET - 1)];
}

static __always_inline __u64 *track_hash(struct mtlb_flow_bucket *bucket, __u32 place)
{
	barrier_var(place);
	return &bucket->hash[place & (MTLB_FLOWS_PER_BUCKET - 1)];
}

/* How long a flow may be idle is its own service's to say: another one's is left to the sweep. */
static __always_inline bool track_over(__u64 word, __u32 now, __u32 idle, __u32 service)
{
	__u32 state = mtlb_flow_state(word), member = mtlb_flow_member(word);
	const struct mtlb_member *m;

	if (!mtlb_flow_expired(word, now, idle))
		return false;
	if (state == MTLB_FLOW_UNPROVEN || state == MTLB_FLOW_CLOSING)
		return true;
	m = bpf_map_lookup_elem(&mtlb_members, &member);
	return m && m->service == service;
}

#define TRACK_FREE 0x30000 /* the rank of what is given up at once */

/* How readily a word is given up for a flow of this state: 0 never, else the greatest first. */
static __always_inline __u32 track_rank(__u64 word, __u32 now, __u32 idle, __u32 service,
					__u32 state)
{
	__u32 held = mtlb_flow_state(word), age = mtlb_flow_age(word, now);

	if (!word || track_over(word, now, idle, service))
		return TRACK_FREE;
	if (state == MTLB_FLOW_ADOPTED || held == MTLB_FLOW_ESTABLISHED)
		return 0;
	return (held == MTLB_FLOW_ADOPTED ? 0x20000 : 0x10000) + age;
}

struct track_search {
	struct mtlb_flow_bucket *bucket;
	__u32 now, idle, service, state;
	__u32 best; /* rank of the word that is given up most readily, and in three bits its place
		     */
};

/* A callback, which the verifier checks once: as a plain loop it took 300,000 instructions. */
static long track_look(__u32 i, void *context)
{
	struct track_search *search = context;
	__u64 word = *track_word(search->bucket, i);
	__u32 rank = track_rank(word, search->now, search->idle, search->service, search->state);

	rank = rank << 3 | (i & (MTLB_FLOWS_PER_BUCKET - 1));
	if (rank > search->best)
		search->best = rank;
	return 0;
}

/*
 * This and track_flow are checked by the verifier once each, and not for every way that leads to
 * them. Pointers do not pass into such a function: it is told where to look, and looks again, which
 * costs an array read.
 *
 * Where a flow of this state may be written: free or expired words first. An adopted flow may be
 * forgotten for any other, since it is routed the same without its entry. A connection that never
 * got beyond its SYN, or is closing, may be forgotten for any but an adopted one, the oldest first.
 * What is established is never given up: a flood cannot cut it.
 *
 * Returns the rank of what is there, and in the lowest three bits the place; 0 when there is none.
 */
__attribute__((noinline)) __u32 track_room(__u32 at, __u32 now, __u32 idle, __u32 service,
					   __u32 state)
{
	struct track_search search = {
		.bucket = bpf_map_lookup_elem(&mtlb_flows, &at),
		.now = now,
		.idle = idle,
		.service = service,
		.state = state,
	};

	if (!search.bucket)
		return 0;
	bpf_loop(MTLB_FLOWS_PER_BUCKET, track_look, &search, 0);
	return search.best >> 3 ? search.best : 0;
}

/* Into this CPU's log: no other CPU writes there, and XDP is not re-entered. */
static __always_inline void track_log(const struct packet *p, const struct mtlb_vip *vip,
				      __u32 position, __u64 clock)
{
	__u32 cpu = bpf_get_smp_processor_id();
	struct mtlb_flow_log *log = bpf_map_lookup_elem(&mtlb_flow_logs, &cpu);
	struct mtlb_flow_facts *facts;
	__u64 written;

	if (unlikely(!log))
		return;
	written = log->written;
	facts = &log->entry[written & (MTLB_FLOW_LOG_ENTRIES - 1)];
	facts->hash = p->hash;
	facts->source = p->source;
	facts->destination = p->key.address;
	facts->source_port = p->source_port;
	facts->destination_port = p->key.port;
	facts->service = vip->service;
	facts->first_seen = clock;
	facts->position = position;
	facts->protocol = p->key.protocol;
	barrier();
	*(volatile __u64 *)&log->written = written + 1;
}

/*
 * Several CPUs may want one word: the exchange lets one of them have it, and whoever finds there
 * what he would give up less readily than what he chose (rank) came too late. rank 0: only a word
 * of this very flow.
 */
static __always_inline bool track_store(const struct packet *p, const struct mtlb_vip *vip,
					__u32 at, struct mtlb_flow_bucket *bucket, __u32 place,
					__u32 rank, __u64 clock, __u32 state)
{
	__u64 *to = track_word(bucket, place), old, word;
	__u32 now = track_stamp(clock);
	bool own;

	if (place >= MTLB_FLOWS_PER_BUCKET)
		return false;
	word = mtlb_flow_word(mtlb_flow_tag_of(p->hash), p->member, now, state);
	old = *(volatile __u64 *)to;
	/* another service's flow may have the same tag, in a shared range another tenant's */
	own = old && mtlb_flow_tag(old) == mtlb_flow_tag(word) &&
	      forward_member(vip, mtlb_flow_member(old));
	if (!own && (!rank || track_rank(old, now, vip->idle, vip->service, state) < rank))
		return false;
	if (__sync_val_compare_and_swap(to, old, word) != old)
		return false;
	*track_hash(bucket, place) = p->hash;
	if (old && !own && !track_over(old, now, vip->idle, vip->service))
		count_tenant(vip->tenant, MTLB_COUNTER_flows_evicted);
	count_tenant(vip->tenant, MTLB_COUNTER_flows_stored);
	track_log(p, vip, at * MTLB_FLOWS_PER_BUCKET + place, clock);
	return true;
}

/* A hit. Returns false when what is remembered no longer holds, and the flow is to be seen as new.
 */
static __always_inline bool track_known(struct packet *p, const struct mtlb_vip *vip,
					const struct mtlb_member *m,
					struct mtlb_flow_bucket *bucket, __u32 place, __u64 word,
					__u32 now)
{
	__u32 member = mtlb_flow_member(word), state = mtlb_flow_state(word), next = state;

	if (m->flags & MTLB_MEMBER_LET_GO || mtlb_flow_expired(word, now, vip->idle))
		return false;
	if (packet_has_state(p)) {
		if (packet_opens(p)) {
			/* the client's port is used again, or its SYN repeated after the pool
			 * changed */
			if (state == MTLB_FLOW_CLOSING ||
			    (state == MTLB_FLOW_UNPROVEN && m->flags & MTLB_MEMBER_NO_NEW))
				return false;
		} else if (packet_closes(p)) {
			next = MTLB_FLOW_CLOSING;
		} else if (state == MTLB_FLOW_UNPROVEN) {
			next = MTLB_FLOW_ESTABLISHED;
		}
	}
	p->member = member;
	if (p->related)
		return true; /* a router's word keeps no flow alive */
	if (next != state || mtlb_flow_stamp(word) != now) {
		__u64 fresh = mtlb_flow_word(mtlb_flow_tag(word), member, now, next);

		/* mends what two CPUs left behind: see abi/flow.h */
		if (__sync_val_compare_and_swap(track_word(bucket, place), word, fresh) == word &&
		    *track_hash(bucket, place) != p->hash)
			*track_hash(bucket, place) = p->hash;
	}
	return true;
}

/* The first word with this tag whose member is of this service; TRACK_NO_ROOM when there is none.
 */
static __always_inline __u32 track_find(struct mtlb_flow_bucket *bucket, __u32 tag,
					const struct mtlb_vip *vip)
{
	for (__u32 i = 0; i < MTLB_FLOWS_PER_BUCKET; i++) {
		__u64 word = *(volatile __u64 *)&bucket->word[i];

		if (word && mtlb_flow_tag(word) == tag &&
		    forward_member(vip, mtlb_flow_member(word)))
			return i;
	}
	return TRACK_NO_ROOM;
}

static __always_inline __u32 track_free(struct mtlb_flow_bucket *bucket)
{
	for (__u32 i = 0; i < MTLB_FLOWS_PER_BUCKET; i++)
		if (!*(volatile __u64 *)&bucket->word[i])
			return i;
	return TRACK_NO_ROOM;
}

/* 0 when nothing is known, or it takes nobody any more. */
static __always_inline __u32 track_old_owner(const struct packet *p, const struct mtlb_vip *vip)
{
	__u32 old_owner = p->slot & MTLB_SLOT_CHANGED ? pick_old_owner(vip, p->slot_hash) : 0;

	return track_usable(vip, old_owner) ? old_owner : 0;
}

/* Who gets a flow that is not remembered, and how it is to be remembered. */
static __always_inline __u32 track_unknown(struct packet *p, const struct mtlb_vip *vip)
{
	__u32 old_owner;

	p->member = p->slot & MTLB_SLOT_MEMBER;
	if (packet_opens(p)) {
		p->new_flow = true;
		return MTLB_FLOW_UNPROVEN;
	}
	old_owner = track_old_owner(p, vip);
	if (!packet_has_state(p)) {
		if (p->slot & MTLB_SLOT_LEARN && old_owner)
			p->member = old_owner;
		else
			p->new_flow = true;
		return MTLB_FLOW_ESTABLISHED;
	}
	if (old_owner)
		p->member = old_owner;
	else if (p->slot & MTLB_SLOT_CHANGED)
		return MTLB_FLOW_ESTABLISHED; /* it moved: forgetting it could move it again */
	return MTLB_FLOW_ADOPTED;
}

__attribute__((noinline)) int track_flow(struct packet *p)
{
	const struct mtlb_vip *vip;
	struct mtlb_flow_bucket *bucket;
	__u32 rank = 0, now, state, record, at, place, tag;
	__u64 clock;

	if (!p)
		return MTLB_REASON_no_record;
	record = p->record;
	vip = bpf_map_lookup_elem(&mtlb_vip_records, &record);
	if (!vip)
		return MTLB_REASON_no_record;
	at = vip->flow_first + (mtlb_flow_bucket_hash(p->hash) & vip->flow_mask);
	bucket = bpf_map_lookup_elem(&mtlb_flows, &at);
	if (!bucket)
		return MTLB_REASON_no_record;
	clock = bpf_ktime_get_coarse_ns();
	now = track_stamp(clock);
	tag = mtlb_flow_tag_of(p->hash);
	place = track_find(bucket, tag, vip);
	if (place < MTLB_FLOWS_PER_BUCKET) {
		__u64 word = *(volatile __u64 *)track_word(bucket, place);
		const struct mtlb_member *m = forward_member(vip, mtlb_flow_member(word));

		/* another CPU may have put another flow there since it was found */
		if (m && mtlb_flow_tag(word) == tag &&
		    track_known(p, vip, m, bucket, place, word, now))
			return 0;
	}

	state = track_unknown(p, vip);
	if (!p->member)
		return MTLB_REASON_no_member;
	if (p->related) {
		p->new_flow = false;
		return 0;
	}
	if (state != MTLB_FLOW_UNPROVEN && packet_has_state(p)) {
		if (packet_resets(p))
			return 0; /* its last word: not worth remembering */
		if (packet_closes(p))
			state = MTLB_FLOW_CLOSING; /* it has yet to hear the other side out */
	}
	if (place >= MTLB_FLOWS_PER_BUCKET) {
		place = track_free(bucket);
		rank = TRACK_FREE;
	}
	if (place >= MTLB_FLOWS_PER_BUCKET) {
		__u32 room = track_room(at, now, vip->idle, vip->service, state);

		rank = room >> 3;
		place = rank ? room & (MTLB_FLOWS_PER_BUCKET - 1) : TRACK_NO_ROOM;
	}
	if (!track_store(p, vip, at, bucket, place, rank, clock, state)) {
		count_tenant(vip->tenant, MTLB_COUNTER_flows_unstored);
		if (!packet_has_state(p))
			p->new_flow = false; /* or each of its packets would be one */
		if (state == MTLB_FLOW_UNPROVEN)
			/* where its next packet, unknown, would go */
			p->member = track_old_owner(p, vip) ?: p->member;
	}
	return 0;
}

/* Translated flows are all remembered, elsewhere: nat.bpf.h. */
int nat_track(struct xdp_md *ctx, struct packet *p);

static __always_inline int track(struct xdp_md *ctx, struct packet *p)
{
	int reason;

	if (unlikely(p->member && !(p->vip->flags & MTLB_VIP_NAT)))
		return 0; /* a QUIC connection ID has told */
	p->member = p->member ?: p->slot & MTLB_SLOT_MEMBER;
	if (likely(!(p->slot & MTLB_SLOT_CHANGED ||
		     p->vip->flags & (MTLB_VIP_TRACK_ALWAYS | MTLB_VIP_NAT))) ||
	    p->vip->flags & MTLB_VIP_ALONE) {
		p->new_flow = packet_opens(p);
		return 0;
	}
	reason = p->vip->flags & MTLB_VIP_NAT ? nat_track(ctx, p) : track_flow(p);
	p->vip = bpf_map_lookup_elem(&mtlb_vip_records, &p->record);
	return likely(p->vip) ? reason : MTLB_REASON_no_record;
}

#endif
