/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Whether the L7 tier would do the same for a tenant: what a plan of changes has lines for. */
#ifndef MTLB_MODEL_L7_SAME_H
#define MTLB_MODEL_L7_SAME_H

#include "wanted.h"

/* Of the same name. Pools are the same when their names are: they are compared by themselves. */
bool same_route(const struct wanted *a, const struct wanted_route *route_a, const struct wanted *b,
		const struct wanted_route *route_b);
bool same_pool(const struct wanted_pool *a, const struct wanted_pool *b);

#endif
