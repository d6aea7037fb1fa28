/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The system calls that the prober makes once it has begun, and no others (sys/sandbox.h). */
#ifndef MTLB_PROBER_CALLS_H
#define MTLB_PROBER_CALLS_H

#include "../sys/sandbox.h"

extern const struct sandbox_call calls[];
extern const size_t calls_count;

#endif
