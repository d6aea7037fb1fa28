/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Regular expressions of routes: PCRE2, for all of a path and byte by byte, with limits on what one
 * match may take, since a tenant that writes a slow one shares the worker with others.
 */
#ifndef MTLB_MODEL_L7_PATTERN_H
#define MTLB_MODEL_L7_PATTERN_H

#include "image.h"

#define PATTERN_MAX 1024 /* bytes of an expression */

/* 0; -EINVAL: it is none, and ret_why says so, at *ret_offset bytes; -ENOMEM. */
int pattern_check(const char *text, size_t length, char *ret_why, size_t why_size,
		  size_t *ret_offset);

/* All that the image has, into image->compiled. 0, -EINVAL (err says which), -ENOMEM. */
int pattern_compile_all(struct image *image, struct err *err);
void pattern_free_all(struct image *image);

/* 1: it matches all of the text; 0: it does not; -ELOOP: that took too much, and nobody knows. */
int pattern_match(const struct image *image, uint32_t pattern, const char *at, size_t length);

#endif
