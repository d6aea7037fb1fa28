// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "build_internal.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hash.h"
#include "pattern.h"

struct build *build_new(uint64_t seed, uint64_t generation)
{
	struct build *build = calloc(1, sizeof(*build));

	if (!build)
		return NULL;
	build->seed = seed;
	build->generation = generation;
#define IMAGE_SECTION(name, type) build->lists[IMAGE_SECTION_##name].size = sizeof(type);
#include "image_sections.def"
#undef IMAGE_SECTION
	build->wants.size = build->matches.size = sizeof(struct build_want);
	build->hostnames.size = sizeof(struct image_host);
	return build;
}

void build_limits(struct build *build, const struct image_limits *limits)
{
	build->limits = *limits;
}

void build_secret(struct build *build, const uint8_t secret[16])
{
	memcpy(build->secret, secret, sizeof(build->secret));
}

void build_free(struct build *build)
{
	if (!build)
		return;
	for (size_t i = 0; i < IMAGE_SECTIONS; i++)
		free(build->lists[i].items);
	free(build->wants.items);
	free(build->hostnames.items);
	free(build->matches.items);
	free(build->texts);
	free(build);
}

/* --- items -------------------------------------------------------------------------------------
 */

__attribute__((format(printf, 3, 4))) static void fail(struct build *build, int error,
						       const char *format, ...)
{
	va_list args;

	if (build->error)
		return;
	build->error = error;
	va_start(args, format);
	vsnprintf(build->why.text, sizeof(build->why.text), format, args);
	va_end(args);
}

static bool make_room(struct build *build, struct build_list *list, size_t count)
{
	size_t room = list->room ? list->room : 16;
	char *items;

	if (build->error)
		return false;
	while (room < list->count + count)
		room *= 2;
	if (room * list->size > UINT32_MAX) {
		fail(build, -EFBIG, "the routes do not fit into an image of 4 GiB");
		return false;
	}
	if (room == list->room)
		return true;
	items = realloc(list->items, room * list->size);
	if (!items) {
		fail(build, -ENOMEM, "no memory");
		return false;
	}
	list->items = items;
	list->room = (uint32_t)room;
	return true;
}

uint32_t build_push(struct build *build, struct build_list *list, const void *item)
{
	if (!make_room(build, list, 1))
		return 0;
	memcpy(list->items + (size_t)list->count * list->size, item, list->size);
	return list->count++;
}

uint32_t build_add(struct build *build, enum image_section section, const void *item)
{
	return build_push(build, &build->lists[section], item);
}

static void *last(struct build *build, enum image_section section)
{
	struct build_list *list = &build->lists[section];

	return build->error || !list->count ? NULL
					    : list->items + (size_t)(list->count - 1) * list->size;
}

/* A range of what comes next. */
static struct image_range next(const struct build *build, enum image_section section)
{
	return (struct image_range){build->lists[section].count, 0};
}

/* --- texts, each once --------------------------------------------------------------------------
 */

static uint32_t *text_slot(struct build *build, const char *at, size_t length)
{
	uint64_t hash = hash_end(hash_bytes(build->seed, at, length), length);
	const struct build_list *strings = &build->lists[IMAGE_SECTION_strings];

	for (;; hash++) {
		uint32_t *slot = &build->texts[hash & (build->text_room - 1)];

		if (!*slot)
			return slot;
		if (*slot - 1 + length < strings->count &&
		    !memcmp(strings->items + *slot - 1, at, length) &&
		    !strings->items[*slot - 1 + length])
			return slot;
	}
}

static bool more_texts(struct build *build)
{
	uint32_t *old = build->texts, room = build->text_room;

	if (build->text_count * 2 < room)
		return true;
	build->text_room = room ? room * 2 : 64;
	build->texts = calloc(build->text_room, sizeof(*build->texts));
	if (!build->texts) {
		build->texts = old;
		build->text_room = room;
		fail(build, -ENOMEM, "no memory");
		return false;
	}
	for (uint32_t i = 0; i < room; i++) {
		const char *text;

		if (!old[i])
			continue;
		text = build->lists[IMAGE_SECTION_strings].items + old[i] - 1;
		*text_slot(build, text, strlen(text)) = old[i];
	}
	free(old);
	return true;
}

static struct image_text text_of(struct build *build, const char *at, size_t length)
{
	struct build_list *strings = &build->lists[IMAGE_SECTION_strings];
	struct image_text text = {BUILD_STRINGS_AT, (uint32_t)length};
	uint32_t *slot;

