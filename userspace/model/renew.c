// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#define HASH_NONFATAL_OOM 1
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "documents.h"
#include "files.h"
#include "read.h"
#include "renew_internal.h"
#include "secret.h"

/* what the node must hold */

static void count(struct check *check, const struct state_tenant *tenant, int sign)
{
	int64_t vips = 0, members = 0;

	for (size_t i = 0; i < tenant->service_count; i++) {
		vips += (int64_t)tenant->services[i].vip_count;
		members += (int64_t)tenant->services[i].member_count;
	}
	/* modulo 2^64: what is taken away was added before */
	check->vip_entries += (uint64_t)(sign * vips);
	check->members += (uint64_t)(sign * members);
	check->services += (uint64_t)(sign * (int64_t)tenant->service_count);
	check->acl_prefixes +=
		(uint64_t)(sign * (int64_t)(tenant->acl.rule_count + tenant->acl.default_deny));
}

/* the Platform document */

int renew_load_file(const struct renew_file *file, struct load *load)
{
	struct place place = {file->path, 0, 0};
	char *text = NULL;
	struct stat stat;
	size_t length;
	int r = files_read(file->path, FILES_SIZE_MAX, place, &load->errors, &text, &length, &stat);

	if (r == 0 && (file->stamp.unsure || renew_is_changed(file, &stat)))
		r = -EAGAIN;
	if (r == 0)
		r = (file->api ? load_api_text : load_text)(load, file->path, text, length);
	free(text);
	if (r == 0 && load->errors.count)
		r = -EAGAIN;
	return r == -ENOMEM || r == 0 ? r : -EAGAIN;
}

static int read_platform(struct renew *renew)
{
	struct load *load = &renew->load;
	struct tree_node *platform, *document;
	int r = renew_load_file(&renew->files.list[0], load);

	platform = load->tree.documents;
	if (r < 0 || !platform || platform->next)
		return r ?: -EAGAIN;
	for (size_t i = 1; r == 0 && i < renew->files.count; i++)
		if (renew->files.list[i].part)
			r = renew_load_file(&renew->files.list[i], load);
	if (r < 0)
		return r;
	renew->check = (struct check){.errors = &load->errors, .config = &renew->granted};
	schema_check(platform, SCHEMA_OBJECT_platform, &load->errors);
	for (document = platform->next; document; document = document->next)
		if (documents_is(document, "PlatformPart"))
			schema_check(document, SCHEMA_OBJECT_platform_part, &load->errors);
	renew->secret = load_secret_of(platform);
	renew->tokens = load_tokens_of(platform);
	r = documents_merge(load, platform);
	if (r == 0)
		r = check_platform(&renew->check, platform);
	return r == 0 && load->errors.count ? -EAGAIN : r;
}

int renew_new(struct renew_files *files, const struct config *config, struct renew **ret_renew)
{
	struct renew *renew = calloc(1, sizeof(*renew));
	int r = renew ? 0 : -ENOMEM;

	*ret_renew = NULL;
	if (r == 0) {
		renew->files = *files;
		*files = (struct renew_files){};
		r = renew->files.plain && renew->files.count > 1 ? 0 : -EAGAIN;
	}
	if (r == 0)
		r = renew_index_files(renew);
	if (r == 0)
		r = read_platform(renew);
	if (r < 0) {
		renew_free(renew);
		return r == -ENOMEM ? r : 0;
	}
	for (size_t i = 0; i < config->state.tenant_count; i++)
		count(&renew->check, &config->state.tenants[i], 1);
	renew_find_folder(renew);
	*ret_renew = renew;
	return 0;
}

void renew_free(struct renew *renew)
{
	if (!renew)
		return;
	HASH_CLEAR(by_name, renew->tenants);
	HASH_CLEAR(by_name, renew->api);
	check_fini(&renew->check);
	config_fini(&renew->granted);
	load_fini(&renew->load);
	renew_files_fini(&renew->files);
	free(renew->folder);
	free(renew);
}

/* one tenant */

/* Of the tenant the Platform grants to, what one document makes of it: ret_tenant owns its lists.
 */
static int check_document(struct renew *renew, const char *name, const struct tree_node *document,
			  struct state_tenant *ret_tenant)
{
	const struct names_entry *entry = names_find(&renew->check.tenants, name);
	struct state_tenant *tenant;
	struct state_address *addresses;
	int r;

	if (!entry)
		return -EAGAIN;
	tenant = &renew->granted.state.tenants[entry->index];
	addresses = calloc(tenant->address_count + 1, sizeof(*addresses));
	if (!addresses)
		return -ENOMEM;
	r = check_tenant(&renew->check, document);
	names_fini(&renew->check.documents); /* they lead into a document that goes */
	if (tenant->address_count)
		memcpy(addresses, tenant->addresses, tenant->address_count * sizeof(*addresses));
	*ret_tenant = *tenant;
	ret_tenant->addresses = addresses;
	tenant->acl = (struct state_acl){};
	tenant->services = NULL;
	tenant->service_count = 0;
	tenant->l7 = NULL;
	tenant->nat_ports = 0;
	return r == 0 && renew->check.errors->count ? -EAGAIN : r;
}

