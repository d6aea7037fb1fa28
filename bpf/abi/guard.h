/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Who may not send to a tenant: prefixes of source addresses (the operator's deny feeds, a tenant's
 * access list), and packets that no honest client sends. A packet meets the node's guard, then its
 * tenant's.
 *
 * Prefixes are looked up in a trie whose nodes look at as many bits of the address as the list is
 * large there (level compression: LC-tries, Nilsson and Karlsson, IEEE JSAC 1999): a list of a
 * hundred lines is entered by eight bits at once, a feed of a million by sixteen. What no branch
 * divides is not spelled out in nodes: an entry may lead to a record that compares the address with
 * a prefix as a whole (path compression: Morrison, JACM 1968). So there are fewer cache lines of
 * nodes than prefixes, however long these are. The longest prefix that matches decides: it stands
 * wherever a shorter one's entry would lead on to it (controlled prefix expansion: Srinivasan and
 * Varghese, TOCS 1999).
 *
 * Nodes, records and rules that packets may meet are never changed in place: a change writes fresh
 * ones, then the two roots of the guard as one 64-bit word, and frees the old ones after a grace
 * period.
 */
#ifndef MTLB_ABI_GUARD_H
#define MTLB_ABI_GUARD_H

#include <linux/types.h>

#include "vip.h"

/* An entry: bits 30-31 its kind, the others an index. 0: no rule, the packet goes on. */
#define MTLB_ENTRY_RULE	  0U
#define MTLB_ENTRY_NODE	  1U
#define MTLB_ENTRY_RECORD 2U
#define MTLB_ENTRY_SHIFT  30
#define MTLB_ENTRY_DENY	  0x20000000U /* of a rule; without it the rule allows */
#define MTLB_ENTRY_INDEX  0x1fffffffU

/* Of a node: how many bits it looks at, less one, and the line that its entries begin in. */
#define MTLB_NODE_SHIFT	   26
#define MTLB_NODE_BITS	   0xfU
#define MTLB_NODE_INDEX	   0x3ffffffU
#define MTLB_NODE_BITS_MAX 16

#define MTLB_TRIE_LINE	     16 /* entries */
#define MTLB_TRIE_LINE_SHIFT 4
/* A walk is over after this many steps: each but the last two gets on by four bits at least. */
#define MTLB_TRIE_STEPS 36

/* mtlb_trie_nodes: 0 is never used. A cache line: a small node, or a part of a larger one. */
struct mtlb_trie_node {
	__u32 entry[MTLB_TRIE_LINE];
};

/* mtlb_trie_records: 0 is never used. Half a cache line. */
struct mtlb_trie_record {
	struct mtlb_address address; /* IPv4 in the mapped form, so lengths are those of IPv6 */
	__u32 match;		     /* entry: what to do when its first bits are the address's */
	__u32 otherwise;	     /* entry: and when not; never a node */
	__u8 length;		     /* bits, 0-128 */
	__u8 depth;		     /* bit that a node in match begins with, 0-127 */
	__u8 spare[6];
};

enum mtlb_guard_family {
	MTLB_GUARD_IPV4 = 0, /* its trie begins at bit 96 */
	MTLB_GUARD_IPV6 = 1, /* at bit 0 */
	MTLB_GUARD_FAMILIES = 2,
};

enum mtlb_guard_flags {
	MTLB_GUARD_TCP_FLAGS = 1 << 0, /* of the node: combinations that no TCP sends are dropped */
	MTLB_GUARD_LAND = 1 << 1,      /* source and destination are the same address */
	MTLB_GUARD_UDP_PORTS = 1 << 2, /* UDP source ports are looked up in mtlb_guard_ports */
};

/* mtlb_guards: index tenant; 0 is the node's. A cache line. Packets read its first two words. */
struct mtlb_guard {
	__u32 root[MTLB_GUARD_FAMILIES]; /* entries; stored as one 64-bit word */
	__u32 flags;			 /* enum mtlb_guard_flags */
	__u32 ports;			 /* which half of mtlb_guard_ports is in use, 0 or 1 */
	/* what it is made of, for the agent */
	__u32 node_first, node_count;
	__u32 record_first, record_count;
	__u32 default_deny; /* of a tenant: what no prefix matches is denied */
	__u32 changing;	    /* the roots may lead to what it will be made of, too */
	__u32 next_node_first, next_node_count;
	__u32 next_record_first, next_record_count;
	__u32 spare[2];
};

/* mtlb_guard_ports: two halves of MTLB_GUARD_PORT_WORDS words, a bit for each UDP source port. */
#define MTLB_GUARD_PORT_WORDS 1024

/* Rules 1 to MTLB_RULES_OF_NODE - 1 are the node's: one for each feed and built-in filter. */
#define MTLB_RULES_OF_NODE  64
#define MTLB_RULE_PORTS	    1 /* UDP source ports */
#define MTLB_RULE_TCP_FLAGS 2
#define MTLB_RULE_LAND	    3
#define MTLB_RULE_BOGONS    4
#define MTLB_RULE_VIPS	    5 /* as sources */
#define MTLB_RULE_FEEDS	    8 /* the first feed's */

enum mtlb_rule_action {
	MTLB_RULE_ALLOW = 0,
	MTLB_RULE_DENY = 1,
};

/* mtlb_rules: what a rule stands for. Packets read it only to learn why they are dropped. */
struct mtlb_rule {
	__u32 used;
	__u32 tenant; /* 0: the node's */
	struct mtlb_address address;
	__u8 length;	/* bits, 0-128: an IPv4 prefix's own and 96 */
	__u8 action;	/* enum mtlb_rule_action */
	__u8 reason;	/* enum mtlb_reason of what it denies: spoofed, or else that of its list */
	__u8 otherwise; /* of a tenant: for what no prefix matches */
	__u8 spare[4];
};

/* mtlb_rule_counters: index cpu * rules + rule. Rule 0 counts what no rule decided about. */
struct mtlb_rule_counter {
	__u64 packets;
};

#endif
