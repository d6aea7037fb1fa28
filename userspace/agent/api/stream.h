/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * An answer that does not end: lines of JSON to a client that watches. What its client does not
 * take in time waits in a buffer; what does not fit there is left out and counted, and the client
 * is told how much. Nobody waits for a client, and one that reads nothing for the server's timeout
 * is closed. Knows nothing of what the lines say.
 */
#ifndef MTLB_AGENT_API_STREAM_H
#define MTLB_AGENT_API_STREAM_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#define STREAM_ROOM (64 << 10) /* bytes that wait for a client */

struct stream;
struct loop;
struct loop_timer;
struct MHD_Connection;
struct MHD_Response;

/* closed is called once, when the client is gone or was never there: the stream must not be used
 * after that. NULL: no memory.
 */
struct stream *stream_new(void (*closed)(void *context, struct stream *stream), void *context);

/* One that is not sent after all. */
void stream_free(struct stream *stream);

/* A line; takes the reference. line NULL, for want of memory, counts as left out. */
void stream_write(struct stream *stream, json_t *line);
/* Lines that were left out so far. */
uint64_t stream_missed(const struct stream *stream);
/* Nothing more comes: the client gets what waits, and the end. */
void stream_end(struct stream *stream);

/* for http.c */

/* The response that carries it, which owns it from now on. NULL: no memory; the stream is closed.
 * pump runs libmicrohttpd; it is set when there is something to send.
 */
struct MHD_Response *stream_respond(struct stream *stream, struct loop *loop,
				    struct loop_timer *pump, struct MHD_Connection *connection);

#endif
