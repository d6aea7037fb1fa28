// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Bodies whose framing changes or has to be understood: chunks become chunks of this program's own,
 * or none for a client of HTTP/1.0; a body that ends with its connection becomes chunks, so that
 * the client's connection can stay. Extensions go no further.
 */
#include <errno.h>

#include "relay.h"

/* out must have room for trailers, or for much data, before anything is put into it. */
#define ROOM_MIN (BUFFER_SIZE / 2)
#define FRAME	 (CHUNK_HEAD_MAX + sizeof(CHUNK_LINE_END) + sizeof(CHUNK_LAST))
/* Extensions are never passed on, and so cost a sender less than they cost here; eight bytes for
 * each of data is more than chunks of one byte need. */
#define OVERHEAD_FREE	  65536
#define OVERHEAD_PER_BYTE 8

static enum relay_result make_room(struct relay *relay)
{
	ssize_t n;

	if (BUFFER_SIZE - channel_pending(relay->to) >= ROOM_MIN)
		return RELAY_DONE;
	n = channel_send(relay->to, NULL, 0);
	if (n == -EAGAIN)
		return RELAY_WAIT;
	return n < 0 ? RELAY_SINK_FAILED : RELAY_DONE;
}

static void put(struct buffer *out, const char *bytes, size_t length)
{
	memcpy(out->bytes + out->end, bytes, length);
	out->end += (uint32_t)length;
}

static void put_data(struct relay *relay, struct buffer *out, struct h1_text data)
{
	char head[CHUNK_HEAD_MAX] = "";
	size_t length = chunk_head(data.length, head);

	if (relay->chunk)
		put(out, head, length);
	put(out, data.at, data.length);
	if (relay->chunk)
		put(out, CHUNK_LINE_END, strlen(CHUNK_LINE_END));
	relay->moved += data.length;
}

static void put_end(struct relay *relay, struct buffer *out, const struct h1_head *trailers)
{
	struct h1_writer writer = {.buffer = out->bytes + out->end, .size = buffer_room(out)};

	relay->ended = true;
	if (!relay->chunk)
		return;
	h1_write_string(&writer, CHUNK_LAST);
	if (trailers)
		h1_write_headers(&writer, trailers, 0);
	h1_write_end(&writer);
	out->end += (uint32_t)writer.used;
}

static enum relay_result refuse(struct relay *relay, int error)
{
	relay->error = error;
	return RELAY_SOURCE_FAILED;
}

/* More has to come. */
static enum relay_result fill(struct relay *relay)
{
	ssize_t n = channel_fill(relay->from);
	struct buffer *out;

	if (n > 0)
		return RELAY_DONE;
	if (n == -EAGAIN) {
		n = channel_send(relay->to, NULL, 0);
		return n < 0 && n != -EAGAIN ? RELAY_SINK_FAILED : RELAY_WAIT;
	}
	if (n < 0 || relay->framing == H1_BODY_CHUNKED)
		return RELAY_SOURCE_FAILED;
	out = channel_out(relay->to, FRAME);
	if (!out)
		return RELAY_SINK_FAILED;
	put_end(relay, out, NULL);
	return RELAY_DONE;
}

static enum relay_result decode(struct relay *relay, size_t length)
{
	/* Large, and of use for this call alone. */
	static struct h1_head trailers;
	struct buffer *in = relay->from->in, *out = relay->to->out;
	struct h1_text data = {0};
	size_t used = 0;
	int event = chunk_next(&relay->decoder, buffer_at(in), length, &used, &data, &trailers);

	relay->overhead += used - data.length;
	if (event < 0 && event != -EAGAIN)
		return refuse(relay, event);
	if (relay->overhead > OVERHEAD_FREE + OVERHEAD_PER_BYTE * (relay->moved + data.length))
		return refuse(relay, -H1_ERROR_long_extension);
	if (relay->most && relay->moved + data.length > relay->most)
		return RELAY_TOO_LONG;
	if (event == CHUNK_DATA)
		put_data(relay, out, data);
	else if (event == CHUNK_END)
		put_end(relay, out, &trailers);
	buffer_consume(in, used);
	return event == -EAGAIN && (!used || !buffer_length(in)) ? fill(relay) : RELAY_DONE;
}

enum relay_result relay_chunks(struct relay *relay, size_t *turn)
{
	enum relay_result result = make_room(relay);
	size_t length = buffer_length(relay->from->in), room;
	struct buffer *out;

	if (result != RELAY_DONE)
		return result;
	if (!*turn)
		return RELAY_TURN_OVER;
	if (!length)
		return fill(relay);
	out = channel_out(relay->to, ROOM_MIN);
	if (!out)
		return RELAY_SINK_FAILED;
	room = buffer_room(out) - FRAME;
	if (length > room)
		length = room;
	*turn -= length < *turn ? length : *turn;
	if (relay->framing == H1_BODY_CHUNKED)
		return decode(relay, length);
	put_data(relay, out, (struct h1_text){buffer_at(relay->from->in), length});
	buffer_consume(relay->from->in, length);
	return RELAY_DONE;
}
