/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Durations in buckets that are log-linear, as HdrHistogram has them (Tene, hdrhistogram.org): each
 * power of two is cut into eight of the same width, so that a value is known to an eighth of itself
 * from below, and its middle to a sixteenth either way, whether it is a millisecond or a minute. To
 * count one takes a shift and an addition. Below HISTOGRAM_UNIT_NS * 8 buckets are that wide; what
 * takes longer than the last bucket is in it. Pure.
 */
#ifndef MTLB_MODEL_L7_HISTOGRAM_H
#define MTLB_MODEL_L7_HISTOGRAM_H

#include <stddef.h>
#include <stdint.h>

#define HISTOGRAM_SHIFT	  13 /* 8.192 us */
#define HISTOGRAM_UNIT_NS (1ULL << HISTOGRAM_SHIFT)
#define HISTOGRAM_OCTAVES 21 /* up to 137 s */
#define HISTOGRAM_BUCKETS (8 * (HISTOGRAM_OCTAVES + 1))
#define HISTOGRAM_ERROR	  16 /* a quantile is at most this part of itself off */

struct histogram {
	uint64_t sum_ns;
	uint64_t buckets[HISTOGRAM_BUCKETS];
};

static inline size_t histogram_bucket(uint64_t ns)
{
	uint64_t units = ns >> HISTOGRAM_SHIFT;
	unsigned octave;

	if (units < 8)
		return (size_t)units;
	octave = 63 - (unsigned)__builtin_clzll(units) - 2; /* from 1 on: 8 to 15 units */
	if (octave > HISTOGRAM_OCTAVES)
		return HISTOGRAM_BUCKETS - 1;
	return 8 * octave + ((units >> (octave - 1)) & 7);
}

/* Where a bucket begins; that of HISTOGRAM_BUCKETS: where the last one ends. */
static inline uint64_t histogram_begin(size_t bucket)
{
	uint64_t octave = bucket / 8, units = bucket % 8;

	return (octave ? (8 + units) << (octave - 1) : units) << HISTOGRAM_SHIFT;
}

uint64_t histogram_count(const struct histogram *histogram);
/* The middle of the bucket that the q-th part (0 to 1) of all lies in; 0: there are none. */
uint64_t histogram_quantile(const struct histogram *histogram, double q);
/* How many took no longer than this; exact where a bucket ends there, else an eighth off. */
uint64_t histogram_below(const struct histogram *histogram, uint64_t ns);
void histogram_add(struct histogram *to, const struct histogram *from);

#endif
