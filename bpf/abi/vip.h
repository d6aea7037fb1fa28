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
 * belongs to the tenant that owns the address, and its record leads to services on ranges of ports.
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
	MTLB_VIP_ECHO = 1 << 2,		/* of an address: echo requests are answered */
	MTLB_VIP_NAT_SOURCE = 1 << 3, /* an address of the node's own that flows are translated to:
				       * flow_first is the first bucket of its ports */
	MTLB_VIP_NAT = 1 << 4,	  /* flow_first and flow_mask name the tenant's range of ports */
	MTLB_VIP_CLIENT = 1 << 5, /* affinity: all flows of a client's address in one slot */
	MTLB_VIP_ALONE = 1 << 6,  /* affinity: none, each datagram is balanced by itself */
	MTLB_VIP_LOCAL = 1 << 7,  /* handed to this node's own stack */
};

/* Also in the flags: QUIC's server ID, bytes 0-8 (0: the service is not QUIC), and the largest
 * segment size that a SYN may announce (0: any).
 */
#define MTLB_VIP_QUIC_SHIFT 8
#define MTLB_VIP_QUIC_MASK  0xfU
#define MTLB_VIP_MSS_SHIFT  16

/* The meters of abi/meter.h that the tenant's packets meet; of an address as well. Those of its
 * clients (abi/client.h) are asked where that of flows is. */
#define MTLB_VIP_METER_PACKETS (1U << 12)
#define MTLB_VIP_METER_BYTES   (1U << 13)
#define MTLB_VIP_METER_FLOWS   (1U << 14)
#define MTLB_VIP_METERED       (MTLB_VIP_METER_PACKETS | MTLB_VIP_METER_BYTES | MTLB_VIP_METER_FLOWS)

/* The tenant has a guard of its own (abi/guard.h); of an address as well. */
#define MTLB_VIP_GUARDED (1U << 15)

/* What an ordinary service does not have: one test sends the others on a longer way. */
#define MTLB_VIP_UNUSUAL                                                   \
	(MTLB_VIP_CLIENT | MTLB_VIP_ALONE | MTLB_VIP_LOCAL | 0xffff0000U | \
	 MTLB_VIP_QUIC_MASK << MTLB_VIP_QUIC_SHIFT)

/*
 * The value in mtlb_vips. The lock is the kernel's alone: with it, BPF_F_LOCK writes the record
 * index where it stands. Any other update puts a second element in front and takes the first one
 * out, and a packet that is just walking past would find neither.
 */
struct mtlb_vip_index {
	__u32 record; /* in mtlb_vip_records */
	struct bpf_spin_lock lock;
};

enum mtlb_port_protocol {
	MTLB_PORT_TCP = 0,
	MTLB_PORT_UDP = 1,
	MTLB_PORT_SCTP = 2,
	MTLB_PORT_PROTOCOLS = 3,
};

/* One cache line. */
struct mtlb_vip {
	struct mtlb_vip_key key;
	__u32 tenant;  /* index: mtlb_tenants, and the row of mtlb_reason_counters */
	__u32 service; /* index: mtlb_services, never 0 */
	__u32 flags;   /* enum mtlb_vip_flags, and what follows it */
	union {
		struct {
			__u32 slot_first; /* Maglev table: first slot, a multiple of
					   * MTLB_SLOTS_PER_LINE */
			__u32 slot_count; /* prime; 0: the service has no table yet */
			__u32 old_first;  /* who owned a hash when its slot was flagged CHANGED */
			__u32 old_count;  /* prime, may differ from slot_count; 0 when no slot is
					   * flagged */
		};
		/* of an address: first line of its ranges of ports, by enum mtlb_port_protocol */
		__u32 port_line[4];
	};
	__u32 flow_first; /* the tenant's range of flow buckets: first bucket */
	__u32 flow_mask;  /* and number of buckets - 1 (a power of two) */
	__u16 idle;	  /* a flow is forgotten after this many stamps (see flow.h) of silence */
	__u16 port_last;  /* of a range of ports, host order; key.port is the first. 0: one port */
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

/*
 * Ranges of ports (and "any port") of one address and protocol, which the address's record leads
 * to. Lines are chained, and never changed in place: a change writes fresh ones, then a fresh
 * record.
 */
#define MTLB_PORT_RANGES_PER_LINE 7
#define MTLB_PORT_LINES_MAX	  12 /* of one address and protocol */

struct mtlb_port_range {
	__u16 first, last; /* host order; an entry that is not used has record 0 */
	__u32 record;	   /* in mtlb_vip_records */
};

struct mtlb_port_line {
	__u32 next; /* index: mtlb_port_lines; 0: this is the last one */
	__u32 spare;
	struct mtlb_port_range range[MTLB_PORT_RANGES_PER_LINE];
};

/*
 * QUIC connection IDs that name their server (draft-ietf-quic-load-balancers, plaintext): map
 * mtlb_quic_ids. The value repeats the key, since hash elements are reused under readers.
 */
#define MTLB_QUIC_ID_MAX 8

struct mtlb_quic_key {
	__u64 id;      /* the server ID's bytes as they come, from the lowest byte on; rest 0 */
	__u32 service; /* index */
	__u32 length;  /* of the server ID, bytes */
};

struct mtlb_quic_value {
	struct mtlb_quic_key key;
	__u32 member;
	__u32 spare;
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
