// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "estimate.h"

#include <math.h>

#define STEPS 64 /* halvings: to a part in 2^40 of the largest number there is */

/* The share of flows that falls in a column. */
static double share_of(size_t column, size_t columns)
{
	return ldexp(1, -(int)(column + 1 < columns ? column + 1 : column));
}

/*
 * With n flows a bit of column i stays clear with probability e^(-n share / bits). Positive as long
 * as the bits that are set are likelier with more flows than n: the derivative of the logarithm of
 * that likelihood, times n. From the last column on each has twice the load of the one behind it
 * (but for the last two), so that one exponential does for all.
 */
static double slope(double n, const uint32_t *set, size_t columns, uint32_t bits)
{
	double load = n * share_of(columns - 1, columns) / bits, less = expm1(-load), sum = 0;

	for (size_t i = columns; i-- > 0;) {
		if (i + 2 < columns) {
			load *= 2;
			less *= 2 + less;
		}
		sum += load * (set[i] / -less - bits);
	}
	return sum;
}

/*
 * By the information that the columns have about n together. That takes flows for a process of
 * Poisson's, whose own variance, n, is no error of a count.
 */
static double error_of(double n, size_t columns, uint32_t bits)
{
	double information = 0, variance;

	for (size_t i = 0; i < columns; i++) {
		double load = n * share_of(i, columns) / bits;

		information += bits * load * load / expm1(load);
	}
	variance = information > 0 ? n * n / information - n : INFINITY;
	return variance > 0 ? sqrt(variance) / n : 0;
}

struct estimate estimate_flows(const uint32_t *set, size_t columns, uint32_t bits)
{
	/* where even the last column would be full */
	double low = 0.5, high = bits / share_of(columns - 1, columns) * log(bits);
	struct estimate estimate = {};
	uint32_t any = 0;

	for (size_t i = 0; i < columns; i++)
		any |= set[i];
	if (!any)
		return estimate;
	for (int i = 0; i < STEPS && high - low > low * 1e-6; i++) {
		double middle = sqrt(low * high);

		if (slope(middle, set, columns, bits) > 0)
			low = middle;
		else
			high = middle;
	}
	estimate.flows = low;
	estimate.error = error_of(low, columns, bits);
	return estimate;
}
