/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * HTTP with JSON in and out on a Unix socket, in the agent's one thread: libmicrohttpd speaks HTTP,
 * our loop drives it, a table says who answers. Knows nothing of tenants or maps.
 */
#ifndef MTLB_AGENT_API_HTTP_H
#define MTLB_AGENT_API_HTTP_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "../../base/err.h"
#include "../../sys/loop.h"
#include "stream.h"

#define HTTP_BODY_MAX	     (1 << 20) /* longer ones are answered with 413 */
#define HTTP_CONNECTIONS_MAX 512       /* more wait in the socket's queue */
#define HTTP_TIMEOUT_S	     10	       /* a connection on which nothing moves is closed */

struct http_request {
	const char *method, *path;
	json_t *body;	  /* an object, borrowed; NULL when there was none */
	void *connection; /* for http_query() */
};

/* What a handler fills in. */
struct http_reply {
	int status;	       /* 0 stands for 200, or for 204 when there is no body */
	json_t *body;	       /* given away; NULL: none */
	bool problem;	       /* body is a problem document (RFC 9457) */
	struct stream *stream; /* instead of a body: lines, one after the other; given away */
};

struct http_route {
	const char *method, *path; /* a route for GET answers HEAD as well */
	/* 0; a negative errno becomes a 500 unless the reply has a body already */
	int (*handle)(void *context, const struct http_request *request, struct http_reply *reply);
};

struct http;

/* routes and context must outlive it. On failure err says why. */
int http_new(struct loop *loop, const char *socket_path, const struct http_route *routes,
	     size_t count, void *context, struct http **ret, struct err *err);

/* Closes every connection and removes the socket; streams must have been ended. Not to be called by
 * a handler.
 */
void http_free(struct http *http);

/* The value of a query parameter: NULL when it is not there, "" when it has no value. */
const char *http_query(const struct http_request *request, const char *name);

/* Makes the reply a problem document; what it held is released. More members may be set on
 * reply->body afterwards.
 */
void http_problem(struct http_reply *reply, int status, const char *title, const char *detail);

#endif