	if (!make_room(build, strings, length + 1) || !more_texts(build))
		return text;
	slot = text_slot(build, at, length);
	if (!*slot) {
		*slot = strings->count + 1;
		build->text_count++;
		memcpy(strings->items + strings->count, at, length);
		strings->items[strings->count + length] = 0;
		strings->count += (uint32_t)length + 1;
	}
	text.at = (uint32_t)BUILD_STRINGS_AT + *slot - 1;
	return text;
}

static struct image_text text(struct build *build, const char *string)
{
	return text_of(build, string ? string : "", string ? strlen(string) : 0);
}

static struct image_text lower_text(struct build *build, const char *string)
{
	char lower[BUILD_PATH_MAX + 1];
	size_t length = strlen(string);

	if (length > BUILD_PATH_MAX) {
		fail(build, -EINVAL, "the name %.40s... is too long", string);
		length = 0;
	}
	for (size_t i = 0; i < length; i++)
		lower[i] = hash_lower(string[i]);
	return text_of(build, lower, length);
}

/* --- who is served, and by whom ----------------------------------------------------------------
 */

uint32_t build_listener(struct build *build, const struct build_listener *from)
{
	struct image_listener listener = {
		.name = text(build, from->name),
		.addresses = next(build, IMAGE_SECTION_addresses),
		.trusted = next(build, IMAGE_SECTION_prefixes),
		.port = from->port,
		.protocol = (uint8_t)from->protocol,
		.alpn = (uint8_t)from->alpn,
		.tls13 = from->tls13,
		.by_path = from->by_path,
	};

	for (size_t i = 0; i < from->address_count; i++)
		build_add(build, IMAGE_SECTION_addresses, &from->addresses[i]);
	for (size_t i = 0; i < from->trusted_count; i++)
		build_add(build, IMAGE_SECTION_prefixes, &from->trusted[i]);
	listener.proxies = next(build, IMAGE_SECTION_prefixes);
	for (size_t i = 0; i < from->proxy_count; i++)
		build_add(build, IMAGE_SECTION_prefixes, &from->proxies[i]);
	listener.addresses.count = (uint32_t)from->address_count;
	listener.trusted.count = (uint32_t)from->trusted_count;
	listener.proxies.count = (uint32_t)from->proxy_count;
	return build_add(build, IMAGE_SECTION_listeners, &listener);
}

uint32_t build_tenant(struct build *build, const char *name, uint32_t id, uint32_t weight)
{
	struct image_tenant tenant = {
		.name = text(build, name),
		.id = id,
		.weight = weight,
		.row = build_count(build, IMAGE_SECTION_tenants) + 1,
	};

	return build_add(build, IMAGE_SECTION_tenants, &tenant);
}

static bool known(struct build *build, enum image_section section, uint32_t index, const char *what)
{
	if (build->error || index < build_count(build, section))
		return !build->error;
	fail(build, -EINVAL, "there is no %s %u", what, index);
	return false;
}

void build_tenant_limits(struct build *build, uint32_t tenant, uint32_t connections,
			 uint32_t requests)
{
	struct image_tenant *tenants = build_items(build, IMAGE_SECTION_tenants);

	if (!known(build, IMAGE_SECTION_tenants, tenant, "tenant"))
		return;
	tenants[tenant].max_connections = connections;
	tenants[tenant].max_requests = requests;
}

void build_tenant_handshakes(struct build *build, uint32_t tenant, uint32_t handshakes)
{
	struct image_tenant *tenants = build_items(build, IMAGE_SECTION_tenants);

	if (known(build, IMAGE_SECTION_tenants, tenant, "tenant"))
		tenants[tenant].max_handshakes = handshakes;
}

void build_tenant_stalled(struct build *build, uint32_t tenant, uint32_t stalled)
{
	struct image_tenant *tenants = build_items(build, IMAGE_SECTION_tenants);

	if (known(build, IMAGE_SECTION_tenants, tenant, "tenant"))
		tenants[tenant].max_stalled = stalled;
}

/* A host name, or a wildcard; the hash comes when all are known. */
static struct image_host host_of(struct build *build, uint32_t tenant, const char *name)
{
	struct image_host host = {.tenant = tenant};

	if (name[0] == '*' && name[1] == '.') {
		host.wildcard = 1;
		name += 2;
	}
	if (!*name || strlen(name) > BUILD_HOST_MAX)
		fail(build, -EINVAL, "\"%.60s\" is no host name", name);
	host.name = lower_text(build, name);
	return host;
}

void build_domain(struct build *build, uint32_t tenant, const char *name)
{
	struct image_host host = host_of(build, tenant, name);

	if (known(build, IMAGE_SECTION_tenants, tenant, "tenant"))
		build_add(build, IMAGE_SECTION_hosts, &host);
}

