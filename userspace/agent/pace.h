/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * How often somebody may do something: a token bucket for each name. Time is an argument.
 */
#ifndef MTLB_AGENT_PACE_H
#define MTLB_AGENT_PACE_H

#include <stdint.h>

struct pace {
	struct pace_bucket *buckets; /* by name */
};

/* Takes one of name's tokens, of which there are rate more each second (1 or more), up to burst.
 * 0: taken; else how many ns to wait for the next one. Names live as long as the pace, so they must
 * be ones that strangers cannot make up. Without memory for a new name nothing is refused.
 */
uint64_t pace_take(struct pace *pace, const char *name, uint32_t rate, uint32_t burst,
		   uint64_t now_ns);
void pace_fini(struct pace *pace);

#endif
