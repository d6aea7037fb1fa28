// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Platform's api and node.metrics: where the agent is talked to; where it keeps what tenants use;
 * which scripts it has. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "edit.h"
#include "files.h"

/* The path that a key gives, taken from the file that names it; NULL when it gives none. */
static int take_path(const struct tree_node *api, enum schema_key key, char **ret_path)
{
	const struct tree_node *node = schema_find(api, key);

	if (!node)
		return 0;
	*ret_path = files_resolve(node->text, tree_place(node));
	return *ret_path ? 0 : -ENOMEM;
}

static void check_needs(struct check *check, const struct tree_node *api,
			const struct tree_node *listen)
{
	static const enum schema_key needed[] = {SCHEMA_api_certFile, SCHEMA_api_keyFile,
						 SCHEMA_api_tokensFile};

	for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++)
		if (!schema_written(api, needed[i]))
			errors_add(
				check->errors, tree_key_place(listen),
				"\"listen\" needs \"%s\" as well: the API answers over TLS only, "
				"and only those it knows",
				schema_rows[needed[i]].key);
}

static void check_address(struct check *check, const struct tree_node *api)
{
	const struct tree_node *listen = schema_find(api, SCHEMA_api_listen);
	struct config_api *to = &check->config->api;

	if (!listen)
		return;
	if (addr_parse_endpoint(listen->text, &to->address, &to->port) || !to->port)
		errors_add(check->errors, tree_place(listen),
			   "\"listen\" needs a port, such as \"127.0.0.1:9463\" or \"[::1]:9463\"");
	check_needs(check, api, listen);
}

void check_metrics(struct check *check, const struct tree_node *platform)
{
	const struct tree_node *node = schema_find(platform, SCHEMA_platform_node);
	const struct tree_node *metrics = schema_find(node, SCHEMA_node_metrics);
	const struct tree_node *listen = schema_find(metrics, SCHEMA_metrics_listen);
	struct config_metrics *to = &check->config->metrics;
	const struct config_api *api = &check->config->api;

	to->top = (uint32_t)schema_number(metrics, SCHEMA_metrics_top);
	to->members = (uint32_t)schema_number(metrics, SCHEMA_metrics_members);
	if (!listen)
		return;
	if (addr_parse_endpoint(listen->text, &to->address, &to->port) || !to->port)
		errors_add(check->errors, tree_place(listen),
			   "\"listen\" needs a port, such as \"127.0.0.1:9464\" or \"[::1]:9464\"");
	else if (to->port == api->port && !addr_compare(&to->address, &api->address))
		errors_add(check->errors, tree_place(listen),
			   "the API answers at %s (api.listen): metrics need another port",
			   listen->text);
}

int check_api(struct check *check, const struct tree_node *platform)
{
	const struct tree_node *api = schema_find(platform, SCHEMA_platform_api);
	struct config_api *to = &check->config->api;
	int r;

	to->socket = strdup(schema_text(api, SCHEMA_api_socket));
	if (!to->socket)
		return -ENOMEM;
	to->tenant_writes = (uint32_t)schema_number(api, SCHEMA_api_tenantWrites);
	check_address(check, api);
	r = take_path(api, SCHEMA_api_certFile, &to->cert);
	r = r ?: take_path(api, SCHEMA_api_keyFile, &to->key);
	r = r ?: take_path(api, SCHEMA_api_clientCaFile, &to->client_ca);
	r = r ?: take_path(api, SCHEMA_api_auditFile, &to->audit);
	if (r == 0 && !to->audit) {
		to->audit = files_resolve(EDIT_FOLDER "/audit.log", tree_place(platform));
		r = to->audit ? 0 : -ENOMEM;
	}
	return r;
}

int check_usage(struct check *check, const struct tree_node *platform)
{
	const struct tree_node *node = schema_find(platform, SCHEMA_platform_node);
	const struct tree_node *usage = schema_find(node, SCHEMA_node_usage);
	struct config_usage *to = &check->config->usage;
	int r = take_path(usage, SCHEMA_usage_directory, &to->directory);

	to->flush_s = (uint32_t)schema_number(usage, SCHEMA_usage_flush);
	to->keep = (uint32_t)schema_number(usage, SCHEMA_usage_keep);
	if (r == 0 && !to->directory) {
		to->directory = files_resolve(CONFIG_USAGE_FOLDER, tree_place(platform));
		r = to->directory ? 0 : -ENOMEM;
	}
	return r;
}

int check_access_log(struct check *check, const struct tree_node *platform)
{
	const struct tree_node *log = schema_find(platform, SCHEMA_platform_accessLog);
	struct config_access_log *to = &check->config->access_log;
	const struct tree_node *query = schema_find(log, SCHEMA_access_log_query);

	to->sample = (uint32_t)schema_number(log, SCHEMA_access_log_sample);
	to->query = query && !strcmp(query->text, "true");
	return take_path(log, SCHEMA_access_log_file, &to->path);
}

/* Their names are all that tenants get to say of them. */
static int check_script_names(struct check *check, const struct tree_node *health)
{
	const struct tree_node *list = schema_find(health, SCHEMA_node_health_scripts), *item;
	int r = 0;

	for (item = list ? schema_first(list) : NULL; item && r != -ENOMEM;
	     item = schema_next(item))
		r = check_add_name(check, &check->scripts, item, 0, "script");
	return r == -ENOMEM ? r : 0;
}

int check_scripts(struct check *check, const struct tree_node *platform)
{
	const struct tree_node *node = schema_find(platform, SCHEMA_platform_node);
	const struct tree_node *health = schema_find(node, SCHEMA_node_health);
	struct config_scripts *to = &check->config->scripts;
	int r;

	check->scripts_known = node && (health || !schema_written(node, SCHEMA_node_health)) &&
			       !(schema_written(health, SCHEMA_node_health_scripts) &&
				 !schema_find(health, SCHEMA_node_health_scripts));
	if (!health)
		return 0;
	r = take_path(health, SCHEMA_node_health_scriptDirectory, &to->directory);
	to->user = strdup(schema_text(health, SCHEMA_node_health_scriptUser));
	to->at_once = (uint32_t)schema_number(health, SCHEMA_node_health_scriptsAtOnce);
	return r ?: to->user ? check_script_names(check, health) : -ENOMEM;
}
