/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * How a process gives up what it does not need before it reads a byte from the network: its user,
 * its capabilities, its right to gain any, and the system calls it never makes. None of it can be
 * taken back.
 */
#ifndef MTLB_SYS_SANDBOX_H
#define MTLB_SYS_SANDBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* An unprivileged user by name; NULL: "mtlb" if there is one, else "nobody". 0, -ENOENT, or -EPERM
 * for one that is root.
 */
int sandbox_find_user(const char *name, uid_t *ret_uid, gid_t *ret_gid);

/*
 * Becomes that user for good, without groups, capabilities or a way to gain any, and dies with the
 * process that started it. One that is not root has no other user to become, and only promises to
 * gain nothing.
 */
int sandbox_drop(uid_t uid, gid_t gid);

/* A system call that is let through; when mask is not 0, only if argument & mask is value. */
struct sandbox_call {
	int number;
	unsigned int argument; /* from 0 */
	uint64_t mask, value;
};

/*
 * From here on only these calls are made. What a program that was taken over would want first (to
 * start another one, to look into processes, to change the system) ends the process; any other one
 * fails with EPERM.
 */
int sandbox_filter(const struct sandbox_call *calls, size_t count);

/*
 * For a process that starts other programs: all of these have only what changes the system, or
 * looks into it, taken away.
 */
int sandbox_filter_scripts(void);

#endif