uint32_t build_certificate(struct build *build, const struct build_certificate *from)
{
	struct image_certificate certificate = {
		.name = text(build, from->name),
		.tenant = from->tenant,
		.client_auth = (uint8_t)from->client_auth,
	};

	if (!known(build, IMAGE_SECTION_tenants, from->tenant, "tenant"))
		return 0;
	memcpy(certificate.digest, from->digest, sizeof(certificate.digest));
	if (from->client_auth)
		memcpy(certificate.client_ca, from->client_ca, sizeof(certificate.client_ca));
	return build_add(build, IMAGE_SECTION_certificates, &certificate);
}

void build_server(struct build *build, const char *name)
{
	struct image_host host = host_of(build, 0, name);
	struct image_server server = {.name = host.name, .wildcard = host.wildcard};

	if (!last(build, IMAGE_SECTION_certificates)) {
		fail(build, -EINVAL, "the server %.60s has no certificate", name);
		return;
	}
	server.certificate = build_count(build, IMAGE_SECTION_certificates) - 1;
	build_add(build, IMAGE_SECTION_servers, &server);
}

static void secure_pool(struct build *build, const struct build_pool *from, struct image_pool *pool)
{
	const char *name = from->tls_name ? from->tls_name : "";

	if (strlen(name) > BUILD_HOST_MAX) {
		fail(build, -EINVAL, "\"%.60s\" is no name of a server", name);
		return;
	}
	pool->tls = (uint8_t)from->tls;
	pool->tls_name = text(build, name);
	if (from->tls_digest)
		memcpy(pool->tls_digest, from->tls_digest, sizeof(pool->tls_digest));
	if (pool->tls)
		pool->tls_key = build_tls_key(build->secret, pool, name);
}

uint32_t build_pool(struct build *build, const struct build_pool *from)
{
	const struct image_tenant *tenants = build_items(build, IMAGE_SECTION_tenants);
	struct image_pool pool = {
		.name = text(build, from->name),
		.tenant = from->tenant,
		.members = next(build, IMAGE_SECTION_members),
		.max_requests = from->max_requests,
		.max_pending = from->max_pending,
		.eject_after = from->eject_after,
		.row = build_count(build, IMAGE_SECTION_pools) + 1,
		.scheduler = (uint8_t)from->scheduler,
		.hash_by = (uint8_t)from->hash_by,
		.proxy_protocol = from->proxy_protocol,
		.hash_name = text(build, from->hash_name),
	};

	if (!known(build, IMAGE_SECTION_tenants, from->tenant, "tenant"))
		return 0;
	pool.key = build_pool_key(build->secret, build_text(build, tenants[from->tenant].name),
				  from->name);
	secure_pool(build, from, &pool);
	return build_add(build, IMAGE_SECTION_pools, &pool);
}

uint32_t build_member(struct build *build, const struct build_member *from)
{
	struct image_member member = {
		.zone = text(build, from->zone),
		.weight = from->weight,
		.state = (uint8_t)from->state,
		.local = from->local,
	};
	struct image_pool *pool = last(build, IMAGE_SECTION_pools);
	struct sockaddr_storage address = {0};

	if (!pool || !from->port) {
		fail(build, -EINVAL, "a member has no pool, or no port");
		return 0;
	}
	addr_to_sockaddr(&from->address, from->port, &address);
	memcpy(&member.address, &address, sizeof(member.address));
	member.key = build_key_of_member(build->secret, pool->key, &from->address, from->port);
	pool->members.count++;
	return build_add(build, IMAGE_SECTION_members, &member);
}

/* --- routes ------------------------------------------------------------------------------------
 */

/* A rule for each hostname and match of the last route. */
static void close_route(struct build *build)
{
	static const struct image_host nobody;
	const struct build_match all = {.type = BUILD_PREFIX, .path = "/"};
	const struct image_host *hosts;
	const struct build_want *matches;
	uint32_t host_count = build->hostnames.count ? build->hostnames.count : 1;

	if (!build->route_open)
		return;
	if (!build->matches.count)
		build_match(build, &all);
	hosts = build->hostnames.count ? (const void *)build->hostnames.items : &nobody;
	matches = (const void *)build->matches.items;
	for (uint32_t h = 0; !build->error && h < host_count; h++) {
		for (uint32_t m = 0; m < build->matches.count; m++) {
			struct build_want want = matches[m];

			want.host = hosts[h].name;
			want.kind = hosts[h].wildcard ? BUILD_WILDCARD : BUILD_HOST;
			if (!build->hostnames.count)
				want.kind = BUILD_NO_HOST;
			want.order = build->wants.count;
			build_push(build, &build->wants, &want);
		}
	}
	build->hostnames.count = build->matches.count = 0;
	build->route_open = false;
}

