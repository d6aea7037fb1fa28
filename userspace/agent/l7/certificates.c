// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#define HASH_NONFATAL_OOM 1
#include "certificates.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uthash.h>

#include "../../base/log.h"
#include "../../model/certificate_file.h"
#include "../../model/l7/store.h"
#include "../../model/l7/wanted.h"
#include "seal.h"

#define KEY_MAX (2 * STATE_NAME_MAX + 8)

struct held {
	char name[KEY_MAX]; /* TENANT/NAME, or TENANT/pool NAME */
	struct certificate_file file;
	char *servers; /* for which it was read, as one text */
	bool good;     /* file is there */
	bool wanted;
	UT_hash_handle hh;
};

struct certificates {
	struct held *held;
	const struct held **numbers; /* as compile.h counts them */
	size_t count;
	uint8_t (*stored)[IMAGE_DIGEST_SIZE]; /* what the last store has, sorted */
	size_t stored_count;
	bool has_stored;
};

int certificates_new(struct certificates **ret_certificates)
{
	*ret_certificates = calloc(1, sizeof(**ret_certificates));
	return *ret_certificates ? 0 : -ENOMEM;
}

static void forget(struct certificates *certificates, struct held *held)
{
	HASH_DEL(certificates->held, held);
	certificate_file_fini(&held->file);
	free(held->servers);
	free(held);
}

void certificates_free(struct certificates *certificates)
{
	struct held *held, *next;

	if (!certificates)
		return;
	HASH_ITER (hh, certificates->held, held, next)
		forget(certificates, held);
	free(certificates->numbers);
	free(certificates->stored);
	free(certificates);
}

static struct held *find_or_add(struct certificates *certificates, const char *tenant,
				const struct wanted_certificate *wanted)
{
	char key[KEY_MAX];
	struct held *held;

	snprintf(key, sizeof(key), "%s/%s%s", tenant, wanted->of_pool ? "pool " : "", wanted->name);
	HASH_FIND_STR(certificates->held, key, held);
	if (held)
		return held;
	held = calloc(1, sizeof(*held));
	if (!held)
		return NULL;
	memcpy(held->name, key, sizeof(held->name));
	HASH_ADD_STR(certificates->held, name, held);
	if (!held->hh.tbl) {
		free(held);
		return NULL;
	}
	return held;
}

static char *servers_of(const struct wanted_certificate *wanted)
{
	size_t length = 1;
	char *text, *at;

	for (size_t i = 0; i < wanted->hostname_count; i++)
		length += strlen(wanted->hostnames[i]) + 1;
	text = at = malloc(length);
	for (size_t i = 0; text && i < wanted->hostname_count; i++)
		at += sprintf(at, "%s ", wanted->hostnames[i]);
	if (text)
		*at = 0;
	return text;
}

static void tell(const struct errors *errors, const struct held *held, const char *consequence)
{
	char text[1024];

	for (size_t i = 0; i < errors->count; i++)
		log_error("l7", "certificate %s%s: %s", held->name, consequence,
			  config_error_format(&errors->list[i], text, sizeof(text)));
}

static const char *consequence(const struct held *held, const struct wanted_certificate *wanted)
{
	if (held->good)
		return " stays as it was";
	return wanted->of_pool ? " cannot be used, its backends get no requests"
			       : " cannot be shown, its servers are refused";
}

/* What is wrong is told again with each reload, until it is mended. */
static int look(struct held *held, const struct wanted_certificate *wanted)
{
	struct errors errors = {}, notes = {};
	struct certificate_file file = {};
	char *servers = servers_of(wanted);
	int error = servers ? 0 : -ENOMEM;

	if (!error && held->good && !strcmp(held->servers, servers) &&
	    certificate_file_is_same(&held->file, wanted)) {
		free(servers);
		return 0;
	}
	error = error ?: certificate_file_read(wanted, &errors, &notes, &file);
	if (!error) {
		certificate_file_fini(&held->file);
		free(held->servers);
		held->file = file;
		held->servers = servers;
		held->good = true;
		servers = NULL;
		tell(&notes, held, "");
	} else if (error == -EINVAL) {
		tell(&errors, held, consequence(held, wanted));
		error = 0;
	}
	free(servers);
	errors_fini(&errors);
	errors_fini(&notes);
	return error;
}

