// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "edit_tree.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "parse.h"
#include "quote.h"
#include "schema.h"

static const char *const header[] = {"apiVersion", "kind", "metadata"};

static bool is_header(const char *key)
{
	for (size_t i = 0; i < sizeof(header) / sizeof(header[0]); i++)
		if (strcmp(header[i], key) == 0)
			return true;
	return false;
}

static struct tree_node *make(struct load *load, enum tree_type type, const struct tree_node *at)
{
	struct tree_node *node = tree_make(&load->tree, type);

	if (node && at) {
		node->file = at->file;
		node->line = at->line;
		node->column = at->column;
	}
	return node;
}

static struct tree_node *copy(struct load *load, const struct tree_node *node)
{
	struct tree_node *made = tree_take(&load->tree, sizeof(*made));

	if (made) {
		*made = *node;
		made->next = NULL;
	}
	return made;
}

static int set_text(struct load *load, struct tree_node *map, const char *key, const char *text)
{
	struct tree_node *node = make(load, TREE_SCALAR, map);

	if (!node)
		return -ENOMEM;
	node->text = tree_take_text(&load->tree, text, strlen(text));
	if (!node->text)
		return -ENOMEM;
	tree_append(map, key, node);
	return 0;
}

/* Puts node in the place of what the key has, or at the end; NULL: nothing. */
static void set(struct tree_node *map, const char *key, struct tree_node *node)
{
	struct tree_node *old = tree_get(map, key);

	if (old)
		tree_remove(map, old);
	if (node)
		tree_append(map, key, node);
}

static void append_document(struct load *load, struct tree_node *document)
{
	if (load->tree.last_document)
		load->tree.last_document->next = document;
	else
		load->tree.documents = document;
	load->tree.last_document = document;
}

void edit_tree_drop(struct load *load, struct tree_node *document)
{
	struct tree_node **at = &load->tree.documents, *last = NULL;

	if (!document)
		return;
	while (*at && *at != document) {
		last = *at;
		at = &last->next;
	}
	if (!*at)
		return;
	*at = document->next;
	if (load->tree.last_document == document)
		load->tree.last_document = last;
	document->next = NULL;
}

static struct tree_node *make_document(struct edit_trees *trees, const char *kind)
{
	struct load *load = trees->load;
	struct tree_node *document = tree_make(&load->tree, TREE_MAP);

	if (!document)
		return NULL;
	document->file = trees->file;
	document->api = true;
	if (set_text(load, document, "apiVersion", "mtlb/v1") ||
	    set_text(load, document, "kind", kind))
		return NULL;
	return document;
}

static struct tree_node *make_config(struct edit_trees *trees)
{
	struct tree_node *document = make_document(trees, "TenantConfig");
	struct tree_node *metadata = document ? make(trees->load, TREE_MAP, document) : NULL;

	if (!metadata || set_text(trees->load, metadata, "tenant", trees->object->tenant))
		return NULL;
	tree_append(document, "metadata", metadata);
	return document;
}

/* the body */

int edit_tree_body(struct load *load, const char *text, size_t length, struct tree_node **ret)
{
	struct tree_node *last = load->tree.last_document, *first;
	int r = parse_yaml(&load->tree, "body", text, length, &load->errors);

	first = last ? last->next : load->tree.documents;
	if (last)
		last->next = NULL;
	else
		load->tree.documents = NULL;
	load->tree.last_document = last;
	if (r < 0)
		return r;
	if (!first || first->next || first->type != TREE_MAP) {
		errors_add(&load->errors, (struct place){"body", 0, 0},
			   "the body must be one map, as JSON or YAML");
		return -EINVAL;
	}
	*ret = first;
	return 0;
}

/* What the address of the request says already may be in the body only if it is the same. */
static int expect(struct load *load, struct tree_node *body, const char *key, const char *text)
{
	struct tree_node *node = tree_get(body, key);

	if (!node)
		return 0;
	if (node->type != TREE_SCALAR || strcmp(node->text, text) != 0) {
		errors_add(&load->errors, tree_place(node),
			   "\"%s\" must be \"%s\", as in the path of the request; or leave it out",
			   key, text);
		return -EINVAL;
	}
	tree_remove(body, node);
	return 0;
}

/* map gets what is left in from. */
static void move_all(struct tree_node *map, struct tree_node *from)
{
	struct tree_node *next;

	for (struct tree_node *node = from->first; node; node = next) {
		next = node->next;
		tree_append(map, node->key, node);
	}
	from->first = NULL;
	from->count = 0;
}

