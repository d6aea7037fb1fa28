/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * SipHash-2-4: J.-P. Aumasson and D. J. Bernstein, "SipHash: a fast short-input PRF", INDOCRYPT
 * 2012, and the variant with 128 bits of output that its authors published after it. Bytes in,
 * bytes out, the same on every machine.
 */
#ifndef MTLB_MODEL_SIPHASH_H
#define MTLB_MODEL_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

void siphash_64(const uint8_t key[16], const void *data, size_t length, uint8_t ret_hash[8]);
void siphash_128(const uint8_t key[16], const void *data, size_t length, uint8_t ret_hash[16]);

#endif
