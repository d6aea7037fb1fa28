/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The compiled configuration of the L7 tier: one read-only run of bytes that holds offsets and no
 * pointer, so that every worker maps the same pages wherever it likes (a sealed memfd). build.h
 * makes one, route.h looks requests up in it. Whoever opens one trusts nobody: image_open() checks
 * every offset, index and text once, after that none is checked again, so the bytes must not change
 * while it is open.
 *
 * All sections are arrays: image->pools[i], i < image->pools_count. Times are milliseconds, ports
 * are in host order, indexes that may be absent are IMAGE_NONE then. A text has a NUL behind it
 * that its length does not count. Order within a section is the builder's; an index holds for one
 * image only. What outlives a reload (keep-alive connections, counters) is found again by its key.
 */
#ifndef MTLB_MODEL_L7_IMAGE_H
#define MTLB_MODEL_L7_IMAGE_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../../base/err.h"
#include "../../base/prefix.h"

#define IMAGE_MAGIC   UINT64_C(0x3149624c746d374c)
#define IMAGE_VERSION 11
#define IMAGE_NONE    UINT32_MAX

/* at counts from where the image begins. */
struct image_text {
	uint32_t at, length;
};

/* Items of another section: first to first + count - 1. */
struct image_range {
	uint32_t first, count;
};

enum image_protocol {
	IMAGE_HTTP,
	IMAGE_HTTPS,
	IMAGE_TLS, /* passed through by the name of the handshake; routes have no conditions */
	IMAGE_PROTOCOLS
};

enum image_alpn { /* bits of alpn; 0: none is offered */
	IMAGE_ALPN_HTTP1 = 1,
	IMAGE_ALPN_H2 = 2,
};

struct image_listener {
	struct image_text name;
	struct image_range addresses; /* of addresses: its VIPs, at least one */
	struct image_range trusted;   /* of prefixes: whose X-Forwarded-* and X-Tenant-ID count */
	struct image_range
		proxies; /* of prefixes: connections come from these alone, and begin with
			  * a header of the PROXY protocol; none: they begin with none */
	uint16_t port;
	uint8_t protocol; /* enum image_protocol */
	uint8_t alpn;	  /* of enum image_alpn */
	uint8_t tls13;	  /* nothing older than TLS 1.3 is spoken */
	uint8_t by_path;  /* own_paths count */
	uint8_t reserved[2];
};

struct image_tenant {
	struct image_text name;
	uint32_t id;		  /* the operator's number for it; 0: none */
	uint32_t weight;	  /* of its tier, 1-1000 */
	struct image_range sites; /* of sites: routes that name no host, by listener */
	uint32_t row;		  /* where it is counted, see tally.h */
	uint32_t max_connections; /* at a time, in one worker; 0: any number */
	uint32_t max_requests;
	uint32_t max_handshakes; /* in a second */
	uint32_t max_stalled;	 /* clients that take nothing of their answers */
};

enum image_scheduler {
	IMAGE_ROUND_ROBIN,
	IMAGE_LEAST_REQUEST,
	IMAGE_RANDOM2,
	IMAGE_EWMA,
	IMAGE_MAGLEV,
	IMAGE_SCHEDULERS
};

enum image_hash_by {
	IMAGE_HASH_SOURCE, /* and where a request has not what the others name */
	IMAGE_HASH_HEADER,
	IMAGE_HASH_COOKIE,
	IMAGE_HASHES
};

enum image_pool_tls {
	IMAGE_PLAIN,
	IMAGE_TLS_VERIFIED,
	IMAGE_TLS_UNVERIFIED,
	IMAGE_TLS_BROKEN, /* its files are: no connection is made */
	IMAGE_POOL_TLS
};

#define IMAGE_DIGEST_SIZE 32

struct image_pool {
	uint64_t key;	  /* of tenant and name, the same in every image */
	uint64_t tls_key; /* of how TLS is spoken: connections with another one are not shared */
	struct image_text name;
	uint32_t tenant;
	struct image_range members;  /* may be empty */
	uint32_t max_requests;	     /* at a time, in one worker; 0: any number */
	uint32_t max_pending;	     /* that wait for one of those to end */
	uint32_t eject_after;	     /* failures in a row; 0: never */
	struct image_text hash_name; /* of a header or a cookie, see hash_by */
	uint32_t row;		     /* where it is counted */
	uint8_t scheduler;	     /* enum image_scheduler */
	uint8_t hash_by;	     /* enum image_hash_by: what maglev goes by */
	uint8_t proxy_protocol;	     /* the version that its connections begin with; 0: none */
	uint8_t tls;		     /* enum image_pool_tls */
	struct image_text tls_name;  /* of the server; length 0: the member's address */
	uint8_t tls_digest[IMAGE_DIGEST_SIZE]; /* of what is in the store; zeros: nothing */
};

enum image_state {
	IMAGE_ACTIVE,
	IMAGE_DRAIN, /* nothing new, but for whom a session names it */
	IMAGE_STATES
};

