/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The health of one pool: how its backends are asked, and what each kind has to do with. */
#ifndef MTLB_MODEL_CHECK_HEALTH_H
#define MTLB_MODEL_CHECK_HEALTH_H

#include "check.h"

/* 0 or -ENOMEM; errors go to check->errors. health may be NULL: nothing is checked then. */
int check_health(struct check *check, const struct tree_node *health,
		 struct state_health *ret_health);

/* A connection to a backend begins with a header of this version of the PROXY protocol (0: it does
 * not), and so does one of a check.
 */
void check_health_header(struct state_health *health, uint8_t version);

#endif
