// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * From what was added to what is looked up: rules in the order in which they are tried, grouped by
 * path, by host and listener; and the hash tables over them.
 */
#include "build_internal.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hash.h"

#define BUCKET_MAX 8  /* entries, or another seed is tried */
#define SEEDS_MAX  16 /* then it is as it is: slower, but right */

static int compare_numbers(uint64_t a, uint64_t b)
{
	return a < b ? -1 : a > b;
}

static int compare_texts(const struct build *build, struct image_text a, struct image_text b)
{
	uint32_t shorter = a.length < b.length ? a.length : b.length;
	int order = a.at == b.at ? 0 : memcmp(build_text(build, a), build_text(build, b), shorter);

	return order ? order : compare_numbers(a.length, b.length);
}

__attribute__((format(printf, 2, 3))) static int refuse(struct build *build, const char *format,
							...)
{
	va_list args;

	build->error = -EINVAL;
	va_start(args, format);
	vsnprintf(build->why.text, sizeof(build->why.text), format, args);
	va_end(args);
	return -EINVAL;
}

/* --- hosts -------------------------------------------------------------------------------------
 */

static int compare_hosts(const void *one, const void *other, void *context)
{
	const struct image_host *a = one, *b = other;

	if (a->wildcard != b->wildcard)
		return a->wildcard ? 1 : -1;
	return compare_texts(context, a->name, b->name);
}

static struct image_host *find_host(struct build *build, struct image_text name, bool wildcard)
{
	struct image_host key = {.name = name, .wildcard = wildcard};
	struct image_host *hosts = build_items(build, IMAGE_SECTION_hosts);
	size_t begin = 0, end = build_count(build, IMAGE_SECTION_hosts);

	while (begin < end) {
		size_t middle = begin + (end - begin) / 2;
		int order = compare_hosts(&key, &hosts[middle], build);

		if (!order)
			return &hosts[middle];
		if (order < 0)
			end = middle;
		else
			begin = middle + 1;
	}
	return NULL;
}

/* Names below a wildcard are of its tenant. */
static int check_below(struct build *build, const struct image_host *host)
{
	const char *name = build_text(build, host->name);

	for (uint32_t i = 0; i + 1 < host->name.length; i++) {
		struct image_text rest = {host->name.at + i + 1, host->name.length - i - 1};
		const struct image_host *above = NULL;

		if (name[i] == '.')
			above = find_host(build, rest, true);
		if (above && above->tenant != host->tenant)
			return refuse(build, "%s%s is below *.%s of another tenant",
				      host->wildcard ? "*." : "", name, name + i + 1);
	}
	return 0;
}

/* Sorted, each once. */
static int sort_hosts(struct build *build)
{
	struct image_host *hosts = build_items(build, IMAGE_SECTION_hosts);
	uint32_t count = build_count(build, IMAGE_SECTION_hosts), kept = 0;
	int error = 0;

	if (!count)
		return 0;
	qsort_r(hosts, count, sizeof(*hosts), compare_hosts, build);
	for (uint32_t i = 1; i < count; i++) {
		if (compare_hosts(&hosts[kept], &hosts[i], build))
			hosts[++kept] = hosts[i];
		else if (hosts[kept].tenant != hosts[i].tenant)
			return refuse(build, "%s%s is of two tenants",
				      hosts[i].wildcard ? "*." : "",
				      build_text(build, hosts[i].name));
	}
	build->lists[IMAGE_SECTION_hosts].count = kept + 1;
	for (uint32_t i = 0; !error && i <= kept; i++)
		error = check_below(build, &hosts[i]);
	return error;
}

/* --- rules, in the order in which they are tried ------------------------------------------------
 */

static int compare_sites(const struct build *build, const struct build_want *a,
			 const struct build_want *b)
{
	int order = compare_numbers(a->kind, b->kind);

	if (!order)
		order = a->kind == BUILD_NO_HOST ? compare_numbers(a->tenant, b->tenant)
						 : compare_texts(build, a->host, b->host);
	return order ? order : compare_numbers(a->listener, b->listener);
}

static int compare_paths(const struct build *build, const struct build_want *a,
			 const struct build_want *b)
{
	int order = compare_numbers(a->type, b->type);

	return order ? order : compare_texts(build, a->path, b->path);
}

static int compare_wants(const void *one, const void *other, void *context)
{
	const struct build_want *a = one, *b = other;
	int order = compare_sites(context, a, b);

	if (!order)
		order = compare_paths(context, a, b);
	if (!order)
		order = compare_numbers(!a->rule.methods, !b->rule.methods);
	if (!order)
		order = compare_numbers(b->rule.headers.count, a->rule.headers.count);
	if (!order)
		order = compare_numbers(b->rule.queries.count, a->rule.queries.count);
	return order ? order : compare_numbers(a->order, b->order);
}

static uint32_t count_byte(const struct build *build, struct image_text text, char byte)
{
	const char *at = build_text(build, text);
	uint32_t count = 0;

	for (uint32_t i = 0; i < text.length; i++)
		count += at[i] == byte;
	return count;
}

