// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "route.h"

#include <errno.h>
#include <string.h>

#include "hash.h"
#include "pattern.h"
#include "query.h"

#define HOST_MAX     255 /* bytes of a name in the DNS */
#define LABELS_MAX   128 /* in it */
#define SEGMENTS_MAX 64	 /* of a prefix; build.h accepts no more */

static const struct {
	unsigned status;
	const char *name, *sentence;
} errors[] = {
#define ROUTE_ERROR(name, status, sentence) {status, #name, sentence},
#include "route_errors.def"
#undef ROUTE_ERROR
};

/* The row, or -1 for what is no error of route_find(). */
static int error_row(int error)
{
	if (error >= -ROUTE_ERROR_BASE || error <= -ROUTE_ERROR_END)
		return -1;
	return -error - ROUTE_ERROR_BASE - 1;
}

unsigned route_error_status(int error)
{
	return error_row(error) < 0 ? 500 : errors[error_row(error)].status;
}

const char *route_error_name(int error)
{
	return error_row(error) < 0 ? "unknown" : errors[error_row(error)].name;
}

const char *route_error_sentence(int error)
{
	return error_row(error) < 0 ? "No refusal of a route." : errors[error_row(error)].sentence;
}

/* A host name, as far as there are names in the image that it may be, or be below. */
struct walk {
	struct route_text name;
	uint64_t hash; /* of all of it */
	struct {
		size_t at; /* where what is behind the dot begins */
		uint64_t hash;
	} dots[LABELS_MAX];
	uint32_t left; /* of dots, from the name's end on, that were not looked at */
	bool exact;    /* the name itself was not, either */
};

/* One request on its way. */
struct search {
	struct image *image;
	const struct route_request *request;
	struct route_found *found;
	struct walk walk;
	uint32_t host; /* the last one that the walk came to, or IMAGE_NONE */
	/* where the path's segments end, and the hash of what is before that */
	struct {
		size_t length;
		uint64_t hash;
	} ends[SEGMENTS_MAX + 1];
	uint32_t end_count;
	uint32_t slashes;
	uint64_t path_hash; /* of all of it */
};

static struct image_range bucket(const uint32_t *buckets, uint32_t count, uint64_t hash)
{
	uint64_t index = hash & (count - 2);

	return (struct image_range){buckets[index], buckets[index + 1] - buckets[index]};
}

static bool equal_lower(const char *lower, const char *at, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (lower[i] != hash_lower(at[i]))
			return false;
	return true;
}

/* --- the host ----------------------------------------------------------------------------------
 */

static uint32_t find_host(const struct image *image, uint64_t hash, struct route_text name,
			  int wildcard, uint32_t *steps)
{
	struct image_range in;

	hash = hash_end(hash, (uint64_t)wildcard);
	in = bucket(image->host_buckets, image->host_buckets_count, hash);
	for (uint32_t i = in.first; i < in.first + in.count; i++) {
		const struct image_host *host = &image->hosts[i];

		++*steps;
		if (host->hash == hash && host->wildcard == wildcard &&
		    host->name.length == name.length &&
		    equal_lower(image_string(image, host->name), name.at, name.length))
			return i;
	}
	return IMAGE_NONE;
}

static void begin_walk(const struct image *image, struct route_text name, struct walk *walk)
{
	uint64_t hash = image->head->seed, depths = image->head->wildcard_depths;
	uint32_t labels = 0;

	walk->name = name;
	walk->left = 0;
	walk->exact = name.length <= HOST_MAX;
	for (size_t at = walk->exact ? name.length : 0; at; at--) {
		if (name.at[at - 1] == '.' && at > 1 && depths >> image_depth(++labels) & 1) {
			walk->dots[walk->left].at = at;
			walk->dots[walk->left++].hash = hash;
		}
		hash = hash_byte(hash, hash_lower(name.at[at - 1]));
	}
	walk->hash = hash;
}

