/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Words that are kept once: two that are the same text are the same pointer, so that ten thousand
 * names a second cost no memory and are compared at once. A word is 1 to WORD_MAX characters of
 * ASCII that print, no blank among them: nothing in it can move a cursor. One thread at a time.
 */
#ifndef MTLB_TOP_WORDS_H
#define MTLB_TOP_WORDS_H

#include <stdbool.h>
#include <stddef.h>

#define WORD_MAX 127

/* NULL: it is no word, or there is no memory. */
const char *word_keep(const char *text, size_t length);
/* Of any text: what a word cannot have becomes a question mark, too much is cut, nothing is "-". */
const char *word_force(const char *text);

bool word_is_good(const char *text, size_t length);

/* Forgets them all. */
void words_fini(void);

#endif
