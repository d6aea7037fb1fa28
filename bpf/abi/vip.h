/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * How a packet finds its tenant: one hash lookup by {address, protocol, port}, then an array read.
 *
 * The hash (map mtlb_vips) holds only a record index. The record (map mtlb_vip_records) repeats the
 * key, and the program compares it: a kernel hash element may be reused for another key while a
 * packet still holds a pointer to it, and without the comparison that packet could be sent to
 * another tenant's backend. Records are never changed in place: a change writes a fresh record,
 * then switches the index, so a packet sees the old record or the new one, never a mixture.
 */
#ifndef MTLB_ABI_VIP_H
#define MTLB_ABI_VIP_H

#include <linux/bpf.h>
#include <linux/types.h>

/* IPv4 addresses are written in their IPv4-mapped IPv6 form (RFC 4291, 2.5.5.2). All big endian. */
struct mtlb_address {
	__be32 word[4];
};

/* protocol 0 and port 0 stand for "the address itself": what is sent to it but matches no service
 * belongs to the tenant that owns the address.
 */
struct mtlb_vip_key {
	struct mtlb_address address;
	__be16 port;
	__u8 protocol; /* IPPROTO_* */
	__u8 zero;
};

enum mtlb_vip_flags {
	MTLB_VIP_TRACK_ALWAYS = 1 << 0, /* remember every flow, not only those of changed slots */
	MTLB_VIP_ADDRESS = 1 << 1,	/* the address itself: no service listens here */
};

/*
 * The value in mtlb_vips. The lock is the kernel's alone: with it, BPF_F_LOCK writes the record
 * index where it stands. Any other update puts a second element in front and takes the first one
 * out, and a packet that is just walking past would find neither.
 */
struct mtlb_vip_index {
	__u32 record; /* in mtlb_vip_records */
	struct bpf_spin_lock lock;
};

/* One cache line. */
struct mtlb_vip {
	struct mtlb_vip_key key;
	__u32 tenant;	  /* index: mtlb_tenants, and the row of mtlb_reason_counters */
	__u32 service;	  /* index: mtlb_services, never 0 */
	__u32 flags;	  /* enum mtlb_vip_flags */
	__u32 slot_first; /* Maglev table: first slot, a multiple of MTLB_SLOTS_PER_LINE */
	__u32 slot_count; /* prime; 0: the service has no table yet */
	__u32 old_first;  /* who owned a hash when its slot was flagged CHANGED */
	__u32 old_count;  /* prime, may differ from slot_count; 0 when no slot is flagged */
	__u32 flow_first; /* the tenant's range of flow buckets: first bucket */
	__u32 flow_mask;  /* and number of buckets - 1 (a power of two) */
	__u32 idle;	  /* a flow is forgotten after this many stamps (see flow.h) of silence */
	__u32 generation; /* grows with each table a service publishes */
};

/*
 * A slot of a Maglev table: the index of the member that owns it (0: nobody), and two flags.
 * Slots are packed in lines of sixteen: an array element may not be smaller than eight bytes.
 */
#define MTLB_SLOTS_PER_LINE 16
#define MTLB_SLOT_MEMBER    0x000fffffU
#define MTLB_SLOT_CHANGED   0x80000000U /* the owner changed: flows of this slot are looked up */
#define MTLB_SLOT_LEARN \
	0x40000000U /* UDP: unknown flows still go to the old owner, and are stored */

struct mtlb_slot_line {
	__u32 slot[MTLB_SLOTS_PER_LINE];
};

/* Where a hash falls in a table of count slots (Lemire, "Fast random integer generation in an
 * interval", ACM TOMACS 2019): slot i owns one contiguous interval of hashes, which is what lets a
 * table be replaced by one of another size without losing track of who owned what.
 */
static inline __u32 mtlb_slot_of(__u32 hash, __u32 count)
{
	return (__u32)(((__u64)hash * count) >> 32);
}

#endif
