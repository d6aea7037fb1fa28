// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "load.h"

#include <errno.h>
#include <string.h>

#include "check.h"
#include "documents.h"
#include "parse.h"
#include "quote.h"

static int take_text(struct load *load, const char *file, const char *text, size_t length, bool api)
{
	const struct tree_node *last = load->tree.last_document;
	const char *name = tree_take_text(&load->tree, file, strlen(file));
	struct tree_node *document;
	bool any = false;
	int r;

	if (!name)
		return -ENOMEM;
	r = parse_yaml(&load->tree, name, text, length, &load->errors);
	if (r < 0) {
		load->incomplete = true;
		return r == -ENOMEM ? r : 0;
	}
	for (document = last ? last->next : load->tree.documents; document;
	     document = document->next) {
		document->api = api;
		any |= document->type != TREE_NOTHING;
	}
	if (any)
		return 0;
	load->incomplete = true;
	errors_add(&load->errors, (struct place){name, 0, 0},
		   "holds no document; it must start with \"apiVersion: mtlb/v1\" and \"kind: "
		   "Platform\", \"kind: PlatformPart\" or \"kind: TenantConfig\"");
	return 0;
}

int load_text(struct load *load, const char *file, const char *text, size_t length)
{
	return take_text(load, file, text, length, false);
}

int load_api_text(struct load *load, const char *file, const char *text, size_t length)
{
	return take_text(load, file, text, length, true);
}

static void refuse_kind(struct load *load, const struct tree_node *document)
{
	const struct tree_node *kind = tree_get(document, "kind");
	struct suggest near;

	load->incomplete = true;
	if (document->type != TREE_MAP) {
		errors_add(&load->errors, tree_place(document),
			   "a document must be a map that starts with \"apiVersion: mtlb/v1\"");
		return;
	}
	if (!kind || kind->type != TREE_SCALAR) {
		errors_add(&load->errors, kind ? tree_key_place(kind) : tree_place(document),
			   "the document has no \"kind\"; it must be \"Platform\", "
			   "\"PlatformPart\" or \"TenantConfig\"");
		return;
	}
	suggest_init(&near, kind->text);
	suggest_offer(&near, "Platform");
	suggest_offer(&near, "PlatformPart");
	suggest_offer(&near, "TenantConfig");
	errors_add(&load->errors, tree_place(kind),
		   "unknown kind %s; it must be \"Platform\", \"PlatformPart\" or "
		   "\"TenantConfig\"%s",
		   quote(kind->text).text, suggest_tail(&near).text);
}

/* Checks each document by itself; returns the Platform document, NULL if there is none. */
static struct tree_node *check_documents(struct load *load, struct check *check)
{
	struct tree_node *platform = NULL;

	for (struct tree_node *document = load->tree.documents; document;
	     document = document->next) {
		if (document->type == TREE_NOTHING)
			continue; /* nothing between two lines of "---" */
		if (documents_is(document, "Platform")) {
			schema_check(document, SCHEMA_OBJECT_platform, &load->errors);
			if (platform)
				check_report_twice(check, document, platform,
						   "a second Platform document; put all into one");
			else
				platform = document;
		} else if (documents_is(document, "PlatformPart")) {
			schema_check(document, SCHEMA_OBJECT_platform_part, &load->errors);
		} else if (documents_is(document, "TenantConfig")) {
			schema_check(document, SCHEMA_OBJECT_tenant_config, &load->errors);
		} else {
			refuse_kind(load, document);
		}
	}
	return platform;
}

struct load_secret load_tokens_of(const struct tree_node *platform)
{
	const struct tree_node *api = schema_find(platform, SCHEMA_platform_api);
	const struct tree_node *file = schema_find(api, SCHEMA_api_tokensFile);

	return file ? (struct load_secret){file->text, tree_place(file)} : (struct load_secret){};
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
	struct tree_node *platform;
	const struct tree_node *document;
	int r = 0;

	*ret_config = (struct config){};
	platform = check_documents(load, &check);
	*ret_secret = load_secret_of(platform);
	load->tokens = load_tokens_of(platform);
	if (load->checked)
		r = load->checked(load, load->context);
	if (r == 0)
		r = documents_merge(load, platform);
	if (r == 0 && platform)
		r = check_platform(&check, platform);
	else if (r == 0 && !load->incomplete)
		errors_add(&load->errors, (struct place){path, 0, 0},
			   "holds no Platform document; exactly one is needed");
	for (document = load->tree.documents; document && r == 0; document = document->next)
		if (documents_is(document, "TenantConfig") && !document->bad)
			r = check_tenant(&check, document);
	if (r == 0)
		r = check_idle_fronts(&check);
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
	errors_fini(&load->notes);
}
