/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Guards for the benchmarks: a feed for the node, an access list for a tenant. */
#ifndef MTLB_BENCH_LISTS_H
#define MTLB_BENCH_LISTS_H

#include "userspace/dataplane/dataplane.h"

/* Of so many random IPv4 prefixes that deny none of the sources in 10.0.0.0/8; every fifth line of
 * a tenant's allows some of these. first: of its nodes, and twice that of its records. The node's
 * also has all filters on, but for ports. 0 or a negative errno.
 */
int lists_put(struct dataplane *dataplane, uint32_t tenant, uint32_t count, uint32_t first);

#endif