/* The name itself, then the longest wildcard that it is below, and so on. */
static uint32_t next_host(const struct image *image, struct walk *walk, uint32_t *steps)
{
	uint32_t host = IMAGE_NONE;

	if (walk->exact) {
		walk->exact = false;
		host = find_host(image, walk->hash, walk->name, 0, steps);
	}
	while (host == IMAGE_NONE && walk->left) {
		size_t at = walk->dots[--walk->left].at;
		struct route_text rest = {walk->name.at + at, walk->name.length - at};

		host = find_host(image, walk->dots[walk->left].hash, rest, 1, steps);
	}
	return host;
}

static uint32_t owner(const struct image *image, struct route_text name, uint32_t *steps)
{
	struct walk walk;
	uint32_t host;

	begin_walk(image, name, &walk);
	host = next_host(image, &walk, steps);
	return host == IMAGE_NONE ? IMAGE_NONE : image->hosts[host].tenant;
}

uint32_t route_owner(const struct image *image, struct route_text host)
{
	uint32_t steps = 0;

	return owner(image, host, &steps);
}

/* --- the tenant --------------------------------------------------------------------------------
 */

static uint32_t find_tenant(const struct image *image, struct route_text name, uint32_t *steps)
{
	uint64_t hash = hash_end(hash_bytes(image->head->seed, name.at, name.length), HASH_TENANT);
	struct image_range in = bucket(image->tenant_buckets, image->tenant_buckets_count, hash);

	for (uint32_t i = in.first; i < in.first + in.count; i++) {
		const struct image_tenant_name *entry = &image->tenant_names[i];
		struct image_text text = image->tenants[entry->tenant].name;

		++*steps;
		if (entry->hash == hash && text.length == name.length &&
		    !memcmp(image_string(image, text), name.at, name.length))
			return entry->tenant;
	}
	return IMAGE_NONE;
}

/* What X-Tenant-ID says, if it counts: *ret_tenant is IMAGE_NONE if it does not, or is not there.
 */
static int told_tenant(struct search *search, uint32_t *ret_tenant)
{
	const struct route_request *request = search->request;
	struct route_text value = {0};
	unsigned times;

	*ret_tenant = IMAGE_NONE;
	if (!request->peer || !image_trusts(search->image, request->listener, request->peer))
		return 0;
	times = request->header ? request->header(request->head, "x-tenant-id", &value) : 0;
	if (!times)
		return 0;
	if (times > 1)
		return -ROUTE_ERROR_repeated_tenant;
	*ret_tenant = find_tenant(search->image, value, &search->found->steps);
	return *ret_tenant == IMAGE_NONE ? -ROUTE_ERROR_unknown_tenant : 0;
}

static bool same_name(struct route_text a, struct route_text b)
{
	if (!a.at || a.length != b.length)
		return false;
	for (size_t i = 0; i < a.length; i++)
		if (hash_lower(a.at[i]) != hash_lower(b.at[i]))
			return false;
	return true;
}

/* Of the same name as the host, as most are, nothing has to be looked up. */
static bool is_misdirected(struct search *search)
{
	const struct route_request *request = search->request;

	return request->sni.at && !same_name(request->host, request->sni) &&
	       owner(search->image, request->sni, &search->found->steps) != search->found->tenant;
}

static uint32_t find_own(struct search *search, size_t length, uint64_t hash)
{
	const struct image *image = search->image;
	struct image_range in;

	hash = hash_end(hash, HASH_OWN_PATH);
	in = bucket(image->own_path_buckets, image->own_path_buckets_count, hash);
	for (uint32_t i = in.first; i < in.first + in.count; i++) {
		const struct image_own_path *own = &image->own_paths[i];

		search->found->steps++;
		if (own->hash == hash && own->path.length == length &&
		    !memcmp(image_string(image, own->path), search->request->path.at, length))
			return own->tenant;
	}
	return IMAGE_NONE;
}

/* Whose the path is. No two tenants have one within the other's, so any that it is below tells. */
static uint32_t path_owner(struct search *search)
{
	uint64_t depths = search->image->head->own_depths;
	uint32_t tenant = IMAGE_NONE;

	if (!search->image->listeners[search->request->listener].by_path)
		return IMAGE_NONE;
	if (search->slashes <= SEGMENTS_MAX && search->slashes &&
	    depths >> (search->slashes - 1) & 1)
		tenant = find_own(search, search->request->path.length, search->path_hash);
	for (uint32_t i = search->end_count; tenant == IMAGE_NONE && i > 1; i--)
		if (depths >> (i - 2) & 1)
			tenant = find_own(search, search->ends[i - 1].length,
					  search->ends[i - 1].hash);
	return tenant;
}

