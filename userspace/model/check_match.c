// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* matches of a route: paths as they are compared, and names that say one thing each. */
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "check_tenant.h"
#include "l7/path.h"
#include "l7/pattern.h"

static void check_pattern(struct route_check *r, const struct tree_node *value)
{
	char why[128];
	size_t offset;
	int error = pattern_check(value->text, strlen(value->text), why, sizeof(why), &offset);

	if (error == -EINVAL)
		errors_add(r->in->check->errors, tree_place(value),
			   "\"%s\" is no regular expression of PCRE2: %s, at character %zu",
			   value->text, why, offset + 1);
}

static void check_prefix(struct route_check *r, const struct tree_node *value)
{
	size_t slashes = 0;

	for (const char *at = value->text; *at; at++)
		slashes += *at == '/';
	if (slashes > BUILD_SEGMENTS_MAX)
		errors_add(r->in->check->errors, tree_place(value),
			   "a path prefix may have %d segments, not %zu", BUILD_SEGMENTS_MAX,
			   slashes);
}

static int check_path(struct route_check *r, const struct tree_node *path,
		      struct build_match *match)
{
	static const enum build_path types[] = {BUILD_PREFIX, BUILD_EXACT, BUILD_PATTERN};
	const struct tree_node *value = schema_find(path, SCHEMA_match_path_value);
	const char *why;

	match->type = path ? types[schema_number(path, SCHEMA_match_path_type)] : BUILD_PREFIX;
	r->all_prefixes &= match->type == BUILD_PREFIX;
	if (!value)
		return 0;
	if (match->type == BUILD_PATTERN) {
		check_pattern(r, value);
	} else {
		why = path_check(value->text);
		if (why)
			errors_add(r->in->check->errors, tree_place(value), "path \"%s\" %s",
				   value->text, why);
	}
	if (match->type == BUILD_PREFIX)
		check_prefix(r, value);
	match->path = wanted_text(r->wanted, value->text);
	return match->path ? 0 : -ENOMEM;
}

/* Names of headers are the same in any case. */
static void refuse_twice(struct route_check *r, const struct tree_node *map)
{
	for (const struct tree_node *item = map->first; item; item = item->next)
		for (const struct tree_node *first = map->first; first != item; first = first->next)
			if (!strcasecmp(item->key, first->key)) {
				errors_add(r->in->check->errors, tree_key_place(item),
					   "header \"%s\" is there twice", item->key);
				break;
			}
}

static int take_conditions(struct route_check *r, const struct tree_node *map,
			   const struct build_condition **ret_list, size_t *ret_count)
{
	struct build_condition *list = wanted_take(r->wanted, map ? map->count : 0, sizeof(*list));

	if (!list)
		return -ENOMEM;
	*ret_list = list;
	for (const struct tree_node *item = map ? map->first : NULL; item; item = item->next) {
		if (item->bad || item->type != TREE_SCALAR)
			continue;
		list->name = wanted_text(r->wanted, item->key);
		list->value = wanted_text(r->wanted, item->text);
		if (!list->name || !list->value)
			return -ENOMEM;
		list++;
		++*ret_count;
	}
	return 0;
}

static int check_match(struct route_check *r, const struct tree_node *item)
{
	/* in the order of the schema's words */
	static const enum route_method numbers[] = {ROUTE_GET,	 ROUTE_HEAD,   ROUTE_POST,
						    ROUTE_PUT,	 ROUTE_DELETE, ROUTE_OPTIONS,
						    ROUTE_PATCH, ROUTE_TRACE};
	const struct tree_node *methods = schema_find(item, SCHEMA_match_methods), *method;
	const struct tree_node *headers = schema_find(item, SCHEMA_match_headers);
	const struct tree_node *queries = schema_find(item, SCHEMA_match_query);
	struct build_match *match = &r->route->matches[r->route->match_count++];
	int error = check_path(r, schema_find(item, SCHEMA_match_path), match);

	for (method = schema_first(methods); method; method = schema_next(method))
		match->methods |= 1U << numbers[method->number];
	if (headers)
		refuse_twice(r, headers);
	if (!error)
		error = take_conditions(r, headers, &match->headers, &match->header_count);
	if (!error)
		error = take_conditions(r, queries, &match->queries, &match->query_count);
	return error;
}

int check_matches(struct route_check *r)
{
	const struct tree_node *list = schema_find(r->item, SCHEMA_route_matches), *item;
	int error = 0;

	r->all_prefixes = true;
	r->route->matches =
		wanted_take(r->wanted, list ? list->count : 0, sizeof(*r->route->matches));
	if (!r->route->matches)
		return -ENOMEM;
	for (item = schema_first(list); !error && item; item = schema_next(item))
		error = check_match(r, item);
	return error;
}
