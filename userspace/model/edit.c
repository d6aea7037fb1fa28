// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The trees of all files are read, the edit is made in them, and the documents of the one file that
 * it is about are written out again once the schema has seen them.
 */
#include "edit_tree.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "documents.h"
#include "files.h"
#include "read.h"
#include "renew.h"
#include "value.h"

struct work {
	struct load *load;
	const char *path;
	const struct edit *edit;
	struct edit_result *result;
	const char *file; /* result->path, as long as the load lives */
	/* what there is of the object, or of whose configuration it is in */
	struct tree_node *part, *item, *config;	   /* the API's */
	struct tree_node *file_item, *file_config; /* of the operator's files */
	bool known; /* that there is the tenant: what grants to it has not been read */
};

__attribute__((format(printf, 4, 5))) static int refuse(struct work *work, int code,
							const struct tree_node *where,
							const char *format, ...)
{
	struct place place = where ? tree_place(where) : (struct place){work->file, 0, 0};
	char text[512];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	errors_add(&work->load->errors, place, "%s", text);
	return code;
}

static bool has_tenant(const struct edit_object *object)
{
	return object->kind != EDIT_VIP && object->kind != EDIT_TIER;
}

static const char *list_of(const struct edit_object *object)
{
	return object->kind == EDIT_VIP ? "vips" : object->kind == EDIT_TIER ? "tiers" : "tenants";
}

/* The name that its file is called by. */
static const char *owner_of(const struct edit_object *object)
{
	return has_tenant(object) ? object->tenant : object->name;
}

static char *file_of(const char *path, const struct edit_object *object)
{
	const char *kind = object->kind == EDIT_VIP    ? "vip"
			   : object->kind == EDIT_TIER ? "tier"
						       : "tenant";
	size_t length = strlen(path);
	char *file;

	while (length > 1 && path[length - 1] == '/')
		length--;
	if (asprintf(&file, "%.*s/%s/%s.%s.yaml", (int)length, path, EDIT_FOLDER, kind,
		     owner_of(object)) < 0)
		return NULL;
	return file;
}

static bool names_are_good(const struct edit_object *object)
{
	const struct schema_row *row = &schema_rows[SCHEMA_vip_name];
	const char *remedy = NULL;
	uint64_t number;

	return value_parse(row, owner_of(object), &number, &remedy) == 0 &&
	       (!object->name || value_parse(row, object->name, &number, &remedy) == 0);
}

static void find(struct work *work)
{
	const struct edit_object *object = &work->edit->object;
	const char *list = list_of(object), *name = owner_of(object);

	work->item = documents_find(work->load, list, name, true, &work->part);
	work->file_item = documents_find(work->load, list, name, false, NULL);
	if (!has_tenant(object))
		return;
	work->config = documents_find_config(work->load, name, true);
	work->file_config = documents_find_config(work->load, name, false);
}

/* What is stored, as it is shown; NULL: nothing, or (never with api) no memory. */
static struct tree_node *look(struct work *work, bool api)
{
	return edit_tree_view(work->load, &work->edit->object, api ? work->part : NULL,
			      api ? work->item : work->file_item,
			      api ? work->config : work->file_config);
}

static struct tree_node *look_at_current(struct work *work)
{
	const struct edit_object *object = &work->edit->object;

	/* of a tenant either may be kept by the API while the other is not */
	if (object->kind == EDIT_TENANT)
		return edit_tree_view(work->load, object, work->part, work->item ?: work->file_item,
				      work->config ?: work->file_config);
	/* what a TenantConfig of the files says is left out when the API has one */
	return look(work, true) ?: work->config ? NULL : look(work, false);
}

static int check_conditions(struct work *work)
{
	const struct edit *edit = work->edit;
	struct tree_node *current = look_at_current(work);
	char etag[EMIT_ETAG_MAX], *text;

	work->result->created = !current;
	if (edit->if_none && current)
		return refuse(work, -EEXIST, NULL, "it exists already");
	if (!edit->if_match)
		return 0;
	if (!current)
		return refuse(work, -ESTALE, NULL, "it does not exist any more");
	if (!strcmp(edit->if_match, "*"))
		return 0;
	text = emit_text(current);
	if (!text)
		return -ENOMEM;
	emit_etag(text, etag);
	free(text);
	if (strcmp(etag, edit->if_match) != 0)
		return refuse(
			work, -ESTALE, NULL,
			"it was changed by somebody else: it is %s now, not %s; read it again",
			etag, edit->if_match);
	return 0;
}