/* All that says whose request it is must say the same. */
static int identify(struct search *search)
{
	const struct route_request *request = search->request;
	const struct image *image = search->image;
	struct route_found *found = search->found;
	uint32_t told, path;
	int error = told_tenant(search, &told);

	search->host = IMAGE_NONE;
	if (request->host.at) {
		begin_walk(image, request->host, &search->walk);
		search->host = next_host(image, &search->walk, &found->steps);
	}
	if (search->host != IMAGE_NONE)
		found->tenant = image->hosts[search->host].tenant;
	if (error)
		return error;
	if (told != IMAGE_NONE && found->tenant != IMAGE_NONE && told != found->tenant)
		return -ROUTE_ERROR_misdirected;
	if (found->tenant == IMAGE_NONE)
		found->tenant = told;
	path = path_owner(search);
	if (path != IMAGE_NONE && found->tenant != IMAGE_NONE && path != found->tenant)
		return -ROUTE_ERROR_another_path;
	if (found->tenant == IMAGE_NONE)
		found->tenant = path;
	if (found->tenant == IMAGE_NONE)
		return request->host.at ? -ROUTE_ERROR_unknown_host : -ROUTE_ERROR_no_host;
	return is_misdirected(search) ? -ROUTE_ERROR_misdirected : 0;
}

/* --- the rules ---------------------------------------------------------------------------------
 */

static bool text_is(const struct image *image, struct image_text text, struct route_text other)
{
	return text.length == other.length &&
	       !memcmp(image_string(image, text), other.at, other.length);
}

static bool headers_hold(const struct search *search, struct image_range range)
{
	const struct route_request *request = search->request;

	for (uint32_t i = range.first; i < range.first + range.count; i++) {
		const struct image_condition *condition = &search->image->conditions[i];
		const char *name = image_string(search->image, condition->name);
		struct route_text value;

		if (!request->header || request->header(request->head, name, &value) != 1 ||
		    !text_is(search->image, condition->value, value))
			return false;
	}
	return true;
}

static bool queries_hold(const struct search *search, struct image_range range)
{
	for (uint32_t i = range.first; i < range.first + range.count; i++) {
		const struct image_condition *condition = &search->image->conditions[i];
		struct query_text name = {image_string(search->image, condition->name),
					  condition->name.length};
		struct query_text value = {image_string(search->image, condition->value),
					   condition->value.length};
		struct query_text query = {search->request->query.at,
					   search->request->query.length};

		if (!query_has(query, name, value))
			return false;
	}
	return true;
}

/* 1, 0 or an error. */
static int rule_holds(struct search *search, const struct image_rule *rule)
{
	struct route_text path = search->request->path;
	int matches;

	search->found->steps++;
	if (rule->methods && !(rule->methods >> search->request->method & 1))
		return 0;
	if (!headers_hold(search, rule->headers) || !queries_hold(search, rule->queries))
		return 0;
	if (rule->pattern == IMAGE_NONE)
		return 1;
	matches = pattern_match(search->image, rule->pattern, path.at, path.length);
	return matches < 0 ? -ROUTE_ERROR_slow_pattern : matches;
}

/* As rule_holds(): the first of them that does. */
static int try_rules(struct search *search, struct image_range rules)
{
	for (uint32_t i = rules.first; i < rules.first + rules.count; i++) {
		int holds = rule_holds(search, &search->image->rules[i]);

		if (holds > 0)
			search->found->route = search->image->rules[i].route;
		if (holds)
			return holds;
	}
	return 0;
}

/* --- the path ----------------------------------------------------------------------------------
 */

