// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

extern char **environ;

char *child_beside(const char *name)
{
	char path[4096], *slash, *found;
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);

	path[n > 0 ? n : 0] = 0;
	slash = strrchr(path, '/');
	if (slash)
		*slash = 0;
	return asprintf(&found, "%s/%s", path, name) < 0 ? NULL : found;
}

/* A descriptor here may have the number that another one is to have there, and would be gone before
 * its turn came: all are moved out of the way first. */
#define APART	 64
#define MOST_FDS 4

static void close_all(const int *fds, size_t count)
{
	while (count)
		close(fds[--count]);
}

static int set_apart(const struct child_fd *fds, size_t count, int apart[MOST_FDS])
{
	int error;

	if (count > MOST_FDS)
		return -EINVAL;
	for (size_t i = 0; i < count; i++) {
		apart[i] = fcntl(fds[i].here, F_DUPFD_CLOEXEC, APART);
		if (apart[i] >= 0)
			continue;
		error = -errno;
		close_all(apart, i);
		return error;
	}
	return 0;
}

int child_start(const char *path, char *const argv[], const struct child_fd *fds, size_t count,
		pid_t *ret_pid)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t none, all;
	int apart[MOST_FDS], error = set_apart(fds, count, apart);

	*ret_pid = 0;
	if (error)
		return error;
	sigemptyset(&none);
	sigfillset(&all);
	posix_spawn_file_actions_init(&actions);
	posix_spawnattr_init(&attributes);
	posix_spawnattr_setsigmask(&attributes, &none);
	posix_spawnattr_setsigdefault(&attributes, &all);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	for (size_t i = 0; i < count; i++)
		posix_spawn_file_actions_adddup2(&actions, apart[i], fds[i].there);
	error = -posix_spawn(ret_pid, path, &actions, &attributes, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attributes);
	close_all(apart, count);
	if (error)
		*ret_pid = 0;
	return error;
}

int child_watch(pid_t pid)
{
	int fd = (int)syscall(SYS_pidfd_open, pid, 0);

	if (fd < 0)
		return -errno;
	fcntl(fd, F_SETFD, FD_CLOEXEC);
	return fd;
}
