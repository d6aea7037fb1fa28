// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "files.h"
#include "load.h"
#include "renew.h"
#include "secret.h"

static int read_files(const char *path, struct load *load, struct renew_files *ret_read)
{
	struct files files;
	int r = files_list(path, &files, &load->errors);

	if (r == -EINVAL)
		load->incomplete = true;
	for (size_t i = 0; i < files.count && r != -ENOMEM; i++) {
		struct place place = {files.paths[i], 0, 0};
		char *text = NULL;
		struct stat stat;
		size_t length;

		r = files_read(files.paths[i], FILES_SIZE_MAX, place, &load->errors, &text, &length,
			       &stat);
		if (r == 0 && ret_read)
			r = renew_add_file(ret_read, files.paths[i], &stat);
		if (r == 0)
			r = load_text(load, files.paths[i], text, length);
		else
			load->incomplete = true;
		free(text);
	}
	files_fini(&files);
	return r == -ENOMEM ? r : 0;
}

int config_load(const char *path, struct config *ret_config, struct config_errors *ret_errors)
{
	return config_load_files(path, ret_config, ret_errors, NULL);
}

int config_load_files(const char *path, struct config *ret_config, struct config_errors *ret_errors,
		      struct renew_files *ret_read)
{
	struct load load = {};
	struct load_secret secret = {};
	struct config config = {};
	int r;

	*ret_errors = (struct config_errors){};
	r = read_files(path, &load, ret_read);
	if (r == 0)
		r = load_check(&load, path, &config, &secret);
	if (r == 0 && secret.path) {
		r = secret_read(&secret, &load.errors, config.hash_secret);
		config.has_hash_secret = r == 0;
	}
	if (r == 0 && ret_read)
		renew_note_tenants(ret_read, &load.tree);
	if (r != -ENOMEM)
		r = errors_finish(&load.errors, path, ret_errors);
	load_fini(&load);
	if (r < 0)
		config_fini(&config);
	else
		*ret_config = config;
	return r;
}

int config_copy_node(const struct config *from, struct config *ret_to)
{
	struct config to = *from;
	bool whole = true;

	to.state.tenants = NULL;
	to.state.tenant_count = 0;
	to.interfaces = calloc(from->interface_count + 1, sizeof(*to.interfaces));
	to.nat_sources = calloc(from->nat_source_count + 1, sizeof(*to.nat_sources));
	to.feeds = calloc(from->feed_count + 1, sizeof(*to.feeds));
	to.api_socket = strdup(from->api_socket);
	*ret_to = to;
	if (!to.interfaces || !to.nat_sources || !to.feeds || !to.api_socket) {
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

void config_fini(struct config *config)
{
	free(config->interfaces);
	free(config->nat_sources);
	for (size_t i = 0; i < config->feed_count; i++)
		free(config->feeds[i].path);
	free(config->feeds);
	free(config->api_socket);
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
