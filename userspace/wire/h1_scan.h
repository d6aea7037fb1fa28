/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Which bytes may stand where in a head, and how far a run of such bytes goes: a table, and sixteen
 * bytes at a time where runs are long. Reads nothing at or behind end.
 */
#ifndef MTLB_WIRE_H1_SCAN_H
#define MTLB_WIRE_H1_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

enum h1_class {
	H1_CLASS_TOKEN = 1, /* RFC 9110, 5.6.2 */
	H1_CLASS_VALUE = 2, /* RFC 9110, 5.5, with white space */
	H1_CLASS_PATH = 4,
	H1_CLASS_QUERY = 8,
	H1_CLASS_HOST = 16, /* a name, or what stands in the brackets of an IPv6 address */
};

extern const uint8_t h1_classes[256];

static inline bool h1_is_class(char byte, unsigned class)
{
	return h1_classes[(uint8_t)byte] & class;
}

/* Behind the run of bytes of this class that begins at at. */
static inline const char *h1_skip(const char *at, const char *end, unsigned class)
{
	while (at < end && h1_is_class(*at, class))
		at++;
	return at;
}

/* The same for values and queries, which are long. */
static inline const char *h1_skip_value(const char *at, const char *end)
{
#ifdef __SSE2__
	for (; end - at >= 16; at += 16) {
		__m128i bytes = _mm_loadu_si128((const __m128i *)at);
		__m128i last = _mm_set1_epi8(0x1f);
		__m128i control = _mm_cmpeq_epi8(_mm_max_epu8(bytes, last), last);
		__m128i tab = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\t'));
		__m128i del = _mm_cmpeq_epi8(bytes, _mm_set1_epi8(0x7f));
		int bad = _mm_movemask_epi8(_mm_or_si128(_mm_andnot_si128(tab, control), del));

		if (bad)
			return at + __builtin_ctz((unsigned)bad);
	}
#endif
	return h1_skip(at, end, H1_CLASS_VALUE);
}

#endif
