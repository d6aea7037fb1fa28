// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "script_place.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define OTHERS	  (S_IWGRP | S_IWOTH)
#define PATH_TOLD 64 /* bytes of its end that an error has room for */

int script_place_init(struct script_place *place, const char *directory)
{
	char here[PATH_MAX] = "";
	int length;

	if (directory[0] != '/' && !getcwd(here, sizeof(here)))
		return -errno;
	length = snprintf(place->directory, sizeof(place->directory), "%s%s%s", here,
			  here[0] ? "/" : "", directory);
	return length >= (int)sizeof(place->directory) ? -ENAMETOOLONG : 0;
}

static const char *end_of(const char *path)
{
	size_t length = strlen(path);

	return path + (length > PATH_TOLD ? length - PATH_TOLD : 0);
}

/*
 * Of a directory that is open. In one that leads there others may have files of their own, as long
 * as they cannot rename those of root (the sticky bit).
 */
static int check_directory(int fd, const char *path, bool leads, char *why, size_t size)
{
	struct stat stat;

	if (fstat(fd, &stat))
		snprintf(why, size, "%s: %s", end_of(path), strerror(errno));
	else if (stat.st_uid)
		snprintf(why, size, "%s, where scripts are, is not root's; chown it", end_of(path));
	else if (stat.st_mode & OTHERS && !(leads && stat.st_mode & S_ISVTX))
		snprintf(why, size, "others may write to %s, where scripts are; chmod go-w it",
			 end_of(path));
	else
		return 0;
	return -EPERM;
}

static void tell_open(const char *path, int error, char *why, size_t size)
{
	if (error == ENOENT)
		snprintf(why, size, "there is no %s (node.health.scriptDirectory)", end_of(path));
	else if (error == ENOTDIR || error == ELOOP)
		snprintf(why, size,
			 "%s is no directory, or a symbolic link (node.health.scriptDirectory)",
			 end_of(path));
	else
		snprintf(why, size, "%s (node.health.scriptDirectory): %s", end_of(path),
			 strerror(error));
}

/* From the root down, through no symbolic link. The directory, or -EPERM. */
static int open_directory(const char *directory, char *why, size_t size)
{
	char path[PATH_MAX], name[NAME_MAX + 1];
	const char *at = directory;
	int fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC), next;

	for (at += strspn(at, "/"); fd >= 0 && *at; at += strspn(at, "/")) {
		size_t length = strcspn(at, "/");

		if (length >= sizeof(name)) {
			close(fd);
			snprintf(why, size, "node.health.scriptDirectory: %s",
				 strerror(ENAMETOOLONG));
			return -EPERM;
		}
		memcpy(name, at, length);
		name[length] = 0;
		at += length;
		snprintf(path, sizeof(path), "%.*s", (int)(at - directory), directory);
		next = openat(fd, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (next < 0)
			tell_open(path, errno, why, size);
		close(fd);
		fd = next;
		if (fd >= 0 && check_directory(fd, path, at[strspn(at, "/")] != 0, why, size)) {
			close(fd);
			return -EPERM;
		}
	}
	return fd < 0 ? -EPERM : fd;
}

static int check_script(int fd, const char *name, char *why, size_t size)
{
	struct stat stat;

	if (fstatat(fd, name, &stat, AT_SYMLINK_NOFOLLOW))
		snprintf(why, size, "script \"%s\" %s", name,
			 errno == ENOENT ? "is not in node.health.scriptDirectory"
					 : strerror(errno));
	else if (!S_ISREG(stat.st_mode))
		snprintf(why, size, "script \"%s\" is no regular file; put the file itself there",
			 name);
	else if (stat.st_uid)
		snprintf(why, size, "script \"%s\" is not root's; chown it", name);
	else if (stat.st_mode & OTHERS)
		snprintf(why, size, "others may write to script \"%s\"; chmod go-w it", name);
	else if (faccessat(fd, name, X_OK, 0))
		snprintf(why, size, "script \"%s\" is not executable for %s; chmod a+rx it", name,
			 "node.health.scriptUser");
	else
		return 0;
	return -EPERM;
}

int script_place_check(const struct script_place *place, const char *name, char *why, size_t size)
{
	int fd = open_directory(place->directory, why, size), error;

	if (fd < 0)
		return fd;
	if (!name[0] || strchr(name, '/') || name[0] == '.') {
		snprintf(why, size, "a script is called by its name, not by a path");
		error = -EPERM;
	} else {
		error = check_script(fd, name, why, size);
	}
	close(fd);
	return error;
}
