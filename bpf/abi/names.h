/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the numbers in the other maps stand for. Hardly a packet reads these arrays: they let a
 * restarted agent adopt a running dataplane, and let tools print names when no agent runs. An entry
 * is in use when its first word is not zero; that word is written last.
 */
#ifndef MTLB_ABI_NAMES_H
#define MTLB_ABI_NAMES_H

#include <linux/types.h>

#include "vip.h"

#define MTLB_NAME_MAX 64 /* with the closing NUL */

/* Tenant 0 is the node itself: packets that belong to nobody. */
struct mtlb_tenant {
	__u32 used;
	__u32 id;	  /* the operator's number, 0 when none was given */
	__u32 flow_first; /* first bucket of its range */
	__u32 flow_count; /* buckets: a power of two */
	__u32 nat_first;  /* the same of its source ports for NAT */
	__u32 nat_count;  /* 0: it has none */
	char name[MTLB_NAME_MAX];
	char flows_of[MTLB_NAME_MAX]; /* the tier whose tenants share this range of flows; empty:
				       * it is the tenant's own */
};

struct mtlb_service {
	__u32 used;
	__u32 tenant;
	__u8 protocol;
	__u8 encap_wish; /* enum mtlb_forward */
	__u8 track_always;
	__u8 affinity;	 /* enum mtlb_affinity */
	__u8 quic_bytes; /* of the server ID; 0: no QUIC */
	__u8 spare;
	__u16 mss;  /* 0: not clamped */
	__u32 idle; /* seconds */
	__u32 spare_2;
	__u64 changed_at;  /* CLOCK_MONOTONIC ns of the newest CHANGED flag; 0: none is set */
	__u64 learn_until; /* CLOCK_MONOTONIC ns when learning slots switch; 0: none learns */
	char name[MTLB_NAME_MAX];
	char pool[MTLB_NAME_MAX];
};

enum mtlb_forward {
	MTLB_FORWARD_DSR = 0,
	MTLB_FORWARD_IPIP = 1,
	MTLB_FORWARD_GUE = 2,
	MTLB_FORWARD_NAT = 3,
	MTLB_FORWARD_LOCAL = 4, /* to this node's own stack: there is no member */
};

enum mtlb_affinity {
	MTLB_AFFINITY_CLIENT_PORT = 0,
	MTLB_AFFINITY_CLIENT = 1,
	MTLB_AFFINITY_NONE = 2,
};

enum mtlb_member_state {
	MTLB_MEMBER_UP = 0,
	MTLB_MEMBER_DOWN = 1, /* its health check failed: no new flows, old ones kept for a while */
	MTLB_MEMBER_DRAIN = 2,	  /* the operator drains it: no new flows, old ones kept */
	MTLB_MEMBER_GONE = 3,	  /* no longer configured, lingers until its flows are over */
	MTLB_MEMBER_CHECKING = 4, /* added to a running service: gets flows once a check succeeds */
};

/* The cold half of a member: same index. */
struct mtlb_member_name {
	__u32 used;
	__u32 service;
	struct mtlb_address address;
	__be16 port; /* 0: that of the VIP (DSR and tunnels never translate) */
	__u8 drain;  /* the operator's wish */
	__u8 state;  /* enum mtlb_member_state */
	__u32 weight;
	__u8 server_id[8];    /* QUIC */
	__u8 server_id_bytes; /* 0: none */
	__u8 spare[7];
	__u64 since;	  /* CLOCK_MONOTONIC ns of the last change of state */
	__u64 drained_at; /* the same of the operator's wish; 0 when there is none */
};

/* Array of one: what a program and an agent must agree on. */
#define MTLB_ABI_VERSION 6

struct mtlb_node {
	__u32 abi_version;
	__u32 cpus;	  /* rows of the counter maps */
	__u64 secret[2];  /* of the hash; the program has it as well, and only root reads either */
	__u64 created_at; /* CLOCK_REALTIME ns */
	__u32 tenants;	  /* capacity of each map */
	__u32 vips;
	__u32 services;
	__u32 members;
	__u32 slots;
	__u32 flow_buckets; /* of tenants' flows; those of NAT come after them */
	__u32 stamp_shift;
	__u32 nat_sources; /* pairs of addresses that flows are translated to, 65,536 ports each */
	__u32 nat_first;   /* first bucket of the first one, a multiple of MTLB_NAT_BUCKETS */
	__u32 spare;
	__u64 program_at; /* CLOCK_REALTIME ns: since when the program that runs is there */
	char program[24]; /* and of which version it is */
	__u32 acl_prefixes;
	__u32 feed_prefixes;
};

#endif
