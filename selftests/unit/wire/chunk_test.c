// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * userspace/wire/chunk: bodies as they come, cut in two at each place and byte by byte; and those
 * that smugglers send.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "userspace/wire/chunk.h"

struct body {
	struct chunk_decoder decoder;
	char data[512];
	size_t length; /* of data */
	size_t used;   /* of all that has come */
	unsigned trailers;
	int end; /* CHUNK_END, an error, or -EAGAIN */
};

/* What has come up to len: from the first byte that was not used, in memory of just that size. */
static void feed(struct body *body, const char *bytes, size_t len, bool skip)
{
	size_t left = len - body->used, used, at = 0;
	char *copy = malloc(left + !left);
	struct h1_head trailers;
	struct h1_text data;

	assert_non_null(copy);
	memcpy(copy, bytes + body->used, left);
	do {
		used = SIZE_MAX;
		if (skip)
			body->end =
				chunk_skip(&body->decoder, copy + at, left - at, &used, &trailers);
		else
			body->end = chunk_next(&body->decoder, copy + at, left - at, &used, &data,
					       &trailers);
		if (body->end < 0 && body->end != -EAGAIN)
			break;
		assert_true(used <= left - at);
		at += used;
		if (body->end != CHUNK_DATA)
			break;
		assert_true(data.at + data.length == copy + at && data.length);
		assert_true(body->length + data.length <= sizeof(body->data));
		memcpy(body->data + body->length, data.at, data.length);
		body->length += data.length;
	} while (true);
	if (body->end == CHUNK_END)
		body->trailers = trailers.count;
	body->used += at;
	free(copy);
}

static struct body cut(const char *bytes, size_t len, size_t first, size_t step, bool skip)
{
	struct body body = {0};

	body.end = -EAGAIN;
	for (size_t now = first; body.end == -EAGAIN; now += step) {
		now = now < len ? now : len;
		feed(&body, bytes, now, skip);
		if (now == len)
			break;
	}
	return body;
}

static void check_same(const struct body *body, const struct body *expected, bool skip)
{
	assert_int_equal(body->end, expected->end);
	if (expected->end != CHUNK_END)
		return;
	assert_int_equal(body->used, expected->used);
	assert_int_equal(body->trailers, expected->trailers);
	if (skip)
		return;
	assert_int_equal(body->length, expected->length);
	assert_memory_equal(body->data, expected->data, expected->length);
}

static struct body decode(const char *bytes, size_t len)
{
	struct body whole = cut(bytes, len, len, 1, false), other;

	for (int skip = 0; skip < 2; skip++) {
		for (size_t first = 0; first <= len; first++) {
			other = cut(bytes, len, first, len, skip);
			check_same(&other, &whole, skip);
		}
		other = cut(bytes, len, 1, 1, skip);
		check_same(&other, &whole, skip);
	}
	return whole;
}

static void takes(const char *bytes, const char *data, unsigned trailers, const char *behind)
{
	struct body body = decode(bytes, strlen(bytes));

	if (body.end != CHUNK_END)
		fail_msg("%s: %s", bytes, h1_error_name(body.end));
	assert_int_equal(body.length, strlen(data));
	assert_memory_equal(body.data, data, body.length);
	assert_int_equal(body.trailers, trailers);
	assert_string_equal(bytes + body.used, behind);
}

static void decodes(void **state)
{
	(void)state;
	takes("0\r\n\r\n", "", 0, "");
	takes("5\r\nhello\r\n0\r\n\r\n", "hello", 0, "");
	takes("5\r\nhello\r\n0006\r\n world\r\n1\r\n!\r\n000\r\n\r\nGET", "hello world!", 0, "GET");
	takes("a\r\n\r\n0\r\n\r\n\r\n\n\r\n0\r\n\r\n", "\r\n0\r\n\r\n\r\n\n", 0, "");
	takes("1B\r\nabcdefghijklmnopqrstuvwxyz!\r\n0\r\n\r\n", "abcdefghijklmnopqrstuvwxyz!", 0,
	      "");
	takes("2;a\r\nhe\r\n3;a=b; c=\"\t\xff\"\r\nllo\r\n0;\r\nA: b\r\nC:\r\n\r\n\r\n", "hello", 2,
	      "\r\n");
	takes("0000000000000001\r\na\r\n0\r\n\r\n", "a", 0, "");
}

