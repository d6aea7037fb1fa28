// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The certificates of a TenantConfig: for servers that are the tenant's, each with one; and what
 * its pools have for TLS with backends. What is in their files is looked at by certificate_file.h.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check_tenant.h"
#include "files.h"
#include "l7/hash.h"

#define FOLDER "certificates"

/* A folder for each tenant: whoever writes a tenant's document cannot name another one's key. */
static int take_file(const struct tenant_check *in, struct wanted *wanted,
		     const struct tree_node *item, enum schema_key key, struct wanted_file *to)
{
	const struct tree_node *node = schema_find(item, key), *platform = in->check->platform;
	char *path, *resolved;

	if (!node || !platform)
		return 0;
	if (asprintf(&path, FOLDER "/%s/%s", in->tenant->name, node->text) < 0)
		return -ENOMEM;
	resolved = files_resolve(path, tree_place(platform));
	*to = (struct wanted_file){
		.path = resolved ? wanted_text(wanted, resolved) : NULL,
		.file = wanted_text(wanted, node->file),
		.line = node->line,
		.column = node->column,
	};
	free(resolved);
	free(path);
	return to->path && to->file ? 0 : -ENOMEM;
}

static int take_hostname(struct tenant_check *in, struct wanted *wanted, struct names *servers,
			 const struct tree_node *node, struct wanted_certificate *to)
{
	char *name = (char *)wanted_text(wanted, node->text);
	const struct names_entry *entry;

	if (!name)
		return -ENOMEM;
	for (char *at = name; *at; at++)
		*at = hash_lower(*at);
	if (in->index != CHECK_NOBODY && !check_is_own_host(in, name)) {
		check_refuse_host(in, node);
		return 0;
	}
	entry = names_find(servers, name);
	if (entry) {
		check_report_twice(in->check, node, entry->node, "\"%s\" has a certificate already",
				   name);
		return 0;
	}
	to->hostnames[to->hostname_count++] = name;
	return names_add(servers, name, node, 0, &(struct names_entry *){NULL});
}

static void check_client_auth(struct tenant_check *in, const struct tree_node *item,
			      struct wanted_certificate *to)
{
	const struct tree_node *auth = schema_find(item, SCHEMA_certificate_clientAuth);
	const struct tree_node *ca = schema_find(item, SCHEMA_certificate_clientCaFile);

	to->client_auth =
		(enum image_client_auth)schema_number(item, SCHEMA_certificate_clientAuth);
	if (to->client_auth && !schema_written(item, SCHEMA_certificate_clientCaFile))
		errors_add(
			in->check->errors, tree_place(auth),
			"\"clientAuth\" needs \"clientCaFile\", by whom clients' certificates are "
			"to be");
	else if (ca && !to->client_auth &&
		 (auth || !schema_written(item, SCHEMA_certificate_clientAuth)))
		errors_add(in->check->errors, tree_key_place(ca),
			   "\"clientCaFile\" does nothing without \"clientAuth: optional\" or "
			   "\"clientAuth: required\"");
}

static int check_certificate(struct tenant_check *in, struct wanted *wanted, struct names *names,
			     struct names *servers, const struct tree_node *item)
{
	const struct tree_node *name = schema_find(item, SCHEMA_certificate_name), *node;
	const struct tree_node *list = schema_find(item, SCHEMA_certificate_hostnames);
	struct wanted_certificate *to = &wanted->certificates[wanted->certificate_count];
	int r = name ? check_add_name(in->check, names, name, 0, "certificate") : 0;

