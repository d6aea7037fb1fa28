/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* How many processes the user of scripts has: the kernel limits them by user, not by script. */
#ifndef MTLB_PROBER_SCRIPT_CROWD_H
#define MTLB_PROBER_SCRIPT_CROWD_H

#include <stddef.h>
#include <sys/types.h>

struct script_crowd {
	size_t all, group; /* of the user; and those of them in one process group */
};

/* As far as they can be seen; the caller's user. */
struct script_crowd script_crowd_count(pid_t group);

#endif
