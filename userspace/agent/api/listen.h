/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The file of the API's Unix socket: makes it for its owner alone, takes over from an agent that
 * died, refuses to take over from one that lives. Accepts nothing itself.
 */
#ifndef MTLB_AGENT_API_LISTEN_H
#define MTLB_AGENT_API_LISTEN_H

#include <sys/types.h>
#include <sys/un.h>

#include "../../base/addr.h"
#include "../../base/err.h"

struct listen_socket {
	int fd; /* listening, non-blocking; its owner closes it */
	struct sockaddr_un address;
	dev_t device; /* of the socket's file, to unlink no one else's */
	ino_t inode;
};

/* 0 or a negative errno; -EADDRINUSE when someone answers on path. */
int listen_open(struct listen_socket *socket, const char *path, struct err *err);

/* A listening TCP socket, non-blocking; several may share the address, so that one can take over
 * from another. Or a negative errno and a sentence.
 */
int listen_remote(const struct addr *address, uint16_t port, struct err *err);

/* Removes the file, if it is still ours. To be called while fd is open: until then the inode is not
 * given to another file, so it tells whose this is.
 */
void listen_unlink(const struct listen_socket *socket);

#endif
