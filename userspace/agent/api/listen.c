// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Two agents that start at once must not both believe that the other's socket is a dead one, so
 * looking, removing and binding happen under a lock on the directory.
 */
#include "listen.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static int make_parents(const char *path, struct err *err)
{
	char part[sizeof(((struct sockaddr_un *)0)->sun_path)];
	char *slash;

	strcpy(part, path); /* listen_open() measured it */
	for (slash = strchr(part + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = 0;
		if (mkdir(part, 0755) && errno != EEXIST)
			return err_set(err, -errno, "cannot make the directory %s: %s", part,
				       strerror(errno));
		*slash = '/';
	}
	return 0;
}

static int lock_parent(const char *path, struct err *err)
{
	char parent[sizeof(((struct sockaddr_un *)0)->sun_path)];
	char *slash;
	int code, fd;

	strcpy(parent, path);
	slash = strrchr(parent, '/');
	if (!slash)
		strcpy(parent, ".");
	else
		slash[slash == parent] = 0;
	fd = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return err_set(err, -errno, "cannot open the directory %s: %s", parent,
			       strerror(errno));
	/* Not waiting: in a directory that others can open, one of them could hold us up for good.
	 */
	if (flock(fd, LOCK_EX | LOCK_NB)) {
		code = -errno;
		close(fd);
		return err_set(err, code, "the directory %s is locked: is another agent starting?",
			       parent);
	}
	return fd;
}

/* 0 when path is free, after the removal of what a dead agent left there. */
static int clear_stale(const struct sockaddr_un *address, struct err *err)
{
	const char *path = address->sun_path;
	struct stat status;
	int code, fd;

	if (lstat(path, &status)) {
		if (errno == ENOENT)
			return 0;
		return err_set(err, -errno, "cannot look at %s: %s", path, strerror(errno));
	}
	if (!S_ISSOCK(status.st_mode))
		return err_set(err, -EEXIST, "%s exists and is not a socket", path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return err_set(err, -errno, "cannot make a socket: %s", strerror(errno));
	code = connect(fd, (const struct sockaddr *)address, sizeof(*address)) ? -errno : 0;
	close(fd);
	if (code == -ENOENT)
		return 0;
	/* EAGAIN: its queue is full, so someone listens, however slowly. */
	if (!code || code == -EAGAIN)
		return err_set(err, -EADDRINUSE, "another agent answers on %s", path);
	if (code != -ECONNREFUSED)
		return err_set(err, code, "cannot tell whether someone answers on %s: %s", path,
			       strerror(-code));
	if (unlink(path) && errno != ENOENT)
		return err_set(err, -errno, "cannot remove the stale socket %s: %s", path,
			       strerror(errno));
	return 0;
}

static int bind_private(struct listen_socket *ret, struct err *err)
{
	const char *path = ret->address.sun_path;
	struct stat status;
	int code;

	ret->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (ret->fd < 0)
		return err_set(err, -errno, "cannot make a socket: %s", strerror(errno));
	/* The file takes its mode from the socket less the umask: there is no moment at which it is
	 * open to others, and the umask of other threads is left alone.
	 */
	if (fchmod(ret->fd, 0600) ||
	    bind(ret->fd, (const struct sockaddr *)&ret->address, sizeof(ret->address))) {
		code = -errno;
		goto close_socket;
	}
	if (chmod(path, 0600) || listen(ret->fd, SOMAXCONN) || lstat(path, &status)) {
		code = -errno;
		goto unlink_file;
	}
	ret->device = status.st_dev;
	ret->inode = status.st_ino;
	return 0;

unlink_file:
	unlink(path);
close_socket:
	close(ret->fd);
	ret->fd = -1;
	return err_set(err, code, "cannot listen on %s: %s", path, strerror(-code));
}

int listen_open(struct listen_socket *ret, const char *path, struct err *err)
{
	int code, lock;

	memset(ret, 0, sizeof(*ret));
	ret->fd = -1;
	ret->address.sun_family = AF_UNIX;
	if (!*path)
		return err_set(err, -EINVAL, "the socket's path is empty");
	if (strlen(path) >= sizeof(ret->address.sun_path))
		return err_set(err, -ENAMETOOLONG,
			       "the socket's path %s is longer than %zu bytes, the kernel's limit",
			       path, sizeof(ret->address.sun_path) - 1);
	strcpy(ret->address.sun_path, path);
	code = make_parents(path, err);
	if (code)
		return code;
	lock = lock_parent(path, err);
	if (lock < 0)
		return lock;
	code = clear_stale(&ret->address, err);
	if (!code)
		code = bind_private(ret, err);
	close(lock);
	return code;
}

int listen_remote(const struct addr *address, uint16_t port, struct err *err)
{
	struct sockaddr_storage storage;
	socklen_t length = addr_to_sockaddr(address, port, &storage);
	char text[ADDR_TEXT_MAX];
	int fd, code, one = 1;

	fd = socket(storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd >= 0 && !setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) &&
	    !setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one)) &&
	    !bind(fd, (struct sockaddr *)&storage, length) && !listen(fd, SOMAXCONN))
		return fd;
	code = -errno;
	if (fd >= 0)
		close(fd);
	return err_set(err, code, "cannot listen on %s: %s",
		       addr_format_endpoint(address, port, text), strerror(-code));
}

void listen_unlink(const struct listen_socket *socket)
{
	struct stat status;

	if (!lstat(socket->address.sun_path, &status) && status.st_dev == socket->device &&
	    status.st_ino == socket->inode)
		unlink(socket->address.sun_path);
}