/* Wants first to first + count - 1 are of one path. */
static void add_path(struct build *build, struct image_site *site, const struct build_want *wants,
		     uint32_t count)
{
	struct image_path path = {
		.site = build_count(build, IMAGE_SECTION_sites),
		.path = wants->path,
		.type = wants->type == BUILD_EXACT ? IMAGE_EXACT : IMAGE_PREFIX,
	};
	struct image_range rules = {build_count(build, IMAGE_SECTION_rules), count};

	for (uint32_t i = 0; i < count; i++)
		build_add(build, IMAGE_SECTION_rules, &wants[i].rule);
	if (wants->type == BUILD_PATTERN) {
		site->patterns = rules;
		return;
	}
	path.rules = rules;
	build_add(build, IMAGE_SECTION_paths, &path);
	if (wants->type == BUILD_EXACT)
		site->has_exact = 1;
	else if (path.path.length)
		site->prefix_depths |= UINT64_C(1) << (count_byte(build, path.path, '/') - 1);
}

static void add_site(struct build *build, const struct build_want *wants, uint32_t count)
{
	struct image_site site = {.tenant = wants->tenant, .listener = wants->listener};
	struct image_tenant *tenants = build_items(build, IMAGE_SECTION_tenants);
	struct image_range *sites = &tenants[wants->tenant].sites;

	for (uint32_t i = 0, end; i < count; i = end) {
		for (end = i + 1; end < count; end++)
			if (compare_paths(build, &wants[i], &wants[end]))
				break;
		add_path(build, &site, &wants[i], end - i);
	}
	if (wants->kind != BUILD_NO_HOST)
		sites = &find_host(build, wants->host, wants->kind == BUILD_WILDCARD)->sites;
	if (!sites->count++)
		sites->first = build_count(build, IMAGE_SECTION_sites);
	build_add(build, IMAGE_SECTION_sites, &site);
}

static void add_sites(struct build *build)
{
	struct build_want *wants = (void *)build->wants.items;
	uint32_t count = build->wants.count;

	if (!count)
		return;
	qsort_r(wants, count, sizeof(*wants), compare_wants, build);
	for (uint32_t i = 0, end; i < count; i = end) {
		for (end = i + 1; end < count; end++)
			if (compare_sites(build, &wants[i], &wants[end]))
				break;
		add_site(build, &wants[i], end - i);
	}
}

static void note_wildcards(struct build *build)
{
	const struct image_host *hosts = build_items(build, IMAGE_SECTION_hosts);

	for (uint32_t i = 0; i < build_count(build, IMAGE_SECTION_hosts); i++)
		if (hosts[i].wildcard)
			build->wildcard_depths |=
				UINT64_C(1)
				<< image_depth(1 + count_byte(build, hosts[i].name, '.'));
}

/* --- paths that are a tenant's own --------------------------------------------------------------
 */

static int compare_own(const void *one, const void *other, void *context)
{
	const struct image_own_path *a = one, *b = other;

	return compare_texts(context, a->path, b->path);
}

static const struct image_own_path *find_own(struct build *build, struct image_text path)
{
	const struct image_own_path *own = build_items(build, IMAGE_SECTION_own_paths);
	size_t begin = 0, end = build_count(build, IMAGE_SECTION_own_paths);

	while (begin < end) {
		size_t middle = begin + (end - begin) / 2;
		int order = compare_texts(build, path, own[middle].path);

		if (!order)
			return &own[middle];
		if (order < 0)
			end = middle;
		else
			begin = middle + 1;
	}
	return NULL;
}

/* None is that of two tenants, or below one of another tenant. */
static int check_own(struct build *build, const struct image_own_path *own)
{
	const char *at = build_text(build, own->path);

	for (uint32_t i = 1; i <= own->path.length; i++) {
		const struct image_own_path *above = NULL;

		if (i == own->path.length || at[i] == '/')
			above = find_own(build, (struct image_text){own->path.at, i});
		if (above && above->tenant != own->tenant)
			return refuse(build, "the path %s is another tenant's", at);
	}
	return 0;
}

static int sort_own_paths(struct build *build)
{
	struct image_own_path *own = build_items(build, IMAGE_SECTION_own_paths);
	uint32_t count = build_count(build, IMAGE_SECTION_own_paths);
	int error = 0;

	if (count)
		qsort_r(own, count, sizeof(*own), compare_own, build);
	for (uint32_t i = 0; !error && i < count; i++) {
		error = check_own(build, &own[i]);
		build->own_depths |= UINT64_C(1) << (count_byte(build, own[i].path, '/') - 1);
	}
	return error;
}

/* --- hash tables -------------------------------------------------------------------------------
 */

