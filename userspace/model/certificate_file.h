/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The files of a tenant's certificate, read and found good. Keys lie in memory that no core dump
 * has, and that is nobody else's afterwards.
 */
#ifndef MTLB_MODEL_CERTIFICATE_FILE_H
#define MTLB_MODEL_CERTIFICATE_FILE_H

#include <sys/stat.h>

#include "config.h"
#include "errors.h"
#include "l7/certificate.h"
#include "l7/compile.h"
#include "l7/wanted.h"

/* What tells that a file is still the same. */
struct certificate_stamp {
	dev_t device;
	ino_t inode;
	off_t size;
	struct timespec modified, changed;
	bool unsure; /* it was too young when it was read */
};

struct certificate_file {
	struct certificate_bytes parts[CERTIFICATE_PARTS];
	struct certificate_stamp stamps[CERTIFICATE_PARTS];
	struct compile_digest digest;
	void *base;
	size_t size;
};

/* 0; -EINVAL: errors were added, each with the place where the file is named; -ENOMEM. What clients
 * will not like, but does not keep it from being shown, is added to notes. */
int certificate_file_read(const struct wanted_certificate *wanted, struct errors *errors,
			  struct errors *notes, struct certificate_file *ret_file);
void certificate_file_fini(struct certificate_file *file);

/* Whether the files are as they were when they were read. */
bool certificate_file_is_same(const struct certificate_file *file,
			      const struct wanted_certificate *wanted);

/* All of a configuration's: their errors, as config_load() has them. 0, -EINVAL or -ENOMEM. */
int certificate_file_check_all(const struct config *config, const char *path,
			       struct config_errors *ret_errors);

#endif