/* The API may change what it keeps, in files that it named. */
static int check_owner(struct work *work, const struct tree_node *api,
		       const struct tree_node *other, const char *what)
{
	if (api && strcmp(api->file, work->file) != 0)
		return refuse(work, -EBUSY, api, "%s is in %s, a file that the API did not write",
			      what, api->file);
	if (!api && other)
		return refuse(work, -EBUSY, other, "%s is kept in a file: change it there%s", what,
			      has_tenant(&work->edit->object)
				      ? ", or have the API adopt the tenant first"
				      : "");
	return 0;
}

static int check_owners(struct work *work)
{
	enum edit_kind kind = work->edit->object.kind;
	int r = 0;

	if (kind == EDIT_TENANT || !has_tenant(&work->edit->object))
		r = check_owner(work, work->item ? work->part : NULL, work->file_item,
				kind == EDIT_VIP    ? "the VIP"
				: kind == EDIT_TIER ? "the tier"
						    : "the tenant");
	else if (!work->known && !work->item && !work->file_item)
		return refuse(work, -ENOENT, NULL, "there is no tenant \"%s\"",
			      work->edit->object.tenant);
	if (r == 0 && kind != EDIT_TENANT && has_tenant(&work->edit->object))
		r = check_owner(work, work->config, work->file_config, "the tenant's TenantConfig");
	return r;
}

static int put(struct work *work)
{
	const struct edit *edit = work->edit;
	struct edit_trees trees = {work->load, &edit->object, work->file,
				   work->part, work->item,    work->config};
	struct tree_node *body;
	int r = check_owners(work) ?: check_conditions(work);

	if (r == 0)
		r = edit_tree_body(work->load, edit->body, edit->length, &body);
	if (r < 0)
		return r;
	if (edit->object.kind == EDIT_TENANT && tree_get(body, "config")) {
		r = check_owner(work, work->config, work->file_config, "the tenant's TenantConfig");
		if (r < 0)
			return r;
	}
	r = edit_tree_put(&trees, body);
	work->part = trees.part;
	work->item = trees.item;
	work->config = trees.config;
	return r;
}

/* Deleting what hides an object of a file would bring that one back. */
static int check_hidden(struct work *work, const struct tree_node *api,
			const struct tree_node *hidden, const char *what)
{
	if (!api || !hidden)
		return 0;
	return refuse(work, -EBUSY, hidden,
		      "%s is in a file as well, and would come back with it: remove it there first",
		      what);
}

static int remove_whole(struct work *work)
{
	const struct edit_object *object = &work->edit->object;
	int r = check_hidden(work, work->item, work->file_item,
			     object->kind == EDIT_TENANT ? "the tenant" : "it");

	if (r == 0 && object->kind == EDIT_TENANT)
		r = check_owner(work, work->config, work->file_config, "the tenant's TenantConfig");
	if (r == 0)
		r = check_hidden(work, work->config, work->file_config,
				 "the tenant's TenantConfig");
	if (r < 0)
		return r;
	edit_tree_drop(work->load, work->part);
	edit_tree_drop(work->load, work->config);
	return 0;
}

static int remove_object(struct work *work)
{
	const struct edit_object *object = &work->edit->object;
	struct edit_trees trees = {work->load, object,	   work->file,
				   work->part, work->item, work->config};
	int r = 0;

	if (!look_at_current(work))
		return refuse(work, -ENOENT, NULL, "it does not exist");
	r = check_owners(work) ?: check_conditions(work);
	if (r < 0)
		return r;
	switch (object->kind) {
	case EDIT_TENANT:
	case EDIT_VIP:
	case EDIT_TIER:
		return remove_whole(work);
	case EDIT_CONFIG:
		r = check_hidden(work, work->config, work->file_config,
				 "the tenant's TenantConfig");
		if (r == 0)
			edit_tree_drop(work->load, work->config);
		return r;
	default:
		return edit_tree_remove(&trees);
	}
}

