/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The keyed hash of a flow's 5-tuple: 64 well-mixed bits, the same on every node that has the same
 * key. Multiply and fold, with the odd constants of SplitMix64 (Steele, Lea, Flood, "Fast
 * splittable pseudorandom number generators", OOPSLA 2014); fast rather than cryptographic: the key
 * keeps an outsider from choosing a slot, but is not proof against one who can watch the choices.
 * Pure.
 */
#ifndef MTLB_CORE_HASH_H
#define MTLB_CORE_HASH_H

#include "packet.h"

#define HASH_C1 0x9e3779b97f4a7c15ULL
#define HASH_C2 0xbf58476d1ce4e5b9ULL
#define HASH_C3 0x94d049bb133111ebULL

static __always_inline __u64 hash_fold(__u64 h, __u64 constant)
{
	h *= constant;
	return h ^ (h >> 32);
}

static __always_inline __u64 hash_tuple(const struct mtlb_address *source,
					const struct mtlb_vip_key *key, __be16 source_port,
					bool ipv6, __u64 key_0, __u64 key_1)
{
	const struct mtlb_address *destination = &key->address;
	__u64 ends = ((__u64)source_port << 32) | ((__u64)key->port << 16) | key->protocol;
	__u64 a = ((__u64)source->word[3] << 32) | destination->word[3];
	__u64 h = hash_fold(a ^ key_0, HASH_C1);

	if (ipv6) {
		__u64 b = ((__u64)source->word[0] << 32) | source->word[1];
		__u64 c = ((__u64)destination->word[0] << 32) | destination->word[1];
		__u64 d = ((__u64)source->word[2] << 32) | destination->word[2];

		/* two lanes, so that the multiplications overlap */
		h = hash_fold(h ^ b, HASH_C2) ^
		    hash_fold(hash_fold(c ^ key_1, HASH_C2) ^ d, HASH_C1);
	}
	h = hash_fold(h ^ ends ^ key_1, HASH_C2);
	h = (h ^ (h >> 29)) * HASH_C3;
	return h ^ (h >> 32);
}

/* Of the client alone: all of its flows have it. */
static __always_inline __u64 hash_client(const struct mtlb_address *source, bool ipv6, __u64 key_0,
					 __u64 key_1)
{
	struct mtlb_vip_key nobody = {};

	return hash_tuple(source, &nobody, 0, ipv6, key_0, key_1);
}

/* Of a datagram's fragments: IPv4 tells datagrams apart by protocol as well (RFC 791), IPv6 does
 * not (RFC 8200, 4.5).
 */
static __always_inline __u64 hash_fragment(const struct packet *p, __u64 key_0, __u64 key_1)
{
	struct mtlb_vip_key key = {.address = p->key.address,
				   .port = (__u16)p->fragment_id,
				   .protocol = p->ipv6 ? 0 : p->protocol};

	return hash_tuple(&p->source, &key, (__u16)(p->fragment_id >> 16), p->ipv6, key_0, key_1);
}

static __always_inline __u64 hash_packet(const struct packet *p, __u64 key_0, __u64 key_1)
{
	return hash_tuple(&p->source, &p->key, p->source_port, p->ipv6, key_0, key_1);
}

#endif
