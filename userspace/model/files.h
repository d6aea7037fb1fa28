/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Which files make up a configuration, and their bytes: bounded, and from regular files only, so
 * that a FIFO or a device left in the directory cannot hang the agent.
 */
#ifndef MTLB_MODEL_FILES_H
#define MTLB_MODEL_FILES_H

#include <sys/stat.h>

#include "errors.h"

#define FILES_SIZE_MAX (16 << 20)
#define FILES_TENANTS  "tenants.d" /* folder in a configuration's directory */

struct files {
	char **paths; /* sorted; platform.yaml first */
	size_t count;
	size_t api_first; /* from this one on they are the API's, in EDIT_FOLDER (edit.h) */
};

/* Both return 0, -EINVAL (an error was added) or -ENOMEM. files_list() may also find some files and
 * add an error.
 */
int files_list(const char *path, struct files *ret_files, struct errors *errors);
/* ret_text is to be freed. place is where an error is reported; ret_stat may be NULL. */
int files_read(const char *path, size_t size_max, struct place place, struct errors *errors,
	       char **ret_text, size_t *ret_length, struct stat *ret_stat);

/* A path as written at a place: relative to the file there. To be freed; NULL: out of memory. */
char *files_resolve(const char *path, struct place place);

/* Neither hidden nor of another kind. "*.yml" is one as well, and refused. */
bool files_is_yaml(const char *name);

void files_fini(struct files *files);

#endif
