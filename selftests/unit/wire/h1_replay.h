/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Gives bytes to a parser of heads in all ways in which they may arrive: at once, cut in two at
 * each place, one by one. Each time they lie in memory of exactly that size, so that a byte read
 * behind them is found. The answer has to be the same: until all have come, it may be that there
 * are more needed.
 */
#ifndef MTLB_UNIT_WIRE_H1_REPLAY_H
#define MTLB_UNIT_WIRE_H1_REPLAY_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Asks once, about the first len bytes: what the parser said. */
typedef int (*h1_ask)(void *context, const char *buf, size_t len, size_t *scanned);

static inline int h1_replay_some(h1_ask ask, void *context, const char *bytes, size_t len,
				 size_t *scanned)
{
	char *copy = malloc(len ? len : 1);
	int answer;

	assert_non_null(copy);
	memcpy(copy, bytes, len);
	answer = ask(context, copy, len, scanned);
	free(copy);
	return answer;
}

static inline void h1_replay_split(h1_ask ask, void *context, const char *bytes, size_t len,
				   size_t at, int expected)
{
	size_t scanned = 0;
	int answer = h1_replay_some(ask, context, bytes, at, &scanned);

	if (answer != -EAGAIN && answer != expected)
		fail_msg("%d after %zu bytes, in the end %d", answer, at, expected);
	if (answer != -EAGAIN)
		return;
	assert_int_equal(scanned, at);
	assert_int_equal(h1_replay_some(ask, context, bytes, len, &scanned), expected);
}

/* Returns the answer. What it says of a head was seen by ask, each time it was 0. */
static inline int h1_replay(h1_ask ask, void *context, const char *bytes, size_t len)
{
	size_t scanned = 0;
	int expected = h1_replay_some(ask, context, bytes, len, &scanned), answer = -EAGAIN;

	assert_int_not_equal(expected, -EAGAIN);
	for (size_t at = 0; at < len; at++)
		h1_replay_split(ask, context, bytes, len, at, expected);
	scanned = 0;
	for (size_t i = 1; i <= len && answer == -EAGAIN; i++)
		answer = h1_replay_some(ask, context, bytes, i, &scanned);
	assert_int_equal(answer, expected);
	return expected;
}

#endif
