// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "siphash.h"

struct sip {
	uint64_t v0, v1, v2, v3;
};

static uint64_t rotate(uint64_t word, int bits)
{
	return word << bits | word >> (64 - bits);
}

static void rounds(struct sip *s, int count)
{
	while (count--) {
		s->v0 += s->v1;
		s->v2 += s->v3;
		s->v1 = rotate(s->v1, 13) ^ s->v0;
		s->v3 = rotate(s->v3, 16) ^ s->v2;
		s->v0 = rotate(s->v0, 32);
		s->v2 += s->v1;
		s->v0 += s->v3;
		s->v1 = rotate(s->v1, 17) ^ s->v2;
		s->v3 = rotate(s->v3, 21) ^ s->v0;
		s->v2 = rotate(s->v2, 32);
	}
}

static uint64_t load(const uint8_t *bytes, size_t count)
{
	uint64_t word = 0;

	while (count--)
		word = word << 8 | bytes[count];
	return word;
}

static void store(uint64_t word, uint8_t *ret_bytes)
{
	for (int i = 0; i < 8; i++)
		ret_bytes[i] = (uint8_t)(word >> (8 * i));
}

static void take(struct sip *s, uint64_t word)
{
	s->v3 ^= word;
	rounds(s, 2);
	s->v0 ^= word;
}

static uint64_t give(struct sip *s)
{
	rounds(s, 4);
	return s->v0 ^ s->v1 ^ s->v2 ^ s->v3;
}

static struct sip absorb(const uint8_t key[16], const void *data, size_t length, uint64_t tweak)
{
	const uint8_t *bytes = data;
	uint64_t k0 = load(key, 8), k1 = load(key + 8, 8);
	struct sip s = {
		.v0 = k0 ^ 0x736f6d6570736575,
		.v1 = k1 ^ 0x646f72616e646f6d ^ tweak,
		.v2 = k0 ^ 0x6c7967656e657261,
		.v3 = k1 ^ 0x7465646279746573,
	};
	size_t left = length;

	for (; left >= 8; left -= 8, bytes += 8)
		take(&s, load(bytes, 8));
	take(&s, load(bytes, left) | (uint64_t)length << 56);
	return s;
}

void siphash_64(const uint8_t key[16], const void *data, size_t length, uint8_t ret_hash[8])
{
	struct sip s = absorb(key, data, length, 0);

	s.v2 ^= 0xff;
	store(give(&s), ret_hash);
}

void siphash_128(const uint8_t key[16], const void *data, size_t length, uint8_t ret_hash[16])
{
	struct sip s = absorb(key, data, length, 0xee);

	s.v2 ^= 0xee;
	store(give(&s), ret_hash);
	s.v1 ^= 0xdd;
	store(give(&s), ret_hash + 8);
}
