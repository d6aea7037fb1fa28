// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "load.h"

#include <errno.h>
#include <string.h>

#include "check.h"
#include "parse.h"
#include "quote.h"

int load_text(struct load *load, const char *file, const char *text, size_t length)
{
	const struct tree_node *last = load->tree.last_document;
	const char *name = tree_take_text(&load->tree, file, strlen(file));
	const struct tree_node *document;
	int r;

	if (!name)
		return -ENOMEM;
	r = parse_yaml(&load->tree, name, text, length, &load->errors);
	if (r < 0) {
		load->incomplete = true;
		return r == -ENOMEM ? r : 0;
	}
	for (document = last ? last->next : load->tree.documents; document;
	     document = document->next)
		if (document->type != TREE_NOTHING)
			return 0;
	load->incomplete = true;
	errors_add(&load->errors, (struct place){name, 0, 0},
		   "holds no document; it must start with \"apiVersion: mtlb/v1\" and \"kind: "
		   "Platform\" or \"kind: TenantConfig\"");
	return 0;
}

static const struct tree_node *find_kind(const struct tree_node *document)
{
	if (document->type == TREE_MAP)
		for (const struct tree_node *node = document->first; node; node = node->next)
			if (strcmp(node->key, "kind") == 0)
				return node;
	return NULL;
}

bool load_is_kind(const struct tree_node *document, const char *name)
{
	const struct tree_node *kind = find_kind(document);

	return kind && kind->type == TREE_SCALAR && strcmp(kind->text, name) == 0;
}

static void refuse_kind(struct load *load, const struct tree_node *document)
{
	const struct tree_node *kind = find_kind(document);
	struct suggest near;

	load->incomplete = true;
	if (document->type != TREE_MAP) {
		errors_add(&load->errors, tree_place(document),
			   "a document must be a map that starts with \"apiVersion: mtlb/v1\"");
		return;
	}
	if (!kind || kind->type != TREE_SCALAR) {
		errors_add(&load->errors, kind ? tree_key_place(kind) : tree_place(document),
			   "the document has no \"kind\"; it must be \"Platform\" or "
			   "\"TenantConfig\"");
		return;
	}
	suggest_init(&near, kind->text);
	suggest_offer(&near, "Platform");
	suggest_offer(&near, "TenantConfig");
	errors_add(&load->errors, tree_place(kind),
		   "unknown kind %s; it must be \"Platform\" or \"TenantConfig\"%s",
		   quote(kind->text).text, suggest_tail(&near).text);
}

/* Checks each document by itself; returns the Platform document, NULL if there is none. */
static const struct tree_node *check_documents(struct load *load, struct check *check)
{
	const struct tree_node *platform = NULL;

	for (struct tree_node *document = load->tree.documents; document;
	     document = document->next) {
		if (document->type == TREE_NOTHING)
			continue; /* nothing between two lines of "---" */
		if (load_is_kind(document, "Platform")) {
			schema_check(document, SCHEMA_OBJECT_platform, &load->errors);
			if (platform)
				check_report_twice(check, document, platform,
						   "a second Platform document; put all into one");
			else
				platform = document;
		} else if (load_is_kind(document, "TenantConfig")) {
			schema_check(document, SCHEMA_OBJECT_tenant_config, &load->errors);
		} else {
			refuse_kind(load, document);
		}
	}
	return platform;
}

struct load_secret load_secret_of(const struct tree_node *platform)
{
	const struct tree_node *node = schema_find(platform, SCHEMA_platform_node);
	const struct tree_node *file = schema_find(node, SCHEMA_node_hashSecretFile);

	return file ? (struct load_secret){file->text, tree_place(file)} : (struct load_secret){};
}

int load_check(struct load *load, const char *path, struct config *ret_config,
	       struct load_secret *ret_secret)
{
	struct check check = {.errors = &load->errors, .config = ret_config};
	const struct tree_node *platform, *document;
	int r = 0;

	*ret_config = (struct config){};
	platform = check_documents(load, &check);
	*ret_secret = load_secret_of(platform);
	if (platform)
		r = check_platform(&check, platform);
	else if (!load->incomplete)
		errors_add(&load->errors, (struct place){path, 0, 0},
			   "holds no Platform document; exactly one is needed");
	for (document = load->tree.documents; document && r == 0; document = document->next)
		if (load_is_kind(document, "TenantConfig"))
			r = check_tenant(&check, document);
	if (r == 0)
		check_capacity(&check);
	check_fini(&check);
	if (r == 0)
		state_sort(&ret_config->state);
	return r;
}

void load_fini(struct load *load)
{
	tree_fini(&load->tree);
	errors_fini(&load->errors);
}
