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

/* Both worlds run on little-endian hosts today; big-endian ones would need only this. */
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define core_be16(x) ((__u16)__builtin_bswap16(x))
#define core_be32(x) ((__u32)__builtin_bswap32(x))
#else
#define core_be16(x) ((__u16)(x))
#define core_be32(x) ((__u32)(x))
#endif

#endif
