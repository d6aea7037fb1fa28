/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Collects what is wrong with a configuration, so that a person sees all of it at once. Keeps going
 * when memory runs out: the caller asks once, at the end.
 */
#ifndef MTLB_MODEL_ERRORS_H
#define MTLB_MODEL_ERRORS_H

#include "config.h"

#define ERRORS_SHOWN 100  /* what a person gets to see; the rest is a number */
#define ERRORS_KEPT  4096 /* what is collected before it is sorted */

struct place {
	const char *file;
	int line, column; /* from 1; 0: the file as a whole */
};

struct errors {
	struct config_error *list;
	size_t count, room;
	size_t left_out; /* beyond ERRORS_KEPT */
	bool out_of_memory;
};

/* Control characters in what is written become '?': an error is one line. */
void errors_add(struct errors *errors, struct place place, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* True when one more is pointless: loops over bad input may stop. */
bool errors_full(const struct errors *errors);

/* True while a search for the nearest name is worth its time. */
bool errors_few(const struct errors *errors);

/*
 * Sorts, cuts to ERRORS_SHOWN and moves the list to ret_errors. path stands for the configuration
 * in the closing line "N more errors". Returns 0 (there were none), -EINVAL or -ENOMEM.
 */
int errors_finish(struct errors *errors, const char *path, struct config_errors *ret_errors);

void errors_fini(struct errors *errors);

#endif
