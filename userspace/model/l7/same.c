// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "same.h"

#include <string.h>

static bool same_text(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

static bool same_conditions(const struct build_condition *a, size_t count_a,
			    const struct build_condition *b, size_t count_b)
{
	if (count_a != count_b)
		return false;
	for (size_t i = 0; i < count_a; i++)
		if (!same_text(a[i].name, b[i].name) || !same_text(a[i].value, b[i].value))
			return false;
	return true;
}

static bool same_match(const struct build_match *a, const struct build_match *b)
{
	return a->type == b->type && same_text(a->path, b->path) && a->methods == b->methods &&
	       same_conditions(a->headers, a->header_count, b->headers, b->header_count) &&
	       same_conditions(a->queries, a->query_count, b->queries, b->query_count);
}

static bool same_mirror(const struct wanted *a, const struct build_filter *x,
			const struct wanted *b, const struct build_filter *y)
{
	return x->type != IMAGE_MIRROR ||
	       (x->percent == y->percent &&
		same_text(a->pools[x->pool].pool.name, b->pools[y->pool].pool.name));
}

static bool same_filter(const struct wanted *in_a, const struct wanted_filter *a,
			const struct wanted *in_b, const struct wanted_filter *b)
{
	const struct build_filter *x = &a->filter, *y = &b->filter;

	if (x->type != y->type || !same_text(x->scheme, y->scheme) ||
	    !same_text(x->hostname, y->hostname) || !same_text(x->path, y->path) ||
	    x->path_edit != y->path_edit || x->port != y->port || x->status != y->status ||
	    a->edit_count != b->edit_count || !same_mirror(in_a, x, in_b, y))
		return false;
	for (size_t i = 0; i < a->edit_count; i++)
		if (a->edits[i].type != b->edits[i].type ||
		    !same_text(a->edits[i].name, b->edits[i].name) ||
		    !same_text(a->edits[i].value, b->edits[i].value))
			return false;
	return true;
}

static bool same_rules(const struct build_route *a, const struct build_route *b)
{
	return a->request_timeout == b->request_timeout &&
	       a->backend_timeout == b->backend_timeout && a->retry_on == b->retry_on &&
	       a->retry_attempts == b->retry_attempts && a->max_body == b->max_body &&
	       a->retry_status_count == b->retry_status_count &&
	       (!a->retry_status_count ||
		!memcmp(a->retry_statuses, b->retry_statuses,
			a->retry_status_count * sizeof(*a->retry_statuses))) &&
	       a->session == b->session && same_text(a->session_name, b->session_name);
}

static bool same_backends(const struct wanted *a, const struct wanted_route *route_a,
			  const struct wanted *b, const struct wanted_route *route_b)
{
	if (route_a->backend_count != route_b->backend_count)
		return false;
	for (size_t i = 0; i < route_a->backend_count; i++) {
		const struct wanted_backend *x = &route_a->backends[i], *y = &route_b->backends[i];

		if (x->weight != y->weight ||
		    !same_text(a->pools[x->pool].pool.name, b->pools[y->pool].pool.name))
			return false;
	}
	return true;
}

bool same_route(const struct wanted *a, const struct wanted_route *route_a, const struct wanted *b,
		const struct wanted_route *route_b)
{
	if (!same_rules(&route_a->route, &route_b->route) ||
	    !same_backends(a, route_a, b, route_b) ||
	    route_a->hostname_count != route_b->hostname_count ||
	    route_a->match_count != route_b->match_count ||
	    route_a->filter_count != route_b->filter_count)
		return false;
	for (size_t i = 0; i < route_a->hostname_count; i++)
		if (!same_text(route_a->hostnames[i], route_b->hostnames[i]))
			return false;
	for (size_t i = 0; i < route_a->match_count; i++)
		if (!same_match(&route_a->matches[i], &route_b->matches[i]))
			return false;
	for (size_t i = 0; i < route_a->filter_count; i++)
		if (!same_filter(a, &route_a->filters[i], b, &route_b->filters[i]))
			return false;
	return true;
}

static bool same_file(const struct wanted_file *a, const struct wanted_file *b)
{
	return same_text(a->path, b->path);
}

/* As it is written; what is in the files is another matter. */
static bool same_tls(const struct wanted_pool *a, const struct wanted_pool *b)
{
	const struct wanted_certificate *x = a->tls, *y = b->tls;

	if (a->pool.tls != b->pool.tls || !same_text(a->pool.tls_name, b->pool.tls_name))
		return false;
	if (!x || !y)
		return !x == !y;
	return same_file(&x->cert, &y->cert) && same_file(&x->key, &y->key) &&
	       same_file(&x->client_ca, &y->client_ca);
}

bool same_pool(const struct wanted_pool *a, const struct wanted_pool *b)
{
	const struct build_pool *x = &a->pool, *y = &b->pool;

	if (x->scheduler != y->scheduler || x->max_requests != y->max_requests ||
	    x->max_pending != y->max_pending || x->eject_after != y->eject_after ||
	    x->proxy_protocol != y->proxy_protocol || x->hash_by != y->hash_by ||
	    !same_text(x->hash_name, y->hash_name) || a->member_count != b->member_count ||
	    !state_same_health(&a->health, &b->health) || !same_tls(a, b))
		return false;
	for (size_t i = 0; i < a->member_count; i++) {
		const struct build_member *m = &a->members[i], *n = &b->members[i];

		if (addr_compare(&m->address, &n->address) || m->port != n->port ||
		    m->weight != n->weight || m->state != n->state || !same_text(m->zone, n->zone))
			return false;
	}
	return true;
}
