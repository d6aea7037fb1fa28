// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Which files there were, what is in them, and which of them have changed since. */
#define HASH_NONFATAL_OOM 1
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "documents.h"
#include "edit.h"
#include "files.h"
#include "renew_internal.h"

static struct renew_stamp make_stamp(const struct stat *stat)
{
	return (struct renew_stamp){
		.device = stat->st_dev,
		.inode = stat->st_ino,
		.size = (uint64_t)stat->st_size,
		.modified = stat->st_mtim,
		.changed = stat->st_ctim,
		.linked = stat->st_nlink != 1,
	};
}

int renew_add_file(struct renew_files *files, const char *path, bool api, const struct stat *stat)
{
	struct renew_file *file;
	struct timespec now;

	if (files->count == files->room) {
		size_t room = files->room ? 2 * files->room : 64;
		struct renew_file *list = realloc(files->list, room * sizeof(*list));

		if (!list)
			return -ENOMEM;
		files->list = list;
		files->room = room;
	}
	clock_gettime(CLOCK_REALTIME, &now);
	file = &files->list[files->count];
	*file = (struct renew_file){.path = strdup(path), .api = api, .stamp = make_stamp(stat)};
	file->stamp.unsure = stat->st_ctim.tv_sec + RENEW_UNSURE_S >= now.tv_sec;
	if (!file->path)
		return -ENOMEM;
	files->count++;
	return 0;
}

int renew_expect_file(struct renew_files *files, const char *path, bool removed)
{
	static const struct stat never;
	struct renew_file *file = files->list;

	while (file < files->list + files->count && strcmp(file->path, path) != 0)
		file++;
	if (file == files->list + files->count)
		return removed ? 0 : renew_add_file(files, path, true, &never);
	if (!removed)
		return 0;
	free(file->path);
	memmove(file, file + 1, (size_t)(files->list + --files->count - file) * sizeof(*file));
	return 0;
}

void renew_note_written(struct renew_files *files, const char *path)
{
	struct stat now;

	for (size_t i = 0; i < files->count; i++)
		if (!strcmp(files->list[i].path, path) && stat(path, &now) == 0)
			files->list[i].stamp = make_stamp(&now);
}

/* The documents of a file come one after the other, and files mostly in the order of the list. */
static struct renew_file *file_of(const struct renew_files *files, const char *path, size_t *at)
{
	for (size_t i = 0; i < files->count; i++, *at = (*at + 1) % files->count)
		if (!strcmp(files->list[*at].path, path))
			return &files->list[*at];
	return NULL;
}

static bool note_document(struct renew_file *file, bool first, const struct tree_node *document)
{
	const struct tree_node *metadata;
	const char *tenant;

	if (first || documents_is(document, "Platform"))
		return first && documents_is(document, "Platform");
	if (documents_is(document, "PlatformPart")) {
		file->part = true;
		return file->api;
	}
	metadata = schema_find(document, SCHEMA_tenant_config_metadata);
	tenant = documents_is(document, "TenantConfig")
			 ? schema_text(metadata, SCHEMA_tenant_metadata_tenant)
			 : NULL;
	if (!tenant || file->tenant[0])
		return false;
	check_copy_name(file->tenant, tenant);
	file->left_out = document->bad;
	return true;
}

void renew_note_documents(struct renew_files *files, const struct tree *tree)
{
	const struct tree_node *document = tree->documents;
	bool plain = files->count > 0;
	unsigned platforms = 0;
	size_t at = 0;

	for (; plain && document; document = document->next) {
		struct renew_file *file = file_of(files, document->file, &at);

		platforms += file == files->list;
		plain = file && note_document(file, file == files->list, document);
	}
	for (size_t i = 1; plain && i < files->count; i++)
		plain = files->list[i].part || files->list[i].tenant[0];
	files->plain = plain && platforms == 1;
}

void renew_files_fini(struct renew_files *files)
{
	for (size_t i = 0; i < files->count; i++)
		free(files->list[i].path);
	free(files->list);
	*files = (struct renew_files){};
}

