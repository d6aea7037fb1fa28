/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What health checks mean for members: a backend that goes down or comes back does so in every
 * service that uses its pool, and what the maps remember of it is where its checks begin.
 */
#ifndef MTLB_AGENT_BACKENDS_H
#define MTLB_AGENT_BACKENDS_H

#include "agent.h"

/* Makes agent->checks. Both: 0 or a negative errno. */
int backends_start(struct agent *agent);
/* Makes agent->l7, whose members are up or down as these checks say. 0 or a negative errno. */
int backends_start_l7(struct agent *agent);
/* Checks what the configuration wants checked. only: of these tenants; NULL: of all. */
int backends_check(struct agent *agent, const struct state *only);

/* Addresses or routes of the node changed: at the latest in a second each check's way is chosen
 * anew. */
void backends_choose_soon(struct agent *agent);

#endif
