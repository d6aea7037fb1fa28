/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * An error on its way to a person. Functions return 0 or a negative errno; one that knows why in
 * words takes a struct err and writes a whole sentence there, once, where the cause is known.
 */
#ifndef MTLB_BASE_ERR_H
#define MTLB_BASE_ERR_H

#include <stddef.h>

struct err {
	char text[1024];
};

/* Writes the sentence (cut if it does not fit) and returns code, a negative errno. err may be NULL.
 */
int err_set(struct err *err, int code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Puts "prefix: " in front of what is there. */
void err_prefix(struct err *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