/* An item {key: text, ...} out of a body. */
static int make_item(struct edit_trees *trees, struct tree_node *body, const char *key,
		     const char *text, struct tree_node **ret)
{
	struct tree_node *item = make(trees->load, TREE_MAP, body);
	int r = item ? expect(trees->load, body, key, text) : -ENOMEM;

	if (r == 0)
		r = set_text(trees->load, item, key, text);
	if (r == 0)
		move_all(item, body);
	*ret = item;
	return r;
}

/* lists */

static bool same_endpoint(const char *a, const char *b)
{
	struct addr left, right;
	uint16_t left_port, right_port;

	if (addr_parse_endpoint(a, &left, &left_port) ||
	    addr_parse_endpoint(b, &right, &right_port))
		return strcmp(a, b) == 0;
	return addr_compare(&left, &right) == 0 && left_port == right_port;
}

static struct tree_node *find_item(const struct tree_node *list, const char *key, const char *name)
{
	for (struct tree_node *item = list ? list->first : NULL; item; item = item->next) {
		const char *text = tree_get_text(item, key);

		if (text &&
		    (strcmp(key, "address") ? !strcmp(text, name) : same_endpoint(text, name)))
			return item;
	}
	return NULL;
}

/* In the place of the one that has this name, or at the end. */
static void put_item(struct tree_node *list, struct tree_node *old, struct tree_node *item)
{
	struct tree_node **at = &list->first;

	if (!old) {
		tree_append(list, NULL, item);
		return;
	}
	while (*at != old)
		at = &(*at)->next;
	item->next = old->next;
	item->key = NULL;
	*at = item;
}

static struct tree_node *need_list(struct load *load, struct tree_node *map, const char *key)
{
	struct tree_node *list = tree_get(map, key);

	if (list && list->type == TREE_LIST)
		return list;
	list = make(load, TREE_LIST, map);
	if (list)
		set(map, key, list);
	return list;
}

/* where an object of a TenantConfig is */

static const char *list_name(const struct edit_object *object)
{
	return object->kind == EDIT_SERVICE ? "services" : "pools";
}

/* The list that it is an item of, and what it is told by. */
static struct tree_node *list_of(const struct edit_object *object, const struct tree_node *config,
				 const char **ret_key, const char **ret_name)
{
	struct tree_node *list = tree_get(config, list_name(object));

	*ret_key = "name";
	*ret_name = object->name;
	if (object->kind != EDIT_BACKEND)
		return list;
	*ret_key = "address";
	*ret_name = object->backend;
	return tree_get(find_item(list, "name", object->name), "backends");
}

/* put */

static int put_config(struct edit_trees *trees, struct tree_node *body)
{
	struct tree_node *config = make_config(trees), *metadata = tree_get(body, "metadata");
	struct load *load = trees->load;
	int r;

	if (!config)
		return -ENOMEM;
	r = expect(load, body, "apiVersion", "mtlb/v1")
		    ?: expect(load, body, "kind", "TenantConfig");
	if (r == 0 && metadata) {
		r = metadata->type == TREE_MAP
			    ? expect(load, metadata, "tenant", trees->object->tenant)
			    : 0;
		if (r == 0 && !metadata->first)
			tree_remove(body, metadata);
		/* else: what else is in it is refused as a second "metadata" */
	}
	if (r < 0)
		return r;
	for (struct tree_node *node = body->first; node; node = node->next)
		if (is_header(node->key)) {
			errors_add(&load->errors, tree_key_place(node),
				   "\"%s\" has more in it than the tenant's name; leave it out",
				   node->key);
			return -EINVAL;
		}
	config->line = body->line;
	config->column = body->column;
	move_all(config, body);
	edit_tree_drop(load, trees->config);
	append_document(load, config);
	trees->config = config;
	return 0;
}

static int need_part(struct edit_trees *trees)
{
	if (trees->part)
		return 0;
	trees->part = make_document(trees, "PlatformPart");
	if (!trees->part)
		return -ENOMEM;
	append_document(trees->load, trees->part);
	return 0;
}

/*
 * VIPs that are spelled out in a tenant's own list are defined with it and go with it; those that
 * it only names must be there, or be some that came with it before.
 */
