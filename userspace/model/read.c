// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "read.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "files.h"
#include "secret.h"
#include "tokens.h"

#define TOKENS_SIZE_MAX (1 << 20)

static int take_file(const char *path, bool api, struct load *load, struct renew_files *ret_read)
{
	struct place place = {path, 0, 0};
	char *text = NULL;
	struct stat stat;
	size_t length;
	int r = files_read(path, FILES_SIZE_MAX, place, &load->errors, &text, &length, &stat);

	if (r == 0 && ret_read)
		r = renew_add_file(ret_read, path, api, &stat);
	if (r == 0)
		r = (api ? load_api_text : load_text)(load, path, text, length);
	else
		load->incomplete = true;
	free(text);
	return r == -ENOMEM ? r : 0;
}

int read_files(const char *path, struct load *load, struct renew_files *ret_read)
{
	struct files files;
	int r = files_list(path, &files, &load->errors);

	if (r == -EINVAL)
		load->incomplete = true;
	for (size_t i = 0; i < files.count && r != -ENOMEM; i++)
		r = take_file(files.paths[i], i >= files.api_first, load, ret_read);
	files_fini(&files);
	return r == -ENOMEM ? r : 0;
}

int read_file(const char *path, bool api, struct load *load)
{
	return access(path, F_OK) < 0 ? -ENOENT : take_file(path, api, load, NULL);
}

/* Unlike the hash secret it holds no secrets: who can read it learns digests of random tokens. */
int read_tokens(const struct load_secret *from, struct errors *errors, struct config *config)
{
	char *path = files_resolve(from->path, from->place), *text = NULL;
	size_t length = 0;
	int r = path ? 0 : -ENOMEM;

	if (r == 0)
		config->api.tokens = calloc(1, sizeof(*config->api.tokens));
	if (r == 0 && !config->api.tokens)
		r = -ENOMEM;
	if (r == 0)
		r = files_read(path, TOKENS_SIZE_MAX, from->place, errors, &text, &length, NULL);
	if (r == 0)
		r = tokens_parse(path, text, length, errors, config->api.tokens);
	free(text);
	free(path);
	return r;
}

int read_check(struct load *load, const char *path, struct config *ret_config,
	       struct config_errors *ret_errors)
{
	struct load_secret secret = {};
	struct config config = {};
	int r = load_check(load, path, &config, &secret);

	if (r == 0 && secret.path) {
		r = secret_read(&secret, &load->errors, config.hash_secret);
		config.has_hash_secret = r == 0;
	}
	if ((r == 0 || r == -EINVAL) && load->tokens.path) {
		int tokens = read_tokens(&load->tokens, &load->errors, &config);

		r = r ?: tokens;
	}
	if (r == 0 || r == -EINVAL)
		r = errors_finish(&load->errors, path, ret_errors);
	if (r == 0)
		r = errors_finish(&load->notes, path, &config.notes) == -ENOMEM ? -ENOMEM : 0;
	if (r < 0)
		config_fini(&config);
	else
		*ret_config = config;
	return r;
}
