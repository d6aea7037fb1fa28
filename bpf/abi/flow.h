/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The flow table: buckets of eight flows, each flow one 64-bit word that is read and written whole.
 * The eight words of a bucket fill one cache line, which is all that forwarding touches. A tenant
 * owns a power-of-two range of buckets, so a quota is a range and nobody can evict another tenant's
 * flow.
 *
 * The 64-bit hash of a flow: the upper 32 bits choose the Maglev slot, bits 0-23 the bucket,
 * bits 24-51 are the tag.
 *
 * The line next to the words holds the flows' whole hashes: a word does not tell which slot its
 * flow falls in, and without it the agent could not say which slots still need their flag. The
 * addresses, which only people ask for, lie in an array of their own, mtlb_flow_facts. A packet
 * that wrote there would wait for a cache and a TLB miss; it writes into its CPU's log instead, and
 * the agent carries that over. A log that overflows costs a listing some addresses, nothing else.
 *
 * Word and hash are two stores, so they may be seen apart from each other: the word comes first, by
 * compare and exchange, and whoever won it writes the hash. A reader takes both for one flow only
 * if the word's tag is the hash's. Should two CPUs that take one place right after each other leave
 * the hash of the one beside the word of the other, then the flow's own packets mend it when they
 * renew the word. The facts and the hash belong together if both have the same hash in them.
 */
#ifndef MTLB_ABI_FLOW_H
#define MTLB_ABI_FLOW_H

#include <linux/types.h>

#include "vip.h"

#define MTLB_FLOWS_PER_BUCKET 8

struct mtlb_flow_bucket {
	__u64 word[MTLB_FLOWS_PER_BUCKET]; /* 0 is free */
	__u64 hash[MTLB_FLOWS_PER_BUCKET]; /* says nothing where the word is free */
};

/* bits 0-27 tag, 28-47 member, 48-61 stamp, 62-63 state */
#define MTLB_FLOW_TAG_BITS     28
#define MTLB_FLOW_MEMBER_SHIFT 28
#define MTLB_FLOW_MEMBER_BITS  20
#define MTLB_FLOW_STAMP_SHIFT  48
#define MTLB_FLOW_STAMP_MASK   0x3fffU
#define MTLB_FLOW_STATE_SHIFT  62

/* Time in the table is CLOCK_MONOTONIC >> 32: units of 4.29 s, wrapping after 19 hours (knob
 * stamp_shift). Userspace frees what expired well before the wrap.
 */
#define MTLB_FLOW_STAMP_SHIFT_NS 32

enum mtlb_flow_state {
	MTLB_FLOW_UNPROVEN = 0,	   /* a SYN was seen, nothing after it */
	MTLB_FLOW_ESTABLISHED = 1, /* or any UDP flow */
	MTLB_FLOW_CLOSING = 2,	   /* FIN or RST seen from the client */
	MTLB_FLOW_ADOPTED = 3,	   /* first seen in mid-flow: forgetting it would not move it */
};

/* Flows that never came to be, or are over, are forgotten after these many stamps. */
#define MTLB_FLOW_IDLE_UNPROVEN 8  /* ~34 s: a client's SYN retransmissions fit in */
#define MTLB_FLOW_IDLE_CLOSING	16 /* ~69 s: longer than TIME_WAIT on Linux */

static inline __u64 mtlb_flow_word(__u32 tag, __u32 member, __u32 stamp, __u32 state)
{
	return (__u64)tag | ((__u64)member << MTLB_FLOW_MEMBER_SHIFT) |
	       ((__u64)(stamp & MTLB_FLOW_STAMP_MASK) << MTLB_FLOW_STAMP_SHIFT) |
	       ((__u64)state << MTLB_FLOW_STATE_SHIFT);
}

static inline __u32 mtlb_flow_tag(__u64 word)
{
	return (__u32)word & ((1U << MTLB_FLOW_TAG_BITS) - 1);
}

static inline __u32 mtlb_flow_member(__u64 word)
{
	return (__u32)(word >> MTLB_FLOW_MEMBER_SHIFT) & ((1U << MTLB_FLOW_MEMBER_BITS) - 1);
}

static inline __u32 mtlb_flow_stamp(__u64 word)
{
	return (__u32)(word >> MTLB_FLOW_STAMP_SHIFT) & MTLB_FLOW_STAMP_MASK;
}

static inline __u32 mtlb_flow_state(__u64 word)
{
	return (__u32)(word >> MTLB_FLOW_STATE_SHIFT);
}

static inline __u32 mtlb_flow_slot_hash(__u64 hash)
{
	return (__u32)(hash >> 32);
}

static inline __u32 mtlb_flow_bucket_hash(__u64 hash)
{
	return (__u32)hash & 0xffffff;
}

static inline __u32 mtlb_flow_tag_of(__u64 hash)
{
	return (__u32)(hash >> 24) & ((1U << MTLB_FLOW_TAG_BITS) - 1);
}

/* Age in stamps, modulo the wrap. A stamp from the near future (another CPU's clock) is age 0. */
static inline __u32 mtlb_flow_age(__u64 word, __u32 now)
{
	__u32 age = (now - mtlb_flow_stamp(word)) & MTLB_FLOW_STAMP_MASK;

	return age > MTLB_FLOW_STAMP_MASK - 4 ? 0 : age;
}

/* idle: what an established or adopted flow of this service is allowed, in stamps. */
static inline int mtlb_flow_expired(__u64 word, __u32 now, __u32 idle)
{
	__u32 state = mtlb_flow_state(word);
	__u32 limit = state == MTLB_FLOW_UNPROVEN  ? MTLB_FLOW_IDLE_UNPROVEN
		      : state == MTLB_FLOW_CLOSING ? MTLB_FLOW_IDLE_CLOSING
						   : idle;

	return mtlb_flow_age(word, now) > limit;
}

/* Who a flow is: at its position in mtlb_flow_facts, or on its way there in a log. 64 bytes. */
struct mtlb_flow_facts {
	__u64 hash;
	struct mtlb_address source;
	struct mtlb_address destination;
	__be16 source_port;
	__be16 destination_port;
	__u32 service;	  /* index: mtlb_services */
	__u64 first_seen; /* CLOCK_MONOTONIC, ns */
	__u32 position;	  /* bucket * MTLB_FLOWS_PER_BUCKET + place */
	__u8 protocol;
	__u8 spare[3];
};

#define MTLB_FLOW_LOG_ENTRIES 8192 /* a power of two */

/*
 * A CPU's log, a ring: entry n lies at n modulo its length and is complete once written is greater
 * than n. Packets never wait for the reader: they overwrite what it did not fetch in time. A packet
 * may be writing entry number `written` while it is read, so the one that lies there is not valid.
 */
struct mtlb_flow_log {
	__u64 written; /* by packets: entries since the log was made */
	__u64 spare[7];
	__u64 read; /* by the agent: entries before this one were carried over, or lost */
	__u64 lost;
	__u64 spare_2[6];
	struct mtlb_flow_facts entry[MTLB_FLOW_LOG_ENTRIES];
};

#endif
