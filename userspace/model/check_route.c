// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The routes of a TenantConfig: for hosts that are the tenant's, on listeners that there are, to
 * pools of its own that can serve them. What is good is put into what the L7 tier shall do.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check_tenant.h"
#include "l7/hash.h"
#include "value.h"

/* --- hostnames ---------------------------------------------------------------------------------
 */

/* Whether a name, or a wildcard, is the tenant's: listed, or below one of its wildcards. */
bool check_is_own_host(const struct tenant_check *in, const char *name)
{
	char wildcard[VALUE_HOST_MAX + 8];
	const char *rest = name + (name[0] == '*' ? 2 : 0);
	const struct names_entry *entry = names_find(&in->check->domains, name);

	while (!entry && (rest = strchr(rest, '.'))) {
		snprintf(wildcard, sizeof(wildcard), "*%s", rest++);
		entry = names_find(&in->check->domains, wildcard);
	}
	return entry && in->check->domain_list[entry->index].tenant == in->index;
}

void check_refuse_host(const struct tenant_check *in, const struct tree_node *node)
{
	struct check *check = in->check;
	const struct check_share *share = &check->shares[in->index];
	struct suggest near;

	suggest_init(&near, node->text);
	for (size_t i = 0; i < share->domain_count && errors_few(check->errors); i++)
		suggest_offer(&near, check->domain_list[share->first_domain + i].name);
	errors_add(check->errors, tree_place(node),
		   "host name \"%s\" is not among the domains of tenant \"%s\"%s", node->text,
		   in->tenant->name,
		   near.best[0] ? suggest_tail(&near).text
				: "; the operator grants them in the Platform document");
}

static int check_hostnames(struct route_check *r)
{
	const struct tree_node *list = schema_find(r->item, SCHEMA_route_hostnames), *node;
	struct wanted_route *route = r->route;
	struct names seen = {};
	int error = 0;

	route->hostnames =
		wanted_take(r->wanted, list ? list->count : 0, sizeof(*route->hostnames));
	if (!route->hostnames)
		return -ENOMEM;
	for (node = schema_first(list); !error && node; node = schema_next(node)) {
		char *name = (char *)wanted_text(r->wanted, node->text);

		if (!name)
			return -ENOMEM;
		for (char *at = name; *at; at++)
			*at = hash_lower(*at);
		if (r->in->index != CHECK_NOBODY && !check_is_own_host(r->in, name)) {
			check_refuse_host(r->in, node);
			continue;
		}
		if (names_find(&seen, name)) {
			check_report_twice(r->in->check, node, names_find(&seen, name)->node,
					   "host name \"%s\" is listed twice", name);
			continue;
		}
		error = names_add(&seen, name, node, 0, &(struct names_entry *){NULL});
		route->hostnames[route->hostname_count++] = name;
	}
	names_fini(&seen);
	return error;
}

/* --- backends ----------------------------------------------------------------------------------
 */

/* What a service does with a pool, and a route does not. */
static void refuse_for_routes(struct route_check *r, const struct check_pool *pool)
{
	static const enum schema_key keys[] = {
		SCHEMA_pool_drainDeadline,
		SCHEMA_pool_stickWhenDown,
		SCHEMA_pool_slowStart,
	};

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		const struct tree_node *given = schema_find(pool->item, keys[i]);

		if (given)
			errors_add(
				r->in->check->errors, tree_key_place(given),
				"\"%s\" of pool \"%s\" does nothing yet for routes, and route "
				"\"%s\" uses the pool; leave it out, or give the route a pool of "
				"its own",
				schema_rows[keys[i]].key, pool->name, r->name);
	}
	if (pool->health.via == STATE_VIA_VIP)
		errors_add(r->in->check->errors,
			   tree_place(schema_find(schema_find(pool->item, SCHEMA_pool_health),
						  SCHEMA_health_via)),
			   "checks go by the VIP of a service, and route \"%s\" uses pool \"%s\"; "
			   "write direct or auto, or give the route a pool of its own",
			   r->name, pool->name);
}