static bool same_time(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

static bool is_same(const struct renew_stamp *a, const struct renew_stamp *b)
{
	return a->device == b->device && a->inode == b->inode && a->size == b->size &&
	       same_time(&a->modified, &b->modified) && same_time(&a->changed, &b->changed);
}

bool renew_is_changed(const struct renew_file *file, const struct stat *stat)
{
	const struct renew_stamp now = make_stamp(stat);

	return !is_same(&file->stamp, &now);
}

void renew_trust(struct renew_files *files, const struct renew_files *before)
{
	size_t at = 0;

	for (size_t i = 0; i < files->count; i++) {
		struct renew_stamp *now = &files->list[i].stamp;
		const struct renew_file *then =
			now->unsure ? file_of(before, files->list[i].path, &at) : NULL;

		if (then && !then->stamp.unsure && is_same(&then->stamp, now))
			now->unsure = false;
	}
}

int renew_index_files(struct renew *renew)
{
	for (size_t i = 0; i < renew->files.count; i++) {
		struct renew_file *file = &renew->files.list[i];
		const char *slash = strrchr(file->path, '/');

		file->name = slash ? slash + 1 : file->path;
		if (i == 0)
			continue;
		if (file->api)
			HASH_ADD_KEYPTR(by_name, renew->api, file->name, strlen(file->name), file);
		else
			HASH_ADD_KEYPTR(by_name, renew->tenants, file->name, strlen(file->name),
					file);
		if (!file->by_name.tbl)
			return -ENOMEM;
	}
	return 0;
}

/* One entry of the tenants' directory. */
static int look_at(const struct renew *renew, int folder, const char *name,
		   struct changed_files *changed)
{
	struct renew_file *file = NULL;
	struct stat now;

	HASH_FIND(by_name, renew->tenants, name, strlen(name), file);
	if (!file || fstatat(folder, name, &now, renew->hinted ? AT_SYMLINK_NOFOLLOW : 0) < 0)
		return -EAGAIN;
	if (renew->hinted && (!S_ISREG(now.st_mode) || now.st_nlink != 1))
		return -EAGAIN; /* from now on hints do not tell all */
	if (!renew_is_changed(file, &now) && (renew->hinted || !file->stamp.unsure))
		return 0;
	/* one that is left out: it may be another tenant's now */
	if (file->left_out || changed->count == RENEW_FILES_MAX)
		return -EAGAIN;
	changed->number[changed->count++] = (size_t)(file - renew->files.list);
	return 0;
}

static int look_at_all(const struct renew *renew, DIR *folder, struct changed_files *ret_changed)
{
	struct dirent *entry;
	size_t seen = 0;
	int r = 0;

	while (r == 0 && (entry = readdir(folder))) {
		if (!files_is_yaml(entry->d_name))
			continue;
		r = look_at(renew, dirfd(folder), entry->d_name, ret_changed);
		seen++;
	}
	return r == 0 && seen != HASH_CNT(by_name, renew->tenants) ? -EAGAIN : r;
}

static int look_at_hints(const struct renew *renew, int folder, struct changed_files *ret_changed)
{
	int r = renew->strange ? -EAGAIN : 0;

	for (size_t i = 0; r == 0 && i < renew->hints.count; i++)
		r = look_at(renew, folder, renew->files.list[renew->hints.number[i]].name,
			    ret_changed);
	return r;
}

/* To be freed; NULL: no memory. */
static char *folder_of(const struct renew_file *file, const char *more)
{
	char *path;

	return asprintf(&path, "%.*s%s", (int)(file->name - file->path), file->path, more) < 0
		       ? NULL
		       : path;
}

int renew_check_api(const struct renew *renew)
{
	char *path = folder_of(&renew->files.list[0], EDIT_FOLDER);
	size_t seen = 0, count = HASH_CNT(by_name, renew->api);
	struct dirent *entry;
	int r = path ? 0 : -ENOMEM;
	DIR *folder = path ? opendir(path) : NULL;

	free(path);
	while (folder && r == 0 && (entry = readdir(folder))) {
		struct renew_file *file = NULL;
		struct stat now;

		if (!files_is_yaml(entry->d_name))
			continue;
		HASH_FIND(by_name, renew->api, entry->d_name, strlen(entry->d_name), file);
		if (!file || fstatat(dirfd(folder), entry->d_name, &now, 0) < 0 ||
		    file->stamp.unsure || renew_is_changed(file, &now))
			r = -EAGAIN;
		seen++;
	}
	if (folder)
		closedir(folder);
	return r ?: seen == count ? 0 : -EAGAIN;
}

int renew_find_changed(const struct renew *renew, struct changed_files *ret_changed)
{
	const struct renew_file *platform = &renew->files.list[0];
	char *path = folder_of(platform, FILES_TENANTS);
	DIR *folder = path ? opendir(path) : NULL;
	struct stat now;
	int r = path ? 0 : -ENOMEM;

	free(path);
	if (r == 0 && (!folder || stat(platform->path, &now) < 0 || platform->stamp.unsure ||
		       renew_is_changed(platform, &now)))
		r = -EAGAIN;
	if (r == 0)
		r = renew->hinted ? look_at_hints(renew, dirfd(folder), ret_changed)
				  : look_at_all(renew, folder, ret_changed);
	if (folder)
		closedir(folder);
	return r;
}

/* hints */

/* Without it, or without memory, every file is looked at. */
void renew_find_folder(struct renew *renew)
{
	char *path = folder_of(&renew->files.list[0], FILES_TENANTS "/");
	DIR *folder = path ? opendir(path) : NULL;
	bool plain = folder != NULL;
	struct dirent *entry;
	struct stat stat;

	if (folder && fstat(dirfd(folder), &stat) < 0)
		plain = false;
	for (size_t i = 1; plain && i < renew->files.count; i++) {
		const struct renew_file *file = &renew->files.list[i];

		plain = file->api || (!file->stamp.linked && file->stamp.device == stat.st_dev);
	}
	while (plain && (entry = readdir(folder)))
		plain = !files_is_yaml(entry->d_name) || entry->d_type == DT_REG;
	if (folder)
		closedir(folder);
	if (plain)
		renew->folder = path;
	else
		free(path);
}

const char *renew_folder(const struct renew *renew)
{
	return renew->folder;
}

void renew_expect_hints(struct renew *renew)
{
	renew->hinted = true;
	renew->strange = false;
	renew->hints.count = 0;
}

void renew_hint(void *context, const char *name)
{
	struct renew *renew = context;
	struct renew_file *file = NULL;
	size_t number;

	if (!files_is_yaml(name))
		return;
	HASH_FIND(by_name, renew->tenants, name, strlen(name), file);
	if (!file || renew->hints.count == RENEW_FILES_MAX) {
		renew->strange = true;
		return;
	}
	number = (size_t)(file - renew->files.list);
	for (size_t i = 0; i < renew->hints.count; i++)
		if (renew->hints.number[i] == number)
			return;
	renew->hints.number[renew->hints.count++] = number;
}
