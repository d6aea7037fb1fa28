// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * libmicrohttpd asks for more whenever it could send. When nothing waits its connection is
 * suspended, until there is a line again. It does not notice then that the client goes; so the
 * loop watches the socket for that meanwhile.
 */
#include "stream.h"

#include <microhttpd.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "../../base/log.h"
#include "../../sys/loop.h"

#define BLOCK 4096

struct stream {
	void (*closed)(void *context, struct stream *stream);
	void *context;
	struct loop *loop;
	struct loop_timer *pump;
	struct MHD_Connection *connection; /* NULL until there is a response */
	struct loop_fd hangup;
	bool suspended, ended, gone;
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

	if (stream->hangup.added)
		loop_fd_remove(stream->loop, &stream->hangup);
	stream->closed(stream->context, stream);
	free(stream);
}

void stream_free(struct stream *stream)
{
	release(stream);
}

static void resume(struct stream *stream)
{
	if (!stream->suspended)
		return;
	stream->suspended = false;
	if (stream->hangup.added)
		loop_fd_remove(stream->loop, &stream->hangup);
	MHD_resume_connection(stream->connection);
	if (loop_timer_set(stream->loop, stream->pump, 0))
		log_error("api", "no memory for a timer: who watches is told late");
}

static void hung_up(struct loop_fd *fd, uint32_t events)
{
	struct stream *stream = fd->context;

	(void)events;
	stream->gone = true;
	resume(stream);
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

	if (stream->ended || stream->gone) {
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
	resume(stream);
}

uint64_t stream_missed(const struct stream *stream)
{
	return stream->missed;
}

void stream_end(struct stream *stream)
{
	stream->ended = true;
	resume(stream);
}

static void suspend(struct stream *stream)
{
	/* without it a client that left keeps its place until there is a line for it */
	if (stream->hangup.fd >= 0)
		loop_fd_set(stream->loop, &stream->hangup, EPOLLRDHUP);
	MHD_suspend_connection(stream->connection);
	stream->suspended = true;
}

static ssize_t give(void *context, uint64_t at, char *to, size_t max)
{
	struct stream *stream = context;
	size_t length = stream->length < max ? stream->length : max;

	(void)at;
	if (stream->gone)
		return MHD_CONTENT_READER_END_WITH_ERROR;
	if (!length && stream->ended)
		return MHD_CONTENT_READER_END_OF_STREAM;
	if (!length) {
		suspend(stream);
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
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	struct MHD_Response *response =
		MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, BLOCK, give, stream, release);

	stream->loop = loop;
	stream->pump = pump;
	stream->connection = connection;
	stream->hangup = (struct loop_fd){
		.fd = info ? info->connect_fd : -1, .ready = hung_up, .context = stream};
	if (!response)
		release(stream);
	return response;
}
