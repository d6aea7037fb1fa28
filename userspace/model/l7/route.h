/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Whose request it is, and which route it takes. The cost depends on the labels of the host, the
 * segments of the path and the rules for that path alone: never on how many tenants, hosts or
 * routes there are. Nothing is allocated, nothing is copied.
 *
 * The tenant: that of Host. The name of the TLS handshake and X-Tenant-ID (of peers that the
 * listener trusts) must be of the same one; with no host that anybody owns, X-Tenant-ID alone may
 * say it, and then routes without hostnames are looked at. Routes: those for the exact host before
 * those for a wildcard, the longest first, then those that name no host. In each: exact path,
 * longest prefix, regular expression, and the prefix "/", which says nothing, last. Of those with
 * the same path: with a method, with more headers, with more of the query, the one written first.
 */
#ifndef MTLB_MODEL_L7_ROUTE_H
#define MTLB_MODEL_L7_ROUTE_H

#include "image.h"

/* Numbered as enum h1_method of wire/h1.h, so that either can be given for the other. */
enum route_method {
	ROUTE_OTHER,
	ROUTE_GET,
	ROUTE_HEAD,
	ROUTE_POST,
	ROUTE_PUT,
	ROUTE_DELETE,
	ROUTE_OPTIONS,
	ROUTE_PATCH,
	ROUTE_CONNECT,
	ROUTE_TRACE,
	ROUTE_METHODS
};

/* As struct h1_text: at is NULL for what is not there. */
struct route_text {
	const char *at;
	size_t length;
};

struct route_request {
	uint32_t listener;	 /* index of the one that it came by */
	const struct addr *peer; /* of the connection, or of what its PROXY header says */
	struct route_text sni;	 /* at NULL: none was sent */
	struct route_text host;	 /* without port, in any case; IPv6 in brackets; at NULL: none */
	enum route_method method;
	struct route_text path;	 /* normalised (wire/uri.h): begins with /, or is "*" */
	struct route_text query; /* without its ?, as it was sent; at NULL: there is no ? */
	/*
	 * How often head has this name (in lower case, a NUL behind it); *ret_value is the first
	 * one then. A condition holds of a header that is there once. Only called when needed.
	 */
	unsigned (*header)(const void *head, const char *name, struct route_text *ret_value);
	const void *head;
};

struct route_found {
	uint32_t tenant;  /* IMAGE_NONE: unknown; known with some errors, too */
	uint32_t route;	  /* IMAGE_NONE unless 0 was returned */
	uint32_t matched; /* bytes of the path that a prefix stands for, without a slash at its end
			   */
	uint32_t steps;	  /* entries and rules that were compared, for tests and tracing */
};

/* Above those of wire/. Returned negative. */
enum route_error {
	ROUTE_ERROR_BASE = 12288,
#define ROUTE_ERROR(name, status, sentence) ROUTE_ERROR_##name,
#include "route_errors.def"
#undef ROUTE_ERROR
	ROUTE_ERROR_END
};

/* All three take what route_find() returned. */
unsigned route_error_status(int error);	     /* 404 */
const char *route_error_name(int error);     /* "no_route", as a metric's label */
const char *route_error_sentence(int error); /* for clients */

/* 0 or -ROUTE_ERROR_...; *ret_found is set either way. Not from two threads with one image. */
int route_find(struct image *image, const struct route_request *request,
	       struct route_found *ret_found);

/*
 * One of the route's backends, as their weights are: the same for the same number, which is to be
 * evenly random. An index into image->backends; IMAGE_NONE: none has a weight, answer 500.
 */
uint32_t route_backend(const struct image *image, uint32_t route, uint32_t random);

/* Whose name it is: the tenant that owns it, IMAGE_NONE: nobody. In any case. */
uint32_t route_owner(const struct image *image, struct route_text host);

#endif