uint32_t build_route(struct build *build, const struct build_route *from)
{
	struct image_route route = {
		.name = text(build, from->name),
		.tenant = from->tenant,
		.listener = from->listener,
		.backends = next(build, IMAGE_SECTION_backends),
		.filters = next(build, IMAGE_SECTION_filters),
		.request_timeout = from->request_timeout,
		.backend_timeout = from->backend_timeout,
		.retry_on = from->retry_on,
		.retry_statuses = next(build, IMAGE_SECTION_statuses),
		.retry_attempts = from->retry_attempts,
		.max_body = from->max_body,
		.session_name = text(build, from->session_name),
		.row = build_count(build, IMAGE_SECTION_routes) + 1,
		.session = (uint8_t)from->session,
	};

	close_route(build);
	if (!known(build, IMAGE_SECTION_tenants, from->tenant, "tenant") ||
	    !known(build, IMAGE_SECTION_listeners, from->listener, "listener"))
		return 0;
	for (size_t i = 0; i < from->retry_status_count; i++)
		build_add(build, IMAGE_SECTION_statuses, &from->retry_statuses[i]);
	route.retry_statuses.count = (uint32_t)from->retry_status_count;
	build->route_open = true;
	return build_add(build, IMAGE_SECTION_routes, &route);
}

/* The last route, if it may use the pool. */
static struct image_route *route_with(struct build *build, uint32_t pool)
{
	const struct image_pool *pools = build_items(build, IMAGE_SECTION_pools);
	struct image_route *route = last(build, IMAGE_SECTION_routes);

	if (build->error || !build->route_open) {
		fail(build, -EINVAL, "what belongs to a route was added before any");
		return NULL;
	}
	if (pool == IMAGE_NONE)
		return route;
	if (!known(build, IMAGE_SECTION_pools, pool, "pool"))
		return NULL;
	if (pools[pool].tenant != route->tenant) {
		fail(build, -EINVAL, "route %s uses a pool of another tenant",
		     build_text(build, route->name));
		return NULL;
	}
	return route;
}

void build_backend(struct build *build, uint32_t pool, uint32_t weight)
{
	struct image_backend backend = {pool, weight};
	struct image_route *route = route_with(build, pool);

	if (!route || !known(build, IMAGE_SECTION_pools, pool, "pool"))
		return;
	if (weight > 1000000 || weight > UINT32_MAX - route->total_weight) {
		fail(build, -EINVAL, "the weights of route %s are too large",
		     build_text(build, route->name));
		return;
	}
	route->backends.count++;
	route->total_weight += weight;
	build_add(build, IMAGE_SECTION_backends, &backend);
}

void build_filter(struct build *build, const struct build_filter *from)
{
	bool mirror = from->type == IMAGE_MIRROR;
	struct image_route *route = route_with(build, mirror ? from->pool : IMAGE_NONE);
	struct image_filter filter = {
		.scheme = text(build, from->scheme),
		.hostname = text(build, from->hostname),
		.path = text(build, from->path),
		.edits = next(build, IMAGE_SECTION_edits),
		.pool = mirror ? from->pool : IMAGE_NONE,
		.port = from->port,
		.status = from->status,
		.type = (uint8_t)from->type,
		.path_edit = (uint8_t)from->path_edit,
		.percent = from->percent,
	};

	if (!route)
		return;
	route->filters.count++;
	build_add(build, IMAGE_SECTION_filters, &filter);
}

void build_edit(struct build *build, enum image_edit_type type, const char *name, const char *value)
{
	struct image_edit edit = {text(build, name), text(build, value), (uint8_t)type, {0}};
	struct image_route *route = route_with(build, IMAGE_NONE);
	struct image_filter *filter = last(build, IMAGE_SECTION_filters);

	if (!route || !route->filters.count || !filter) {
		fail(build, -EINVAL, "an edit of headers was added before its filter");
		return;
	}
	filter->edits.count++;
	build_add(build, IMAGE_SECTION_edits, &edit);
}

void build_hostname(struct build *build, const char *name)
{
	struct image_route *route = route_with(build, IMAGE_NONE);
	struct image_host host;

	if (!route)
		return;
	host = host_of(build, route->tenant, name);
	build_push(build, &build->hostnames, &host);
	build_add(build, IMAGE_SECTION_hosts, &host);
}