static size_t count_wanted(const struct config *config)
{
	size_t count = 0;

	for (size_t i = 0; i < config->state.tenant_count; i++)
		if (config->state.tenants[i].l7)
			count += wanted_secrets(config->state.tenants[i].l7);
	return count;
}

static int look_at_all(struct certificates *certificates, const struct config *config)
{
	const struct held **numbers = calloc(count_wanted(config) + 1, sizeof(*numbers));
	struct held *held, *next;
	size_t count = 0;
	int error = numbers ? 0 : -ENOMEM;

	for (held = certificates->held; held; held = held->hh.next)
		held->wanted = false;
	for (size_t i = 0; !error && i < config->state.tenant_count; i++) {
		const struct state_tenant *tenant = &config->state.tenants[i];

		for (size_t j = 0; !error && tenant->l7 && j < wanted_secrets(tenant->l7); j++) {
			const struct wanted_certificate *wanted = wanted_secret(tenant->l7, j);

			held = find_or_add(certificates, tenant->name, wanted);
			error = held ? look(held, wanted) : -ENOMEM;
			if (held)
				held->wanted = true;
			numbers[count++] = held;
		}
	}
	if (error) {
		free(numbers);
		return error;
	}
	free(certificates->numbers);
	certificates->numbers = numbers;
	certificates->count = count;
	HASH_ITER (hh, certificates->held, held, next)
		if (!held->wanted)
			forget(certificates, held);
	return 0;
}

/* the store */

static bool is_stored(const struct certificates *certificates, const struct store_item *items,
		      size_t count)
{
	if (!certificates->has_stored || certificates->stored_count != count)
		return false;
	for (size_t i = 0; i < count; i++)
		if (memcmp(certificates->stored[i], items[i].digest, IMAGE_DIGEST_SIZE) != 0)
			return false;
	return true;
}

static int note_stored(struct certificates *certificates, const struct store_item *items,
		       size_t count)
{
	uint8_t(*stored)[IMAGE_DIGEST_SIZE] = calloc(count + 1, sizeof(*stored));

	if (!stored)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++)
		memcpy(stored[i], items[i].digest, IMAGE_DIGEST_SIZE);
	free(certificates->stored);
	certificates->stored = stored;
	certificates->stored_count = count;
	certificates->has_stored = true;
	return 0;
}

/* Key by key out of where they lie: there is no copy in between. */
static int write_store(const struct store_item *items, size_t count, int *ret_fd)
{
	size_t length = 0;
	void *head = store_begin(items, count, &length);
	int fd = -1, error = head ? seal_begin("mtlb-certificates", &fd) : -EFBIG;

	error = error ?: seal_write(fd, head, length);
	free(head);
	for (size_t i = 0; !error && i < count; i++)
		for (unsigned part = 0; !error && part < CERTIFICATE_PARTS; part++)
			error = seal_write(fd, items[i].parts[part].at,
					   items[i].parts[part].length);
	error = error ?: seal_finish(fd);
	if (error && fd >= 0)
		close(fd);
	*ret_fd = error ? -1 : fd;
	return error;
}

static int make_store(struct certificates *certificates, int *ret_store)
{
	struct store_item *items = calloc(certificates->count + 1, sizeof(*items));
	size_t count = 0;
	int error = items ? 0 : -ENOMEM;

	for (size_t i = 0; !error && i < certificates->count; i++)
		if (certificates->numbers[i]->good)
			items[count++] =
				(struct store_item){certificates->numbers[i]->file.digest.all,
						    certificates->numbers[i]->file.parts};
	count = error ? 0 : store_sort(items, count);
	if (!error && !is_stored(certificates, items, count)) {
		error = write_store(items, count, ret_store);
		error = error ?: note_stored(certificates, items, count);
	}
	free(items);
	return error;
}

int certificates_set(struct certificates *certificates, const struct config *config, int *ret_store,
		     struct err *err)
{
	int error = look_at_all(certificates, config);

	*ret_store = -1;
	error = error ?: make_store(certificates, ret_store);
	return error ? err_set(err, error, "cannot hand certificates to the workers: %s",
			       strerror(-error))
		     : 0;
}

static const struct compile_digest *digest_of(const void *context, size_t number)
{
	const struct certificates *certificates = context;

	if (number >= certificates->count || !certificates->numbers[number]->good)
		return NULL;
	return &certificates->numbers[number]->file.digest;
}

struct compile_digests certificates_digests(const struct certificates *certificates)
{
	return (struct compile_digests){.of = digest_of, .context = certificates};
}
