// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "changes_l7.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../model/l7/same.h"
#include "changes.h"

struct lines {
	char **list;
	size_t count, room;
	bool failed;
};

__attribute__((format(printf, 2, 3))) static void add(struct lines *lines, const char *format, ...)
{
	va_list args;

	if (lines->count == lines->room) {
		size_t room = lines->room ? 2 * lines->room : 16;
		char **list = realloc(lines->list, room * sizeof(*list));

		lines->failed |= !list;
		if (!list)
			return;
		lines->list = list;
		lines->room = room;
	}
	va_start(args, format);
	if (vasprintf(&lines->list[lines->count], format, args) < 0)
		lines->failed = true;
	else
		lines->count++;
	va_end(args);
}

/* what all tenants have together */

static void add_workers(struct lines *lines, const struct config *now, const struct config *next)
{
	char from[16] = "by CPUs", to[16] = "by CPUs";

	if (now->proxy.workers == next->proxy.workers)
		return;
	if (now->proxy.workers)
		snprintf(from, sizeof(from), "%u", now->proxy.workers);
	if (next->proxy.workers)
		snprintf(to, sizeof(to), "%u", next->proxy.workers);
	add(lines, "~ proxy: workers %s -> %s%s", from, to,
	    now->listener_count ? ", at the next start of the agent" : "");
}