static int take_vips(struct edit_trees *trees, struct tree_node *item)
{
	struct tree_node *vips = tree_get(item, "vips"), *before = tree_get(trees->part, "vips");
	struct tree_node *own = make(trees->load, TREE_LIST, item), *next;
	struct load *load = trees->load;

	if (!own)
		return -ENOMEM;
	for (struct tree_node *vip = vips && vips->type == TREE_LIST ? vips->first : NULL; vip;
	     vip = next) {
		const char *name = vip->type == TREE_MAP ? tree_get_text(vip, "name") : vip->text;
		struct tree_node *known = name ? find_item(before, "name", name) : NULL, *defined;

		next = vip->next;
		if (vip->type != TREE_MAP && !known)
			continue;
		defined = vip->type == TREE_MAP ? copy(load, vip) : copy(load, known);
		if (!defined)
			return -ENOMEM;
		tree_append(own, NULL, defined);
		if (vip->type == TREE_MAP && name) {
			vip->type = TREE_SCALAR;
			vip->text = name;
			vip->first = NULL;
			vip->count = 0;
		}
	}
	set(trees->part, "vips", own->first ? own : NULL);
	return 0;
}

static int put_whole(struct edit_trees *trees, struct tree_node *body, const char *list)
{
	const struct edit_object *object = trees->object;
	const char *name = object->kind == EDIT_TENANT ? object->tenant : object->name;
	struct tree_node *config = object->kind == EDIT_TENANT ? tree_get(body, "config") : NULL;
	struct tree_node *items, *item;
	int r;

	if (config)
		tree_remove(body, config);
	if (config && config->type != TREE_MAP) {
		errors_add(&trees->load->errors, tree_key_place(config),
			   "\"config\" must be a map with acl, pools and services");
		return -EINVAL;
	}
	r = make_item(trees, body, "name", name, &item) ?: need_part(trees);
	if (r == 0 && object->kind == EDIT_TENANT)
		r = take_vips(trees, item);
	if (r < 0)
		return r;
	items = make(trees->load, TREE_LIST, item);
	if (!items)
		return -ENOMEM;
	tree_append(items, NULL, item);
	set(trees->part, list, items);
	trees->item = item;
	return config ? put_config(trees, config) : 0;
}

static int put_inside(struct edit_trees *trees, struct tree_node *body)
{
	const struct edit_object *object = trees->object;
	struct tree_node *list, *item, *pool;
	const char *key, *name;
	int r;

	if (!trees->config) {
		trees->config = make_config(trees);
		if (!trees->config)
			return -ENOMEM;
		append_document(trees->load, trees->config);
	}
	if (object->kind == EDIT_ACL) {
		set(trees->config, "acl", body);
		return 0;
	}
	list = need_list(trees->load, trees->config, list_name(object));
	if (!list)
		return -ENOMEM;
	if (object->kind == EDIT_BACKEND) {
		pool = find_item(list, "name", object->name);
		if (!pool) {
			errors_add(&trees->load->errors, (struct place){trees->file, 0, 0},
				   "tenant \"%s\" has no pool \"%s\"", object->tenant,
				   object->name);
			return -ENOENT;
		}
		if (!need_list(trees->load, pool, "backends"))
			return -ENOMEM;
	}
	list = list_of(object, trees->config, &key, &name);
	r = make_item(trees, body, key, name, &item);
	if (r == 0)
		put_item(list, find_item(list, key, name), item);
	return r;
}

int edit_tree_put(struct edit_trees *trees, struct tree_node *body)
{
	switch (trees->object->kind) {
	case EDIT_TENANT:
		return put_whole(trees, body, "tenants");
	case EDIT_VIP:
		return put_whole(trees, body, "vips");
	case EDIT_TIER:
		return put_whole(trees, body, "tiers");
	case EDIT_CONFIG:
		return put_config(trees, body);
	default:
		return put_inside(trees, body);
	}
}

int edit_tree_remove(struct edit_trees *trees)
{
	const char *key, *name;
	struct tree_node *list;

	if (trees->object->kind == EDIT_ACL) {
		set(trees->config, "acl", NULL);
		return 0;
	}
	list = list_of(trees->object, trees->config, &key, &name);
	tree_remove(list, find_item(list, key, name));
	return 0;
}

int edit_tree_adopt(struct edit_trees *trees, const struct tree_node *item,
		    const struct tree_node *config)
{
	struct load *load = trees->load;
	struct tree_node *made, *items;
	int r = 0;

	if (!trees->item && item) {
		made = copy(load, item);
		if (made)
			made->file = trees->file;
		items = made ? make(load, TREE_LIST, item) : NULL;
		r = items ? need_part(trees) : -ENOMEM;
		if (r < 0)
			return r;
		tree_append(items, NULL, made);
		set(trees->part, "tenants", items);
		trees->item = made;
	}
	if (!trees->config && config) {
		made = copy(load, config);
		if (!made)
			return -ENOMEM;
		made->api = true;
		made->file = trees->file;
		append_document(load, made);
		trees->config = made;
	}
	return 0;
}

