/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * May this source send, and does anybody honest send this? The node's guard first, then the list of
 * the tenant's (abi/guard.h), both before the meters: what is denied is charged to nobody. Owns
 * mtlb_guards, mtlb_trie_nodes, mtlb_trie_records, mtlb_guard_ports, mtlb_rules and
 * mtlb_rule_counters.
 *
 * An ICMP error is from a router, about a flow of a client's. Feeds are asked for the router: it is
 * the sender. A tenant's list is asked for the client: a list that allows some clients and denies
 * all others must not cut theirs off from path MTU discovery.
 */
#ifndef MTLB_STAGE_GUARD_H
#define MTLB_STAGE_GUARD_H

#include "array.bpf.h"
#include "classify.bpf.h"
#include "../abi/guard.h"
#include "../core/parse.h"

ARRAY_MAP(mtlb_guards, struct mtlb_guard);
ARRAY_MAP(mtlb_trie_nodes, struct mtlb_trie_node);
ARRAY_MAP(mtlb_trie_records, struct mtlb_trie_record);
ARRAY_MAP(mtlb_guard_ports, __u64);
ARRAY_MAP(mtlb_rules, struct mtlb_rule);
ARRAY_MAP(mtlb_rule_counters, struct mtlb_rule_counter);

/* A CPU writes only its own row, and XDP is not re-entered on a CPU. */
static __always_inline void guard_count(__u32 rule)
{
	__u32 at = bpf_get_smp_processor_id() * knob_rules + rule;
	struct mtlb_rule_counter *counter = bpf_map_lookup_elem(&mtlb_rule_counters, &at);

	if (likely(counter))
		counter->packets++;
}

static __always_inline bool guard_matches(const struct mtlb_trie_record *record, __u64 high,
					  __u64 low)
{
	__u64 prefix[2];
	__u32 length = record->length;

	__builtin_memcpy(prefix, &record->address, sizeof(prefix));
	high ^= core_be64(prefix[0]);
	low ^= core_be64(prefix[1]);
	if (length <= 64)
		return !(high >> ((64 - length) & 63));
	return !(high | low >> ((128 - length) & 63));
}

/* The next entry: of a node that begins with the first bit of word. */
static __always_inline bool guard_step(__u32 *entry, __u64 *word)
{
	__u32 bits = *entry >> MTLB_NODE_SHIFT & MTLB_NODE_BITS; /* less one */
	__u32 slot = (__u32)(*word >> (63 - bits));
	__u32 line = (*entry & MTLB_NODE_INDEX) + (slot >> MTLB_TRIE_LINE_SHIFT);
	const struct mtlb_trie_node *node = bpf_map_lookup_elem(&mtlb_trie_nodes, &line);

	if (unlikely(!node))
		return false;
	*entry = node->entry[slot & (MTLB_TRIE_LINE - 1)];
	*word = *word << 1 << bits;
	return true;
}

static __always_inline bool guard_is_node(__u32 entry)
{
	return entry >> MTLB_ENTRY_SHIFT == MTLB_ENTRY_NODE;
}

/* A place in the trie: the entry, and in the upper half the bit that a node in it begins with. */
#define GUARD_AT_SHIFT 32
#define GUARD_STEPS    9 /* at a time */

/* Out of line, so that the verifier goes through few steps, and through those once. high, low: the
 * address in host order. What it leads to in so many steps, or the rule before.
 */
__attribute__((noinline)) __u64 guard_walk(__u64 place, __u64 high, __u64 low)
{
	__u32 entry = (__u32)place, at = (__u32)(place >> GUARD_AT_SHIFT);

	for (__u32 i = 0; i < GUARD_STEPS; i++) {
		if (guard_is_node(entry)) {
			__u64 word = at & 64 ? low << (at & 63)
					     : high << (at & 63) | low >> 1 >> (~at & 63);

			at += (entry >> MTLB_NODE_SHIFT & MTLB_NODE_BITS) + 1;
			if (!guard_step(&entry, &word))
				return 0;
		} else if (entry >> MTLB_ENTRY_SHIFT == MTLB_ENTRY_RULE) {
			return entry;
		} else {
			__u32 index = entry & MTLB_ENTRY_INDEX;
			const struct mtlb_trie_record *record =
				bpf_map_lookup_elem(&mtlb_trie_records, &index);

			if (unlikely(!record))
				return 0;
			at = record->depth;
			entry = guard_matches(record, high, low) ? record->match
								 : record->otherwise;
		}
	}
	return (__u64)at << GUARD_AT_SHIFT | entry;
}