static void waits_for_more(void **state)
{
	static const char bytes[] = "5\r\nhello\r\n0\r\nA: b\r\n\r\n";

	(void)state;
	for (size_t len = 0; len < sizeof(bytes) - 1; len++) {
		struct body body = decode(bytes, len);

		assert_int_equal(body.end, -EAGAIN);
		assert_int_equal(body.used,
				 len < 13 ? len : 13); /* trailers are to be given again */
	}
}

static void takes_the_largest_size(void **state)
{
	static const char bytes[] = "7fffffffffffffff\r\nabc";
	struct body body = decode(bytes, sizeof(bytes) - 1);

	(void)state;
	assert_int_equal(body.end, -EAGAIN);
	assert_int_equal(body.length, 3);
	assert_true(body.decoder.left == INT64_MAX - 3);
}

static void limits_extensions_and_trailers(void **state)
{
	static char bytes[2 * CHUNK_TRAILERS_MAX];
	struct body body;

	(void)state;
	memset(bytes, 'a', sizeof(bytes));
	memcpy(bytes, "1;", 2);
	memcpy(bytes + 2 + CHUNK_EXTENSION_MAX, "\r\na\r\n0\r\n\r\n", 10);
	assert_int_equal(decode(bytes, CHUNK_EXTENSION_MAX + 12).end, CHUNK_END);
	memcpy(bytes + 2 + CHUNK_EXTENSION_MAX, "a\r\na\r\n", 6);
	assert_int_equal(decode(bytes, CHUNK_EXTENSION_MAX + 13).end, -H1_ERROR_long_extension);

	memset(bytes, 'a', sizeof(bytes));
	memcpy(bytes, "0\r\nA: ", 6);
	memcpy(bytes + 3 + CHUNK_TRAILERS_MAX - 4, "\r\n\r\n", 4);
	body = cut(bytes, 3 + CHUNK_TRAILERS_MAX, 1, 1000, false);
	assert_int_equal(body.end, CHUNK_END);
	memcpy(bytes + 3 + CHUNK_TRAILERS_MAX - 4, "a\r\n\r\n", 5);
	body = cut(bytes, 3 + CHUNK_TRAILERS_MAX + 1, 1, 1000, false);
	assert_int_equal(body.end, -H1_ERROR_large_head);
}

static void refuses(void **state)
{
	static const struct {
		const char *error, *bytes, *why;
		size_t length;
	} cases[] = {
#define REFUSED(error, bytes, why) {#error, bytes, why, sizeof(bytes) - 1},
#include "selftests/l7/smuggling/chunked.def"
#undef REFUSED
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct body body = decode(cases[i].bytes, cases[i].length);

		if (body.end > 0 || strcmp(h1_error_name(body.end), cases[i].error) != 0)
			fail_msg("case %zu, %s: %s instead of %s", i, cases[i].why,
				 body.end > 0 ? "taken" : h1_error_name(body.end), cases[i].error);
	}
}

static void writes_heads(void **state)
{
	static const uint64_t lengths[] = {1,	9,    15,    16,	255,
					   256, 4095, 65536, INT64_MAX, UINT64_MAX};
	char head[CHUNK_HEAD_MAX], expected[CHUNK_HEAD_MAX + 1];

	(void)state;
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		int length = sprintf(expected, "%llx\r\n", (unsigned long long)lengths[i]);

		assert_int_equal(chunk_head(lengths[i], head), length);
		assert_memory_equal(head, expected, (size_t)length);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(decodes),
		cmocka_unit_test(waits_for_more),
		cmocka_unit_test(takes_the_largest_size),
		cmocka_unit_test(limits_extensions_and_trailers),
		cmocka_unit_test(refuses),
		cmocka_unit_test(writes_heads),
	};

	return cmocka_run_group_tests_name("chunk", tests, NULL, NULL);
}
