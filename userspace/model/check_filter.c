// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* filters of a route: each with what belongs to its type, and nothing that frames or routes. */
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "check_tenant.h"
#include "l7/path.h"

#define TYPE(type) (1U << (type))
#define HEADERS	   (TYPE(IMAGE_REQUEST_HEADERS) | TYPE(IMAGE_RESPONSE_HEADERS))

/* In the order of the schema's words. */
static const enum image_filter_type types[] = {IMAGE_REQUEST_HEADERS, IMAGE_RESPONSE_HEADERS,
					       IMAGE_REDIRECT, IMAGE_REWRITE, IMAGE_MIRROR};

/* Which types a key is for. */
static const struct {
	enum schema_key key;
	unsigned types;
} keys[] = {
	{SCHEMA_filter_set, HEADERS},
	{SCHEMA_filter_add, HEADERS},
	{SCHEMA_filter_remove, HEADERS},
	{SCHEMA_filter_scheme, TYPE(IMAGE_REDIRECT)},
	{SCHEMA_filter_hostname, TYPE(IMAGE_REDIRECT) | TYPE(IMAGE_REWRITE)},
	{SCHEMA_filter_port, TYPE(IMAGE_REDIRECT)},
	{SCHEMA_filter_path, TYPE(IMAGE_REDIRECT) | TYPE(IMAGE_REWRITE)},
	{SCHEMA_filter_statusCode, TYPE(IMAGE_REDIRECT)},
	{SCHEMA_filter_pool, TYPE(IMAGE_MIRROR)},
	{SCHEMA_filter_percent, TYPE(IMAGE_MIRROR)},
};

/* Headers that say where a message ends, what a connection does, or whose request it is. */
static const char *const reserved[] = {
	"Connection",
	"Content-Length",
	"Forwarded",
	"Host",
	"Keep-Alive",
	"Proxy-Connection",
	"TE",
	"Trailer",
	"Transfer-Encoding",
	"Upgrade",
	"X-Forwarded-For",
	"X-Forwarded-Host",
	"X-Forwarded-Proto",
	"X-Tenant-ID",
};

static void check_keys(struct route_check *r, const struct tree_node *item,
		       const struct tree_node *type)
{
	unsigned bit = TYPE(types[type->number]), may = 0;
	bool any = false;

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		const struct tree_node *given = schema_find(item, keys[i].key);

		may |= keys[i].types & bit;
		any |= (keys[i].types & bit) && keys[i].key != SCHEMA_filter_statusCode &&
		       keys[i].key != SCHEMA_filter_percent && schema_written(item, keys[i].key);
		if (given && !(keys[i].types & bit))
			errors_add(r->in->check->errors, tree_key_place(given),
				   "\"%s\" has no meaning in a filter of type %s; leave it out",
				   schema_rows[keys[i].key].key, type->text);
	}
	if (may && !any)
		errors_add(r->in->check->errors, tree_place(type),
			   "this filter of type %s changes nothing; %s", type->text,
			   bit & HEADERS ? "give it \"set\", \"add\" or \"remove\""
			   : bit & TYPE(IMAGE_MIRROR)
				   ? "name the \"pool\" that gets copies"
				   : "say where to, by \"hostname\", \"path\" or such");
}

/* --- headers -----------------------------------------------------------------------------------
 */

static int add_edit(struct route_check *r, struct wanted_filter *filter, enum image_edit_type type,
		    const struct tree_node *node, const char *name, const char *value)
{
	struct wanted_edit *edit = &filter->edits[filter->edit_count];

	for (size_t i = 0; i < sizeof(reserved) / sizeof(reserved[0]); i++)
		if (!strcasecmp(name, reserved[i])) {
			errors_add(r->in->check->errors,
				   node->key ? tree_key_place(node) : tree_place(node),
				   "header \"%s\" is the proxy's own to write%s", name,
				   strcasecmp(name, "Host") ? ""
							    : "; use a filter of type URLRewrite");
			return 0;
		}
	for (size_t i = 0; i < filter->edit_count; i++)
		if (!strcasecmp(name, filter->edits[i].name)) {
			errors_add(r->in->check->errors,
				   node->key ? tree_key_place(node) : tree_place(node),
				   "header \"%s\" is there twice in one filter", name);
			return 0;
		}
	*edit = (struct wanted_edit){type, wanted_text(r->wanted, name),
				     wanted_text(r->wanted, value)};
	filter->edit_count++;
	return edit->name && edit->value ? 0 : -ENOMEM;
}

static int add_map(struct route_check *r, struct wanted_filter *filter, enum image_edit_type type,
		   const struct tree_node *map)
{
	int error = 0;

	for (const struct tree_node *item = map ? map->first : NULL; !error && item;
	     item = item->next)
		if (!item->bad && item->type == TREE_SCALAR)
			error = add_edit(r, filter, type, item, item->key, item->text);
	return error;
}

static int take_edits(struct route_check *r, const struct tree_node *item,
		      struct wanted_filter *filter)
{
	const struct tree_node *set = schema_find(item, SCHEMA_filter_set);
	const struct tree_node *add = schema_find(item, SCHEMA_filter_add);
	const struct tree_node *remove = schema_find(item, SCHEMA_filter_remove), *name;
	size_t count = (set ? set->count : 0) + (add ? add->count : 0);
	int error;

