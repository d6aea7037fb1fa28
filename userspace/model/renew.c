// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#define HASH_NONFATAL_OOM 1
#include "renew.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "check.h"
#include "documents.h"
#include "edit.h"
#include "files.h"
#include "load.h"
#include "read.h"
#include "secret.h"

struct changed_files {
	size_t number[RENEW_FILES_MAX]; /* of the file; then of its tenant */
	size_t count;
};

struct renew {
	struct renew_files files;
	char *folder;	      /* see renew_folder(); NULL: none */
	bool hinted, strange; /* renew_expect_hints(); and a hint was at no file */
	struct changed_files hints;
	struct renew_file *tenants; /* by name */
	struct load load;	    /* the Platform document */
	struct config granted;	    /* what it says; its tenants have nothing of their own */
	struct load_secret secret, tokens;
	struct check check;
};

/* files */

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

int renew_add_file(struct renew_files *files, const char *path, const struct stat *stat)
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
	*file = (struct renew_file){.path = strdup(path), .stamp = make_stamp(stat)};
	file->stamp.unsure = stat->st_ctim.tv_sec + RENEW_UNSURE_S >= now.tv_sec;
	if (!file->path)
		return -ENOMEM;
	files->count++;
	return 0;
}

static const char *tenant_of(const struct tree_node *document)
{
	const struct tree_node *metadata = schema_find(document, SCHEMA_tenant_config_metadata);

	return schema_text(metadata, SCHEMA_tenant_metadata_tenant);
}

