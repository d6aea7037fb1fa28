// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * libmicrohttpd asks for more whenever it could send. When nothing waits its connection is
 * suspended, until there is a line again.
 */
#include "stream.h"

#include <microhttpd.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "pause.h"

#define BLOCK 4096

struct stream {
	void (*closed)(void *context, struct stream *stream);
	void *context;
	struct pause pause;
	bool ended;
	uint64_t missed, told; /* lines left out, and those that the client knows of */
	size_t length;	       /* that wait, in text */
	char text[STREAM_ROOM];
};

struct stream *stream_new(void (*closed)(void *context, struct stream *stream), void *context)
{
	struct stream *stream = calloc(1, sizeof(*stream));

	if (!stream)
		return NULL;
	stream->closed = closed;
	stream->context = context;
	return stream;
}

static void release(void *context)
{
	struct stream *stream = context;

	pause_fini(&stream->pause);
	stream->closed(stream->context, stream);
	free(stream);
}

void stream_free(struct stream *stream)
{
	release(stream);
}

/* False when there is no room, or no memory. Takes the reference. */
static bool append(struct stream *stream, json_t *line)
{
	char *text = line ? json_dumps(line, JSON_COMPACT) : NULL;
	size_t length = text ? strlen(text) : 0, room = sizeof(stream->text) - stream->length;
	bool fits = text && length < room;

	if (fits) {
		memcpy(stream->text + stream->length, text, length);
		stream->text[stream->length + length] = '\n';
		stream->length += length + 1;
	}
	free(text);
	json_decref(line);
	return fits;
}

/* A client that fell behind is told first how much it missed. */
void stream_write(struct stream *stream, json_t *line)
{
	uint64_t missed = stream->missed - stream->told;

	if (stream->ended || stream->pause.gone) {
		json_decref(line);
		return;
	}
	if (missed && append(stream, json_pack("{s:I}", "missed", (json_int_t)missed)))
		stream->told += missed;
	if (stream->missed != stream->told) {
		json_decref(line);
		stream->missed++;
	} else if (!append(stream, line)) {
		stream->missed++;
	}
	pause_end(&stream->pause);
}

uint64_t stream_missed(const struct stream *stream)
{
	return stream->missed;
}

void stream_end(struct stream *stream)
{
	stream->ended = true;
	pause_end(&stream->pause);
}

static ssize_t give(void *context, uint64_t at, char *to, size_t max)
{
	struct stream *stream = context;
	size_t length = stream->length < max ? stream->length : max;

	(void)at;
	if (stream->pause.gone)
		return MHD_CONTENT_READER_END_WITH_ERROR;
	if (!length && stream->ended)
		return MHD_CONTENT_READER_END_OF_STREAM;
	if (!length) {
		pause_begin(&stream->pause);
		return 0;
	}
	memcpy(to, stream->text, length);
	stream->length -= length;
	memmove(stream->text, stream->text + length, stream->length);
	return (ssize_t)length;
}

struct MHD_Response *stream_respond(struct stream *stream, struct loop *loop,
				    struct loop_timer *pump, struct MHD_Connection *connection)
{
	struct MHD_Response *response =
		MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, BLOCK, give, stream, release);

	pause_init(&stream->pause, loop, pump, connection);
	if (!response)
		release(stream);
	return response;
}