static int take_members(struct route_check *r, const struct check_pool *pool,
			struct wanted_pool *to)
{
	to->members = wanted_take(r->wanted, pool->count, sizeof(*to->members));
	if (!to->members)
		return -ENOMEM;
	for (size_t i = 0; i < pool->count; i++) {
		const struct check_backend *backend = &pool->backends[i];

		if (!backend->port) {
			errors_add(
				r->in->check->errors, tree_place(backend->node),
				"backend %s has no port, and route \"%s\" uses pool \"%s\"; write "
				"ADDRESS:PORT",
				backend->node->text, r->name, pool->name);
			continue;
		}
		to->members[to->member_count++] = (struct build_member){
			.address = backend->address,
			.port = backend->port,
			.weight = backend->weight,
			.state = backend->drain ? IMAGE_DRAIN : IMAGE_ACTIVE,
			.zone = backend->zone ? wanted_text(r->wanted, backend->zone) : NULL,
		};
		if (backend->zone && !to->members[to->member_count - 1].zone)
			return -ENOMEM;
	}
	return 0;
}

/* The pool as routes know it; made for the first one that uses it. */
static int use_pool(struct route_check *r, struct check_pool *pool, size_t *ret_index)
{
	struct wanted_pool *to = &r->wanted->pools[r->wanted->pool_count];

	if (pool->routed) {
		*ret_index = pool->routed - 1;
		return 0;
	}
	pool->routed = ++r->wanted->pool_count;
	*ret_index = pool->routed - 1;
	to->pool = (struct build_pool){
		.name = wanted_text(r->wanted, pool->name),
		.scheduler = (enum image_scheduler)pool->scheduler,
		.max_requests = pool->max_requests,
		.max_pending = pool->max_pending,
		.eject_after = pool->eject_after,
		.proxy_protocol = pool->proxy_protocol,
		.hash_by = (enum image_hash_by)pool->hash_by,
		.hash_name = pool->hash_name ? wanted_text(r->wanted, pool->hash_name) : NULL,
	};
	if (pool->hash_name && !to->pool.hash_name)
		return -ENOMEM;
	refuse_for_routes(r, pool);
	if (!to->pool.name || state_copy_health(&pool->health, &to->health))
		return -ENOMEM;
	return check_take_pool_tls(r->in, r->wanted, schema_find(pool->item, SCHEMA_pool_tls), to)
		       ?: take_members(r, pool, to);
}

int check_use_pool(struct route_check *r, const struct tree_node *name,
		   struct check_pool **ret_pool, size_t *ret_index)
{
	struct check_pools *pools = &r->in->pools;
	const struct names_entry *entry = names_find(&pools->names, name->text);

	*ret_pool = entry ? &pools->list[entry->index] : NULL;
	if (!entry)
		check_refuse_unknown(r->in->check, name, &pools->names, "pool", "pools");
	return entry ? use_pool(r, *ret_pool, ret_index) : 0;
}

static int check_backend_ref(struct route_check *r, const struct tree_node *item)
{
	const struct tree_node *name = schema_find(item, SCHEMA_backend_ref_pool);
	struct wanted_backend *backend = &r->route->backends[r->route->backend_count];
	struct check_pool *pool = NULL;
	int error = name ? check_use_pool(r, name, &pool, &backend->pool) : 0;

	if (!pool)
		return error;
	backend->weight = (uint32_t)schema_number(item, SCHEMA_backend_ref_weight);
	r->route->backend_count++;
	return error;
}

static int check_backends(struct route_check *r)
{
	const struct tree_node *list = schema_find(r->item, SCHEMA_route_backendRefs), *item;
	int error = 0;

	r->route->backends =
		wanted_take(r->wanted, list ? list->count : 0, sizeof(*r->route->backends));
	if (!r->route->backends)
		return -ENOMEM;
	for (item = schema_first(list); !error && item; item = schema_next(item))
		error = check_backend_ref(r, item);
	return error;
}

/* --- timeouts, retry ---------------------------------------------------------------------------
 */

static void check_timeouts(struct route_check *r)
{
	const struct tree_node *timeouts = schema_find(r->item, SCHEMA_route_timeouts);
	const struct tree_node *backend = schema_find(timeouts, SCHEMA_timeouts_backend);
	struct build_route *route = &r->route->route;

	route->request_timeout = (uint32_t)schema_number(timeouts, SCHEMA_timeouts_request);
	route->backend_timeout = (uint32_t)schema_number(timeouts, SCHEMA_timeouts_backend);
	if (backend && route->request_timeout && route->backend_timeout > route->request_timeout)
		errors_add(
			r->in->check->errors, tree_place(backend),
			"\"backend\" of %s is longer than \"request\", which ends it before; make "
			"it shorter",
			backend->text);
}

