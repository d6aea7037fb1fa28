// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* An edit of one TenantConfig that the API keeps: its file is read, and no other. */
#include <errno.h>
#include <string.h>

#include "documents.h"
#include "renew_internal.h"

bool renew_is_for(const struct edit *edit)
{
	return (edit->verb == EDIT_PUT || edit->verb == EDIT_DELETE) &&
	       (edit->object.kind == EDIT_ACL || edit->object.kind == EDIT_POOL ||
		edit->object.kind == EDIT_BACKEND || edit->object.kind == EDIT_SERVICE ||
		(edit->object.kind == EDIT_CONFIG && edit->verb == EDIT_PUT));
}

static struct renew_file *find_file(struct renew *renew, const char *path)
{
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
	struct renew_file *file;

	HASH_FIND(by_name, renew->api, name, strlen(name), file);
	return file;
}

/* No file of a tenant may have changed either: a write has always taken all that is there. */
static int check_unchanged(const struct renew *renew)
{
	struct changed_files changed = {};
	int r = renew_find_changed(renew, &changed);

	return r ?: changed.count ? -EAGAIN : 0;
}

static int make(struct renew *renew, struct load *load, const char *path, const struct edit *edit,
		struct config *next, size_t *ret_changed, struct edit_result *ret_result)
{
	const struct renew_file *file;
	const struct tree_node *config;
	int r = edit_path(path, edit, ret_result);

	if (r < 0)
		return r;
	file = find_file(renew, ret_result->path);
	if (!file || strcmp(file->tenant, edit->object.tenant) != 0)
		return -EINVAL;
	r = renew_load_file(file, load) ?: edit_config(load, edit, ret_result);
	config = r == 0 ? documents_find_config(load, edit->object.tenant, true) : NULL;
	if (!config)
		return r ?: -EINVAL;
	return renew_replace(renew, edit->object.tenant, config, next, ret_changed);
}

int renew_edit(struct renew *renew, const char *path, const struct edit *edit,
	       const struct config *now, struct config *ret_next, size_t *ret_changed,
	       struct edit_result *ret_result)
{
	struct edit_result result = {};
	struct config next = {};
	struct load load = {};
	int r = check_unchanged(renew);

	renew->hinted = false;
	if (r == 0)
		r = renew_begin(now, &next);
	if (r == 0)
		r = make(renew, &load, path, edit, &next, ret_changed, &result);
	if (r == 0)
		r = renew_finish(renew, &next);
	load_fini(&load);
	if (r < 0) {
		config_fini(&next);
		edit_result_fini(&result);
		return r;
	}
	*ret_next = next;
	*ret_result = result;
	return 0;
}

void renew_wrote(struct renew *renew, const char *path)
{
	renew_note_written(&renew->files, path);
}

const struct renew_files *renew_files_of(const struct renew *renew)
{
	return &renew->files;
}
