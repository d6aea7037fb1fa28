/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * script: a program of the operator's is asked instead of the backend. Only in a process of its
 * own (main.c), which does nothing else.
 */
#ifndef MTLB_PROBER_SCRIPT_H
#define MTLB_PROBER_SCRIPT_H

#include <stdint.h>

#include "../sys/loop.h"

#define SCRIPT_PROCESSES 16 /* for each script that may run at a time, in all */

/* Before rights are given up. What a script may do is limited in any case. 0 or a negative errno.
 */
int script_prepare(struct loop *loop, const char *directory, uint32_t at_once);

#endif
