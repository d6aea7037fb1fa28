/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A configuration's files into a load, and out of it a configuration: what loading has in common
 * with editing.
 */
#ifndef MTLB_MODEL_READ_H
#define MTLB_MODEL_READ_H

#include "load.h"
#include "renew.h"

/* 0 or -ENOMEM; what cannot be read is an error of the load. ret_read may be NULL. */
int read_files(const char *path, struct load *load, struct renew_files *ret_read);

/* One file that need not exist. 0, -ENOENT or -ENOMEM. */
int read_file(const char *path, bool api, struct load *load);

/* api.tokensFile. 0, -EINVAL (an error was added) or -ENOMEM. */
int read_tokens(const struct load_secret *from, struct errors *errors, struct config *config);

/* Checks it all. 0, -EINVAL (ret_errors tells) or -ENOMEM; the load is to be freed by the caller.
 */
int read_check(struct load *load, const char *path, struct config *ret_config,
	       struct config_errors *ret_errors);

#endif
