// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Heads: the first byte says what it is to be taken for, the second one how it is cut. However it
 * is cut, the answer is the same; what is taken is within the bytes; and what is written of it is
 * read as the same again.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "userspace/wire/h1.h"

#define REQUIRE(condition)        \
	do {                      \
		if (!(condition)) \
			abort();  \
	} while (0)

#define WRITTEN_MAX (2 * H1_HEAD_MAX)

enum kind {
	REQUEST,
	RESPONSE,
	TRAILERS,
	KINDS
};

struct message {
	enum kind kind;
	enum h1_method method; /* of whom a response is for */
	union {
		struct h1_request request;
		struct h1_response response;
		struct h1_head trailers;
	};
};

static const struct h1_head *head_of(const struct message *message)
{
	switch (message->kind) {
	case REQUEST:
		return &message->request.head;
	case RESPONSE:
		return &message->response.head;
	default:
		return &message->trailers;
	}
}

static int parse(struct message *message, const char *buf, size_t len, size_t *scanned)
{
	switch (message->kind) {
	case REQUEST:
		return h1_request_parse(buf, len, H1_HEAD_MIN, scanned, &message->request);
	case RESPONSE:
		return h1_response_parse(buf, len, H1_HEAD_MIN, scanned, message->method,
					 &message->response);
	default:
		return h1_trailers_parse(buf, len, 1024, scanned, &message->trailers);
	}
}

/* In memory of its own and of just that size, so that nothing behind it is read unseen. */
static int parse_copy(struct message *message, const char *buf, size_t len, size_t *scanned)
{
	char *copy = malloc(len + !len);
	int error;

	REQUIRE(copy);
	memcpy(copy, buf, len);
	error = parse(message, copy, len, scanned);
	free(copy);
	return error;
}

static void check_text(const char *at, size_t length, const char *buf, size_t len)
{
	REQUIRE(at >= buf && at + length <= buf + len);
}

static void check_head(const struct h1_head *head, const char *buf, size_t len)
{
	REQUIRE(head->length >= 2 && head->length <= len);
	REQUIRE(!memcmp(buf + head->length - 2, "\r\n", 2) && head->count <= H1_HEADERS_MAX);
	for (unsigned i = 0; i < head->count; i++) {
		const struct h1_header *header = &head->headers[i];

		check_text(header->name, header->name_length, buf, head->length);
		check_text(header->value, header->value_length, buf, head->length);
		REQUIRE(header->name_length && header->id < H1_NAMES);
		REQUIRE(!memchr(header->value, '\n', header->value_length));
		REQUIRE(!memchr(header->value, '\r', header->value_length));
		REQUIRE(!header->id || h1_find(head, (enum h1_name)header->id) <= header);
	}
}

static void cut(struct message *message, const char *buf, size_t len, unsigned step, int expected)
{
	size_t scanned = 0;
	int answer = -EAGAIN;

	for (size_t now = step; answer == -EAGAIN; now += step) {
		now = now < len ? now : len;
		answer = parse_copy(message, buf, now, &scanned);
		if (now == len)
			break;
	}
	REQUIRE(answer == expected || (answer == -EAGAIN && expected != 0));
}

static int write_message(const struct message *message, char *buffer)
{
	struct h1_writer writer = {.buffer = buffer, .size = WRITTEN_MAX};

	switch (message->kind) {
	case REQUEST:
		return h1_write_request(&writer, &message->request);
	case RESPONSE:
		return h1_write_response(&writer, &message->response);
	default:
		h1_write_headers(&writer, &message->trailers, 0);
		return h1_write_end(&writer);
	}
}

static void check_request(const struct h1_request *a, const struct h1_request *b)
{
	REQUIRE(a->method == b->method && a->host.length == b->host.length);
	REQUIRE(a->path.length == b->path.length && !a->query.at == !b->query.at);
	REQUIRE(!memcmp(a->path.at, b->path.at, a->path.length));
}

/* What the next hop reads is what was read here; and it would write the same. */
static void check_written(const struct message *message)
{
	static char first[WRITTEN_MAX], second[WRITTEN_MAX];
	struct message again = {.kind = message->kind, .method = message->method};
	size_t scanned = 0;
	int length;

	if (message->kind == REQUEST && !message->request.host.at)
		return; /* of 1.0, without Host: 1.1 must have one */
	length = write_message(message, first);
	REQUIRE(length > 0);
	REQUIRE(parse(&again, first, (size_t)length, &scanned) == 0);
	REQUIRE(head_of(&again)->length == (uint32_t)length);
	if (message->kind == REQUEST)
		check_request(&message->request, &again.request);
	if (message->kind != TRAILERS) {
		REQUIRE(head_of(&again)->body == head_of(message)->body ||
			head_of(message)->body == H1_BODY_TUNNEL);
		REQUIRE(head_of(&again)->content_length == head_of(message)->content_length);
	}
	REQUIRE(write_message(&again, second) == length && !memcmp(first, second, (size_t)length));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	const char *buf = (const char *)bytes + 2;
	struct message message = {0};
	size_t len = length - 2, scanned = 0;
	int error;

	if (length < 2)
		return 0;
	message.kind = (enum kind)(bytes[0] % KINDS);
	message.method = (enum h1_method)(bytes[0] / KINDS % H1_METHODS);
	error = parse_copy(&message, buf, len, &scanned);
	REQUIRE(error != -EAGAIN || scanned == len);
	REQUIRE(error == 0 || error == -EAGAIN ||
		(error < -H1_ERROR_BASE && error > -H1_ERROR_END));
	cut(&message, buf, len, bytes[1] + 1U, error);
	if (error)
		return 0;
	scanned = 0;
	REQUIRE(parse(&message, buf, len, &scanned) == 0);
	check_head(head_of(&message), buf, len);
	check_written(&message);
	return 0;
}