struct image_member {
	uint64_t key; /* of pool, address and port, the same in every image */
	union {
		struct sockaddr any;
		struct sockaddr_in ipv4;
		struct sockaddr_in6 ipv6;
	} address; /* its family tells which; port and address in network order, as connect() wants
		    */
	struct image_text zone; /* length 0: none */
	uint32_t weight;	/* 1-256 */
	uint8_t state;		/* enum image_state; what health says is not here */
	uint8_t local;		/* it is in the node's own zone */
	uint8_t reserved[6];
};

enum image_session {
	IMAGE_SESSION_NONE,
	IMAGE_SESSION_COOKIE, /* a signed one of the proxy's own names the member */
	IMAGE_SESSION_HEADER, /* the same value, the same member: by maglev */
	IMAGE_SESSION_SOURCE, /* the same with the client's address */
	IMAGE_SESSIONS
};

enum image_retry {		 /* bits of retry_on */
	IMAGE_RETRY_CONNECT = 1, /* the connection could not be made */
	IMAGE_RETRY_RESET = 2,	 /* it ended before the answer began */
	IMAGE_RETRY_TIMEOUT = 4, /* of the attempt */
};

struct image_route {
	struct image_text name;
	uint32_t tenant, listener;
	struct image_range backends; /* none, or all of weight 0: answered with 500 */
	uint32_t total_weight;	     /* of the backends */
	struct image_range filters;  /* in the order in which they apply */
	uint32_t request_timeout;    /* from the request's head to the answer's end; 0: none */
	uint32_t backend_timeout;    /* of one attempt, to the answer's head; 0: none */
	uint32_t retry_on;	     /* of enum image_retry */
	struct image_range retry_statuses; /* of statuses: answers that are tried again */
	uint32_t retry_attempts;	   /* beyond the first; 0: never */
	uint64_t max_body;		   /* bytes of a request's; 0: any number */
	struct image_text session_name;	   /* of the cookie, or of the header in lower case */
	uint32_t row;			   /* where it is counted */
	uint8_t session;		   /* enum image_session */
	uint8_t reserved[3];
};

struct image_backend {
	uint32_t pool;	 /* of the route's tenant */
	uint32_t weight; /* 0-1000000 */
};

enum image_filter_type {
	IMAGE_REDIRECT,
	IMAGE_REWRITE,
	IMAGE_REQUEST_HEADERS,
	IMAGE_RESPONSE_HEADERS,
	IMAGE_MIRROR,
	IMAGE_FILTERS
};

enum image_path_edit {
	IMAGE_PATH_KEEP,
	IMAGE_PATH_FULL,   /* path becomes all of it */
	IMAGE_PATH_PREFIX, /* path becomes what the prefix was: route_found.matched bytes */
	IMAGE_PATH_EDITS
};

struct image_filter {
	struct image_text scheme;   /* redirect: "http" or "https"; length 0: as it is */
	struct image_text hostname; /* redirect, rewrite; length 0: as it is */
	struct image_text path;	    /* redirect, rewrite; see path_edit */
	struct image_range edits;   /* header modifiers: set, then add, then remove */
	uint32_t pool;		    /* mirror: of the route's tenant; else IMAGE_NONE */
	uint16_t port;		    /* redirect; 0: as the scheme has it, or as it is */
	uint16_t status;	    /* redirect: 301, 302, 303, 307 or 308 */
	uint8_t type;		    /* enum image_filter_type */
	uint8_t path_edit;	    /* enum image_path_edit */
	uint8_t percent;	    /* mirror: of requests, 1-100 */
	uint8_t reserved[5];
};

enum image_edit_type {
	IMAGE_SET,
	IMAGE_ADD,
	IMAGE_REMOVE,
	IMAGE_EDITS
};

struct image_edit {
	struct image_text name; /* as it was written */
	struct image_text value;
	uint8_t type; /* enum image_edit_type */
	uint8_t reserved[3];
};

/* --- what route.h looks in; nobody else needs it ---------------------------------------------- */

/*
 * Hash tables of the same kind (hash.h): the entries of bucket b are those from buckets[b] to
 * buckets[b + 1] - 1; the number of buckets is a power of two, and one more closes the last.
 */

/* A name that a tenant owns, or that one of its routes names. */
struct image_host {
	uint64_t hash;
	struct image_text name; /* in lower case; of a wildcard what follows "*." */
	uint32_t tenant;
	struct image_range sites; /* one for each listener that has routes for it */
	uint8_t wildcard;	  /* stands for one label or more before the name */
	uint8_t reserved[11];
};

/* The bit of a name with so many labels; those with more than 64 share one. */
static inline unsigned image_depth(uint32_t labels)
{
	return labels > 64 ? 63 : labels - 1;
}

