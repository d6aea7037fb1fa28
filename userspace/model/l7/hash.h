/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The hash of an image's tables. Bytes are taken one after the other, so that the hashes of all
 * beginnings of a path, or of all endings of a host name, are known on the way through it. The seed
 * is the builder's secret: tenants choose what is in the tables, and none must be able to make long
 * buckets of them. Pure.
 */
#ifndef MTLB_MODEL_L7_HASH_H
#define MTLB_MODEL_L7_HASH_H

#include <stddef.h>
#include <stdint.h>

static inline char hash_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

static inline uint64_t hash_byte(uint64_t hash, char byte)
{
	hash = (hash ^ (uint8_t)byte) * UINT64_C(0x9fb21c651e98df25);
	return hash ^ hash >> 29;
}

/* Of what was taken so far, as one of a kind: a site's prefixes, a wildcard. */
static inline uint64_t hash_end(uint64_t hash, uint64_t kind)
{
	hash = (hash ^ kind) * UINT64_C(0xd6e8feb86659fd93);
	hash ^= hash >> 32;
	hash *= UINT64_C(0xd6e8feb86659fd93);
	return hash ^ hash >> 32;
}

/* Of a host name from its end, in lower case. */
static inline uint64_t hash_host(uint64_t seed, const char *at, size_t length, int wildcard)
{
	while (length)
		seed = hash_byte(seed, hash_lower(at[--length]));
	return hash_end(seed, (uint64_t)wildcard);
}

static inline uint64_t hash_bytes(uint64_t seed, const char *at, size_t length)
{
	for (size_t i = 0; i < length; i++)
		seed = hash_byte(seed, at[i]);
	return seed;
}

static inline uint64_t hash_path_end(uint64_t hash, uint32_t site, uint32_t type)
{
	return hash_end(hash, (uint64_t)site << 2 | type);
}

/* The kind of the names of tenants. */
#define HASH_TENANT 0
/* And of the paths that are theirs. */
#define HASH_OWN_PATH UINT64_C(0x6f776e)

#endif
