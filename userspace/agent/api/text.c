// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "text.h"

#include <microhttpd.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "pause.h"

#define BLOCK 65536

struct text {
	void (*closed)(void *context, struct text *text);
	void *context;
	struct pause pause;
	struct text_bytes *bytes;
	bool failed;
};

struct text_bytes *text_bytes_new(char *data, size_t length)
{
	struct text_bytes *bytes = malloc(sizeof(*bytes));

	if (bytes)
		*bytes = (struct text_bytes){1, length, data};
	else
		free(data);
	return bytes;
}

void text_bytes_release(struct text_bytes *bytes)
{
	if (!bytes || --bytes->holders)
		return;
	free(bytes->data);
	free(bytes);
}

struct text *text_new(void (*closed)(void *context, struct text *text), void *context)
{
	struct text *text = calloc(1, sizeof(*text));

	if (!text)
		return NULL;
	text->closed = closed;
	text->context = context;
	return text;
}

static void release(void *context)
{
	struct text *text = context;

	pause_fini(&text->pause);
	text->closed(text->context, text);
	text_bytes_release(text->bytes);
	free(text);
}

void text_free(struct text *text)
{
	release(text);
}

void text_give(struct text *text, struct text_bytes *bytes)
{
	text->failed = !bytes;
	text->bytes = bytes;
	if (bytes)
		bytes->holders++;
	pause_end(&text->pause);
}

static ssize_t give(void *context, uint64_t at, char *to, size_t max)
{
	struct text *text = context;
	size_t length;

	if (text->pause.gone || text->failed)
		return MHD_CONTENT_READER_END_WITH_ERROR;
	if (!text->bytes) {
		pause_begin(&text->pause);
		return 0;
	}
	length = text->bytes->length - at;
	if (!length)
		return MHD_CONTENT_READER_END_OF_STREAM;
	length = length < max ? length : max;
	memcpy(to, text->bytes->data + at, length);
	return (ssize_t)length;
}

struct MHD_Response *text_respond(struct text *text, struct loop *loop, struct loop_timer *pump,
				  struct MHD_Connection *connection)
{
	struct MHD_Response *response =
		MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, BLOCK, give, text, release);

	pause_init(&text->pause, loop, pump, connection);
	if (!response)
		release(text);
	return response;
}
