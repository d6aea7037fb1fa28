/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The system calls of scripts. What they need cannot be known as it is with a prober, so there are
 * two lists: what programs that ask a server something have use of, which holds for the process
 * that starts scripts as well; and what only that one may do.
 */
#ifndef MTLB_PROBER_SCRIPT_CALLS_H
#define MTLB_PROBER_SCRIPT_CALLS_H

#include <linux/filter.h>

/* For this process and all that it starts. Any other call fails as if the kernel had no such. */
int script_calls_limit(void);

/* What a script must not do to the process that calls this, and to its group: to be loaded by the
 * script. NULL: it could not be made.
 */
const struct sock_fprog *script_calls_filter(void);

#endif
