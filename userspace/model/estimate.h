/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * How many flows there were, from the bits that they set in a multiresolution bitmap: column i
 * holds the flows of one in 2^(i + 1), the last column what is left over. See bpf/abi/active.h.
 */
#ifndef MTLB_MODEL_ESTIMATE_H
#define MTLB_MODEL_ESTIMATE_H

#include <stddef.h>
#include <stdint.h>

struct estimate {
	double flows;
	double error; /* its standard deviation, as a share of flows */
};

/* set[i]: bits that are set of the bits that column i has. */
struct estimate estimate_flows(const uint32_t *set, size_t columns, uint32_t bits);

#endif
