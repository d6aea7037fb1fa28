// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "documents.h"

#include <errno.h>
#include <string.h>

#include "names.h"
#include "schema.h"

/* Of Platform, and of PlatformPart. */
struct list {
	const char *key, *what;
	enum schema_key whole, part;
};

static const struct list lists[] = {
	{"vips", "VIP", SCHEMA_platform_vips, SCHEMA_platform_part_vips},
	{"tiers", "tier", SCHEMA_platform_tiers, SCHEMA_platform_part_tiers},
	{"tenants", "tenant", SCHEMA_platform_tenants, SCHEMA_platform_part_tenants},
};

bool documents_is(const struct tree_node *document, const char *kind)
{
	const char *text = tree_get_text(document, "kind");

	return text && strcmp(text, kind) == 0;
}

static bool is_named(const struct tree_node *item, const char *key, const char *name)
{
	const char *text = tree_get_text(item, key);

	return text && strcmp(text, name) == 0;
}

struct tree_node *documents_find(const struct load *load, const char *list, const char *name,
				 bool api, struct tree_node **ret_document)
{
	struct tree_node *document, *items, *item;

	for (document = load->tree.documents; document; document = document->next) {
		if (document->api != api || (!documents_is(document, "Platform") &&
					     !documents_is(document, "PlatformPart")))
			continue;
		items = tree_get(document, list);
		for (item = items ? items->first : NULL; item; item = item->next)
			if (is_named(item, "name", name)) {
				if (ret_document)
					*ret_document = document;
				return item;
			}
	}
	return NULL;
}

struct tree_node *documents_find_config(const struct load *load, const char *tenant, bool api)
{
	struct tree_node *document;

	for (document = load->tree.documents; document; document = document->next)
		if (document->api == api && documents_is(document, "TenantConfig") &&
		    is_named(tree_get(document, "metadata"), "tenant", tenant))
			return document;
	return NULL;
}

/* Names are unique as far as this goes: that one is there twice is reported later. */
static int take_names(struct names *names, const struct tree_node *list)
{
	struct names_entry *entry;
	int r = 0;

	for (const struct tree_node *item = schema_first(list); item && r != -ENOMEM;
	     item = schema_next(item)) {
		const char *name = tree_get_text(item, "name");

		if (name)
			r = names_add(names, name, item, 0, &entry);
	}
	return r == -ENOMEM ? r : 0;
}

static void leave_out(struct load *load, struct tree_node *node, const struct tree_node *kept,
		      const char *what, const char *name)
{
	node->bad = true;
	errors_add(&load->notes, tree_place(node),
		   "%s \"%s\" is left out: the API keeps it, in %s (`mtlb tenant release` gives it "
		   "back to the files)",
		   what, name, kept->file);
}

static void shadow(struct load *load, const struct names *names, const struct list *list,
		   struct tree_node *items)
{
	for (struct tree_node *item = items ? items->first : NULL; item; item = item->next) {
		const char *name = item->bad ? NULL : tree_get_text(item, "name");
		const struct names_entry *entry = name ? names_find(names, name) : NULL;

		if (entry)
			leave_out(load, item, entry->node, list->what, name);
	}
}

/* The list of a document, when it is as the schema wants it. */
static struct tree_node *items_of(const struct tree_node *document, const struct list *list,
				  enum schema_key key)
{
	struct tree_node *items = tree_get(document, list->key);

	return items && items->key_id == (int)key ? items : NULL;
}

/* Platform's own list, made if it has none. NULL: it is wrong, which has been reported, or there is
 * no memory.
 */
static struct tree_node *whole_of(struct load *load, struct tree_node *platform,
				  const struct list *list)
{
	struct tree_node *whole = items_of(platform, list, list->whole);

	if (whole || schema_written(platform, list->whole))
		return whole;
	whole = tree_make(&load->tree, TREE_LIST);
	if (!whole)
		return NULL;
	tree_append(platform, list->key, whole);
	whole->key_id = (int16_t)list->whole;
	whole->file = platform->file;
	whole->line = platform->line;
	whole->column = platform->column;
	return whole;
}

/* The items of all parts go to the end of the whole. */
static int splice(struct load *load, struct tree_node *platform, const struct list *list)
{
	struct tree_node *whole = NULL, **end = NULL, *document, *items;

	for (document = load->tree.documents; document; document = document->next) {
		items = documents_is(document, "PlatformPart")
				? items_of(document, list, list->part)
				: NULL;
		if (!items || !items->first)
			continue;
		if (!whole) {
			whole = whole_of(load, platform, list);
			if (!whole)
				return schema_written(platform, list->whole) ? 0 : -ENOMEM;
			for (end = &whole->first; *end;)
				end = &(*end)->next;
		}
		*end = items->first;
		whole->count += items->count;
		items->first = NULL;
		items->count = 0;
		while (*end)
			end = &(*end)->next;
	}
	return 0;
}

static int merge_list(struct load *load, struct tree_node *platform, const struct list *list)
{
	struct tree_node *document;
	struct names names = {};
	int r = 0;

	for (document = load->tree.documents; document && r == 0; document = document->next)
		if (document->api)
			r = take_names(&names, items_of(document, list, list->part));
	for (document = load->tree.documents; document && names.entries; document = document->next)
		if (!document->api) {
			shadow(load, &names, list, items_of(document, list, list->whole));
			shadow(load, &names, list, items_of(document, list, list->part));
		}
	names_fini(&names);
	return r ?: splice(load, platform, list);
}

static const char *tenant_of(const struct tree_node *document)
{
	return documents_is(document, "TenantConfig")
		       ? tree_get_text(tree_get(document, "metadata"), "tenant")
		       : NULL;
}

static int merge_configs(struct load *load)
{
	struct tree_node *document;
	struct names_entry *entry;
	struct names names = {};
	int r = 0;

	for (document = load->tree.documents; document && r != -ENOMEM; document = document->next)
		if (document->api && tenant_of(document))
			r = names_add(&names, tenant_of(document), document, 0, &entry);
	for (document = load->tree.documents; document && r != -ENOMEM; document = document->next) {
		const char *tenant = document->api ? NULL : tenant_of(document);

		entry = tenant ? names_find(&names, tenant) : NULL;
		if (entry)
			leave_out(load, document, entry->node, "the TenantConfig of tenant",
				  tenant);
	}
	names_fini(&names);
	return r == -ENOMEM ? r : 0;
}

int documents_merge(struct load *load, struct tree_node *platform)
{
	int r = merge_configs(load);

	for (size_t i = 0; platform && r == 0 && i < sizeof(lists) / sizeof(lists[0]); i++)
		r = merge_list(load, platform, &lists[i]);
	return r;
}
