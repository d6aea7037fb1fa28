/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The system calls of a worker: all it ever makes once it has given up its rights. */
#ifndef MTLB_PROXY_CONFINE_H
#define MTLB_PROXY_CONFINE_H

#include "../sys/sandbox.h"

extern const struct sandbox_call confine_calls[];
extern const size_t confine_count;

#endif
