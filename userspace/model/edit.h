/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * One object of a configuration, read or written: what a request to the API is about. The API keeps
 * what is written through it in files of its own, one for each tenant, VIP and tier, in the folder
 * api.d of the configuration; this makes the new text of that file, and checks the configuration
 * with it as a whole. Writes nothing: the caller does (agent/store.h).
 *
 * What files of the operator say is not changed: an object that they have must be adopted first
 * (the API keeps a copy, and the files' own is left out; documents.h) and can be released again.
 */
#ifndef MTLB_MODEL_EDIT_H
#define MTLB_MODEL_EDIT_H

#include "config.h"
#include "emit.h"

#define EDIT_FOLDER "api.d" /* in the configuration's directory */

enum edit_kind {
	EDIT_TENANT,  /* what the operator grants it, and its TenantConfig as "config" */
	EDIT_CONFIG,  /* its acl, pools and services */
	EDIT_ACL,     /* of the TenantConfig, as are: */
	EDIT_POOL,    /* name */
	EDIT_BACKEND, /* name: of the pool; backend: its address */
	EDIT_SERVICE, /* name */
	EDIT_VIP,     /* name */
	EDIT_TIER,    /* name */
};

struct edit_object {
	enum edit_kind kind;
	const char *tenant; /* of all but a VIP and a tier */
	const char *name, *backend;
};

enum edit_verb {
	EDIT_PUT,
	EDIT_DELETE,
	EDIT_ADOPT,   /* a tenant and all of it: the API's from now on */
	EDIT_RELEASE, /* and the files' again */
};

struct edit {
	struct edit_object object;
	enum edit_verb verb;
	const char *body; /* of EDIT_PUT: a map, as JSON or YAML */
	size_t length;
	const char *if_match; /* an entity tag, or "*"; NULL: whatever is there */
	bool if_none;	      /* only if there is none yet */
};

/* Whatever the result, to be freed with edit_result_fini(). */
struct edit_result {
	char *path; /* of the file */
	char *text; /* that it shall have; NULL: it shall be removed */
	bool created;
	char etag[EMIT_ETAG_MAX]; /* of the object that was put */
};

/*
 * Loads the configuration at path with the edit. 0; or a negative errno with errors in ret_errors:
 * -EINVAL: the configuration would be wrong (places in the body are those of the file "body");
 * -ENOENT: there is no such object; -EEXIST: if_none, and there is one; -EBUSY: files have it;
 * -ESTALE: it is not the one of if_match; -EOPNOTSUPP: the configuration is one file; -ENOMEM.
 */
struct renew_files;

/* ret_read: see config_load_files() of renew.h; NULL: not wanted. */
int edit_load(const char *path, const struct edit *edit, struct config *ret_config,
	      struct config_errors *ret_errors, struct edit_result *ret,
	      struct renew_files *ret_read);
void edit_result_fini(struct edit_result *result);

/* For renew.h, of an edit within a TenantConfig that the API keeps: fills ret->path, and then makes
 * the edit in a load of that file alone, whose tenant the caller knows to be there. 0, -EINVAL (the
 * words for what is wrong are those of edit_load()) or -ENOMEM.
 */
struct load;

int edit_path(const char *path, const struct edit *edit, struct edit_result *ret);
int edit_config(struct load *load, const struct edit *edit, struct edit_result *ret);

struct edit_view {
	char *text; /* JSON */
	char etag[EMIT_ETAG_MAX];
	bool api;   /* kept by the API; else by the file: */
	char *file; /* where it is */
	int line;
};

/* Reads one object as it is stored, without a check of the configuration. 0, -ENOENT, -EINVAL (a
 * file cannot be read; errors say why) or -ENOMEM.
 */
int edit_read(const char *path, const struct edit_object *object, struct edit_view *ret,
	      struct config_errors *ret_errors);
void edit_view_fini(struct edit_view *view);

#endif