static int check_session(struct route_check *r)
{
	static const enum image_session sessions[] = {IMAGE_SESSION_COOKIE, IMAGE_SESSION_HEADER,
						      IMAGE_SESSION_SOURCE};
	const struct tree_node *session = schema_find(r->item, SCHEMA_route_session);
	const struct tree_node *type = schema_find(session, SCHEMA_session_type);
	struct build_route *route = &r->route->route;
	const char *name;

	if (!type)
		return 0;
	route->session = sessions[type->number];
	name = check_name_of(r->in->check, session, SCHEMA_session_type, SCHEMA_session_name,
			     route->session != IMAGE_SESSION_SOURCE);
	route->session_name = name ? wanted_text(r->wanted, name) : NULL;
	return name && !route->session_name ? -ENOMEM : 0;
}

static const struct {
	const char *word;
	uint32_t bit;
} retry_words[] = {
	{"connect-failure", IMAGE_RETRY_CONNECT},
	{"reset", IMAGE_RETRY_RESET},
	{"timeout", IMAGE_RETRY_TIMEOUT},
};

/* Its bit, or 0. */
static uint32_t retry_bit(const char *word)
{
	for (size_t i = 0; i < sizeof(retry_words) / sizeof(retry_words[0]); i++)
		if (!strcmp(word, retry_words[i].word))
			return retry_words[i].bit;
	return 0;
}

static void refuse_retry(struct route_check *r, const struct tree_node *node)
{
	struct suggest near;

	suggest_init(&near, node->text);
	for (size_t i = 0; i < sizeof(retry_words) / sizeof(retry_words[0]); i++)
		suggest_offer(&near, retry_words[i].word);
	errors_add(r->in->check->errors, tree_place(node),
		   "an item of \"on\" must be connect-failure, reset, timeout, or a status from "
		   "400 to "
		   "599, not \"%s\"%s",
		   node->text, suggest_tail(&near).text);
}

static int check_retry(struct route_check *r)
{
	const struct tree_node *retry = schema_find(r->item, SCHEMA_route_retry), *node;
	const struct tree_node *on = schema_find(retry, SCHEMA_retry_on);
	struct build_route *route = &r->route->route;
	uint16_t *statuses = wanted_take(r->wanted, on ? on->count : 0, sizeof(*statuses));

	if (!statuses)
		return -ENOMEM;
	route->retry_statuses = statuses;
	if (retry)
		route->retry_attempts = (uint32_t)schema_number(retry, SCHEMA_retry_attempts);
	for (node = schema_first(on); node; node = schema_next(node)) {
		uint32_t bit = retry_bit(node->text);
		char *end;
		long status = strtol(node->text, &end, 10);

		if (bit)
			route->retry_on |= bit;
		else if (strlen(node->text) == 3 && !*end && status >= 400 && status <= 599)
			statuses[route->retry_status_count++] = (uint16_t)status;
		else
			refuse_retry(r, node);
		if (bit == IMAGE_RETRY_TIMEOUT && !route->backend_timeout)
			errors_add(r->in->check->errors, tree_place(node),
				   "\"timeout\" needs timeouts.backend, the time after which an "
				   "attempt is given up");
	}
	return 0;
}

/* --- routes ------------------------------------------------------------------------------------
 */

static void check_listener(struct route_check *r)
{
	const struct tree_node *name = schema_find(r->item, SCHEMA_route_listener);
	struct check *check = r->in->check;
	const struct names_entry *entry = name ? names_find(&check->listeners, name->text) : NULL;

	if (entry)
		r->route->route.listener = (uint32_t)entry->index;
	else if (name && check->platform && check->listeners_known)
		errors_add(check->errors, tree_place(name), "unknown listener \"%s\"%s", name->text,
			   names_nearest(&check->listeners, name->text).text[0]
				   ? names_nearest(&check->listeners, name->text).text
				   : "; the operator defines listeners in the Platform document");
}

/* Of a session, the client's address is all that is seen. */
static const struct tree_node *find_unseen(const struct route_check *r, size_t number)
{
	static const enum schema_key keys[] = {
		SCHEMA_route_matches, SCHEMA_route_filters, SCHEMA_route_timeouts,
		SCHEMA_route_maxBody, SCHEMA_route_retry,   SCHEMA_route_session,
	};
	const struct tree_node *found = schema_find(r->item, keys[number]);

	if (keys[number] == SCHEMA_route_session && r->route->route.session == IMAGE_SESSION_SOURCE)
		return NULL;
	return found;
}

