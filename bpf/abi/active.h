/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * How many flows of a tenant are active, whether they are stored or not: a sketch of a kilobyte for
 * each tenant, in which a flow sets one bit, always the same one. Who reads it estimates from the
 * bits that are set how many flows there were.
 *
 * It is a multiresolution bitmap (Estan, Varghese, Fisk, "Bitmap algorithms for counting active
 * flows on high speed links", IMC 2003): half of all flows fall in the first column, a quarter in
 * the second one and so on, and each column is counted linearly (Whang et al., ACM TODS 1990). The
 * estimate takes the number under which all columns together are the likeliest
 * (userspace/model/estimate.h). Its standard error is 2.9 % of any number up to ten million (4.3 %
 * at fifty million), and 2 % of less than a thousand.
 *
 * What counts as a flow: a 5-tuple of which a packet that opens no connection was forwarded, or
 * handed to this node's own stack. So a flood of SYN with forged sources counts nothing, and what
 * is dropped does not either; forged ACK or UDP that is forwarded does count, as it is not to be
 * told from the real thing without looking at each flow's past. ICMP errors, later fragments and
 * replies of translated flows are no flow's sign of life here.
 *
 * Most packets find their bit set and write nothing. A column is a cache line, and most flows are
 * in the first columns, so packets of a tenant touch two or three lines however many flows it has.
 */
#ifndef MTLB_ABI_ACTIVE_H
#define MTLB_ABI_ACTIVE_H

#include <linux/types.h>

#define MTLB_ACTIVE_COLUMNS 16
#define MTLB_ACTIVE_WORDS   8
#define MTLB_ACTIVE_BITS    (MTLB_ACTIVE_WORDS * 64) /* of a column */

/* mtlb_active: index tenant. Packets set bits; the agent takes them away. */
struct mtlb_active {
	__u64 column[MTLB_ACTIVE_COLUMNS][MTLB_ACTIVE_WORDS];
};

/*
 * The column of a flow: the number of zeros at the end of its hash, at most fifteen, in a disguise
 * that takes no loop: each power of two times a de Bruijn sequence has four other bits in front
 * (Leiserson, Prokop, Randall, "Using de Bruijn sequences to index a 1 in a computer word", 1998).
 */
#define MTLB_ACTIVE_SEQUENCE 0x09afU

static inline __u32 mtlb_active_column_of_power(__u32 power)
{
	return (power * MTLB_ACTIVE_SEQUENCE & 0xffff) >> 12;
}

static inline __u32 mtlb_active_column(__u64 hash)
{
	__u32 low = (__u32)hash | 1U << (MTLB_ACTIVE_COLUMNS - 1);

	return mtlb_active_column_of_power(low & -low);
}

/* And its bit there. */
static inline __u32 mtlb_active_bit(__u64 hash)
{
	return (__u32)(hash >> 55);
}

#endif
