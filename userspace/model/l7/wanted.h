/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the L7 tier shall do for one tenant, as its configuration says after all checks: what
 * compile.h hands to build.h. Made once, never changed; all of it lies in one arena and goes with
 * it.
 */
#ifndef MTLB_MODEL_L7_WANTED_H
#define MTLB_MODEL_L7_WANTED_H

#include "../state.h"
#include "build.h"

struct wanted_certificate;

struct wanted_pool {
	struct build_pool pool; /* its tenant is set when it is compiled */
	struct build_member *members;
	size_t member_count;
	struct state_health health;
	const struct wanted_certificate *tls; /* of wanted->pool_tls; NULL: it needs no files */
};

struct wanted_backend {
	size_t pool; /* index into wanted->pools */
	uint32_t weight;
};

struct wanted_edit {
	enum image_edit_type type;
	const char *name, *value;
};

struct wanted_filter {
	struct build_filter filter;
	struct wanted_edit *edits;
	size_t edit_count;
};

struct wanted_route {
	struct build_route route; /* its tenant is set when it is compiled; listener: of config */
	const char **hostnames;
	size_t hostname_count;
	struct build_match *matches;
	size_t match_count;
	struct wanted_filter *filters;
	size_t filter_count;
	struct wanted_backend *backends;
	size_t backend_count;
};

/* A file, and where it is named. */
struct wanted_file {
	const char *path; /* NULL: not given */
	const char *file;
	int line, column;
};

struct wanted_certificate {
	const char *name;
	const char **hostnames; /* in lower case */
	size_t hostname_count;
	enum image_client_auth client_auth;
	struct wanted_file cert, key, client_ca, ocsp;
	bool of_pool; /* what backends are shown, which may be nothing, and whose word they bring */
};

struct wanted_chunk;

struct wanted {
	struct wanted_chunk *chunks;
	const char **domains;
	size_t domain_count;
	const char **paths; /* without a slash at the end */
	size_t path_count;
	struct wanted_pool *pools;
	size_t pool_count;
	struct wanted_certificate *certificates;
	size_t certificate_count;
	struct wanted_certificate *pool_tls;
	size_t pool_tls_count;
	struct wanted_route *routes; /* in the order written */
	size_t route_count;
};

/* All that has files: the certificates, and then what pools have. */
static inline size_t wanted_secrets(const struct wanted *wanted)
{
	return wanted->certificate_count + wanted->pool_tls_count;
}

static inline const struct wanted_certificate *wanted_secret(const struct wanted *wanted,
							     size_t number)
{
	return number < wanted->certificate_count
		       ? &wanted->certificates[number]
		       : &wanted->pool_tls[number - wanted->certificate_count];
}

/* NULL: no memory. */
struct wanted *wanted_new(void);
void wanted_free(struct wanted *wanted);

/* Zeroed memory for count things, at least one; NULL: there is none. */
void *wanted_take(struct wanted *wanted, size_t count, size_t size);
const char *wanted_text(struct wanted *wanted, const char *text);

#endif
