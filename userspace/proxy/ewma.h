/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What it costs to ask a member: the time of its answers, by a mean that forgets exponentially and
 * that a slower answer raises at once ("peak EWMA", from Twitter's Finagle: its documentation,
 * "Load Balancing, Least Loaded by peak EWMA"; with two choices, M. Mitzenmacher, "The Power of Two
 * Choices in Randomized Load Balancing", IEEE TPDS 12 (10), 2001). Pure.
 */
#ifndef MTLB_PROXY_EWMA_H
#define MTLB_PROXY_EWMA_H

#include <math.h>
#include <stdint.h>

#define EWMA_FORGETS_NS 10000000000.0 /* after this 1/e of it is left */

struct ewma {
	uint64_t at; /* when it was that; 0: nothing is known */
	double ns;
};

/* What is left of it: a member that was slow once is asked again some time. */
static inline double ewma_now(const struct ewma *ewma, uint64_t now)
{
	return now > ewma->at ? ewma->ns * exp(-(double)(now - ewma->at) / EWMA_FORGETS_NS)
			      : ewma->ns;
}

static inline void ewma_add(struct ewma *ewma, uint64_t now, uint64_t took)
{
	double left = ewma_now(ewma, now), sample = (double)took;
	double weight = now > ewma->at ? exp(-(double)(now - ewma->at) / EWMA_FORGETS_NS) : 1;

	ewma->ns = !ewma->at || sample > left ? sample : ewma->ns * weight + sample * (1 - weight);
	ewma->at = now;
}

#endif
