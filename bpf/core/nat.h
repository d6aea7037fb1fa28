/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The arithmetic of address translation: what a checksum must become when some of what it covers
 * changes, without reading the rest (RFC 1624, equation 3). Differences are one's complement sums
 * of 16-bit words, not folded; as many as a packet has addresses and ports fit in 32 bits. Pure.
 */
#ifndef MTLB_CORE_NAT_H
#define MTLB_CORE_NAT_H

#include "encap.h"

/* Both ends of a packet. */
struct nat_ends {
	struct mtlb_address source, destination;
	__be16 source_port, destination_port;
};

static __always_inline __u32 nat_difference(__be16 was, __be16 is)
{
	return (__u32)(__u16)~was + is;
}

static __always_inline __u32 nat_difference_address(const struct mtlb_address *was,
						    const struct mtlb_address *is)
{
	__u32 sum = 0;

	/* of IPv4 addresses, the first three words are the same and cancel out */
	for (int i = 0; i < 4; i++)
		sum += nat_difference((__u16)was->word[i], (__u16)is->word[i]) +
		       nat_difference((__u16)(was->word[i] >> 16), (__u16)(is->word[i] >> 16));
	return sum;
}

static __always_inline __u16 nat_fix(__u16 checksum, __u32 difference)
{
	return encap_fold((__u16)~checksum + difference);
}

/* UDP's 0 says that there is none (RFC 768), and is never made out of one that there is. */
static __always_inline __u16 nat_fix_udp(__u16 checksum, __u32 difference)
{
	return checksum ? nat_fix(checksum, difference) ?: 0xffff : 0;
}

static __always_inline bool nat_same_address(const struct mtlb_address *a,
					     const struct mtlb_address *b)
{
	return !((a->word[0] ^ b->word[0]) | (a->word[1] ^ b->word[1]) | (a->word[2] ^ b->word[2]) |
		 (a->word[3] ^ b->word[3]));
}

static __always_inline bool nat_is_ipv4(const struct mtlb_address *address)
{
	return !(address->word[0] | address->word[1]) && address->word[2] == core_be32(0xffff);
}

#endif
