// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char *folder_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? strndup(path, slash == path ? 1 : (size_t)(slash - path)) : strdup(".");
}

int store_make_folder(const char *path, struct err *err)
{
	char *folder = folder_of(path);
	int error = 0;

	if (!folder)
		return err_set(err, -ENOMEM, "out of memory");
	if (mkdir(folder, 0700) < 0 && errno != EEXIST)
		error = err_set(err, -errno, "cannot make the directory %s: %s", folder,
				strerror(errno));
	free(folder);
	return error;
}

/* What a rename or a removal did is on disk only with the directory. */
int store_sync_folder(const char *path)
{
	char *folder = folder_of(path);
	int fd, error = 0;

	if (!folder)
		return -ENOMEM;
	fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	free(folder);
	if (fd < 0)
		return -errno;
	if (fsync(fd) < 0)
		error = -errno;
	close(fd);
	return error;
}

/* Beside the file, under a name that the loader does not look at. */
static char *draft_of(const char *path)
{
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
	char *draft;

	if (asprintf(&draft, "%.*s.%s.new", (int)(name - path), path, name) < 0)
		return NULL;
	return draft;
}

static int write_all(int fd, const char *text)
{
	size_t left = strlen(text);

	while (left) {
		ssize_t n = write(fd, text, left);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		text += n;
		left -= (size_t)n;
	}
	return fsync(fd) < 0 ? -errno : 0;
}

static int write_draft(const char *draft, const char *text)
{
	int fd = open(draft, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	int error;

	if (fd < 0)
		return -errno;
	error = write_all(fd, text);
	if (close(fd) < 0 && !error)
		error = -errno;
	return error;
}

static int replace(const char *path, const char *text)
{
	char *draft = draft_of(path);
	int error = draft ? write_draft(draft, text) : -ENOMEM;

	if (!error && rename(draft, path) < 0)
		error = -errno;
	if (error && draft)
		unlink(draft);
	free(draft);
	return error;
}

int store_write(const char *path, const char *text, struct err *err)
{
	int error = store_make_folder(path, err);

	if (error)
		return error;
	if (text)
		error = replace(path, text);
	else if (unlink(path) < 0 && errno != ENOENT)
		error = -errno;
	if (!error)
		error = store_sync_folder(path);
	if (error)
		err_set(err, error, "cannot %s %s: %s; nothing was changed",
			text ? "write" : "remove", path, strerror(-error));
	return error;
}
