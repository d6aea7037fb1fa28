/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The lines of changes.h about listeners, domains, routes and their pools. */
#ifndef MTLB_AGENT_CHANGES_L7_H
#define MTLB_AGENT_CHANGES_L7_H

#include "../model/config.h"

/* To be freed with changes_free(), NULL with none. 0 or -ENOMEM. */
int changes_l7(const struct config *now, const struct config *next, char ***ret_lines,
	       size_t *ret_count);

#endif
