// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What a TLS client says first: the answer is the same however the bytes come, and in whatever
 * records the message is.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "userspace/wire/hello.h"

#define REQUIRE(condition)        \
	do {                      \
		if (!(condition)) \
			abort();  \
	} while (0)

static int in_pieces(const uint8_t *input, size_t size, size_t step, struct hello *ret)
{
	struct hello_scan scan = {0};
	int error = -EAGAIN;

	for (size_t cut = 0; error == -EAGAIN; cut += step) {
		size_t now = cut < size ? cut : size;
		uint8_t *copy = malloc(now + !now);

		REQUIRE(copy);
		if (now)
			memcpy(copy, input, now);
		error = hello_parse(copy, now, &scan, ret);
		free(copy);
		if (now == size)
			break;
	}
	return error;
}

/* The same message in other records, if it fits into as many as there may be. */
static void check_fragments(const uint8_t *input, const struct hello *hello)
{
	static uint8_t message[HELLO_MAX], other[HELLO_BYTES_MAX];
	struct hello_scan scan = {0};
	size_t length = 0, used = 0, size;
	struct hello again;

	for (size_t at = 0; at < hello->length;) {
		size_t record = (size_t)(input[at + 3] << 8 | input[at + 4]);

		memcpy(message + length, input + at + 5, record);
		length += record;
		at += 5 + record;
	}
	size = length / HELLO_RECORDS_MAX + 1;
	for (size_t at = 0; at < length; at += size) {
		size_t now = length - at < size ? length - at : size;
		const uint8_t head[] = {22, 3, 1, (uint8_t)(now >> 8), (uint8_t)now};

		memcpy(other + used, head, sizeof(head));
		memcpy(other + used + sizeof(head), message + at, now);
		used += sizeof(head) + now;
	}
	REQUIRE(!hello_parse(other, used, &scan, &again));
	REQUIRE(again.length == used && !strcmp(again.name, hello->name));
	REQUIRE(again.protocols == hello->protocols && again.has_alpn == hello->has_alpn);
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size)
{
	struct hello_scan scan = {0};
	struct hello hello, pieces;
	int error = hello_parse(input, size, &scan, &hello);

	REQUIRE(!error || error == -EAGAIN || hello_error_name(error));
	REQUIRE(in_pieces(input, size, 1, &pieces) == error);
	REQUIRE(in_pieces(input, size, 7, &pieces) == error);
	if (error)
		return 0;
	REQUIRE(pieces.length == hello.length && hello.length <= size);
	REQUIRE(strlen(hello.name) == hello.name_length && !strcmp(hello.name, pieces.name));
	check_fragments(input, &hello);
	return 0;
}
