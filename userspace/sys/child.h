/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A program that this one starts and looks after: by a socket it is told things, by a pidfd it is
 * found out that it has ended.
 */
#ifndef MTLB_SYS_CHILD_H
#define MTLB_SYS_CHILD_H

#include <stddef.h>
#include <sys/types.h>

/* Where a program of that name is that was installed with this one. To be freed; NULL: no memory.
 */
char *child_beside(const char *name);

/* Which descriptor of this program is which one of the child's. */
struct child_fd {
	int here, there;
};

/*
 * Starts it with these descriptors, four at most, those that are not closed at exec(2), and signals
 * as a program wants them at its start. argv ends with NULL. 0 or a negative errno; then *ret_pid
 * is 0.
 */
int child_start(const char *path, char *const argv[], const struct child_fd *fds, size_t count,
		pid_t *ret_pid);

/* Readable once it has ended. A descriptor, or a negative errno. */
int child_watch(pid_t pid);

#endif