/* The entry of the rule that decides about an address, from a place on; 0: none does. */
__attribute__((noinline)) __u32 guard_walk_on(__u64 place, __u64 high, __u64 low)
{
	for (__u32 i = 0; i < MTLB_TRIE_STEPS / GUARD_STEPS; i++) {
		if (!((__u32)place >> MTLB_ENTRY_SHIFT))
			return (__u32)place;
		place = guard_walk(place, high, low);
	}
	return (__u32)place >> MTLB_ENTRY_SHIFT ? 0 : (__u32)place;
}

/* Half of an address in host order, by loads as wide as parse's stores. */
static __always_inline __u64 guard_half(const struct mtlb_address *address, int half)
{
	return (__u64)core_be32(address->word[2 * half]) << 32 |
	       core_be32(address->word[2 * half + 1]);
}

/* The entry of the rule that decides about a source; 0: none does. Two nodes settle most. */
static __always_inline __u32 guard_find(__u32 root, const struct mtlb_address *source, bool ipv6)
{
	__u64 word = ipv6 ? guard_half(source, 0) : (__u64)core_be32(source->word[3]) << 32;
	__u32 entry = root, at = ipv6 ? 0 : 96;

	for (int i = 0; i < 2; i++) {
		if (!guard_is_node(entry))
			break;
		at += (entry >> MTLB_NODE_SHIFT & MTLB_NODE_BITS) + 1;
		if (!guard_step(&entry, &word))
			return 0;
	}
	if (likely(!(entry >> MTLB_ENTRY_SHIFT)))
		return entry;
	return guard_walk_on((__u64)at << GUARD_AT_SHIFT | entry, guard_half(source, 0),
			     guard_half(source, 1));
}

/* What a packet is dropped for that this rule denies: unless the rule says that such a source is no
 * true one, it is denied.
 */
__attribute__((noinline)) int guard_refuse(__u32 entry, int denied)
{
	__u32 rule_at = entry & MTLB_ENTRY_INDEX;
	const struct mtlb_rule *rule = bpf_map_lookup_elem(&mtlb_rules, &rule_at);

	return rule && rule->reason == MTLB_REASON_spoofed ? MTLB_REASON_spoofed : denied;
}

static __always_inline int guard_look_up(const struct mtlb_guard *guard,
					 const struct mtlb_address *source, bool ipv6, int denied)
{
	__u32 family = ipv6 ? MTLB_GUARD_IPV6 : MTLB_GUARD_IPV4, entry;

	barrier_var(family); /* the verifier wants to see the mask */
	entry = *(volatile const __u32 *)&guard->root[family & 1];
	if (!entry)
		return 0;
	entry = guard_find(entry, source, ipv6);
	/* also when it is rule 0, none: whether one matched is not to be guessed by the CPU */
	guard_count(entry & MTLB_ENTRY_INDEX);
	return likely(!(entry & MTLB_ENTRY_DENY)) ? 0 : guard_refuse(entry, denied);
}

static __always_inline int guard_tenant(__u32 tenant, const struct mtlb_address *source, bool ipv6)
{
	const struct mtlb_guard *guard = bpf_map_lookup_elem(&mtlb_guards, &tenant);

	return likely(guard) ? guard_look_up(guard, source, ipv6, MTLB_REASON_denied_acl) : 0;
}

static __always_inline bool guard_same(const struct mtlb_address *a, const struct mtlb_address *b,
				       bool ipv6)
{
	__u32 differs = a->word[3] ^ b->word[3];

	if (ipv6)
		differs |= (a->word[0] ^ b->word[0]) | (a->word[1] ^ b->word[1]) |
			   (a->word[2] ^ b->word[2]);
	return !differs;
}

/*
 * A bit for each combination of TCP's six flags that no TCP sends: none at all; SYN with FIN or
 * RST; FIN without ACK, among them FIN PSH URG, the Christmas tree.
 */
#define GUARD_BAD_FLAGS 0xc8c8eaeac8c8eaebULL

