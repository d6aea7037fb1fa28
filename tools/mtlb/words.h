/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Words a person typed against words that exist: prefixes, and the nearest one to suggest. */
#ifndef MTLB_TOOLS_WORDS_H
#define MTLB_TOOLS_WORDS_H

#include <stddef.h>

#include "../../userspace/base/err.h"

/*
 * The index of the one word that is typed or begins with it, a word in full going first. Else
 * -EINVAL, and err says what could have been meant; what is "noun", "filter", ...
 */
int words_find(const char *typed, const char *const *words, size_t count, const char *what,
	       struct err *err);

#endif