/* The routes for one host on one listener. */
struct image_site {
	uint32_t tenant, listener;
	uint64_t prefix_depths; /* bits: there are prefixes of 1 + bit segments; "/" has none */
	uint8_t has_exact;
	uint8_t reserved[7];
	struct image_range patterns; /* of rules with one, in their order */
};

enum image_path_type {
	IMAGE_EXACT,
	IMAGE_PREFIX, /* without a slash at its end: "/a" is for "/a" and for all under "/a/" */
	IMAGE_PATH_TYPES
};

struct image_path {
	uint64_t hash;
	uint32_t site;
	struct image_text path;
	struct image_range rules; /* in their order */
	uint8_t type;		  /* enum image_path_type */
	uint8_t reserved[11];
};

/* All of it must hold. */
struct image_rule {
	uint32_t route;
	uint32_t methods;	    /* bits: 1 << enum route_method; 0: any */
	struct image_range headers; /* of conditions; names are in lower case */
	struct image_range queries; /* of conditions */
	uint32_t pattern;	    /* for all of the path; IMAGE_NONE: none */
};

/* A regular expression, for PCRE2. */
struct image_pattern {
	struct image_text text;
};

struct image_condition {
	struct image_text name, value;
};

enum image_client_auth { /* whether clients are asked for a certificate */
	IMAGE_CLIENT_AUTH_NONE,
	IMAGE_CLIENT_AUTH_OPTIONAL,
	IMAGE_CLIENT_AUTH_REQUIRED,
	IMAGE_CLIENT_AUTHS
};

/* What is shown to clients; the certificate and its key are in the store (store.h) by this digest.
 */
struct image_certificate {
	struct image_text name;
	uint32_t tenant;
	uint8_t digest[IMAGE_DIGEST_SIZE];
	uint8_t client_ca[IMAGE_DIGEST_SIZE]; /* of the issuers of clients' certificates */
	uint8_t client_auth;		      /* enum image_client_auth */
	uint8_t reserved[3];
};

/* A name of a TLS handshake (sni.h), in a hash table of the same kind. */
struct image_server {
	uint64_t hash;
	struct image_text name; /* in lower case; of a wildcard what follows "*." */
	uint32_t certificate;
	uint8_t wildcard; /* stands for just one label before the name */
	uint8_t reserved[3];
};

/* What a tenant's paths begin with, in a hash table of the same kind; none lies below one of
 * another tenant. */
struct image_own_path {
	uint64_t hash;
	struct image_text path; /* without a slash at its end */
	uint32_t tenant;
	uint32_t reserved;
};

struct image_tenant_name {
	uint64_t hash;
	uint32_t tenant;
	uint32_t reserved;
};

/* --- as a whole --------------------------------------------------------------------------------
 */

enum image_section {
#define IMAGE_SECTION(name, type) IMAGE_SECTION_##name,
#include "image_sections.def"
#undef IMAGE_SECTION
	IMAGE_SECTIONS
};

/* Of workers, in milliseconds; 0: as they are without an image. */
struct image_limits {
#define TIME_LIMIT(name, least, most, fallback, sentence) uint32_t name##_ms;
#include "limits.def"
#undef TIME_LIMIT
	uint32_t copy; /* 1: no splice(2) */
};

struct image_head {
	uint64_t magic;
	uint32_t version;
	uint32_t head_size;	  /* where the first section begins */
	uint64_t size;		  /* of the image, in bytes; below 4 GiB */
	uint64_t seed;		  /* of the hash tables */
	uint64_t wildcard_depths; /* bits: there are wildcards of image_depth() labels */
	uint64_t own_depths;	  /* bits: there are own_paths of 1 + bit segments */
	uint64_t generation;	  /* the builder's number for this configuration */
	struct image_limits limits;
	uint8_t secret[16]; /* of sessions and keys; nobody but workers sees the image */
	struct {
		uint32_t at, count;
	} sections[IMAGE_SECTIONS]; /* each begins at a multiple of 8 */
};

struct image_compiled;

struct image {
	const struct image_head *head;
	const char *base;
	struct image_compiled *compiled; /* patterns, see pattern.h */
#define IMAGE_SECTION(name, type) \
	const type *name;         \
	uint32_t name##_count;
#include "image_sections.def"
#undef IMAGE_SECTION
};

/*
 * base: size bytes at a multiple of 8 that neither move nor change until image_close(). 0; -EINVAL:
 * it is no image, of another version, cut off, or inconsistent, err says which; -ENOMEM. err may
 * be NULL.
 */
int image_open(const void *base, size_t size, struct image *ret_image, struct err *err);
/* Gives back what image_open() took, not the bytes. */
void image_close(struct image *image);

static inline const char *image_string(const struct image *image, struct image_text text)
{
	return image->base + text.at;
}

/* Whether what peer says of whom it speaks for counts on this listener. */
bool image_trusts(const struct image *image, uint32_t listener, const struct addr *peer);
/* Whether peer may say whose its connections are, where that has to be said. */
bool image_is_proxy(const struct image *image, uint32_t listener, const struct addr *peer);

#endif