	count += remove ? remove->count : 0;
	filter->edits = wanted_take(r->wanted, count, sizeof(*filter->edits));
	if (!filter->edits)
		return -ENOMEM;
	error = add_map(r, filter, IMAGE_SET, set);
	if (!error)
		error = add_map(r, filter, IMAGE_ADD, add);
	for (name = schema_first(remove); !error && name; name = schema_next(name))
		error = add_edit(r, filter, IMAGE_REMOVE, name, name->text, "");
	return error;
}

/* --- redirect, rewrite -------------------------------------------------------------------------
 */

static int take_path(struct route_check *r, const struct tree_node *path,
		     struct build_filter *filter)
{
	const struct tree_node *type = schema_find(path, SCHEMA_path_modifier_type);
	const struct tree_node *value = schema_find(path, SCHEMA_path_modifier_value);
	const char *why = value ? path_check(value->text) : NULL;

	if (why)
		errors_add(r->in->check->errors, tree_place(value), "path \"%s\" %s", value->text,
			   why);
	if (type && type->number == 1 && !r->all_prefixes)
		errors_add(
			r->in->check->errors, tree_place(type),
			"\"ReplacePrefixMatch\" replaces what a PathPrefix matched, and a match of "
			"route \"%s\" is of another type; use \"ReplaceFullPath\", or routes of "
			"their own",
			r->name);
	if (!type || !value)
		return 0;
	filter->path_edit = type->number == 1 ? IMAGE_PATH_PREFIX : IMAGE_PATH_FULL;
	filter->path = wanted_text(r->wanted, value->text);
	return filter->path ? 0 : -ENOMEM;
}

static void check_status(struct route_check *r, const struct tree_node *item)
{
	const struct tree_node *status = schema_find(item, SCHEMA_filter_statusCode);

	if (status && (status->number == 304 || status->number == 305 || status->number == 306))
		errors_add(r->in->check->errors, tree_place(status),
			   "\"statusCode\" must be 301, 302, 303, 307 or 308, not %s",
			   status->text);
}

static int take_target(struct route_check *r, const struct tree_node *item,
		       struct build_filter *filter)
{
	const char *scheme = schema_text(item, SCHEMA_filter_scheme);
	const char *hostname = schema_text(item, SCHEMA_filter_hostname);

	check_status(r, item);
	filter->port = (uint16_t)schema_number(item, SCHEMA_filter_port);
	filter->status = (uint16_t)schema_number(item, SCHEMA_filter_statusCode);
	filter->scheme = scheme ? wanted_text(r->wanted, scheme) : NULL;
	filter->hostname = hostname ? wanted_text(r->wanted, hostname) : NULL;
	if ((scheme && !filter->scheme) || (hostname && !filter->hostname))
		return -ENOMEM;
	return take_path(r, schema_find(item, SCHEMA_filter_path), filter);
}

/* --- mirror ------------------------------------------------------------------------------------
 */

static int take_mirror(struct route_check *r, const struct tree_node *item,
		       struct build_filter *filter)
{
	const struct tree_node *name = schema_find(item, SCHEMA_filter_pool);
	struct check_pool *pool;
	size_t index = 0;
	int error = name ? check_use_pool(r, name, &pool, &index) : 0;

	filter->percent = (uint8_t)schema_number(item, SCHEMA_filter_percent);
	filter->pool = name && pool ? (uint32_t)index : IMAGE_NONE;
	if (name && pool && pool->proxy_protocol)
		errors_add(r->in->check->errors, tree_place(name),
			   "pool \"%s\" has \"proxyProtocol\", but a copy of a request is no "
			   "client's; use another pool",
			   name->text);
	return error;
}

/* --- filters -----------------------------------------------------------------------------------
 */

static int check_filter(struct route_check *r, const struct tree_node *item, unsigned *seen)
{
	const struct tree_node *type = schema_find(item, SCHEMA_filter_type);
	struct wanted_filter *filter = &r->route->filters[r->route->filter_count];
	unsigned bit = type ? TYPE(types[type->number]) : 0;

	if (!type)
		return 0;
	if (*seen & bit)
		errors_add(r->in->check->errors, tree_place(type),
			   "route \"%s\" has a second filter of type %s; put all into one", r->name,
			   type->text);
	if (*seen & bit)
		return 0;
	*seen |= bit;
	r->route->filter_count++;
	filter->filter.type = types[type->number];
	check_keys(r, item, type);
	if (bit & TYPE(IMAGE_MIRROR))
		return take_mirror(r, item, &filter->filter);
	return bit & HEADERS ? take_edits(r, item, filter) : take_target(r, item, &filter->filter);
}

int check_filters(struct route_check *r)
{
	const struct tree_node *list = schema_find(r->item, SCHEMA_route_filters), *item;
	const unsigned both = TYPE(IMAGE_REDIRECT) | TYPE(IMAGE_REWRITE);
	struct errors *errors = r->in->check->errors;
	unsigned seen = 0;
	int error = 0;

	r->route->filters =
		wanted_take(r->wanted, list ? list->count : 0, sizeof(*r->route->filters));
	if (!r->route->filters)
		return -ENOMEM;
	for (item = schema_first(list); !error && item; item = schema_next(item))
		error = check_filter(r, item, &seen);
	if ((seen & both) == both)
		errors_add(errors, tree_key_place(list),
			   "route \"%s\" has both RequestRedirect and URLRewrite, but a redirected "
			   "request goes to no backend; leave one out",
			   r->name);
	if (!(seen & TYPE(IMAGE_REDIRECT)) && !schema_written(r->item, SCHEMA_route_backendRefs))
		errors_add(
			errors, tree_place(r->item),
			"missing key \"backendRefs\" in route; it must be a list of pools, and may "
			"be left out with a filter of type RequestRedirect only");
	return error;
}
