/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The few words that both compilers, for the kernel and for the host, must agree on. */
#ifndef MTLB_CORE_COMPILER_H
#define MTLB_CORE_COMPILER_H

#include <stdbool.h>
#include <stddef.h>
#include <linux/types.h>

#undef __always_inline
#define __always_inline inline __attribute__((always_inline))
#define likely(x)	__builtin_expect(!!(x), 1)
#define unlikely(x)	__builtin_expect(!!(x), 0)

/* Bytes between two places of a packet, as a plain number: the compiler may not take it apart
 * again, into halves of pointers or sums with the end, which the verifier would refuse.
 */
static __always_inline __u32 core_distance(const void *from, const void *to)
{
	__u64 bytes = (__u64)(to - from);

	asm volatile("" : "+r"(bytes));
	return (__u32)bytes;
}

/* Both worlds run on little-endian hosts today; big-endian ones would need only this. */
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define core_be16(x) ((__u16)__builtin_bswap16(x))
#define core_be32(x) ((__u32)__builtin_bswap32(x))
#define core_be64(x) ((__u64)__builtin_bswap64(x))
#else
#define core_be16(x) ((__u16)(x))
#define core_be32(x) ((__u32)(x))
#define core_be64(x) ((__u64)(x))
#endif

#endif
