/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Bytes that go to workers: a memfd that nobody can change once it is finished, this process
 * included, and that no other user can open. */
#ifndef MTLB_AGENT_L7_SEAL_H
#define MTLB_AGENT_L7_SEAL_H

#include <stddef.h>

/* Each 0 or a negative errno; the descriptor is the caller's in any case. */
int seal_begin(const char *name, int *ret_fd);
int seal_write(int fd, const void *bytes, size_t size);
int seal_finish(int fd);

#endif
