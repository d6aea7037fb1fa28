/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Loading a configuration again of which most files are as they were: of a directory with
 * platform.yaml, a file for each tenant, and those of the API, when a few tenants' files changed,
 * or the API edits a TenantConfig that it keeps, only those are read and checked, against what is
 * kept of the Platform document. Whatever is not as simple as that (a file came or went,
 * platform.yaml changed, anything is wrong) is for config_load() and edit_load(), which also know
 * the words for it.
 */
#ifndef MTLB_MODEL_RENEW_H
#define MTLB_MODEL_RENEW_H

#include <sys/stat.h>
#include <uthash.h>

#include "config.h"
#include "edit.h"
#include "tree.h"

/* As long after its last change a file may have changed once more without another time stamp. */
#define RENEW_UNSURE_S	2
#define RENEW_FILES_MAX 256 /* more changed ones are not worth it */

/* What tells that a file is still the same. */
struct renew_stamp {
	uint64_t device, inode, size;
	struct timespec modified, changed;
	bool unsure; /* it was too young when it was read */
	bool linked; /* it may be changed by another name */
};

struct renew_file {
	char *path;
	const char *name; /* its last part */
	struct renew_stamp stamp;
	char tenant[STATE_NAME_MAX]; /* whose TenantConfig it holds; "": nobody's */
	bool api;		     /* it is the API's */
	bool part;		     /* it holds a PlatformPart as well */
	bool left_out;		     /* the API has another TenantConfig for the same tenant */
	UT_hash_handle by_name;
};

/* The files of a configuration, in the order of files_list(). Starts zeroed. */
struct renew_files {
	struct renew_file *list;
	size_t count, room;
	bool plain; /* platform.yaml, and a TenantConfig at most in each of the others */
};

/* For config_load_files() and edit_load(): each 0 or -ENOMEM. */
int renew_add_file(struct renew_files *files, const char *path, bool api, const struct stat *stat);
/* One of the API's that is about to be written, or removed. */
int renew_expect_file(struct renew_files *files, const char *path, bool removed);
/* All that was read; what is left out has been marked as bad. */
void renew_note_documents(struct renew_files *files, const struct tree *tree);
/* It has been written, by the caller. Until then the file counts as changed. */
void renew_note_written(struct renew_files *files, const char *path);
/* What was sure to be the same before is so now, if it has that stamp still. */
void renew_trust(struct renew_files *files, const struct renew_files *before);
void renew_files_fini(struct renew_files *files);

/* As config_load(); ret_read (NULL: not wanted) tells what was read, and is to be freed. */
int config_load_files(const char *path, struct config *ret_config, struct config_errors *ret_errors,
		      struct renew_files *ret_read);

struct renew;

/* files is emptied. 0 or -ENOMEM; *ret_renew may be NULL with 0: then there is nothing to gain. */
int renew_new(struct renew_files *files, const struct config *config, struct renew **ret_renew);
void renew_free(struct renew *renew);

/* The folder of the tenants' files, when changes of them all show in it: neither are there links
 * among them, nor other file systems. Else NULL.
 */
const char *renew_folder(const struct renew *renew);

/* Instead of looking at all of them the next renew_run() looks at those files only that
 * renew_hint() names after renew_expect_hints(). A name that is no file's is for config_load(), if
 * it could be one's.
 */
void renew_expect_hints(struct renew *renew);
void renew_hint(void *renew, const char *name);

/*
 * The configuration with what changed since `now`, which was loaded last, borrowing the other
 * tenants of it; ret_changed has the numbers of the changed ones in its sorted state, and is to be
 * freed. -EAGAIN: it is not for this, and this is of no further use; -ENOMEM.
 */
int renew_run(struct renew *renew, const struct config *now, struct config *ret_next,
	      size_t **ret_changed, size_t *ret_count);

/* It may be for renew_edit(): it is within a TenantConfig. */
bool renew_is_for(const struct edit *edit);
/*
 * edit_load() for such an edit in a TenantConfig that the API keeps, when no file changed since
 * `now`: the configuration with it, borrowing all tenants but the one of number *ret_changed.
 * -EINVAL: it would be refused, or is about another file; -EAGAIN: it is not for this, and this is
 * of no further use, nor is it with -ENOMEM. ret_result is to be freed with 0 alone; once the file
 * is written, renew_wrote() must be told.
 */
int renew_edit(struct renew *renew, const char *path, const struct edit *edit,
	       const struct config *now, struct config *ret_next, size_t *ret_changed,
	       struct edit_result *ret_result);
void renew_wrote(struct renew *renew, const char *path);
const struct renew_files *renew_files_of(const struct renew *renew);

#endif