static void hash_path(struct search *search)
{
	struct route_text path = search->request->path;
	uint64_t hash = search->image->head->seed;

	for (size_t i = 0; i < path.length; i++) {
		if (path.at[i] == '/' && search->slashes++ <= SEGMENTS_MAX) {
			search->ends[search->end_count].length = i;
			search->ends[search->end_count++].hash = hash;
		}
		hash = hash_byte(hash, path.at[i]);
	}
	search->path_hash = hash;
}

static int try_path(struct search *search, uint32_t site, enum image_path_type type, size_t length,
		    uint64_t hash)
{
	const struct image *image = search->image;
	struct image_range in;

	hash = hash_path_end(hash, site, type);
	in = bucket(image->path_buckets, image->path_buckets_count, hash);
	for (uint32_t i = in.first; i < in.first + in.count; i++) {
		const struct image_path *path = &image->paths[i];

		search->found->steps++;
		if (path->hash != hash || path->site != site || path->type != type ||
		    path->path.length != length ||
		    memcmp(image_string(image, path->path), search->request->path.at, length))
			continue;
		search->found->matched = type == IMAGE_PREFIX ? (uint32_t)length : 0;
		return try_rules(search, path->rules);
	}
	return 0;
}

/* Prefixes that are longer than "/": of as many segments only as there are any of. */
static int try_prefixes(struct search *search, uint32_t index)
{
	uint64_t depths = search->image->sites[index].prefix_depths;
	int found = 0;

	if (search->slashes <= SEGMENTS_MAX && search->slashes &&
	    depths >> (search->slashes - 1) & 1)
		found = try_path(search, index, IMAGE_PREFIX, search->request->path.length,
				 search->path_hash);
	for (uint32_t i = search->end_count; !found && i > 1; i--)
		if (depths >> (i - 2) & 1)
			found = try_path(search, index, IMAGE_PREFIX, search->ends[i - 1].length,
					 search->ends[i - 1].hash);
	return found;
}

static int try_site(struct search *search, uint32_t index)
{
	const struct image_site *site = &search->image->sites[index];
	int found = 0;

	if (site->has_exact)
		found = try_path(search, index, IMAGE_EXACT, search->request->path.length,
				 search->path_hash);
	if (!found && site->prefix_depths)
		found = try_prefixes(search, index);
	if (!found) {
		search->found->matched = 0;
		found = try_rules(search, site->patterns);
	}
	if (!found)
		found = try_path(search, index, IMAGE_PREFIX, 0, search->image->head->seed);
	return found;
}

/* The one for the listener, of a host's or a tenant's. */
static int try_sites(struct search *search, struct image_range sites)
{
	for (uint32_t i = sites.first; i < sites.first + sites.count; i++) {
		const struct image_site *site = &search->image->sites[i];

		search->found->steps++;
		if (site->listener == search->request->listener)
			return try_site(search, i);
	}
	return 0;
}

int route_find(struct image *image, const struct route_request *request,
	       struct route_found *ret_found)
{
	struct search search;
	int found;

	search.image = image;
	search.request = request;
	search.found = ret_found;
	search.end_count = search.slashes = 0;
	*ret_found = (struct route_found){.tenant = IMAGE_NONE, .route = IMAGE_NONE};
	hash_path(&search);
	found = identify(&search);
	if (found)
		return found;
	while (!found && search.host != IMAGE_NONE) {
		const struct image_host *host = &image->hosts[search.host];

		if (host->tenant == ret_found->tenant)
			found = try_sites(&search, host->sites);
		if (!found)
			search.host = next_host(image, &search.walk, &ret_found->steps);
	}
	if (!found)
		found = try_sites(&search, image->tenants[ret_found->tenant].sites);
	if (found > 0)
		return 0;
	return found ? found : -ROUTE_ERROR_no_route;
}

uint32_t route_backend(const struct image *image, uint32_t route, uint32_t random)
{
	const struct image_route *of = &image->routes[route];
	uint64_t at = ((uint64_t)random * of->total_weight) >> 32;

	for (uint32_t i = of->backends.first; i < of->backends.first + of->backends.count; i++) {
		if (at < image->backends[i].weight)
			return i;
		at -= image->backends[i].weight;
	}
	return IMAGE_NONE;
}