/* showing */

/* All of from but what a document begins with. */
static int copy_all(struct load *load, struct tree_node *map, const struct tree_node *from)
{
	for (const struct tree_node *node = from->first; node; node = node->next) {
		struct tree_node *made = is_header(node->key) ? NULL : copy(load, node);

		if (is_header(node->key))
			continue;
		if (!made)
			return -ENOMEM;
		tree_append(map, node->key, made);
	}
	return 0;
}

/* The names of VIPs that were defined with the tenant become what they stand for. */
static int show_vips(struct load *load, struct tree_node *view, const struct tree_node *part)
{
	const struct tree_node *own = tree_get(part, "vips");
	struct tree_node *vips = tree_get(view, "vips"), *shown;

	if (!own || !vips || vips->type != TREE_LIST)
		return 0;
	shown = copy(load, vips);
	if (!shown)
		return -ENOMEM;
	shown->first = NULL;
	shown->count = 0;
	for (const struct tree_node *vip = vips->first; vip; vip = vip->next) {
		const struct tree_node *known =
			vip->type == TREE_SCALAR ? find_item(own, "name", vip->text) : NULL;
		struct tree_node *made = copy(load, known ?: vip);

		if (!made)
			return -ENOMEM;
		tree_append(shown, NULL, made);
	}
	put_item(view, vips, shown);
	shown->key = "vips";
	return 0;
}

static struct tree_node *show_config(struct load *load, struct tree_node *config)
{
	struct tree_node *view = config ? make(load, TREE_MAP, config) : NULL;

	return view && copy_all(load, view, config) == 0 ? view : NULL;
}

static struct tree_node *show_tenant(struct load *load, const struct tree_node *part,
				     const struct tree_node *item, struct tree_node *config)
{
	struct tree_node *view = make(load, TREE_MAP, item), *inside;

	if (!view || copy_all(load, view, item) || show_vips(load, view, part))
		return NULL;
	if (config) {
		inside = show_config(load, config);
		if (!inside)
			return NULL;
		tree_append(view, "config", inside);
	}
	return view;
}

/* What is wrong is marked as bad and not seen again: so it is reported here. */
static void see(struct load *load, struct tree_node *node, enum schema_object object)
{
	if (node && node->type == TREE_MAP)
		schema_check(node, object, &load->errors);
}

struct tree_node *edit_tree_view(struct load *load, const struct edit_object *object,
				 struct tree_node *part, struct tree_node *item,
				 struct tree_node *config)
{
	const struct tree_node *list;
	const char *key, *name;

	switch (object->kind) {
	case EDIT_VIP:
		see(load, item, SCHEMA_OBJECT_vip);
		return item;
	case EDIT_TIER:
		see(load, item, SCHEMA_OBJECT_tier);
		return item;
	case EDIT_TENANT:
		see(load, item, SCHEMA_OBJECT_tenant);
		see(load, config, SCHEMA_OBJECT_tenant_config);
		see(load, part, SCHEMA_OBJECT_platform_part);
		return item ? show_tenant(load, part, item, config) : NULL;
	default:
		see(load, config, SCHEMA_OBJECT_tenant_config);
	}
	if (!config)
		return NULL;
	if (object->kind == EDIT_CONFIG)
		return show_config(load, config);
	if (object->kind == EDIT_ACL)
		return tree_get(config, "acl");
	list = list_of(object, config, &key, &name);
	return find_item(list, key, name);
}

int edit_tree_text(const struct load *load, const char *file, char **ret_text)
{
	const char *before =
		"# Kept by the API of mtlbd: what is changed here is lost with its next "
		"write.\n";
	size_t length;
	FILE *out = open_memstream(ret_text, &length);
	bool any = false;

	if (!out)
		return -ENOMEM;
	for (const struct tree_node *document = load->tree.documents; document;
	     document = document->next) {
		if (!document->api || strcmp(document->file, file) != 0)
			continue;
		fputs(any ? "---\n" : before, out);
		emit_node(out, document, 0);
		fputc('\n', out);
		any = true;
	}
	if (fclose(out)) {
		free(*ret_text);
		*ret_text = NULL;
		return -ENOMEM;
	}
	if (!any) {
		free(*ret_text);
		*ret_text = NULL;
	}
	return 0;
}
