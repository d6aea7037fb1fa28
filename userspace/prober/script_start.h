/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A script is started: in a process group of its own that nothing in it can leave, with nothing
 * open but what it is given, within limits, and with system calls that the one that starts it has
 * and it has not (script_calls.h).
 */
#ifndef MTLB_PROBER_SCRIPT_START_H
#define MTLB_PROBER_SCRIPT_START_H

#include <linux/filter.h>
#include <stdint.h>
#include <sys/types.h>

struct script_launch {
	const char *path;
	char *const *environment;
	int in, out, error; /* as they are to be 0, 1 and 2 */
	int trouble;	    /* an errno comes out of it when the script cannot be run */
	uint32_t processes; /* that its user may have in all */
	uint32_t cpu_s;
	const struct sock_fprog *filter;
};

/* 0 or a negative errno. */
int script_start(const struct script_launch *launch, pid_t *ret_pid);

#endif
