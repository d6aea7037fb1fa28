// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "read.h"
#include "renew.h"
#include "tokens.h"

int config_load(const char *path, struct config *ret_config, struct config_errors *ret_errors)
{
	return config_load_files(path, ret_config, ret_errors, NULL);
}

int config_load_files(const char *path, struct config *ret_config, struct config_errors *ret_errors,
		      struct renew_files *ret_read)
{
	struct load load = {};
	int r;

	*ret_errors = (struct config_errors){};
	r = read_files(path, &load, ret_read);
	if (r == 0)
		r = read_check(&load, path, ret_config, ret_errors);
	if (r == 0 && ret_read)
		renew_note_documents(ret_read, &load.tree);
	load_fini(&load);
	return r;
}

static char *copy_path(const char *path, bool *whole)
{
	char *copy = path ? strdup(path) : NULL;

	*whole = *whole && (copy || !path);
	return copy;
}

/* Its tokens are read from their file each time. */
static bool copy_api(const struct config_api *from, struct config_api *to)
{
	bool whole = true;

	*to = *from;
	to->socket = copy_path(from->socket, &whole);
	to->cert = copy_path(from->cert, &whole);
	to->key = copy_path(from->key, &whole);
	to->client_ca = copy_path(from->client_ca, &whole);
	to->audit = copy_path(from->audit, &whole);
	to->tokens = NULL;
	return whole;
}

static void listeners_fini(struct config *config)
{
	for (size_t i = 0; i < config->listener_count; i++) {
		free(config->listeners[i].addresses);
		free(config->listeners[i].trusted);
		free(config->listeners[i].proxies);
	}
	free(config->listeners);
}

static void *copy_list(const void *from, size_t count, size_t size, bool *whole)
{
	void *copy = calloc(count + 1, size);

	if (copy && count)
		memcpy(copy, from, count * size);
	*whole = *whole && copy;
	return copy;
}

static void copy_listeners(const struct config *from, struct config *to, bool *whole)
{
	to->listeners =
		copy_list(from->listeners, from->listener_count, sizeof(*to->listeners), whole);
	to->listener_count = to->listeners ? from->listener_count : 0;
	for (size_t i = 0; i < to->listener_count; i++) {
		struct config_listener *listener = &to->listeners[i];

		listener->addresses = copy_list(listener->addresses, listener->address_count,
						sizeof(*listener->addresses), whole);
		listener->trusted = copy_list(listener->trusted, listener->trusted_count,
					      sizeof(*listener->trusted), whole);
		listener->proxies = copy_list(listener->proxies, listener->proxy_count,
					      sizeof(*listener->proxies), whole);
	}
}

int config_copy_node(const struct config *from, struct config *ret_to)
{
	struct config to = *from;
	bool whole = copy_api(&from->api, &to.api);

	to.usage.directory = copy_path(from->usage.directory, &whole);
	to.access_log.path = copy_path(from->access_log.path, &whole);
	to.scripts.directory = copy_path(from->scripts.directory, &whole);
	to.scripts.user = copy_path(from->scripts.user, &whole);
	copy_listeners(from, &to, &whole);
	to.notes = (struct config_errors){};
	to.state.tenants = NULL;
	to.state.tenant_count = 0;
	to.interfaces = calloc(from->interface_count + 1, sizeof(*to.interfaces));
	to.nat_sources = calloc(from->nat_source_count + 1, sizeof(*to.nat_sources));
	to.feeds = calloc(from->feed_count + 1, sizeof(*to.feeds));
	*ret_to = to;
	if (!to.interfaces || !to.nat_sources || !to.feeds || !whole) {
		ret_to->feed_count = 0;
		return -ENOMEM;
	}
	memcpy(to.interfaces, from->interfaces, from->interface_count * sizeof(*to.interfaces));
	if (from->nat_source_count)
		memcpy(to.nat_sources, from->nat_sources,
		       from->nat_source_count * sizeof(*to.nat_sources));
	for (size_t i = 0; i < from->feed_count; i++) {
		to.feeds[i] = from->feeds[i];
		to.feeds[i].path = strdup(from->feeds[i].path);
		whole = whole && to.feeds[i].path;
	}
	return whole ? 0 : -ENOMEM;
}

static void api_fini(struct config_api *api)
{
	free(api->socket);
	free(api->cert);
	free(api->key);
	free(api->client_ca);
	free(api->audit);
	if (api->tokens)
		tokens_fini(api->tokens);
	free(api->tokens);
}

void config_fini(struct config *config)
{
	free(config->interfaces);
	free(config->nat_sources);
	for (size_t i = 0; i < config->feed_count; i++)
		free(config->feeds[i].path);
	free(config->feeds);
	api_fini(&config->api);
	free(config->usage.directory);
	free(config->access_log.path);
	free(config->scripts.directory);
	free(config->scripts.user);
	listeners_fini(config);
	config_errors_fini(&config->notes);
	state_fini(&config->state);
	explicit_bzero(config->hash_secret, sizeof(config->hash_secret));
	*config = (struct config){};
}

void config_errors_fini(struct config_errors *errors)
{
	for (size_t i = 0; i < errors->count; i++) {
		free(errors->list[i].file);
		free(errors->list[i].text);
	}
	free(errors->list);
	*errors = (struct config_errors){};
}

char *config_error_format(const struct config_error *error, char *text, size_t size)
{
	if (error->line)
		snprintf(text, size, "%s:%d:%d: %s", error->file, error->line, error->column,
			 error->text);
	else
		snprintf(text, size, "%s: %s", error->file, error->text);
	return text;
}
