/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * HTTP with JSON in and out on a Unix socket, in the agent's one thread: libmicrohttpd speaks HTTP,
 * our loop drives it, a table says who answers whom. Knows nothing of maps, and of tenants only
 * that a caller may be one.
 */
#ifndef MTLB_AGENT_API_HTTP_H
#define MTLB_AGENT_API_HTTP_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "../../base/addr.h"
#include "../../base/err.h"
#include "../../sys/loop.h"
#include "stream.h"
#include "text.h"

#define HTTP_BODY_MAX	     (1 << 20) /* longer ones are answered with 413 */
#define HTTP_CONNECTIONS_MAX 512       /* more wait in the socket's queue */
#define HTTP_TIMEOUT_S	     10	       /* a connection on which nothing moves is closed */

/* Who asks, as far as the connection tells. */
struct http_credentials {
	bool local; /* over the Unix socket: */
	uid_t uid;
	const char *bearer;	  /* of an Authorization header; NULL: none */
	const char *common_name;  /* of a client's certificate that was verified; NULL: none */
	char name[256];		  /* what it points to */
	char peer[ADDR_TEXT_MAX]; /* "uid 0", or an address */
};

enum http_role {
	HTTP_ROLE_NONE,	  /* 401 */
	HTTP_ROLE_TENANT, /* sees and edits its own tenant only */
	HTTP_ROLE_VIEWER, /* sees all */
	HTTP_ROLE_OPERATOR,
};

struct http_caller {
	enum http_role role;
	char name[80];	 /* for people */
	char tenant[64]; /* whose; of HTTP_ROLE_TENANT */
};

const char *http_role_name(enum http_role role);

/* Who may use a route. */
enum http_need {
	HTTP_NEED_OPERATOR,
	HTTP_NEED_VIEWER,	 /* and operators */
	HTTP_NEED_ITEMS,	 /* anybody; a tenant gets its own items only */
	HTTP_NEED_TENANT,	 /* viewers, operators, and the tenant that the path names */
	HTTP_NEED_TENANT_WRITES, /* operators, and the tenant that the path names */
	HTTP_NEED_NOTHING,	 /* anybody who is somebody */
};

struct http_route;

#define HTTP_PARAMS_MAX 3
#define HTTP_PARAM_SIZE 128

struct http_request {
	const char *method, *path;
	const struct http_route *route;
	json_t *body; /* an object, borrowed; NULL when there was none, or the route has a schema */
	const char *text; /* the body as it came */
	size_t length;
	const struct http_caller *caller;
	const char *if_match, *if_none_match, *accept; /* the headers; NULL: none */
	char params[HTTP_PARAMS_MAX][HTTP_PARAM_SIZE]; /* what stands for {...} in the path */
	void *connection;			       /* for http_query() */
};

/* What a handler fills in. */
struct http_reply {
	int status;	       /* 0 stands for 200, or for 204 when there is no body */
	json_t *body;	       /* given away; NULL: none */
	char *made;	       /* instead of a body: JSON that is text already; given away */
	bool problem;	       /* body is a problem document (RFC 9457) */
	char etag[24];	       /* with its quotes; empty: none */
	unsigned int wait_s;   /* of status 429: when to ask again; 0: not said */
	struct stream *stream; /* instead of a body: lines, one after the other; given away */
	struct text *text;     /* instead of a body: it comes later; given away */
	const char *type;      /* of the text, by what the client accepts */
};

struct http_route {
	const char *method, *path; /* a route for GET answers HEAD as well */
	/* 0; a negative errno becomes a 500 unless the reply has a body already */
	int (*handle)(void *context, const struct http_request *request, struct http_reply *reply);
	enum http_need need;
	const char *owner; /* of HTTP_NEED_ITEMS: the member of an item that names its tenant */
	int tag;	   /* the handler's own */
	/* for the description of the API (openapi.h) */
	const char *summary;
	/* The object of schema.def that is read or written; then the handler reads the body itself,
	 * which may be YAML as well.
	 */
	const char *schema;
	const char *const *types; /* of what it may answer, NULL last; NULL: JSON */
};

/* Who may pass, and the book that is kept of it. Each may be NULL: then everybody is an operator,
 * and nothing is written down.
 */
struct http_gate {
	void (*identify)(void *context, const struct http_credentials *credentials,
			 struct http_caller *ret_caller);
	/* For how many seconds a caller that may change something has to wait until it may; then it
	 * is refused with 429. 0: not at all.
	 */
	unsigned int (*wait)(void *context, const struct http_request *request);
	/* What would have changed something is refused, with this status: the caller may not. */
	void (*refused)(void *context, const struct http_request *request, int status);
	/* Before a granted request that may change something: 0, or it is refused with 503. */
	int (*before)(void *context, const struct http_request *request, struct err *err);
	/* And after, with its status. */
	void (*after)(void *context, const struct http_request *request, int status);
};

struct http;

/* routes and context must outlive it. On failure err says why. */
int http_new(struct loop *loop, const char *socket_path, const struct http_route *routes,
	     size_t count, void *context, struct http **ret, struct err *err);

/* Closes every connection and removes the socket; streams must have been ended. Not to be called by
 * a handler.
 */
void http_free(struct http *http);

/* Where it answers over TLS as well. */
struct http_remote {
	struct addr address;
	uint16_t port;			    /* host order; 0: nowhere */
	const char *cert, *key, *client_ca; /* PEM files; the last may be NULL */
};

/* Opens it, or opens it anew when anything about it has changed, also in the files; NULL closes it.
 * On failure err says why, and what was open stays so if it can.
 */
int http_listen(struct http *http, const struct http_remote *remote, struct err *err);

/* To be called before the loop runs; gate must outlive it. */
void http_set_gate(struct http *http, const struct http_gate *gate);

/* The only tenant whose items are wanted: the caller's own, or the one asked for by ?tenant=; NULL:
 * all.
 */
const char *http_tenant(const struct http_request *request);

/* The value of a query parameter: NULL when it is not there, "" when it has no value. */
const char *http_query(const struct http_request *request, const char *name);

/* Makes the reply a problem document; what it held is released. More members may be set on
 * reply->body afterwards.
 */
void http_problem(struct http_reply *reply, int status, const char *title, const char *detail);

#endif
