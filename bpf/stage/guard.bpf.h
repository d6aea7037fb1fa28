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

/* A place in the trie: the entry, and in the upper half which of the address's thirty-two nibbles a
 * node in it looks at.
 */
#define GUARD_NIBBLE_SHIFT 32
#define GUARD_STEPS	   9 /* at a time: the trie of IPv4 is over after ten */

/* Out of line, so that the verifier goes through few steps, and through those once. high, low: the
 * address in host order. What it leads to in so many steps, or the rule before.
 */
__attribute__((noinline)) __u64 guard_walk(__u64 place, __u64 high, __u64 low)
{
	__u32 entry = (__u32)place, nibble = (__u32)(place >> GUARD_NIBBLE_SHIFT);

	for (__u32 i = 0; i < GUARD_STEPS; i++) {
		__u32 kind = entry >> MTLB_ENTRY_SHIFT, index = entry & MTLB_ENTRY_INDEX;

		if (kind == MTLB_ENTRY_RULE)
			return entry;
		if (kind == MTLB_ENTRY_NODE) {
			const struct mtlb_trie_node *node =
				bpf_map_lookup_elem(&mtlb_trie_nodes, &index);
			__u64 word = nibble & 16 ? low : high;

			if (unlikely(!node))
				return 0;
			entry = node->entry[word >> (60 - (nibble & 15) * MTLB_TRIE_STRIDE) &
					    (MTLB_TRIE_FANOUT - 1)];
			nibble++;
		} else {
			const struct mtlb_trie_record *record =
				bpf_map_lookup_elem(&mtlb_trie_records, &index);

			if (unlikely(!record))
				return 0;
			nibble = record->depth;
			entry = guard_matches(record, high, low) ? record->match
								 : record->otherwise;
		}
	}
	return (__u64)nibble << GUARD_NIBBLE_SHIFT | entry;
}

/* The entry of the rule that decides about an address; 0: none does. */
static __always_inline __u32 guard_find(__u32 root, bool ipv6, __u64 high, __u64 low)
{
	__u64 place = root | (ipv6 ? 0 : 24ULL << GUARD_NIBBLE_SHIFT);

	for (__u32 i = 0; i < MTLB_TRIE_STEPS / GUARD_STEPS; i++) {
		if (!((__u32)place >> MTLB_ENTRY_SHIFT))
			return (__u32)place;
		place = guard_walk(place, high, low);
	}
	return (__u32)place >> MTLB_ENTRY_SHIFT ? 0 : (__u32)place;
}

/* What guards ask of a packet besides its source's address, in one word without a branch. */
enum guard_about {
	GUARD_PORT = 0xffff, /* the source's, host order */
	GUARD_FLAGS_SHIFT = 16,
	GUARD_PROTOCOL_SHIFT = 24,
	GUARD_IPV6_SHIFT = 32,	  /* the source is */
	GUARD_RELATED_SHIFT = 33, /* port, flags and protocol are another packet's */
	GUARD_TROUBLE_SHIFT = 34, /* or not known */
	GUARD_NO_NODE_SHIFT = 36, /* only the tenant's guard is asked */
};

/* FIN without ACK: among them FIN PSH URG, the Christmas tree. */
static __always_inline bool guard_bad_flags(__u32 flags)
{
	__u32 syn = flags & PACKET_TCP_SYN;

	return !(flags & PACKET_TCP_ALL) || (syn && flags & (PACKET_TCP_FIN | PACKET_TCP_RST)) ||
	       (flags & (PACKET_TCP_FIN | PACKET_TCP_ACK)) == PACKET_TCP_FIN;
}

static __always_inline bool guard_has_port(const struct mtlb_guard *guard, __u32 port)
{
	__u32 at = guard->ports * MTLB_GUARD_PORT_WORDS + port / 64;
	const __u64 *word = bpf_map_lookup_elem(&mtlb_guard_ports, &at);

	return word && *word >> (port % 64) & 1;
}

/* differs: 0 when source and destination are the same. */
static __always_inline int guard_filter(const struct mtlb_guard *guard, __u64 about, __u64 differs)
{
	__u32 protocol = about >> GUARD_PROTOCOL_SHIFT & 0xff, flags = guard->flags;

	if (flags & MTLB_GUARD_LAND && !differs) {
		guard_count(MTLB_RULE_LAND);
		return MTLB_REASON_spoofed;
	}
	if (about >> GUARD_RELATED_SHIFT)
		return 0;
	if (flags & MTLB_GUARD_TCP_FLAGS && protocol == IPPROTO_TCP &&
	    guard_bad_flags(about >> GUARD_FLAGS_SHIFT & 0xff)) {
		guard_count(MTLB_RULE_TCP_FLAGS);
		return MTLB_REASON_bad_flags;
	}
	if (flags & MTLB_GUARD_UDP_PORTS && protocol == IPPROTO_UDP &&
	    guard_has_port(guard, about & GUARD_PORT)) {
		guard_count(MTLB_RULE_PORTS);
		return MTLB_REASON_reflected;
	}
	return 0;
}

