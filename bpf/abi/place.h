/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Where listeners of the L7 tier are reached: addresses and ports of TCP, and the socket that is
 * given who connects there. Nothing has to be bound to them.
 */
#ifndef MTLB_ABI_PLACE_H
#define MTLB_ABI_PLACE_H

#include <linux/types.h>

#define MTLB_PLACES	   4096U
#define MTLB_PLACE_SOCKETS 4096U

struct mtlb_place_key {
	__u8 address[16] __attribute__((aligned(4))); /* IPv4 as ::ffff:a.b.c.d */
	__u16 port;				      /* host order */
	__u16 zero;
};

/* It repeats its key: the kernel uses an element for another key while somebody still reads it. */
struct mtlb_place {
	struct mtlb_place_key key;
	__u32 socket; /* index: mtlb_place_sockets; one of a group by SO_REUSEPORT, which is chosen
			 from */
};

/*
 * Each mtlbd has a term, one after the other. Workers of an earlier one go on serving when it is
 * gone, and leave when the term of another one has begun; they have this in their memory,
 * read-only.
 */
struct mtlb_terms {
	__u64 current; /* its sockets are those in mtlb_place_sockets */
	__u64 given;   /* the last one that anybody has */
};

#define MTLB_TERM_END (~0ULL) /* as current: all leave */

#endif