static int adopt(struct work *work)
{
	struct edit_trees trees = {work->load, &work->edit->object, work->file,
				   work->part, work->item,	    work->config};

	if (!work->item && !work->file_item)
		return refuse(work, -ENOENT, NULL, "there is no tenant \"%s\"",
			      work->edit->object.tenant);
	if (work->item && (work->config || !work->file_config))
		return refuse(work, -EEXIST, work->item, "the API keeps it already");
	return edit_tree_adopt(&trees, work->file_item, work->file_config);
}

static int release(struct work *work)
{
	if (!work->item && !work->config)
		return refuse(work, -ENOENT, NULL, "the API keeps no tenant \"%s\"",
			      work->edit->object.tenant);
	if (work->item && !work->file_item)
		return refuse(work, -EBUSY, work->item,
			      "no file has this tenant: it would be gone; write it into a file, or "
			      "delete it");
	if (work->config && !work->file_config)
		return refuse(
			work, -EBUSY, work->config,
			"no file has the tenant's TenantConfig: it would be gone; write it into "
			"a file, or delete it");
	edit_tree_drop(work->load, work->item ? work->part : NULL);
	edit_tree_drop(work->load, work->config);
	return 0;
}

static int make(struct work *work)
{
	switch (work->edit->verb) {
	case EDIT_PUT:
		return put(work);
	case EDIT_DELETE:
		return remove_object(work);
	case EDIT_ADOPT:
		return adopt(work);
	default:
		return release(work);
	}
}

/* The schema has seen all documents: now the file can be written out. */
static int write_out(struct load *load, void *context)
{
	struct work *work = context;
	struct tree_node *view;
	char *text;

	if (load->errors.count)
		return 0; /* it will not be needed */
	if (edit_tree_text(load, work->file, &work->result->text))
		return -ENOMEM;
	if (work->edit->verb == EDIT_DELETE)
		return 0;
	view = look_at_current(work);
	text = view ? emit_text(view) : NULL;
	if (!text)
		return -ENOMEM;
	emit_etag(text, work->result->etag);
	free(text);
	return 0;
}

static int load_with(struct work *work, struct config *ret_config, struct config_errors *ret_errors,
		     struct renew_files *ret_read)
{
	struct load *load = work->load;
	int r = read_files(work->path, load, ret_read), code;

	if (r < 0)
		return r;
	find(work);
	code = make(work);
	if (code == -ENOMEM)
		return code;
	if (code < 0) {
		r = errors_finish(&load->errors, work->path, ret_errors);
		return r == -ENOMEM ? r : code;
	}
	load->checked = write_out;
	load->context = work;
	r = read_check(load, work->path, ret_config, ret_errors);
	if (r < 0 || !ret_read)
		return r;
	r = renew_expect_file(ret_read, work->file, !work->result->text);
	if (r == 0)
		renew_note_documents(ret_read, &load->tree);
	else
		config_fini(ret_config);
	return r;
}

static int refuse_early(struct load *load, const char *path, int code, const char *sentence,
			struct config_errors *ret_errors)
{
	int r;

	errors_add(&load->errors, (struct place){path, 0, 0}, "%s", sentence);
	r = errors_finish(&load->errors, path, ret_errors);
	return r == -ENOMEM ? r : code;
}

int edit_load(const char *path, const struct edit *edit, struct config *ret_config,
	      struct config_errors *ret_errors, struct edit_result *ret,
	      struct renew_files *ret_read)
{
	struct load load = {};
	struct work work = {.load = &load, .path = path, .edit = edit, .result = ret};
	struct stat stat_;
	int r;

	*ret = (struct edit_result){};
	*ret_errors = (struct config_errors){};
	if (stat(path, &stat_) == 0 && !S_ISDIR(stat_.st_mode)) {
		r = refuse_early(
			&load, path, -EOPNOTSUPP,
			"the configuration is one file; the API can only be written to when "
			"it is a directory, in which it keeps " EDIT_FOLDER,
			ret_errors);
	} else if (!names_are_good(&edit->object)) {
		r = refuse_early(&load, path, -EINVAL,
				 "a name must be a DNS label: at most 63 of a-z, 0-9 and \"-\"",
				 ret_errors);
	} else {
		ret->path = file_of(path, &edit->object);
		work.file =
			ret->path ? tree_take_text(&load.tree, ret->path, strlen(ret->path)) : NULL;
		r = work.file ? load_with(&work, ret_config, ret_errors, ret_read) : -ENOMEM;
	}
	load_fini(&load);
	return r;
}