static void hash_all(struct build *build)
{
	struct image_host *hosts = build_items(build, IMAGE_SECTION_hosts);
	struct image_path *paths = build_items(build, IMAGE_SECTION_paths);
	struct image_tenant_name *names = build_items(build, IMAGE_SECTION_tenant_names);
	struct image_own_path *own = build_items(build, IMAGE_SECTION_own_paths);
	const struct image_tenant *tenants = build_items(build, IMAGE_SECTION_tenants);
	struct image_server *servers = build_items(build, IMAGE_SECTION_servers);

	for (uint32_t i = 0; i < build_count(build, IMAGE_SECTION_servers); i++)
		servers[i].hash = hash_host(build->seed, build_text(build, servers[i].name),
					    servers[i].name.length, servers[i].wildcard);
	for (uint32_t i = 0; i < build_count(build, IMAGE_SECTION_hosts); i++)
		hosts[i].hash = hash_host(build->seed, build_text(build, hosts[i].name),
					  hosts[i].name.length, hosts[i].wildcard);
	for (uint32_t i = 0; i < build_count(build, IMAGE_SECTION_own_paths); i++)
		own[i].hash = hash_end(
			hash_bytes(build->seed, build_text(build, own[i].path), own[i].path.length),
			HASH_OWN_PATH);
	for (uint32_t i = 0; i < build_count(build, IMAGE_SECTION_paths); i++)
		paths[i].hash =
			hash_path_end(hash_bytes(build->seed, build_text(build, paths[i].path),
						 paths[i].path.length),
				      paths[i].site, paths[i].type);
	for (uint32_t i = 0; i < build_count(build, IMAGE_SECTION_tenant_names); i++) {
		struct image_text name = tenants[names[i].tenant].name;

		names[i].hash = hash_end(
			hash_bytes(build->seed, build_text(build, name), name.length), HASH_TENANT);
	}
}

/* The hash is the first thing in each entry. */
static uint64_t hash_at(const struct build_list *entries, uint32_t index)
{
	uint64_t hash;

	memcpy(&hash, entries->items + (size_t)index * entries->size, sizeof(hash));
	return hash;
}

static int compare_buckets(const void *one, const void *other, void *context)
{
	uint64_t mask = *(const uint64_t *)context, a, b;

	memcpy(&a, one, sizeof(a));
	memcpy(&b, other, sizeof(b));
	return compare_numbers(a & mask, b & mask) ? compare_numbers(a & mask, b & mask)
						   : compare_numbers(a, b);
}

/* Sorts entries by bucket, writes where each bucket begins. Returns the longest one's length. */
static uint32_t fill_buckets(struct build *build, enum image_section to, enum image_section from)
{
	struct build_list *entries = &build->lists[from];
	uint32_t count = 1, longest = 0, length = 0, zero = 0, *buckets;
	uint64_t mask;

	while (count < entries->count)
		count *= 2;
	mask = count - 1;
	for (build->lists[to].count = 0; build->lists[to].count <= count;)
		if (build_add(build, to, &zero), build->error)
			return 0;
	buckets = build_items(build, to);
	if (entries->count)
		qsort_r(entries->items, entries->count, entries->size, compare_buckets, &mask);
	for (uint32_t i = 0; i < entries->count; i++)
		buckets[(hash_at(entries, i) & mask) + 1]++;
	for (uint32_t i = 1; i <= count; i++) {
		length = buckets[i];
		longest = length > longest ? length : longest;
		buckets[i] += buckets[i - 1];
	}
	return longest;
}

static void fill_tables(struct build *build)
{
	uint32_t longest, length;

	for (int i = 0; !build->error && i < SEEDS_MAX; i++) {
		hash_all(build);
		longest = fill_buckets(build, IMAGE_SECTION_host_buckets, IMAGE_SECTION_hosts);
		length = fill_buckets(build, IMAGE_SECTION_path_buckets, IMAGE_SECTION_paths);
		longest = length > longest ? length : longest;
		length = fill_buckets(build, IMAGE_SECTION_tenant_buckets,
				      IMAGE_SECTION_tenant_names);
		longest = length > longest ? length : longest;
		length = fill_buckets(build, IMAGE_SECTION_own_path_buckets,
				      IMAGE_SECTION_own_paths);
		longest = length > longest ? length : longest;
		length = fill_buckets(build, IMAGE_SECTION_server_buckets, IMAGE_SECTION_servers);
		longest = length > longest ? length : longest;
		if (longest <= BUCKET_MAX)
			return;
		if (i + 1 < SEEDS_MAX)
			build->seed = hash_end(build->seed, 1);
	}
}

int build_index(struct build *build)
{
	int error = sort_hosts(build);

	if (!error)
		error = sort_own_paths(build);
	if (error)
		return error;
	add_sites(build);
	note_wildcards(build);
	for (uint32_t i = 0; i < build_count(build, IMAGE_SECTION_tenants); i++) {
		struct image_tenant_name name = {.tenant = i};

		build_add(build, IMAGE_SECTION_tenant_names, &name);
	}
	if (!build->error)
		fill_tables(build);
	return build->error;
}
