/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What a struct renew is made of: for the files renew*.c alone. */
#ifndef MTLB_MODEL_RENEW_INTERNAL_H
#define MTLB_MODEL_RENEW_INTERNAL_H

#include "check.h"
#include "load.h"
#include "renew.h"

struct changed_files {
	size_t number[RENEW_FILES_MAX]; /* of the file; then of its tenant */
	size_t count;
};

struct renew {
	struct renew_files files;
	char *folder;	      /* see renew_folder(); NULL: none */
	bool hinted, strange; /* renew_expect_hints(); and a hint was at no file */
	struct changed_files hints;
	struct renew_file *tenants, *api; /* by name */
	struct load load;		  /* the Platform document, and all parts of it */
	struct config granted;		  /* what they say; its tenants have nothing of their own */
	struct load_secret secret, tokens;
	struct check check;
};

bool renew_is_changed(const struct renew_file *file, const struct stat *stat);

/* By name, so that neither paths nor their order must be made again. 0 or -ENOMEM. */
int renew_index_files(struct renew *renew);
/* Sets renew->folder. */
void renew_find_folder(struct renew *renew);
/* Which files of tenants changed. -EAGAIN: others did, or it is not known. */
int renew_find_changed(const struct renew *renew, struct changed_files *ret_changed);
/* The same of the API's. */
int renew_check_api(const struct renew *renew);

/* One that is as it was. 0, -EAGAIN or -ENOMEM. */
int renew_load_file(const struct renew_file *file, struct load *load);

/* What next is without its tenants. 0, -EAGAIN or -ENOMEM. */
int renew_begin(const struct config *now, struct config *ret_next);
/*
 * Has the tenant as `document` (a TenantConfig that the schema has seen without an error) makes it
 * in next, where it was borrowed. 0, -EAGAIN or -ENOMEM.
 */
int renew_replace(struct renew *renew, const char *name, const struct tree_node *document,
		  struct config *next, size_t *ret_number);
/* Last: what is read each time, and whether the node can hold it all. 0, -EAGAIN or -ENOMEM. */
int renew_finish(struct renew *renew, struct config *next);

#endif
