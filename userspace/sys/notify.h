/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Tells the service manager how the service is, as sd_notify(3) describes the protocol: datagrams
 * of lines "KEY=VALUE" to the socket that NOTIFY_SOCKET names. Without that variable nobody
 * listens, and everything here does nothing.
 */
#ifndef MTLB_SYS_NOTIFY_H
#define MTLB_SYS_NOTIFY_H

#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

struct notify {
	int fd; /* -1: nobody listens */
	struct sockaddr_un address;
	socklen_t length;
};

/* Reads NOTIFY_SOCKET, and takes it from the environment: what is started later is not asked. 0;
 * -EINVAL for one that is neither an absolute path nor an abstract name ("@name"), -ENAMETOOLONG;
 * or another negative errno. Of an error, too, nothing is to be closed.
 */
int notify_open(struct notify *notify);
void notify_close(struct notify *notify);

/* One datagram. 0 or a negative errno. */
int notify_send(const struct notify *notify, const char *lines);
/* That a reload begins, with the time that the manager asks for. */
int notify_reloading(const struct notify *notify);

/* How often the manager wants to hear WATCHDOG=1 at the latest, in ns; 0: not at all. -EINVAL: the
 * variables WATCHDOG_USEC and WATCHDOG_PID are not numbers.
 */
int notify_watchdog(uint64_t *ret_ns);

#endif