void renew_note_tenants(struct renew_files *files, const struct tree *tree)
{
	const struct tree_node *document = tree->documents;
	bool plain = files->count && document && documents_is(document, "Platform") &&
		     strcmp(document->file, files->list[0].path) == 0;

	for (size_t i = 1; plain && i < files->count; i++) {
		struct renew_file *file = &files->list[i];

		document = document->next;
		plain = document && documents_is(document, "TenantConfig") &&
			strcmp(document->file, file->path) == 0 && tenant_of(document);
		if (plain)
			check_copy_name(file->tenant, tenant_of(document));
	}
	files->plain = plain && !document->next;
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

static bool is_changed(const struct renew_file *file, const struct stat *stat)
{
	const struct renew_stamp *then = &file->stamp, now = make_stamp(stat);

	return now.device != then->device || now.inode != then->inode || now.size != then->size ||
	       !same_time(&now.modified, &then->modified) ||
	       !same_time(&now.changed, &then->changed);
}

/* By name, so that neither paths nor their order must be made again. Without memory: nothing to
 * gain. */
static int index_files(struct renew *renew)
{
	for (size_t i = 0; i < renew->files.count; i++) {
		struct renew_file *file = &renew->files.list[i];
		const char *slash = strrchr(file->path, '/');

		file->name = slash ? slash + 1 : file->path;
		if (i == 0)
			continue;
		HASH_ADD_KEYPTR(by_name, renew->tenants, file->name, strlen(file->name), file);
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
	if (!is_changed(file, &now) && (renew->hinted || !file->stamp.unsure))
		return 0;
	if (changed->count == RENEW_FILES_MAX)
		return -EAGAIN;
	changed->number[changed->count++] = (size_t)(file - renew->files.list);
	return 0;
}

/* Whatever is there came after the last load, which knew of none. */
static bool has_api_files(const struct renew_file *platform)
{
	struct dirent *entry;
	bool any = false;
	char *path;
	DIR *folder;

	if (asprintf(&path, "%.*s" EDIT_FOLDER, (int)(platform->name - platform->path),
		     platform->path) < 0)
		return true;
	folder = opendir(path);
	free(path);
	while (folder && !any && (entry = readdir(folder)))
		any = files_is_yaml(entry->d_name);
	if (folder)
		closedir(folder);
	return any;
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
	return r == 0 && seen != renew->files.count - 1 ? -EAGAIN : r;
}

static int look_at_hints(const struct renew *renew, int folder, struct changed_files *ret_changed)
{
	int r = renew->strange ? -EAGAIN : 0;

	for (size_t i = 0; r == 0 && i < renew->hints.count; i++)
		r = look_at(renew, folder, renew->files.list[renew->hints.number[i]].name,
			    ret_changed);
	return r;
}

/* Which ones changed; -EAGAIN when that is not all. */
static int find_changed(const struct renew *renew, struct changed_files *ret_changed)
{
	const struct renew_file *platform = &renew->files.list[0], *first = platform + 1;
	char *path = strndup(first->path, (size_t)(first->name - first->path));
	struct stat now;
	DIR *folder;
	int r = 0;

	if (!path)
		return -ENOMEM;
	folder = opendir(path);
	free(path);
	if (has_api_files(platform))
		r = -EAGAIN;
	if (!folder || stat(platform->path, &now) < 0 || platform->stamp.unsure ||
	    is_changed(platform, &now))
		r = -EAGAIN;
	if (r == 0)
		r = renew->hinted ? look_at_hints(renew, dirfd(folder), ret_changed)
				  : look_at_all(renew, folder, ret_changed);
	if (folder)
		closedir(folder);
	return r == 0 && !ret_changed->count ? -EAGAIN : r;
}

/* what the node must hold */

static void count(struct check *check, const struct state_tenant *tenant, int sign)
{
	int64_t vips = 0, members = 0;

	for (size_t i = 0; i < tenant->service_count; i++) {
		vips += (int64_t)tenant->services[i].vip_count;
		members += (int64_t)tenant->services[i].member_count;
	}
	/* modulo 2^64: what is taken away was added before */
	check->vip_entries += (uint64_t)(sign * vips);
	check->members += (uint64_t)(sign * members);
	check->services += (uint64_t)(sign * (int64_t)tenant->service_count);
	check->acl_prefixes +=
		(uint64_t)(sign * (int64_t)(tenant->acl.rule_count + tenant->acl.default_deny));
}

/* the Platform document */

static int read_platform(struct renew *renew)
{
	struct renew_file *file = &renew->files.list[0];
	struct load *load = &renew->load;
	struct place place = {file->path, 0, 0};
	struct tree_node *document;
	char *text = NULL;
	struct stat stat;
	size_t length;
	int r = files_read(file->path, FILES_SIZE_MAX, place, &load->errors, &text, &length, &stat);

	if (r == 0 && (file->stamp.unsure || is_changed(file, &stat)))
		r = -EAGAIN;
	if (r == 0)
		r = load_text(load, file->path, text, length);
	free(text);
	if (r < 0)
		return r;
	document = load->tree.documents;
	if (load->errors.count || !document || document->next)
		return -EAGAIN;
	renew->check = (struct check){.errors = &load->errors, .config = &renew->granted};
	schema_check(document, SCHEMA_OBJECT_platform, &load->errors);
	r = check_platform(&renew->check, document);
	renew->secret = load_secret_of(document);
	renew->tokens = load_tokens_of(document);
	return r == 0 && load->errors.count ? -EAGAIN : r;
}

/* hints */

/* NULL also without memory: then every file is looked at. */
static char *find_folder(const struct renew *renew)
{
	const struct renew_file *first = &renew->files.list[1];
	char *path = strndup(first->path, (size_t)(first->name - first->path));
	DIR *folder = path ? opendir(path) : NULL;
	bool plain = folder != NULL;
	struct dirent *entry;
	struct stat stat;

	if (folder && fstat(dirfd(folder), &stat) < 0)
		plain = false;
	for (size_t i = 1; plain && i < renew->files.count; i++) {
		const struct renew_stamp *stamp = &renew->files.list[i].stamp;

		plain = !stamp->linked && stamp->device == stat.st_dev;
	}
	while (plain && (entry = readdir(folder)))
		plain = !files_is_yaml(entry->d_name) || entry->d_type == DT_REG;
	if (folder)
		closedir(folder);
	if (plain)
		return path;
	free(path);
	return NULL;
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

int renew_new(struct renew_files *files, const struct config *config, struct renew **ret_renew)
{
	struct renew *renew = calloc(1, sizeof(*renew));
	int r = renew ? 0 : -ENOMEM;

	*ret_renew = NULL;
	if (r == 0) {
		renew->files = *files;
		*files = (struct renew_files){};
		r = renew->files.plain && renew->files.count > 1 ? 0 : -EAGAIN;
	}
	if (r == 0)
		r = index_files(renew);
	if (r == 0)
		r = read_platform(renew);
	if (r < 0) {
		renew_free(renew);
		return r == -ENOMEM ? r : 0;
	}
	for (size_t i = 0; i < config->state.tenant_count; i++)
		count(&renew->check, &config->state.tenants[i], 1);
	renew->folder = find_folder(renew);
	*ret_renew = renew;
	return 0;
}

void renew_free(struct renew *renew)
{
	if (!renew)
		return;
	HASH_CLEAR(by_name, renew->tenants);
	check_fini(&renew->check);
	config_fini(&renew->granted);
	load_fini(&renew->load);
	renew_files_fini(&renew->files);
	free(renew->folder);
	free(renew);
}

/* one tenant */

/* Of the tenant the Platform grants to, what one document makes of it: ret_tenant owns its lists.
 */
static int check_document(struct renew *renew, const struct tree_node *document,
			  const struct renew_file *file, struct state_tenant *ret_tenant)
{
	const struct names_entry *entry = names_find(&renew->check.tenants, file->tenant);
	struct state_tenant *tenant;
	struct state_address *addresses;
	int r;

	if (!entry)
		return -EAGAIN;
	tenant = &renew->granted.state.tenants[entry->index];
	addresses = calloc(tenant->address_count + 1, sizeof(*addresses));
	if (!addresses)
		return -ENOMEM;
	r = check_tenant(&renew->check, document);
	names_fini(&renew->check.documents); /* they lead into a document that goes */
	if (tenant->address_count)
		memcpy(addresses, tenant->addresses, tenant->address_count * sizeof(*addresses));
	*ret_tenant = *tenant;
	ret_tenant->addresses = addresses;
	tenant->acl = (struct state_acl){};
	tenant->services = NULL;
	tenant->service_count = 0;
	tenant->l7 = NULL;
	tenant->nat_ports = 0;
	return r;
}

static int read_tenant(struct renew *renew, struct renew_file *file,
		       struct state_tenant *ret_tenant)
{
	struct errors *errors = renew->check.errors;
	struct renew_files again = {};
	struct place place = {file->path, 0, 0};
	const struct tree_node *document;
	struct load load = {};
	char *text = NULL;
	struct stat stat;
	size_t length;
	int r = files_read(file->path, FILES_SIZE_MAX, place, &load.errors, &text, &length, &stat);

	if (r == 0)
		r = renew_add_file(&again, file->path, &stat);
	if (r == 0)
		r = load_text(&load, file->path, text, length);
	free(text);
	document = load.tree.documents;
	if (r == 0 && (load.errors.count || !document || document->next ||
		       !documents_is(document, "TenantConfig")))
		r = -EAGAIN;
	if (r == 0) {
		schema_check(load.tree.documents, SCHEMA_OBJECT_tenant_config, errors);
		if (!tenant_of(document) || strcmp(tenant_of(document), file->tenant) != 0)
			r = -EAGAIN;
	}
	if (r == 0)
		r = check_document(renew, document, file, ret_tenant);
	if (r == 0)
		file->stamp = again.list[0].stamp;
	renew_files_fini(&again);
	load_fini(&load);
	return r == 0 && errors->count ? -EAGAIN : r;
}

/* all of it */

static struct state_tenant *find_tenant(const struct config *config, const char *name)
{
	return (struct state_tenant *)state_find_tenant(&config->state, name);
}

static int replace_tenant(struct renew *renew, struct renew_file *file, struct config *next,
			  size_t *ret_number)
{
	struct state_tenant *tenant = find_tenant(next, file->tenant);
	struct state alone = {.tenant_count = 1};
	int r;

	if (!tenant || !tenant->borrowed)
		return -EAGAIN; /* borrowed: two documents of one tenant changed */
	alone.tenants = calloc(1, sizeof(*alone.tenants));
	if (!alone.tenants)
		return -ENOMEM;
	count(&renew->check, tenant, -1);
	r = read_tenant(renew, file, alone.tenants);
	if (r == 0) {
		state_sort(&alone);
		*tenant = alone.tenants[0];
		*ret_number = (size_t)(tenant - next->state.tenants);
		free(alone.tenants);
		return 0;
	}
	state_fini(&alone);
	return r;
}

static int borrow_tenants(const struct state *from, struct state *to)
{
	to->tenants = calloc(from->tenant_count + 1, sizeof(*to->tenants));
	if (!to->tenants)
		return -ENOMEM;
	memcpy(to->tenants, from->tenants, from->tenant_count * sizeof(*to->tenants));
	for (size_t i = 0; i < from->tenant_count; i++)
		to->tenants[i].borrowed = true;
	to->tenant_count = from->tenant_count;
	return 0;
}

/* The files of the secret and of tokens may have changed as well. */
static int read_secret(struct renew *renew, struct config *next)
{
	int r = renew->secret.path
			? secret_read(&renew->secret, renew->check.errors, next->hash_secret)
			: 0;

	if (r == 0 && renew->tokens.path)
		r = read_tokens(&renew->tokens, renew->check.errors, next);
	return r == -EINVAL ? -EAGAIN : r;
}

static int compare_numbers(const void *left, const void *right)
{
	size_t a = *(const size_t *)left, b = *(const size_t *)right;

	return (a > b) - (a < b);
}

int renew_run(struct renew *renew, const struct config *now, struct config *ret_next,
	      size_t **ret_changed, size_t *ret_count)
{
	struct changed_files *changed = calloc(1, sizeof(*changed));
	struct config next = {};
	int r = changed ? find_changed(renew, changed) : -ENOMEM;

	renew->hinted = false;
	if (r == 0)
		r = config_copy_node(now, &next);
	if (r == 0)
		r = borrow_tenants(&now->state, &next.state);
	for (size_t i = 0; r == 0 && i < changed->count; i++)
		r = replace_tenant(renew, &renew->files.list[changed->number[i]], &next,
				   &changed->number[i]);
	if (r == 0)
		r = read_secret(renew, &next);
	if (r == 0) {
		renew->check.config = &next;
		check_capacity(&renew->check);
		renew->check.config = &renew->granted;
		r = renew->check.errors->count ? -EAGAIN : 0;
	}
	if (r < 0) {
		config_fini(&next);
		free(changed);
		return r;
	}
	qsort(changed->number, changed->count, sizeof(*changed->number), compare_numbers);
	*ret_next = next;
	*ret_count = changed->count;
	*ret_changed = changed->number; /* the first of it */
	return 0;
}