	if (r == -ENOMEM)
		return r;
	wanted->certificate_count++;
	to->name = wanted_text(wanted, name ? name->text : "?");
	to->hostnames = wanted_take(wanted, list ? list->count : 0, sizeof(*to->hostnames));
	r = to->name && to->hostnames ? 0 : -ENOMEM;
	for (node = schema_first(list); !r && node; node = schema_next(node))
		r = take_hostname(in, wanted, servers, node, to);
	r = r ?: take_file(in, wanted, item, SCHEMA_certificate_certFile, &to->cert);
	r = r ?: take_file(in, wanted, item, SCHEMA_certificate_keyFile, &to->key);
	r = r ?: take_file(in, wanted, item, SCHEMA_certificate_ocspFile, &to->ocsp);
	r = r ?: take_file(in, wanted, item, SCHEMA_certificate_clientCaFile, &to->client_ca);
	check_client_auth(in, item, to);
	return r;
}

int check_certificates(struct tenant_check *in, const struct tree_node *list)
{
	struct wanted *wanted = in->tenant->l7;
	struct names names = {}, servers = {};
	const struct tree_node *item;
	int r = 0;

	if (!list || !list->count)
		return 0;
	wanted->certificates = wanted_take(wanted, list->count, sizeof(*wanted->certificates));
	if (!wanted->certificates)
		return -ENOMEM;
	for (item = schema_first(list); !r && item; item = schema_next(item))
		r = check_certificate(in, wanted, &names, &servers, item);
	names_fini(&names);
	names_fini(&servers);
	return r;
}

/* --- of pools ----------------------------------------------------------------------------------
 */

static void check_verify(struct check *check, const struct tree_node *tls, bool verify)
{
	const struct tree_node *ca = schema_find(tls, SCHEMA_pool_tls_caFile);

	if (verify && !schema_written(tls, SCHEMA_pool_tls_caFile))
		errors_add(check->errors, tree_place(tls),
			   "\"tls\" needs \"caFile\", by whom backends' certificates are to be; or "
			   "write "
			   "\"verify: none\" to take any");
	if (!verify && ca)
		errors_add(check->errors, tree_key_place(ca),
			   "\"caFile\" does nothing with \"verify: none\"; leave one of them out");
}

static void check_pair(struct check *check, const struct tree_node *tls)
{
	bool cert = schema_written(tls, SCHEMA_pool_tls_certFile);

	if (cert != schema_written(tls, SCHEMA_pool_tls_keyFile))
		errors_add(check->errors, tree_place(tls),
			   "\"%s\" needs \"%s\" as well; give both of one pair",
			   cert ? "certFile" : "keyFile", cert ? "keyFile" : "certFile");
}

void check_pool_tls(struct check *check, const struct tree_node *tls)
{
	if (!tls)
		return;
	if (schema_find(tls, SCHEMA_pool_tls_verify) ||
	    !schema_written(tls, SCHEMA_pool_tls_verify))
		check_verify(check, tls, !schema_number(tls, SCHEMA_pool_tls_verify));
	check_pair(check, tls);
}

int check_take_pool_tls(const struct tenant_check *in, struct wanted *wanted,
			const struct tree_node *tls, struct wanted_pool *pool)
{
	struct wanted_certificate *to = &wanted->pool_tls[wanted->pool_tls_count];
	const char *name = schema_text(tls, SCHEMA_pool_tls_serverName);
	int r;

	if (!tls)
		return 0;
	pool->pool.tls = schema_number(tls, SCHEMA_pool_tls_verify) ? IMAGE_TLS_UNVERIFIED
								    : IMAGE_TLS_VERIFIED;
	pool->pool.tls_name = name ? wanted_text(wanted, name) : NULL;
	to->of_pool = true;
	to->name = pool->pool.name;
	r = name && !pool->pool.tls_name ? -ENOMEM : 0;
	r = r ?: take_file(in, wanted, tls, SCHEMA_pool_tls_caFile, &to->client_ca);
	r = r ?: take_file(in, wanted, tls, SCHEMA_pool_tls_certFile, &to->cert);
	r = r ?: take_file(in, wanted, tls, SCHEMA_pool_tls_keyFile, &to->key);
	if (r || (!to->client_ca.path && !to->cert.path))
		return r;
	wanted->pool_tls_count++;
	pool->tls = to;
	return 0;
}