/* denied: what it is dropped for, unless the rule says that such a source is no true one. */
static __always_inline int guard_look_up(const struct mtlb_guard *guard, __u64 high, __u64 low,
					 bool ipv6, int denied)
{
	__u32 entry =
		*(volatile const __u32 *)&guard->root[ipv6 ? MTLB_GUARD_IPV6 : MTLB_GUARD_IPV4];
	__u32 rule_at;
	const struct mtlb_rule *rule;

	entry = guard_find(entry, ipv6, high, low);
	if (!entry)
		return 0;
	rule_at = entry & MTLB_ENTRY_INDEX;
	guard_count(rule_at);
	if (likely(!(entry & MTLB_ENTRY_DENY)))
		return 0;
	rule = bpf_map_lookup_elem(&mtlb_rules, &rule_at);
	return rule && rule->reason == MTLB_REASON_spoofed ? MTLB_REASON_spoofed : denied;
}

/* Out of line for the verifier's sake, and without the packet, so that p->vip stays trusted. tenant
 * 0: only the node's guard is asked.
 */
__attribute__((noinline)) int guard_check(__u64 high, __u64 low, __u64 about, __u64 differs,
					  __u32 tenant)
{
	bool ipv6 = about >> GUARD_IPV6_SHIFT & 1;
	const struct mtlb_guard *guard;
	__u32 at = 0;
	int reason;

	guard = bpf_map_lookup_elem(&mtlb_guards, &at);
	if (guard && !(about >> GUARD_NO_NODE_SHIFT)) {
		reason = guard_filter(guard, about, differs)
				 ?: guard_look_up(guard, high, low, ipv6, MTLB_REASON_denied_feed);
		if (reason)
			return reason;
	}
	if (!tenant)
		return 0;
	guard = bpf_map_lookup_elem(&mtlb_guards, &tenant);
	return guard ? guard_look_up(guard, high, low, ipv6, MTLB_REASON_denied_acl) : 0;
}

static __always_inline int guard_ask(const struct packet *p, const struct mtlb_address *source,
				     __u32 tenant, __u64 about)
{
	__u64 from[2], to[2];

	__builtin_memcpy(from, source, sizeof(from));
	__builtin_memcpy(to, &p->key.address, sizeof(to));
	about |= core_be16(p->source_port) | (__u64)p->tcp_flags << GUARD_FLAGS_SHIFT |
		 (__u64)p->key.protocol << GUARD_PROTOCOL_SHIFT |
		 (__u64)p->ipv6 << GUARD_IPV6_SHIFT | (__u64)p->related << GUARD_RELATED_SHIFT;
	return guard_check(core_be64(from[0]), core_be64(from[1]), about,
			   (from[0] ^ to[0]) | (from[1] ^ to[1]), tenant);
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

/* Of what few packets are: an ICMP error, a later fragment, an echo request. p->vip is lost. */
__attribute__((noinline)) int guard_rare(struct xdp_md *ctx, struct packet *p, __u32 vip_flags)
{
	__u64 trouble = 1ULL << GUARD_TROUBLE_SHIFT;
	struct mtlb_address sender;
	int reason;

	if (!p)
		return MTLB_REASON_no_record;
	sender = guard_sender(ctx, p);
	reason = guard_ask(p, &sender, 0, trouble);
	if (reason || !(vip_flags & MTLB_VIP_GUARDED))
		return reason;
	return guard_ask(p, &p->source, p->tenant, trouble | 1ULL << GUARD_NO_NODE_SHIFT);
}

static __always_inline bool guard_node_stands(void)
{
	__u32 at = 0;
	const struct mtlb_guard *guard = bpf_map_lookup_elem(&mtlb_guards, &at);

	return guard && (guard->flags | guard->root[0] | guard->root[1]);
}

static __always_inline int guard(struct xdp_md *ctx, struct packet *p)
{
	__u32 flags = p->vip->flags;
	int reason;

	if (likely(!(flags & MTLB_VIP_GUARDED) && !guard_node_stands()))
		return 0;
	if (likely(!p->related))
		return guard_ask(p, &p->source, flags & MTLB_VIP_GUARDED ? p->tenant : 0, 0);
	reason = guard_rare(ctx, p, flags);
	p->vip = bpf_map_lookup_elem(&mtlb_vip_records, &p->record);
	return p->vip ? reason : MTLB_REASON_no_record;
}

#endif