static void add_proxy(struct lines *lines, const struct config_proxy *now,
		      const struct config_proxy *next)
{
	if (now->copy != next->copy)
		add(lines, "~ proxy: splice %s -> %s", now->copy ? "off" : "on",
		    next->copy ? "off" : "on");
#define TIME_LIMIT(name, least, most, fallback, sentence)                               \
	if (now->name##_ms != next->name##_ms)                                          \
		add(lines, "~ proxy: timeouts: " #name " %ums -> %ums", now->name##_ms, \
		    next->name##_ms);
#include "../model/l7/limits.def"
#undef TIME_LIMIT
}

static void add_access_log(struct lines *lines, const struct config_access_log *now,
			   const struct config_access_log *next)
{
	bool same_path = !now->path || !next->path ? now->path == next->path
						   : !strcmp(now->path, next->path);

	if (same_path && now->sample == next->sample && now->query == next->query)
		return;
	if (!next->path)
		add(lines, "- accessLog %s", now->path);
	else
		add(lines, "%c accessLog %s: one of %u requests%s", now->path ? '~' : '+',
		    next->path, next->sample, next->query ? ", with queries" : "");
}

/* listeners */

static const struct config_listener *find_listener(const struct config *config, const char *name)
{
	for (size_t i = 0; i < config->listener_count; i++)
		if (!strcmp(config->listeners[i].name, name))
			return &config->listeners[i];
	return NULL;
}

static bool same_listener(const struct config_listener *a, const struct config_listener *b)
{
	bool same = a->port == b->port && a->address_count == b->address_count &&
		    a->trusted_count == b->trusted_count && a->proxy_count == b->proxy_count &&
		    a->by_path == b->by_path && a->tls == b->tls && a->tls13 == b->tls13;

	for (size_t i = 0; same && i < a->address_count; i++)
		same = !addr_compare(&a->addresses[i], &b->addresses[i]);
	for (size_t i = 0; same && i < a->trusted_count; i++)
		same = !prefix_compare(&a->trusted[i], &b->trusted[i]);
	for (size_t i = 0; same && i < a->proxy_count; i++)
		same = !prefix_compare(&a->proxies[i], &b->proxies[i]);
	return same;
}

static void add_listeners(struct lines *lines, const struct config *now, const struct config *next)
{
	for (size_t i = 0; i < next->listener_count; i++) {
		const struct config_listener *to = &next->listeners[i];
		const struct config_listener *from = find_listener(now, to->name);

		if (!from || !same_listener(from, to))
			add(lines, "%c listener %s: port %u, %zu addresses, %zu trusted prefixes",
			    from ? '~' : '+', to->name, to->port, to->address_count,
			    to->trusted_count);
	}
	for (size_t i = 0; i < now->listener_count; i++)
		if (!find_listener(next, now->listeners[i].name))
			add(lines, "- listener %s", now->listeners[i].name);
}

/* tenants */

static const struct wanted nothing;

struct pair {
	const char *tenant;
	const struct wanted *now, *next; /* never NULL */
};

static bool has(const char *const *names, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (!strcmp(names[i], name))
			return true;
	return false;
}

/* Which are there in one list and not in the other. */
static void add_missing(struct lines *lines, const char *what, const char *tenant,
			const char *const *names, size_t count, const char *const *others,
			size_t other_count)
{
	for (size_t i = 0; i < count; i++)
		if (!has(others, other_count, names[i]))
			add(lines, "%s %s %s", what, tenant, names[i]);
}

static void add_domains(struct lines *lines, const struct pair *pair)
{
	const struct wanted *now = pair->now, *next = pair->next;

	add_missing(lines, "+ domain", pair->tenant, next->domains, next->domain_count,
		    now->domains, now->domain_count);
	add_missing(lines, "- domain", pair->tenant, now->domains, now->domain_count, next->domains,
		    next->domain_count);
	add_missing(lines, "+ path", pair->tenant, next->paths, next->path_count, now->paths,
		    now->path_count);
	add_missing(lines, "- path", pair->tenant, now->paths, now->path_count, next->paths,
		    next->path_count);
}

static const struct wanted_pool *find_pool(const struct wanted *wanted, const char *name)
{
	for (size_t i = 0; i < wanted->pool_count; i++)
		if (!strcmp(wanted->pools[i].pool.name, name))
			return &wanted->pools[i];
	return NULL;
}

static void add_pools(struct lines *lines, const struct pair *pair)
{
	for (size_t i = 0; i < pair->next->pool_count; i++) {
		const struct wanted_pool *to = &pair->next->pools[i];
		const struct wanted_pool *from = find_pool(pair->now, to->pool.name);

		if (!from || !same_pool(from, to))
			add(lines, "%c pool of routes %s/%s: %zu backends", from ? '~' : '+',
			    pair->tenant, to->pool.name, to->member_count);
	}
	for (size_t i = 0; i < pair->now->pool_count; i++)
		if (!find_pool(pair->next, pair->now->pools[i].pool.name))
			add(lines, "- pool of routes %s/%s", pair->tenant,
			    pair->now->pools[i].pool.name);
}

static const struct wanted_route *find_route(const struct wanted *wanted, const char *name)
{
	for (size_t i = 0; i < wanted->route_count; i++)
		if (!strcmp(wanted->routes[i].route.name, name))
			return &wanted->routes[i];
	return NULL;
}

/* Listeners are numbered as they are written: their names are compared. */
static bool same_place(const struct config *now, const struct wanted_route *from,
		       const struct config *next, const struct wanted_route *to)
{
	return !strcmp(now->listeners[from->route.listener].name,
		       next->listeners[to->route.listener].name);
}

/* The one written first is taken when two are as good: their order counts. */
static bool same_order(const struct wanted *now, const struct wanted *next)
{
	for (size_t i = 0; i < now->route_count; i++)
		if (strcmp(now->routes[i].route.name, next->routes[i].route.name) != 0)
			return false;
	return true;
}

static void add_routes(struct lines *lines, const struct config *now, const struct config *next,
		       const struct pair *pair)
{
	size_t before = lines->count;

	for (size_t i = 0; i < pair->next->route_count; i++) {
		const struct wanted_route *to = &pair->next->routes[i];
		const struct wanted_route *from = find_route(pair->now, to->route.name);

		if (!from || !same_place(now, from, next, to) ||
		    !same_route(pair->now, from, pair->next, to))
			add(lines, "%c route %s/%s", from ? '~' : '+', pair->tenant,
			    to->route.name);
	}
	for (size_t i = 0; i < pair->now->route_count; i++)
		if (!find_route(pair->next, pair->now->routes[i].route.name))
			add(lines, "- route %s/%s", pair->tenant, pair->now->routes[i].route.name);
	if (lines->count == before && pair->now->route_count == pair->next->route_count &&
	    !same_order(pair->now, pair->next))
		add(lines, "~ routes of %s: their order", pair->tenant);
}

static void add_tenant(struct lines *lines, const struct config *now, const struct config *next,
		       const struct state_tenant *from, const struct state_tenant *to)
{
	struct pair pair = {
		.tenant = (to ?: from)->name,
		.now = from && from->l7 ? from->l7 : &nothing,
		.next = to && to->l7 ? to->l7 : &nothing,
	};

	if (pair.now == pair.next)
		return;
	add_domains(lines, &pair);
	add_pools(lines, &pair);
	add_routes(lines, now, next, &pair);
}

/* Both are sorted by name. */
static void add_tenants(struct lines *lines, const struct config *now, const struct config *next)
{
	const struct state *a = &now->state, *b = &next->state;
	size_t i = 0, j = 0;

	while (i < a->tenant_count || j < b->tenant_count) {
		const struct state_tenant *from = i < a->tenant_count ? &a->tenants[i] : NULL;
		const struct state_tenant *to = j < b->tenant_count ? &b->tenants[j] : NULL;
		int order = !from ? 1 : !to ? -1 : strcmp(from->name, to->name);

		add_tenant(lines, now, next, order <= 0 ? from : NULL, order >= 0 ? to : NULL);
		i += order <= 0;
		j += order >= 0;
	}
}

int changes_l7(const struct config *now, const struct config *next, char ***ret_lines,
	       size_t *ret_count)
{
	struct lines lines = {};

	add_workers(&lines, now, next);
	add_proxy(&lines, &now->proxy, &next->proxy);
	add_access_log(&lines, &now->access_log, &next->access_log);
	add_listeners(&lines, now, next);
	add_tenants(&lines, now, next);
	if (lines.failed) {
		changes_free(lines.list, lines.count);
		return -ENOMEM;
	}
	*ret_lines = lines.list;
	*ret_count = lines.count;
	return 0;
}