int renew_replace(struct renew *renew, const char *name, const struct tree_node *document,
		  struct config *next, size_t *ret_number)
{
	struct state_tenant *tenant = (struct state_tenant *)state_find_tenant(&next->state, name);
	struct state alone = {.tenant_count = 1};
	int r;

	if (!tenant || !tenant->borrowed)
		return -EAGAIN; /* borrowed: two documents of one tenant changed */
	alone.tenants = calloc(1, sizeof(*alone.tenants));
	if (!alone.tenants)
		return -ENOMEM;
	count(&renew->check, tenant, -1);
	r = check_document(renew, name, document, alone.tenants);
	if (r == 0) {
		state_sort(&alone);
		*tenant = alone.tenants[0];
		*ret_number = (size_t)(tenant - next->state.tenants);
		free(alone.tenants);
		return 0;
	}
	state_fini(&alone);
	return r;
}

static int replace_from(struct renew *renew, struct renew_file *file, struct config *next,
			size_t *ret_number)
{
	struct renew_files again = {};
	struct place place = {file->path, 0, 0};
	const struct tree_node *document, *metadata;
	struct load load = {};
	const char *tenant;
	char *text = NULL;
	struct stat stat;
	size_t length;
	int r = files_read(file->path, FILES_SIZE_MAX, place, &load.errors, &text, &length, &stat);

	if (r == 0)
		r = renew_add_file(&again, file->path, false, &stat);
	if (r == 0)
		r = load_text(&load, file->path, text, length);
	free(text);
	document = load.tree.documents;
	if (r == 0 && (load.errors.count || !document || document->next ||
		       !documents_is(document, "TenantConfig")))
		r = -EAGAIN;
	if (r == 0) {
		schema_check(load.tree.documents, SCHEMA_OBJECT_tenant_config, renew->check.errors);
		metadata = schema_find(document, SCHEMA_tenant_config_metadata);
		tenant = schema_text(metadata, SCHEMA_tenant_metadata_tenant);
		if (!tenant || strcmp(tenant, file->tenant) != 0)
			r = -EAGAIN;
	}
	if (r == 0)
		r = renew_replace(renew, file->tenant, document, next, ret_number);
	if (r == 0)
		file->stamp = again.list[0].stamp;
	renew_files_fini(&again);
	load_fini(&load);
	return r;
}

/* all of it */

static int borrow_tenants(const struct state *from, struct state *to)
{
	to->tenants = calloc(from->tenant_count + 1, sizeof(*to->tenants));
	if (!to->tenants)
		return -ENOMEM;
	memcpy(to->tenants, from->tenants, from->tenant_count * sizeof(*to->tenants));
	for (size_t i = 0; i < from->tenant_count; i++)
		to->tenants[i].borrowed = true;
	to->tenant_count = from->tenant_count;
	return 0;
}

int renew_begin(const struct config *now, struct config *ret_next)
{
	return config_copy_node(now, ret_next) ?: borrow_tenants(&now->state, &ret_next->state);
}

/* The files of the secret and of tokens may have changed as well. */
static int read_secret(struct renew *renew, struct config *next)
{
	int r = renew->secret.path
			? secret_read(&renew->secret, renew->check.errors, next->hash_secret)
			: 0;

	if (r == 0 && renew->tokens.path)
		r = read_tokens(&renew->tokens, renew->check.errors, next);
	return r == -EINVAL ? -EAGAIN : r;
}

int renew_finish(struct renew *renew, struct config *next)
{
	int r = read_secret(renew, next);

	if (r < 0)
		return r;
	renew->check.config = next;
	check_capacity(&renew->check);
	renew->check.config = &renew->granted;
	return renew->check.errors->count ? -EAGAIN : 0;
}

static int compare_numbers(const void *left, const void *right)
{
	size_t a = *(const size_t *)left, b = *(const size_t *)right;

	return (a > b) - (a < b);
}

int renew_run(struct renew *renew, const struct config *now, struct config *ret_next,
	      size_t **ret_changed, size_t *ret_count)
{
	struct changed_files *changed = calloc(1, sizeof(*changed));
	struct config next = {};
	int r = changed ? renew_find_changed(renew, changed) : -ENOMEM;

	renew->hinted = false;
	if (r == 0)
		r = changed->count ? renew_check_api(renew) : -EAGAIN;
	if (r == 0)
		r = renew_begin(now, &next);
	for (size_t i = 0; r == 0 && i < changed->count; i++)
		r = replace_from(renew, &renew->files.list[changed->number[i]], &next,
				 &changed->number[i]);
	if (r == 0)
		r = renew_finish(renew, &next);
	if (r < 0) {
		config_fini(&next);
		free(changed);
		return r;
	}
	qsort(changed->number, changed->count, sizeof(*changed->number), compare_numbers);
	*ret_next = next;
	*ret_count = changed->count;
	*ret_changed = changed->number; /* the first of it */
	return 0;
}
