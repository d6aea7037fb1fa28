// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "suggest.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

/*
 * F. J. Damerau, "A technique for computer detection and correction of spelling errors", CACM 7(3),
 * 1964, in the form where no part of the text is edited twice: a row of the table depends on the
 * two before it.
 */
unsigned int suggest_distance(const char *a, const char *b, unsigned int limit)
{
	unsigned int rows[3][SUGGEST_LENGTH_MAX + 1];
	size_t a_length = strnlen(a, SUGGEST_LENGTH_MAX + 1);
	size_t b_length = strnlen(b, SUGGEST_LENGTH_MAX + 1);
	size_t difference = a_length > b_length ? a_length - b_length : b_length - a_length;

	if (a_length > SUGGEST_LENGTH_MAX || b_length > SUGGEST_LENGTH_MAX || difference > limit)
		return limit + 1;
	for (size_t j = 0; j <= b_length; j++)
		rows[0][j] = (unsigned int)j;
	for (size_t i = 1; i <= a_length; i++) {
		unsigned int *row = rows[i % 3];
		const unsigned int *above = rows[(i + 2) % 3];
		const unsigned int *above2 = rows[(i + 1) % 3];
		int x = tolower((unsigned char)a[i - 1]);
		unsigned int least;

		row[0] = least = (unsigned int)i;
		for (size_t j = 1; j <= b_length; j++) {
			int y = tolower((unsigned char)b[j - 1]);
			unsigned int cost = above[j - 1] + (x != y);

			if (above[j] + 1 < cost)
				cost = above[j] + 1;
			if (row[j - 1] + 1 < cost)
				cost = row[j - 1] + 1;
			if (i > 1 && j > 1 && x == tolower((unsigned char)b[j - 2]) &&
			    y == tolower((unsigned char)a[i - 2]) && above2[j - 2] + 1 < cost)
				cost = above2[j - 2] + 1;
			row[j] = cost;
			if (cost < least)
				least = cost;
		}
		/* A swap reaches back two rows, hence the margin of one. */
		if (least > limit + 1)
			return limit + 1;
	}
	difference = rows[a_length % 3][b_length];
	return difference > limit ? limit + 1 : (unsigned int)difference;
}

void suggest_init(struct suggest *suggest, const char *written)
{
	size_t length = strnlen(written, SUGGEST_LENGTH_MAX + 1);

	suggest->written = written;
	suggest->best[0] = 0;
	/* A third of the letters may be wrong: with more, the hint would be a guess. */
	suggest->limit = length < 6 ? 1 : length < 9 ? 2 : 3;
	suggest->distance = suggest->limit + 1;
}

void suggest_offer(struct suggest *suggest, const char *candidate)
{
	unsigned int distance;

	if (suggest->distance == 0)
		return;
	distance = suggest_distance(suggest->written, candidate, suggest->distance - 1);
	if (distance < suggest->distance) {
		suggest->distance = distance;
		strcpy(suggest->best, candidate);
	}
}

struct suggest_tail suggest_tail(const struct suggest *suggest)
{
	struct suggest_tail tail = {""};

	if (suggest->best[0])
		snprintf(tail.text, sizeof(tail.text), "; did you mean \"%s\"?", suggest->best);
	return tail;
}