/* Which of the node's filters, enum mtlb_guard_flags, a packet may be for. */
static __always_inline __u32 guard_suspect(const struct packet *p, __u32 filters)
{
	__u32 found = 0;

	if (p->key.protocol == IPPROTO_TCP)
		found = GUARD_BAD_FLAGS >> (p->tcp_flags & PACKET_TCP_ALL) & 1;
	else if (p->key.protocol == IPPROTO_UDP)
		found = MTLB_GUARD_UDP_PORTS;
	if (unlikely(guard_same(&p->source, &p->key.address, p->ipv6)))
		found |= MTLB_GUARD_LAND;
	return found & filters;
}

_Static_assert(MTLB_GUARD_TCP_FLAGS == 1, "guard_suspect");

/* port: the source's, host order. */
__attribute__((noinline)) int guard_filter(__u32 suspect, __u32 half, __u32 port)
{
	__u32 at = half * MTLB_GUARD_PORT_WORDS + (port & 0xffff) / 64;
	const __u64 *ports;

	if (suspect & MTLB_GUARD_LAND) {
		guard_count(MTLB_RULE_LAND);
		return MTLB_REASON_spoofed;
	}
	if (suspect & MTLB_GUARD_TCP_FLAGS) {
		guard_count(MTLB_RULE_TCP_FLAGS);
		return MTLB_REASON_bad_flags;
	}
	ports = bpf_map_lookup_elem(&mtlb_guard_ports, &at);
	if (!ports || !(*ports >> (port % 64) & 1))
		return 0;
	guard_count(MTLB_RULE_PORTS);
	return MTLB_REASON_reflected;
}

/* Whom an ICMP error is from, where p names the flow that it is about. */
static __always_inline struct mtlb_address guard_sender(const struct xdp_md *ctx,
							const struct packet *p)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct mtlb_address source = p->source;
	void *ip = data + (p->l3 & 0x1f);

	if (!p->related || ip + sizeof(struct ipv6hdr) > end) /* an error is longer than that */
		return source;
	if (p->ipv6)
		__builtin_memcpy(&source, &((struct ipv6hdr *)ip)->saddr, sizeof(source));
	else
		source.word[3] = ((struct iphdr *)ip)->saddr;
	return source;
}

/* Of what few packets are: an ICMP error, a later fragment, an echo request. Their flags and ports
 * are another packet's, or not known. p->vip is lost.
 */
__attribute__((noinline)) int guard_rare(struct xdp_md *ctx, struct packet *p, __u32 vip_flags)
{
	const struct mtlb_guard *node;
	struct mtlb_address sender;
	__u32 zero = 0;
	int reason = 0;

	if (!p)
		return MTLB_REASON_no_record;
	node = bpf_map_lookup_elem(&mtlb_guards, &zero);
	sender = guard_sender(ctx, p);
	if (node && node->flags & MTLB_GUARD_LAND && guard_same(&sender, &p->key.address, p->ipv6))
		reason = guard_filter(MTLB_GUARD_LAND, 0, 0);
	else if (node)
		reason = guard_look_up(node, &sender, p->ipv6, MTLB_REASON_denied_feed);
	if (reason || !(vip_flags & MTLB_VIP_GUARDED))
		return reason;
	return guard_tenant(p->tenant, &p->source, p->ipv6);
}

static __always_inline int guard_related(struct xdp_md *ctx, struct packet *p)
{
	int reason = guard_rare(ctx, p, p->vip->flags);

	p->vip = bpf_map_lookup_elem(&mtlb_vip_records, &p->record);
	return p->vip ? reason : MTLB_REASON_no_record;
}

static __always_inline int guard_node(const struct packet *p)
{
	__u32 zero = 0, suspect;
	const struct mtlb_guard *node = bpf_map_lookup_elem(&mtlb_guards, &zero);
	int reason;

	if (unlikely(!node))
		return 0;
	suspect = guard_suspect(p, node->flags);
	if (unlikely(suspect)) {
		reason = guard_filter(suspect, node->ports, core_be16(p->source_port));
		if (reason)
			return reason;
	}
	return guard_look_up(node, &p->source, p->ipv6, MTLB_REASON_denied_feed);
}

static __always_inline int guard(struct xdp_md *ctx, struct packet *p)
{
	int reason;

	if (unlikely(p->related))
		return guard_related(ctx, p);
	reason = guard_node(p);
	if (unlikely(reason))
		return reason;
	return p->vip->flags & MTLB_VIP_GUARDED ? guard_tenant(p->tenant, &p->source, p->ipv6) : 0;
}

#endif
