/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * An answer that takes time to make: a text that comes later, in one piece. Its client waits, the
 * loop does not. Several clients may be given the same one. Knows nothing of what it says.
 */
#ifndef MTLB_AGENT_API_TEXT_H
#define MTLB_AGENT_API_TEXT_H

#include <stddef.h>

/* Shared by all who were given it. */
struct text_bytes {
	unsigned int holders;
	size_t length;
	char *data; /* to be freed with it */
};

/* Takes data; the caller is the first holder. NULL: no memory, and data is freed. */
struct text_bytes *text_bytes_new(char *data, size_t length);
void text_bytes_release(struct text_bytes *bytes);

struct text;
struct loop;
struct loop_timer;
struct MHD_Connection;
struct MHD_Response;

/* closed is called once, when the client has it all, is gone or was never there: the text must not
 * be used after that. NULL: no memory.
 */
struct text *text_new(void (*closed)(void *context, struct text *text), void *context);

/* One that is not sent after all. */
void text_free(struct text *text);

/* Here it is; the caller remains a holder. NULL: it could not be made, the connection is cut. */
void text_give(struct text *text, struct text_bytes *bytes);

/* for http.c and scrape.c; as of stream.h */
struct MHD_Response *text_respond(struct text *text, struct loop *loop, struct loop_timer *pump,
				  struct MHD_Connection *connection);

#endif