#define UNSEEN 6

/* What goes by, or changes, requests, where none is seen. */
static void check_passthrough(struct route_check *r, const struct config_listener *listener)
{
	for (size_t i = 0; i < UNSEEN; i++) {
		const struct tree_node *found = find_unseen(r, i);

		if (found)
			errors_add(
				r->in->check->errors, tree_key_place(found),
				"\"%s\" has no meaning on listener \"%s\" with protocol TLS, which "
				"sees no requests but the name that a client asks for; leave it "
				"out",
				found->key, listener->name);
	}
	for (size_t i = 0; i < r->route->backend_count; i++) {
		const struct wanted_pool *pool = &r->wanted->pools[r->route->backends[i].pool];

		if (pool->pool.tls)
			errors_add(r->in->check->errors, tree_place(r->item),
				   "pool \"%s\" has \"tls\", and route \"%s\" passes on the TLS of "
				   "clients as it is; give the route a pool without it",
				   pool->pool.name, r->name);
	}
}

static void check_unseen(struct route_check *r)
{
	const struct tree_node *name = schema_find(r->item, SCHEMA_route_listener);
	const struct check *check = r->in->check;
	const struct names_entry *entry = name ? names_find(&check->listeners, name->text) : NULL;

	if (entry && check->config->listeners[entry->index].passthrough)
		check_passthrough(r, &check->config->listeners[entry->index]);
}

static int check_route(struct tenant_check *in, struct wanted *wanted, struct names *names,
		       const struct tree_node *item)
{
	const struct tree_node *name = schema_find(item, SCHEMA_route_name);
	struct route_check r = {
		.in = in,
		.wanted = wanted,
		.item = item,
		.route = &wanted->routes[wanted->route_count],
		.name = name ? name->text : "?",
	};
	int error = name ? check_add_name(in->check, names, name, 0, "route") : 0;

	if (error == -ENOMEM)
		return error;
	wanted->route_count++;
	r.route->route.name = wanted_text(wanted, r.name);
	error = r.route->route.name ? 0 : -ENOMEM;
	check_listener(&r);
	check_timeouts(&r);
	r.route->route.max_body = schema_number(item, SCHEMA_route_maxBody);
	if (!error)
		error = check_hostnames(&r);
	if (!error)
		error = check_matches(&r);
	if (!error)
		error = check_backends(&r);
	if (!error)
		error = check_filters(&r);
	if (!error)
		error = check_session(&r);
	if (!error)
		error = check_retry(&r);
	if (!error)
		check_unseen(&r);
	return error;
}

/* A route that no host leads to. */
static void check_reached(struct tenant_check *in, const struct tree_node *list)
{
	if (in->index != CHECK_NOBODY && schema_first(list) &&
	    !in->check->shares[in->index].domain_count && in->check->tenants_known)
		errors_add(in->check->errors, tree_key_place(list),
			   "tenant \"%s\" has routes and neither domains nor paths, so no request "
			   "would take them; the operator grants those in the Platform document",
			   in->tenant->name);
}

int check_routes(struct tenant_check *in, const struct tree_node *list)
{
	size_t count = list ? list->count : 0, pools = in->pools.count;
	struct wanted *wanted = wanted_new();
	struct names names = {};
	const struct tree_node *item;
	int r = wanted ? check_take_domains(in->check, in->index, wanted) : -ENOMEM;

	wanted_free(in->tenant->l7);
	in->tenant->l7 = wanted;
	if (!r && !count)
		return 0;
	check_reached(in, list);
	if (!r) {
		wanted->routes = wanted_take(wanted, count, sizeof(*wanted->routes));
		wanted->pools = wanted_take(wanted, pools, sizeof(*wanted->pools));
		wanted->pool_tls = wanted_take(wanted, pools, sizeof(*wanted->pool_tls));
		r = wanted->routes && wanted->pools && wanted->pool_tls ? 0 : -ENOMEM;
	}
	for (item = schema_first(list); !r && item; item = schema_next(item))
		r = check_route(in, wanted, &names, item);
	names_fini(&names);
	return r;
}
