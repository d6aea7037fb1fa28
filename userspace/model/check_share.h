/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What a tier sells of packets, and whether the node has it: limits, guarantees, shares. */
#ifndef MTLB_MODEL_CHECK_SHARE_H
#define MTLB_MODEL_CHECK_SHARE_H

#include "check.h"

/* node may be NULL. */
struct state_node check_share_node(const struct tree_node *node);
/* tier may be NULL: there is none. */
struct state_limits check_share_limits(struct check *check, const struct tree_node *tier);
/* Once all tenants are known: what is guaranteed to them must be there. */
void check_share_sum(struct check *check, const struct tree_node *platform);

#endif
