// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Chunked bodies: the first byte says how they are cut. However they are cut, and whether their
 * data is read or passed over, the answer is the same; and data that was read and is written again
 * in chunks is read as the same.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "userspace/wire/chunk.h"

#define REQUIRE(condition)        \
	do {                      \
		if (!(condition)) \
			abort();  \
	} while (0)

struct body {
	struct chunk_decoder decoder;
	char *data;
	size_t length; /* of data */
	size_t used;   /* of all that came */
	unsigned trailers;
	int end; /* CHUNK_END, -EAGAIN or an error */
};

/* One event: what it used was within the bytes, and its data at the end of that. */
static int take(struct body *body, const char *at, size_t left, bool skip, size_t *ret_used)
{
	struct h1_head trailers;
	struct h1_text data = {};
	int event;

	event = skip ? chunk_skip(&body->decoder, at, left, ret_used, &trailers)
		     : chunk_next(&body->decoder, at, left, ret_used, &data, &trailers);
	if (event < 0 && event != -EAGAIN)
		return event;
	REQUIRE(*ret_used <= left);
	if (event == CHUNK_DATA) {
		REQUIRE(!skip && data.length && data.at + data.length == at + *ret_used);
		memcpy(body->data + body->length, data.at, data.length);
		body->length += data.length;
	} else if (event == CHUNK_END) {
		REQUIRE(trailers.count <= H1_HEADERS_MAX);
		body->trailers = trailers.count;
	}
	return event;
}

/* All that was not used yet, in memory of just that size. */
static void feed(struct body *body, const char *bytes, size_t len, bool skip)
{
	size_t left = len - body->used, at = 0, used = 0;
	char *copy = malloc(left + !left);

	REQUIRE(copy);
	memcpy(copy, bytes + body->used, left);
	do {
		body->end = take(body, copy + at, left - at, skip, &used);
		at += body->end < 0 && body->end != -EAGAIN ? 0 : used;
	} while (body->end == CHUNK_DATA);
	body->used += at;
	free(copy);
}

/* step 0: all at once. */
static struct body decode(const char *bytes, size_t len, size_t step, bool skip)
{
	struct body body = {.data = malloc(len + !len), .end = -EAGAIN};

	REQUIRE(body.data);
	for (size_t now = step ? step : len; body.end == -EAGAIN; now += step) {
		now = now < len ? now : len;
		feed(&body, bytes, now, skip);
		if (now == len)
			break;
	}
	return body;
}

/* Of trailers that have not all come, and are wrong, that is told sooner or later: see h1.h. */
static void check_same(const struct body *body, const struct body *expected, bool skip)
{
	REQUIRE(body->end == expected->end || (body->end == -EAGAIN && expected->end < 0));
	if (body->end != CHUNK_END)
		return;
	REQUIRE(body->used == expected->used && body->trailers == expected->trailers);
	REQUIRE(skip || (body->length == expected->length &&
			 !memcmp(body->data, expected->data, body->length)));
}

static void check_written(const struct body *body, size_t step)
{
	char *text = malloc(body->length * (CHUNK_HEAD_MAX + 3) + 16);
	size_t length = 0, chunk;
	struct body again;

	REQUIRE(text);
	for (size_t at = 0; at < body->length; at += chunk) {
		chunk = body->length - at < step ? body->length - at : step;
		length += chunk_head(chunk, text + length);
		memcpy(text + length, body->data + at, chunk);
		length += chunk;
		memcpy(text + length, CHUNK_LINE_END, 2);
		length += 2;
	}
	memcpy(text + length, CHUNK_LAST CHUNK_LINE_END, 5);
	again = decode(text, length + 5, 0, false);
	REQUIRE(again.end == CHUNK_END && again.used == length + 5 && !again.trailers);
	REQUIRE(again.length == body->length && !memcmp(again.data, body->data, body->length));
	free(again.data);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size)
{
	struct body whole, cut;
	size_t step;

	if (!size)
		return 0;
	step = input[0] % 64 + 1U;
	whole = decode((const char *)input + 1, size - 1, 0, false);
	for (int skip = 0; skip < 2; skip++) {
		cut = decode((const char *)input + 1, size - 1, step, skip);
		check_same(&cut, &whole, skip);
		free(cut.data);
	}
	if (whole.end == CHUNK_END)
		check_written(&whole, step);
	free(whole.data);
	return 0;
}
