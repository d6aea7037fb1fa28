// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "folder_watch.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#define ZFS_MAGIC 0x2fc12fc1 /* not the kernel's own */
#define XFS_MAGIC 0x58465342

#define CHANGES                                                                        \
	(IN_MODIFY | IN_ATTRIB | IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | \
	 IN_DELETE_SELF | IN_MOVE_SELF)
#define LOST (IN_Q_OVERFLOW | IN_IGNORED | IN_UNMOUNT | IN_DELETE_SELF | IN_MOVE_SELF)

struct folder_watch {
	int fd;
	dev_t device;
	ino_t inode;
	bool lost;
};

static bool is_local(int fd)
{
	static const unsigned long local[] = {
		EXT4_SUPER_MAGIC, XFS_MAGIC,   BTRFS_SUPER_MAGIC, F2FS_SUPER_MAGIC,
		ZFS_MAGIC,	  TMPFS_MAGIC, RAMFS_MAGIC,	  OVERLAYFS_SUPER_MAGIC};
	struct statfs fs;

	if (fstatfs(fd, &fs) < 0)
		return false;
	for (size_t i = 0; i < sizeof(local) / sizeof(local[0]); i++)
		if ((unsigned long)fs.f_type == local[i])
			return true;
	return false;
}

/* By a descriptor, so that what is looked at and what is watched is the same folder. */
static int add(struct folder_watch *watch, const char *path)
{
	int folder = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct stat now, later;
	int error = 0;

	if (folder < 0)
		return -errno;
	if (!is_local(folder))
		error = -EOPNOTSUPP;
	else if (fstat(folder, &now) < 0 ||
		 inotify_add_watch(watch->fd, path, CHANGES | IN_ONLYDIR) < 0 ||
		 stat(path, &later) < 0)
		error = -errno;
	else if (now.st_dev != later.st_dev || now.st_ino != later.st_ino)
		error = -EAGAIN;
	close(folder);
	if (error)
		return error;
	watch->device = now.st_dev;
	watch->inode = now.st_ino;
	return 0;
}

int folder_watch_new(const char *path, struct folder_watch **ret_watch)
{
	struct folder_watch *watch = calloc(1, sizeof(*watch));
	int error;

	*ret_watch = NULL;
	if (!watch)
		return -ENOMEM;
	watch->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	error = watch->fd < 0 ? -errno : add(watch, path);
	if (error) {
		folder_watch_free(watch);
		return error;
	}
	*ret_watch = watch;
	return 0;
}

void folder_watch_free(struct folder_watch *watch)
{
	if (!watch)
		return;
	if (watch->fd >= 0)
		close(watch->fd);
	free(watch);
}

bool folder_watch_read(struct folder_watch *watch, void (*each)(void *context, const char *name),
		       void *context)
{
	char events[16384] __attribute__((aligned(__alignof__(struct inotify_event))));
	ssize_t length;

	while ((length = read(watch->fd, events, sizeof(events))) > 0) {
		for (ssize_t at = 0; at < length;) {
			const struct inotify_event *event = (const void *)(events + at);

			if (event->mask & LOST)
				watch->lost = true;
			else if (event->len)
				each(context, event->name);
			at += (ssize_t)(sizeof(*event) + event->len);
		}
	}
	if (length < 0 && errno != EAGAIN)
		watch->lost = true;
	return !watch->lost;
}

bool folder_watch_is(const struct folder_watch *watch, const char *path)
{
	struct stat now;

	return stat(path, &now) == 0 && now.st_dev == watch->device && now.st_ino == watch->inode;
}
