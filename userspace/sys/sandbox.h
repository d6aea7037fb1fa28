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
 * Becomes that user for good, without groups, capabilities or a way to gain any. One that is not
 * root has no other user to become, and only promises to gain nothing.
 */
int sandbox_drop(uid_t uid, gid_t gid);
/* And dies with the process that started it. */
int sandbox_drop_tied(uid_t uid, gid_t gid);

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
 * The same for a process that starts others, for these as well: to start one is not what ends it,
 * and any other call fails with ENOSYS.
 */
int sandbox_filter_scripts(const struct sandbox_call *calls, size_t count);

/*
 * For a process that needs some rights for good, and starts others: of its capabilities it keeps
 * those in the list that it has, in no set there are others, and neither it nor what it starts will
 * gain any. What it starts as root has these, and may give them up.
 */
int sandbox_keep(const int *capabilities, size_t count);
/* Which of them it has not, into ret_missing; returns how many. */
size_t sandbox_missing(const int *capabilities, size_t count, int *ret_missing);

/*
 * What changes the system, looks into other processes or escapes from where it is fails with EPERM
 * from here on, for it, its threads and all that it starts. Which calls a service makes, and those
 * of its libraries, is not known as well as with a prober: all others are let through. bpf() is not
 * among those that fail.
 */
int sandbox_filter_service(void);

#endif
