// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "image.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "pattern.h"
#include "route.h"

#define HOST_MAX 253

/* What a field points to; the table below has one row for each. */
enum kind {
	TEXT_FIELD,
	RANGE_FIELD,
	INDEX_FIELD,
	OPTIONAL_FIELD, /* an index, or IMAGE_NONE */
	BELOW_FIELD,	/* a byte below limit */
};

struct field {
	enum image_section section, target;
	enum kind kind;
	uint32_t offset, limit;
	const char *name;
};

/* clang-format off */
#define FIELD(section, type, field, kind, target, limit) \
	{IMAGE_SECTION_##section, target, kind, offsetof(struct image_##type, field), limit, \
	 #section "." #field}
#define TEXT(section, type, field) FIELD(section, type, field, TEXT_FIELD, IMAGE_SECTION_strings, 0)
#define RANGE(section, type, field, to) FIELD(section, type, field, RANGE_FIELD, IMAGE_SECTION_##to, 0)
#define INDEX(section, type, field, to) FIELD(section, type, field, INDEX_FIELD, IMAGE_SECTION_##to, 0)
#define OPTIONAL(section, type, field, to) \
	FIELD(section, type, field, OPTIONAL_FIELD, IMAGE_SECTION_##to, 0)
#define BELOW(section, type, field, limit) FIELD(section, type, field, BELOW_FIELD, 0, limit)

static const struct field fields[] = {
	TEXT(listeners, listener, name),
	RANGE(listeners, listener, addresses, addresses),
	RANGE(listeners, listener, trusted, prefixes),
	RANGE(listeners, listener, proxies, prefixes),
	BELOW(listeners, listener, protocol, IMAGE_PROTOCOLS),
	BELOW(listeners, listener, by_path, 2),
	TEXT(tenants, tenant, name),
	RANGE(tenants, tenant, sites, sites),
	TEXT(pools, pool, name),
	INDEX(pools, pool, tenant, tenants),
	RANGE(pools, pool, members, members),
	BELOW(pools, pool, scheduler, IMAGE_SCHEDULERS),
	TEXT(pools, pool, hash_name),
	BELOW(pools, pool, hash_by, IMAGE_HASHES),
	BELOW(pools, pool, proxy_protocol, 3),
	BELOW(pools, pool, tls, IMAGE_POOL_TLS),
	TEXT(pools, pool, tls_name),
	TEXT(members, member, zone),
	BELOW(members, member, state, IMAGE_STATES),
	BELOW(members, member, local, 2),
	TEXT(routes, route, name),
	INDEX(routes, route, tenant, tenants),
	INDEX(routes, route, listener, listeners),
	RANGE(routes, route, backends, backends),
	RANGE(routes, route, filters, filters),
	RANGE(routes, route, retry_statuses, statuses),
	TEXT(routes, route, session_name),
	BELOW(routes, route, session, IMAGE_SESSIONS),
	INDEX(backends, backend, pool, pools),
	TEXT(filters, filter, scheme),
	TEXT(filters, filter, hostname),
	TEXT(filters, filter, path),
	RANGE(filters, filter, edits, edits),
	OPTIONAL(filters, filter, pool, pools),
	BELOW(filters, filter, type, IMAGE_FILTERS),
	BELOW(filters, filter, path_edit, IMAGE_PATH_EDITS),
	BELOW(filters, filter, percent, 101),
	TEXT(edits, edit, name),
	TEXT(edits, edit, value),
	BELOW(edits, edit, type, IMAGE_EDITS),
	TEXT(hosts, host, name),
	INDEX(hosts, host, tenant, tenants),
	RANGE(hosts, host, sites, sites),
	INDEX(sites, site, tenant, tenants),
	INDEX(sites, site, listener, listeners),
	RANGE(sites, site, patterns, rules),
	INDEX(paths, path, site, sites),
	TEXT(paths, path, path),
	RANGE(paths, path, rules, rules),
	BELOW(paths, path, type, IMAGE_PATH_TYPES),
	INDEX(rules, rule, route, routes),
	RANGE(rules, rule, headers, conditions),
	RANGE(rules, rule, queries, conditions),
	OPTIONAL(rules, rule, pattern, patterns),
	TEXT(patterns, pattern, text),
	TEXT(conditions, condition, name),
	TEXT(conditions, condition, value),
	INDEX(tenant_names, tenant_name, tenant, tenants),
	TEXT(own_paths, own_path, path),
	INDEX(own_paths, own_path, tenant, tenants),
	TEXT(certificates, certificate, name),
	INDEX(certificates, certificate, tenant, tenants),
	BELOW(certificates, certificate, client_auth, IMAGE_CLIENT_AUTHS),
	TEXT(servers, server, name),
	INDEX(servers, server, certificate, certificates),
};
/* clang-format on */

static const struct {
	const char *name;
	size_t size;
} sections[IMAGE_SECTIONS] = {
#define IMAGE_SECTION(name, type) {#name, sizeof(type)},
#include "image_sections.def"
#undef IMAGE_SECTION
};

static bool open_head(const void *base, size_t size, struct err *err)
{
	const struct image_head *head = base;

	if (size < sizeof(*head) || head->magic != IMAGE_MAGIC) {
		err_set(err, -EINVAL, "these %zu bytes are no image of routes", size);
		return false;
	}
	if (head->version != IMAGE_VERSION || head->head_size != sizeof(*head)) {
		err_set(err, -EINVAL, "the image is of version %u; this program reads version %u",
			head->version, IMAGE_VERSION);
		return false;
	}
	if (head->size != size || size > UINT32_MAX) {
		err_set(err, -EINVAL, "the image has %zu bytes and says that it has %llu", size,
			(unsigned long long)head->size);
		return false;
	}
	for (size_t i = 0; i < IMAGE_SECTIONS; i++) {
		uint64_t at = head->sections[i].at, count = head->sections[i].count;

		if (at % 8 || at < sizeof(*head) || at > size ||
		    count * sections[i].size > size - at) {
			err_set(err, -EINVAL, "section %s of the image lies outside of it",
				sections[i].name);
			return false;
		}
	}
	return true;
}

static bool good_text(const struct image *image, struct image_text text)
{
	uint64_t begin = image->head->sections[IMAGE_SECTION_strings].at;
	uint64_t end = begin + image->strings_count;

	return text.at >= begin && (uint64_t)text.at + text.length < end &&
	       !image->base[(uint64_t)text.at + text.length];
}

static bool good_field(const struct image *image, const struct field *field, const char *at)
{
	uint32_t count = image->head->sections[field->target].count, index;
	struct image_range range;
	struct image_text text;

	switch (field->kind) {
	case TEXT_FIELD:
		memcpy(&text, at, sizeof(text));
		return good_text(image, text);
	case RANGE_FIELD:
		memcpy(&range, at, sizeof(range));
		return range.count <= count && range.first <= count - range.count;
	case BELOW_FIELD:
		return (uint8_t)*at < field->limit;
	case OPTIONAL_FIELD:
	case INDEX_FIELD:
		memcpy(&index, at, sizeof(index));
		return index < count || (field->kind == OPTIONAL_FIELD && index == IMAGE_NONE);
	}
	return false;
}

static int check_fields(const struct image *image, struct err *err)
{
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		const struct field *field = &fields[i];
		const char *at = image->base + image->head->sections[field->section].at;
		uint32_t count = image->head->sections[field->section].count;

		for (uint32_t item = 0; item < count; item++) {
			if (!good_field(image, field, at + field->offset))
				return err_set(err, -EINVAL, "%s of item %u of the image is wrong",
					       field->name, item);
			at += sections[field->section].size;
		}
	}
	return 0;
}

/* The buckets are a power of two and one, begin with 0, never go back, and end with the last entry.
 */
static int check_buckets(const uint32_t *buckets, uint32_t count, uint32_t entries,
			 const char *name, struct err *err)
{
	bool good = count >= 2 && !((count - 1) & (count - 2)) && !buckets[0] &&
		    buckets[count - 1] == entries;

	for (uint32_t i = 1; good && i < count; i++)
		good = buckets[i - 1] <= buckets[i];
	return good ? 0 : err_set(err, -EINVAL, "the hash table of %s in the image is wrong", name);
}

static bool rules_are_of(const struct image *image, struct image_range rules, uint32_t site)
{
	const struct image_site *of = &image->sites[site];

	for (uint32_t i = rules.first; i < rules.first + rules.count; i++) {
		const struct image_route *route = &image->routes[image->rules[i].route];

		if (route->tenant != of->tenant || route->listener != of->listener)
			return false;
	}
	return true;
}

static bool pools_are_of(const struct image *image, const struct image_route *route)
{
	for (uint32_t i = 0; i < route->backends.count; i++) {
		const struct image_backend *backend = &image->backends[route->backends.first + i];

		if (image->pools[backend->pool].tenant != route->tenant)
			return false;
	}
	for (uint32_t i = 0; i < route->filters.count; i++) {
		uint32_t pool = image->filters[route->filters.first + i].pool;

		if (pool != IMAGE_NONE && image->pools[pool].tenant != route->tenant)
			return false;
	}
	return true;
}

static bool sites_are_of(const struct image *image, struct image_range sites, uint32_t tenant)
{
	for (uint32_t i = 0; i < sites.count; i++)
		if (image->sites[sites.first + i].tenant != tenant)
			return false;
	return true;
}

/* A wildcard of hosts is one of servers, or has it below itself. */
static bool server_is_of(const struct image *image, const struct image_server *server)
{
	char name[HOST_MAX + 3];
	int length = snprintf(name, sizeof(name), "%s%s", server->wildcard ? "*." : "",
			      image_string(image, server->name));

	return length < (int)sizeof(name) &&
	       route_owner(image, (struct route_text){name, (size_t)length}) ==
		       image->certificates[server->certificate].tenant;
}

/* Nothing of one tenant leads to anything of another: what the builder promised, and nobody has to
 * believe it. */
static int check_owners(const struct image *image, struct err *err)
{
	bool good = true;

	for (uint32_t i = 0; good && i < image->tenants_count; i++)
		good = sites_are_of(image, image->tenants[i].sites, i);
	for (uint32_t i = 0; good && i < image->hosts_count; i++)
		good = sites_are_of(image, image->hosts[i].sites, image->hosts[i].tenant);
	for (uint32_t i = 0; good && i < image->sites_count; i++)
		good = rules_are_of(image, image->sites[i].patterns, i);
	for (uint32_t i = 0; good && i < image->paths_count; i++)
		good = rules_are_of(image, image->paths[i].rules, image->paths[i].site);
	for (uint32_t i = 0; good && i < image->routes_count; i++)
		good = pools_are_of(image, &image->routes[i]);
	for (uint32_t i = 0; good && i < image->servers_count; i++)
		good = server_is_of(image, &image->servers[i]);
	return good ? 0
		    : err_set(err, -EINVAL, "the image leads from one tenant to another's routes");
}

static int check(const struct image *image, struct err *err)
{
	int error = check_fields(image, err);

	if (!error)
		error = check_buckets(image->host_buckets, image->host_buckets_count,
				      image->hosts_count, "hosts", err);
	if (!error)
		error = check_buckets(image->path_buckets, image->path_buckets_count,
				      image->paths_count, "paths", err);
	if (!error)
		error = check_buckets(image->tenant_buckets, image->tenant_buckets_count,
				      image->tenant_names_count, "tenants", err);
	if (!error)
		error = check_buckets(image->own_path_buckets, image->own_path_buckets_count,
				      image->own_paths_count, "own paths", err);
	if (!error)
		error = check_buckets(image->server_buckets, image->server_buckets_count,
				      image->servers_count, "servers", err);
	return error ? error : check_owners(image, err);
}

int image_open(const void *base, size_t size, struct image *ret_image, struct err *err)
{
	struct image image = {.head = base, .base = base};
	int error;

	if (!open_head(base, size, err))
		return -EINVAL;
#define IMAGE_SECTION(name, type)                                                                \
	image.name = (const void *)(image.base + image.head->sections[IMAGE_SECTION_##name].at); \
	image.name##_count = image.head->sections[IMAGE_SECTION_##name].count;
#include "image_sections.def"
#undef IMAGE_SECTION
	error = check(&image, err);
	if (!error)
		error = pattern_compile_all(&image, err);
	if (!error)
		*ret_image = image;
	return error;
}

void image_close(struct image *image)
{
	pattern_free_all(image);
	memset(image, 0, sizeof(*image));
}

static bool is_in(const struct image *image, struct image_range prefixes, const struct addr *peer)
{
	for (uint32_t i = 0; i < prefixes.count; i++)
		if (prefix_holds(&image->prefixes[prefixes.first + i], peer))
			return true;
	return false;
}

bool image_trusts(const struct image *image, uint32_t listener, const struct addr *peer)
{
	return listener < image->listeners_count &&
	       is_in(image, image->listeners[listener].trusted, peer);
}

bool image_is_proxy(const struct image *image, uint32_t listener, const struct addr *peer)
{
	return listener < image->listeners_count &&
	       is_in(image, image->listeners[listener].proxies, peer);
}
