/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Makes an image (image.h), from plain calls: an operator's configuration is compiled by compile.h,
 * a test writes what it needs. Callers are trusted to have checked names and numbers; what would
 * make an image inconsistent is refused here all the same, and told once, by build_finish(): no
 * call in between needs to be looked at. Texts are copied.
 *
 * Things are added outside in: a pool and then its members, a route and then its backends, filters
 * (each followed by its edits), hostnames and matches. What belongs to a route or a pool belongs to
 * the last one that was added.
 */
#ifndef MTLB_MODEL_L7_BUILD_H
#define MTLB_MODEL_L7_BUILD_H

#include "image.h"
#include "route.h"

#define BUILD_SEGMENTS_MAX 64	/* of a path prefix */
#define BUILD_PATH_MAX	   1024 /* bytes of a path */
#define BUILD_HOST_MAX	   253	/* bytes of a host name */

struct build;

/* seed: random where tenants are strangers to each other; the longest bucket is kept short by
 * choosing another one if need be. NULL: no memory. */
struct build *build_new(uint64_t seed, uint64_t generation);
void build_free(struct build *build);

/* What keys and sessions are made with, before any pool: whoever does not know it can make neither
 * a session nor a member of his own with the key of another one's. All zero without it. */
void build_secret(struct build *build, const uint8_t secret[16]);
void build_limits(struct build *build, const struct image_limits *limits);

struct build_listener {
	const char *name;
	const struct addr *addresses;
	size_t address_count;
	const struct prefix *trusted;
	size_t trusted_count;
	const struct prefix *proxies; /* as in image.h */
	size_t proxy_count;
	uint16_t port;
	enum image_protocol protocol;
	unsigned alpn; /* of enum image_alpn */
	bool tls13;
	bool by_path; /* as in image.h */
};

/* These return the index that the image will have it at; after an error some index. */
uint32_t build_listener(struct build *build, const struct build_listener *listener);
uint32_t build_tenant(struct build *build, const char *name, uint32_t id, uint32_t weight);
/* As in image.h; 0: any number. */
void build_tenant_limits(struct build *build, uint32_t tenant, uint32_t connections,
			 uint32_t requests);
/* In a second, in one worker; 0: any number. */
void build_tenant_handshakes(struct build *build, uint32_t tenant, uint32_t handshakes);
/* Clients that take nothing of their answers, likewise; 0: none, but for one in 32. */
void build_tenant_stalled(struct build *build, uint32_t tenant, uint32_t stalled);
/* "acme.example", or "*.acme.example" for all names below it. Names of one tenant may be below each
 * other; of two tenants they may not. */
void build_domain(struct build *build, uint32_t tenant, const char *name);
/* "/acme", for all below it as well, on listeners by_path. As with domains, not below another
 * tenant's. */
void build_own_path(struct build *build, uint32_t tenant, const char *path);

/* And then the servers that it is for: names of the tenant's domains, "*.acme.example" for one more
 * label. */
struct build_certificate {
	uint32_t tenant;
	const char *name;
	const uint8_t *digest, *client_ca; /* as in image.h; client_ca only with client_auth */
	enum image_client_auth client_auth;
};

uint32_t build_certificate(struct build *build, const struct build_certificate *certificate);
void build_server(struct build *build, const char *name);

struct build_pool {
	uint32_t tenant;
	const char *name;
	enum image_scheduler scheduler;
	uint32_t max_requests, max_pending, eject_after; /* as in image.h */
	enum image_hash_by hash_by;
	const char *hash_name;	/* NULL: none */
	uint8_t proxy_protocol; /* as in image.h */
	enum image_pool_tls tls;
	const char *tls_name;	   /* NULL: the member's address */
	const uint8_t *tls_digest; /* NULL: there is nothing in the store for it */
};

uint32_t build_pool(struct build *build, const struct build_pool *pool);

struct build_member {
	struct addr address;
	uint16_t port; /* not 0 */
	uint32_t weight;
	const char *zone; /* NULL: none */
	bool local;
	enum image_state state;
};

uint32_t build_member(struct build *build, const struct build_member *member);
/* The key that it has in every image. */
uint64_t build_member_key(const uint8_t secret[16], const char *tenant, const char *pool,
			  const struct addr *address, uint16_t port);

struct build_route {
	uint32_t tenant, listener;
	const char *name;
	uint32_t request_timeout, backend_timeout; /* ms; 0: none */
	uint32_t retry_on, retry_attempts;	   /* as in image.h */
	const uint16_t *retry_statuses;
	size_t retry_status_count;
	enum image_session session;
	uint64_t max_body;	  /* as in image.h */
	const char *session_name; /* of its cookie or header; NULL: none */
};

/* Without hostnames it is for all names of its tenant; without matches for all paths. */
uint32_t build_route(struct build *build, const struct build_route *route);
void build_backend(struct build *build, uint32_t pool, uint32_t weight);
void build_hostname(struct build *build, const char *name);

struct build_filter {
	enum image_filter_type type;
	const char *scheme, *hostname, *path; /* NULL: not given */
	enum image_path_edit path_edit;
	uint16_t port, status;
	uint32_t pool;	 /* mirror only */
	uint8_t percent; /* mirror only: of requests */
};

void build_filter(struct build *build, const struct build_filter *filter);
/* Of the last filter; value may be NULL. */
void build_edit(struct build *build, enum image_edit_type type, const char *name,
		const char *value);

enum build_path {
	BUILD_EXACT,
	BUILD_PREFIX,
	BUILD_PATTERN,
};

struct build_condition {
	const char *name, *value;
};

/* All of it must hold of a request; of a route's matches, one. */
struct build_match {
	enum build_path type;
	const char *path; /* NULL: any */
	unsigned methods; /* bits: 1 << enum route_method; 0: any */
	const struct build_condition *headers;
	size_t header_count;
	const struct build_condition *queries;
	size_t query_count;
};

void build_match(struct build *build, const struct build_match *match);

/*
 * 0: *ret_image is *ret_size bytes that image_open() accepts, to be given back with free();
 * -EINVAL: something was added that cannot be, err says what; -EFBIG: it would not fit into 4 GiB;
 * -ENOMEM. Once.
 */
int build_finish(struct build *build, void **ret_image, size_t *ret_size, struct err *err);

#endif
