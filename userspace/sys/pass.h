/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Whole messages over a socket pair (SOCK_SEQPACKET), with at most one descriptor each. */
#ifndef MTLB_SYS_PASS_H
#define MTLB_SYS_PASS_H

#include <stddef.h>
#include <sys/types.h>

/* fd: -1 for none; it stays the caller's. 0 or a negative errno; -EAGAIN: there is no room yet. */
int pass_send(int socket, const void *message, size_t length, int fd);
/* Length, 0 at the end, or a negative errno. *ret_fd is the caller's, -1 when none came; a message
 * that is longer than size, or brought more than one, is -EPROTO. */
ssize_t pass_receive(int socket, void *message, size_t size, int *ret_fd);

#endif
