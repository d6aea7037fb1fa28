// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "histogram.h"

uint64_t histogram_count(const struct histogram *histogram)
{
	uint64_t count = 0;

	for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++)
		count += histogram->buckets[i];
	return count;
}

uint64_t histogram_quantile(const struct histogram *histogram, double q)
{
	uint64_t count = histogram_count(histogram), below = 0, rank;

	if (!count)
		return 0;
	rank = (uint64_t)(q * (double)(count - 1));
	for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
		below += histogram->buckets[i];
		if (below > rank)
			return (histogram_begin(i) + histogram_begin(i + 1)) / 2;
	}
	return histogram_begin(HISTOGRAM_BUCKETS);
}

uint64_t histogram_below(const struct histogram *histogram, uint64_t ns)
{
	uint64_t below = 0;

	for (size_t i = 0; i < HISTOGRAM_BUCKETS && histogram_begin(i + 1) <= ns; i++)
		below += histogram->buckets[i];
	return below;
}

void histogram_add(struct histogram *to, const struct histogram *from)
{
	to->sum_ns += from->sum_ns;
	for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++)
		to->buckets[i] += from->buckets[i];
}
