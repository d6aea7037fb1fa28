// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "edit.h"

static int add(struct files *files, const char *folder, const char *name)
{
	char **paths = realloc(files->paths, (files->count + 1) * sizeof(*paths));
	size_t length = strlen(folder);
	char *path;

	if (!paths)
		return -ENOMEM;
	files->paths = paths;
	while (length > 1 && folder[length - 1] == '/')
		length--;
	if (!name)
		path = strdup(folder);
	else if (asprintf(&path, "%.*s%s%s", (int)length, folder,
			  length && folder[length - 1] == '/' ? "" : "/", name) < 0)
		path = NULL;
	if (!path)
		return -ENOMEM;
	files->paths[files->count++] = path;
	return 0;
}

static bool ends_with(const char *name, const char *end)
{
	size_t length = strlen(name), size = strlen(end);

	return length > size && strcmp(name + length - size, end) == 0;
}

/* Leaves out hidden files: editors and version control keep theirs there. */
bool files_is_yaml(const char *name)
{
	return name[0] != '.' && (ends_with(name, ".yaml") || ends_with(name, ".yml"));
}

static int is_yaml(const struct dirent *entry)
{
	return files_is_yaml(entry->d_name);
}

static int compare(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

/* Adds every *.yaml of a directory. remedy is for a directory that cannot be read. */
static int add_folder(const char *folder, const char *remedy, struct files *files,
		      struct errors *errors)
{
	struct dirent **entries;
	int count = scandir(folder, &entries, is_yaml, compare);
	int r = 0;

	if (count < 0 && errno == ENOMEM)
		return -ENOMEM;
	if (count < 0) {
		errors_add(errors, (struct place){folder, 0, 0}, "cannot read this directory: %s%s",
			   strerror(errno), errno == ENOENT ? remedy : "");
		return -EINVAL;
	}
	for (int i = 0; i < count; i++) {
		if (r == 0)
			r = add(files, folder, entries[i]->d_name);
		if (r == 0 && ends_with(entries[i]->d_name, ".yml")) {
			struct place place = {files->paths[--files->count], 0, 0};

			errors_add(errors, place,
				   "would not be read; name it \"*.yaml\", or move it away");
			free(files->paths[files->count]);
		}
		free(entries[i]);
	}
	free(entries);
	return r;
}

static int list_folder(const char *path, struct files *files, struct errors *errors)
{
	char *platform, *folder;
	struct stat stat;
	int r;

	r = add(files, path, "platform.yaml");
	if (r < 0)
		return r;
	platform = files->paths[0];
	/* Whatever it is, if it has this name it is meant. */
	if (lstat(platform, &stat) < 0) {
		files->count = 0;
		free(platform);
		r = add_folder(path, "", files, errors);
		if (r == 0 && files->count == 0 && errors->count == 0) {
			errors_add(errors, (struct place){path, 0, 0},
				   "holds no *.yaml file; platform.yaml and tenants.d/NAME.yaml "
				   "are expected");
			r = -EINVAL;
		}
		return r;
	}
	r = add(files, path, FILES_TENANTS);
	if (r < 0)
		return r;
	folder = files->paths[--files->count];
	r = add_folder(folder, "; create it (it may be empty)", files, errors);
	free(folder);
	return r;
}

/* Need not be there: the agent makes it when the API is first written to. */
static int list_api(const char *path, struct files *files, struct errors *errors)
{
	char *folder;
	int r = 0;

	files->api_first = files->count;
	if (add(files, path, EDIT_FOLDER) < 0)
		return -ENOMEM;
	folder = files->paths[--files->count];
	if (access(folder, F_OK) == 0)
		r = add_folder(folder, "", files, errors);
	free(folder);
	return r;
}

int files_list(const char *path, struct files *ret_files, struct errors *errors)
{
	struct files files = {};
	struct stat stat_;
	int r;

	*ret_files = files;
	if (stat(path, &stat_) < 0) {
		errors_add(errors, (struct place){path, 0, 0}, "cannot be read: %s",
			   strerror(errno));
		return -EINVAL;
	}
	r = S_ISDIR(stat_.st_mode) ? list_folder(path, &files, errors) : add(&files, path, NULL);
	files.api_first = files.count;
	if (r != -ENOMEM && S_ISDIR(stat_.st_mode)) {
		int api = list_api(path, &files, errors);

		r = r ?: api;
	}
	if (r == -ENOMEM)
		files_fini(&files);
	*ret_files = files;
	return r;
}

static int read_all(int fd, size_t size_max, char **ret_text, size_t *ret_length)
{
	size_t length = 0, room = 4096;
	char *text = malloc(room);

	while (text) {
		ssize_t n = read(fd, text + length, room - length);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			int r = -errno;

			free(text);
			return r;
		}
		if (n == 0) {
			*ret_text = text;
			*ret_length = length;
			return 0;
		}
		length += (size_t)n;
		if (length > size_max) {
			free(text);
			return -EFBIG;
		}
		if (length == room) {
			char *more = realloc(text, room * 2);

			if (!more)
				free(text);
			text = more;
			room *= 2;
		}
	}
	return -ENOMEM;
}

int files_read(const char *path, size_t size_max, struct place place, struct errors *errors,
	       char **ret_text, size_t *ret_length, struct stat *ret_stat)
{
	/* Without O_NONBLOCK the open of a FIFO would wait for a writer. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	/* A place that is the file itself names it already. */
	const char *name = strcmp(path, place.file) ? path : "";
	const char *space = *name ? " " : "";
	struct stat stat;
	int r = 0;

	if (fd < 0 || fstat(fd, &stat) < 0)
		r = -errno;
	else if (!S_ISREG(stat.st_mode))
		r = -ENOTSUP;
	else
		r = read_all(fd, size_max, ret_text, ret_length);
	if (fd >= 0)
		close(fd);
	if (r == 0 && ret_stat)
		*ret_stat = stat;
	if (r == 0 || r == -ENOMEM)
		return r;
	if (r == -ENOTSUP)
		errors_add(errors, place, "%s%sis not a regular file", name, space);
	else if (r == -EFBIG)
		errors_add(errors, place, "%s%sis too large: at most %zu bytes", name, space,
			   size_max);
	else
		errors_add(errors, place, "%s%scannot be read: %s", name, space, strerror(-r));
	return -EINVAL;
}

char *files_resolve(const char *path, struct place place)
{
	const char *slash = strrchr(place.file, '/');
	int folder = slash ? (int)(slash - place.file) + 1 : 0;
	char *resolved;

	if (path[0] == '/')
		return strdup(path);
	if (asprintf(&resolved, "%.*s%s", folder, place.file, path) < 0)
		return NULL;
	return resolved;
}

void files_fini(struct files *files)
{
	while (files->count)
		free(files->paths[--files->count]);
	free(files->paths);
	*files = (struct files){};
}
