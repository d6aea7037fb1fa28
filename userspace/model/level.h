/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What a tenant's meters (bpf/abi/meter.h) stand at, in units that people count in. Pure. */
#ifndef MTLB_MODEL_LEVEL_H
#define MTLB_MODEL_LEVEL_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../../bpf/abi/meter.h"
#include "../../bpf/abi/reason.h"

#define LEVELS_MAX 6

struct level {
	/* "packets", "bits", "newFlows", "newFlowsPerClient", "guaranteed", "share" */
	const char *meter;
	uint64_t rate;	  /* a second; of a share what it is just now */
	uint64_t burst;	  /* in the same unit; 0 of a share, which has none of its own */
	bool each_client; /* has one of its own, so that there is no fill to tell */
	double fill;	  /* how much of the burst is spent, 0 to 1 */
	enum mtlb_reason
		reason; /* of what it refuses; of a guarantee go_on: the share is asked then */
};

/* now: CLOCK_MONOTONIC, ns. Returns how many of them the tenant has. */
size_t level_read(const struct mtlb_meter *meter, const struct mtlb_meter_time *time,
		  const struct mtlb_share *share, uint64_t now, struct level ret[LEVELS_MAX]);

/* One of them as the API and the tools show it; fill is null where each client has one. dropped:
 * packets, for its reason. */
json_t *level_json(const struct level *level, const char *tenant, uint64_t dropped);

#endif
