// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "notify.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

/* An abstract name has a zero in front and none behind. */
static int read_address(const char *name, struct notify *notify)
{
	size_t length = strlen(name);

	if ((name[0] != '/' && name[0] != '@') || length < 2)
		return -EINVAL;
	if (length >= sizeof(notify->address.sun_path))
		return -ENAMETOOLONG;
	notify->address.sun_family = AF_UNIX;
	memcpy(notify->address.sun_path, name, length + 1);
	notify->length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
	if (name[0] == '@')
		notify->address.sun_path[0] = 0;
	else
		notify->length++;
	return 0;
}

int notify_open(struct notify *notify)
{
	const char *name = getenv("NOTIFY_SOCKET");
	/* a manager that is behind may take its time, but nothing stops for one that hangs */
	const struct timeval patience = {.tv_sec = 1};
	int error;

	*notify = (struct notify){.fd = -1};
	if (!name || !*name)
		return 0;
	error = read_address(name, notify);
	unsetenv("NOTIFY_SOCKET");
	if (error)
		return error;
	notify->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (notify->fd < 0)
		return -errno;
	if (setsockopt(notify->fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience))) {
		error = -errno;
		notify_close(notify);
	}
	return error;
}

void notify_close(struct notify *notify)
{
	if (notify->fd >= 0)
		close(notify->fd);
	notify->fd = -1;
}

int notify_send(const struct notify *notify, const char *lines)
{
	size_t length = strlen(lines);

	if (notify->fd < 0)
		return 0;
	return sendto(notify->fd, lines, length, MSG_NOSIGNAL,
		      (const struct sockaddr *)&notify->address, notify->length) == (ssize_t)length
		       ? 0
		       : -errno;
}

int notify_reloading(const struct notify *notify)
{
	struct timespec now;
	char lines[64];

	clock_gettime(CLOCK_MONOTONIC, &now);
	snprintf(lines, sizeof(lines), "RELOADING=1\nMONOTONIC_USEC=%llu",
		 (unsigned long long)now.tv_sec * 1000000 + (unsigned long long)now.tv_nsec / 1000);
	return notify_send(notify, lines);
}

static bool read_number(const char *text, uint64_t *ret)
{
	char *end;

	errno = 0;
	*ret = strtoull(text, &end, 10);
	return *text >= '0' && *text <= '9' && !*end && !errno;
}

int notify_watchdog(uint64_t *ret_ns)
{
	const char *interval = getenv("WATCHDOG_USEC"), *whose = getenv("WATCHDOG_PID");
	uint64_t usec = 0, pid = 0;

	*ret_ns = 0;
	if (!interval)
		return 0;
	if (!read_number(interval, &usec) || !usec || usec > UINT64_MAX / 1000 ||
	    (whose && !read_number(whose, &pid)))
		return -EINVAL;
	if (!whose || pid == (uint64_t)getpid())
		*ret_ns = usec * 1000;
	return 0;
}
