/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * "Did you mean": of the names offered, the one nearest to what was written, if near enough to be a
 * slip of the finger. Knows nothing of where names come from.
 */
#ifndef MTLB_MODEL_SUGGEST_H
#define MTLB_MODEL_SUGGEST_H

#define SUGGEST_LENGTH_MAX 63 /* longer names are never near anything */

struct suggest {
	const char *written;
	char best[SUGGEST_LENGTH_MAX + 1]; /* empty: none was near */
	unsigned int distance, limit;
};

void suggest_init(struct suggest *suggest, const char *written);
/* Of equally near ones the first wins. */
void suggest_offer(struct suggest *suggest, const char *candidate);

/* Edits (insert, delete, replace, swap neighbours) from a to b, upper and lower case being the
 * same; limit + 1 when there are more than limit.
 */
unsigned int suggest_distance(const char *a, const char *b, unsigned int limit);

struct suggest_tail {
	char text[SUGGEST_LENGTH_MAX + 24];
};

/* `; did you mean "NAME"?`, or nothing. By value, so that it fits into a printf. */
struct suggest_tail suggest_tail(const struct suggest *suggest);

#endif
