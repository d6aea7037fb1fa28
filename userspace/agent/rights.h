/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The rights of mtlbd: those that it needs as long as it runs. */
#ifndef MTLB_AGENT_RIGHTS_H
#define MTLB_AGENT_RIGHTS_H

#include "../base/err.h"

/* Gives all others up, before anything is started. What it lacks of its own is told in the log, or
 * is the error when nothing can be done without. 0 or a negative errno.
 */
int rights_limit(struct err *err);

#endif