void edit_result_fini(struct edit_result *result)
{
	free(result->path);
	free(result->text);
	*result = (struct edit_result){};
}

int edit_path(const char *path, const struct edit *edit, struct edit_result *ret)
{
	if (!names_are_good(&edit->object))
		return -EINVAL;
	ret->path = file_of(path, &edit->object);
	return ret->path ? 0 : -ENOMEM;
}

int edit_config(struct load *load, const struct edit *edit, struct edit_result *ret)
{
	struct work work = {.load = load, .edit = edit, .result = ret, .known = true};
	struct tree_node *document;
	int r;

	work.file = tree_take_text(&load->tree, ret->path, strlen(ret->path));
	if (!work.file)
		return -ENOMEM;
	find(&work);
	r = work.config ? make(&work) : -EINVAL;
	if (r < 0)
		return r == -ENOMEM ? r : -EINVAL;
	for (document = load->tree.documents; document; document = document->next)
		schema_check(document,
			     documents_is(document, "TenantConfig") ? SCHEMA_OBJECT_tenant_config
								    : SCHEMA_OBJECT_platform_part,
			     &load->errors);
	if (load->errors.count)
		return -EINVAL;
	return write_out(load, &work) ?: ret->text ? 0 : -EINVAL;
}

/* reading */

static int fill_view(struct work *work, struct edit_view *ret)
{
	const struct edit_object *object = &work->edit->object;
	struct tree_node *view = look_at_current(work);
	const struct tree_node *where;

	if (!view)
		return -ENOENT;
	if (object->kind == EDIT_TENANT || !has_tenant(object))
		where = work->item ?: work->file_item;
	else
		where = work->config ?: work->file_config;
	ret->api = where == work->item || where == work->config;
	ret->file = strdup(where->file);
	ret->line = where->line;
	ret->text = emit_text(view);
	if (!ret->file || !ret->text)
		return -ENOMEM;
	emit_etag(ret->text, ret->etag);
	return 0;
}

/* Where it is most likely first: a node may have thousands of files. */
static int read_likely(const char *path, const struct edit_object *object, struct load *load)
{
	char *name, *file = file_of(path, object);
	int r = file ? read_file(file, true, load) : -ENOMEM;

	free(file);
	if (r != -ENOMEM && has_tenant(object)) {
		if (asprintf(&name, "%s/" FILES_TENANTS "/%s.yaml", path, object->tenant) < 0)
			return -ENOMEM;
		r = read_file(name, false, load);
		free(name);
	}
	if (r != -ENOMEM && object->kind != EDIT_CONFIG) {
		if (asprintf(&name, "%s/platform.yaml", path) < 0)
			return -ENOMEM;
		r = read_file(name, false, load);
		free(name);
	}
	return r == -ENOMEM ? r : 0;
}

static int read_from(struct load *load, const char *path, const struct edit_object *object,
		     bool likely, struct edit_view *ret)
{
	struct edit edit = {.object = *object};
	struct work work = {.load = load, .path = path, .edit = &edit};
	int r = likely ? read_likely(path, object, load) : read_files(path, load, NULL);

	if (r < 0)
		return r;
	find(&work);
	/* a tenant is whole only with both, or when all files have been read */
	if (likely && object->kind == EDIT_TENANT &&
	    (!(work.item ?: work.file_item) || !(work.config ?: work.file_config)))
		return -ENOENT;
	return fill_view(&work, ret);
}

int edit_read(const char *path, const struct edit_object *object, struct edit_view *ret,
	      struct config_errors *ret_errors)
{
	struct load load = {};
	int r = -ENOENT;

	*ret = (struct edit_view){};
	*ret_errors = (struct config_errors){};
	if (!names_are_good(object))
		return -ENOENT;
	for (int likely = 1; likely >= 0 && r == -ENOENT; likely--) {
		load_fini(&load);
		load = (struct load){};
		r = read_from(&load, path, object, likely, ret);
	}
	if (r == -ENOENT && load.incomplete)
		r = errors_finish(&load.errors, path, ret_errors) ?: -ENOENT;
	load_fini(&load);
	if (r < 0)
		edit_view_fini(ret);
	return r;
}

void edit_view_fini(struct edit_view *view)
{
	free(view->text);
	free(view->file);
	*view = (struct edit_view){};
}