static struct image_range conditions(struct build *build, const struct build_condition *list,
				     size_t count, bool lower)
{
	struct image_range range = next(build, IMAGE_SECTION_conditions);

	for (size_t i = 0; i < count; i++) {
		struct image_condition condition = {lower ? lower_text(build, list[i].name)
							  : text(build, list[i].name),
						    text(build, list[i].value)};

		build_add(build, IMAGE_SECTION_conditions, &condition);
	}
	range.count = (uint32_t)count;
	return range;
}

static uint32_t pattern(struct build *build, const char *path)
{
	struct image_pattern pattern = {text(build, path)};
	char why[128];
	size_t offset;
	int error = pattern_check(path, strlen(path), why, sizeof(why), &offset);

	if (error)
		fail(build, error, "\"%.60s\" is no regular expression: %s at %zu", path,
		     error == -EINVAL ? why : "no memory", offset);
	return build_add(build, IMAGE_SECTION_patterns, &pattern);
}

/* Without the slash at the end of a prefix. */
static struct image_text path_of(struct build *build, enum build_path type, const char *path)
{
	size_t length = strlen(path), segments = 0;

	for (size_t i = 0; i < length; i++)
		segments += path[i] == '/';
	if (*path != '/' || length > BUILD_PATH_MAX ||
	    (type == BUILD_PREFIX && segments > BUILD_SEGMENTS_MAX))
		fail(build, -EINVAL, "the path %.40s does not begin with /, or is too long", path);
	if (type == BUILD_PREFIX && length && path[length - 1] == '/')
		length--;
	return text_of(build, path, length);
}

void build_match(struct build *build, const struct build_match *from)
{
	struct image_route *route = route_with(build, IMAGE_NONE);
	const char *path = from->path ? from->path : "/";
	struct build_want want = {.type = from->path ? (uint8_t)from->type : BUILD_PREFIX};

	if (!route)
		return;
	want.tenant = route->tenant;
	want.listener = route->listener;
	want.rule.route = build_count(build, IMAGE_SECTION_routes) - 1;
	want.rule.methods = from->methods;
	want.rule.headers = conditions(build, from->headers, from->header_count, true);
	want.rule.queries = conditions(build, from->queries, from->query_count, false);
	want.rule.pattern = IMAGE_NONE;
	if (want.type == BUILD_PATTERN)
		want.rule.pattern = pattern(build, path);
	else
		want.path = path_of(build, (enum build_path)want.type, path);
	build_push(build, &build->matches, &want);
}

void build_own_path(struct build *build, uint32_t tenant, const char *path)
{
	struct image_own_path own = {.tenant = tenant, .path = path_of(build, BUILD_PREFIX, path)};

	if (!build->error && !own.path.length)
		fail(build, -EINVAL, "no tenant can have every path");
	if (known(build, IMAGE_SECTION_tenants, tenant, "tenant"))
		build_add(build, IMAGE_SECTION_own_paths, &own);
}

/* --- as a whole --------------------------------------------------------------------------------
 */

static int lay_out(struct build *build, void **ret_image, size_t *ret_size)
{
	struct image_head head = {
		.magic = IMAGE_MAGIC,
		.version = IMAGE_VERSION,
		.head_size = sizeof(head),
		.seed = build->seed,
		.wildcard_depths = build->wildcard_depths,
		.own_depths = build->own_depths,
		.generation = build->generation,
		.limits = build->limits,
	};
	uint64_t size = BUILD_STRINGS_AT;
	char *bytes;

	for (size_t i = 0; i < IMAGE_SECTIONS; i++) {
		head.sections[i].at = (uint32_t)size;
		head.sections[i].count = build->lists[i].count;
		size += (uint64_t)build->lists[i].count * build->lists[i].size;
		size = (size + 7) / 8 * 8;
		if (size > UINT32_MAX)
			return -EFBIG;
	}
	bytes = calloc(1, size);
	if (!bytes)
		return -ENOMEM;
	head.size = size;
	memcpy(head.secret, build->secret, sizeof(head.secret));
	memcpy(bytes, &head, sizeof(head));
	for (size_t i = 0; i < IMAGE_SECTIONS; i++)
		if (build->lists[i].count)
			memcpy(bytes + head.sections[i].at, build->lists[i].items,
			       (size_t)build->lists[i].count * build->lists[i].size);
	*ret_image = bytes;
	*ret_size = size;
	return 0;
}

int build_finish(struct build *build, void **ret_image, size_t *ret_size, struct err *err)
{
	int error;

	close_route(build);
	text(build, "");
	error = build->error ? build->error : build_index(build);
	if (error)
		return err_set(err, error, "%s", build->why.text);
	error = lay_out(build, ret_image, ret_size);
	if (error)
		err_set(err, error, "the routes do not fit into memory, or into 4 GiB");
	return error;
}
