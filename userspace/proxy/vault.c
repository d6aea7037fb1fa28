// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#define HASH_NONFATAL_OOM 1
#include "vault.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#define SEALS (F_SEAL_SHRINK | F_SEAL_WRITE)

int vault_open(int fd, struct vault **ret_vault, struct err *err)
{
	int seals = fcntl(fd, F_GET_SEALS), error;
	struct vault *vault;
	struct stat stat;

	if (seals < 0 || (seals & SEALS) != SEALS || fstat(fd, &stat) || stat.st_size <= 0)
		return err_set(err, -EINVAL, "the certificates are in no sealed memfd");
	vault = calloc(1, sizeof(*vault));
	if (!vault)
		return -ENOMEM;
	vault->refs = 1;
	vault->size = (size_t)stat.st_size;
	vault->base = mmap(NULL, vault->size, PROT_READ, MAP_SHARED, fd, 0);
	if (vault->base == MAP_FAILED) {
		free(vault);
		return err_set(err, -errno, "the certificates cannot be mapped");
	}
	madvise(vault->base, vault->size, MADV_DONTDUMP);
	error = store_open(vault->base, vault->size, &vault->store, err);
	if (error)
		vault_drop(vault);
	else
		*ret_vault = vault;
	return error;
}

void vault_drop(struct vault *vault)
{
	if (!vault || --vault->refs)
		return;
	munmap(vault->base, vault->size);
	free(vault);
}

static void forget(struct parsed_list *list, struct parsed *parsed)
{
	HASH_DEL(list->list, parsed);
	certificate_fini(&parsed->certificate);
	free(parsed);
}

void parsed_fini(struct parsed_list *list)
{
	struct parsed *parsed, *next;

	HASH_ITER (hh, list->list, parsed, next)
		forget(list, parsed);
}

/* What was added last is last in the list. */
static struct parsed *add(struct parsed_list *list, struct parsed *parsed)
{
	HASH_ADD(hh, list->list, digest, sizeof(parsed->digest), parsed);
	if (parsed->hh.tbl)
		return parsed;
	certificate_fini(&parsed->certificate);
	free(parsed);
	return NULL;
}

static struct parsed *parse(struct parsed_list *list, const struct vault *vault,
			    const uint8_t digest[IMAGE_DIGEST_SIZE])
{
	struct certificate_bytes parts[CERTIFICATE_PARTS];
	enum certificate_part wrong;
	struct parsed *parsed;

	if (!vault || !store_find(&vault->store, digest, parts))
		return NULL;
	parsed = calloc(1, sizeof(*parsed));
	if (!parsed)
		return NULL;
	if (certificate_parse(parts, &parsed->certificate, &wrong, NULL)) {
		free(parsed);
		return NULL;
	}
	memcpy(parsed->digest, digest, sizeof(parsed->digest));
	if (HASH_COUNT(list->list) >= list->most)
		forget(list, list->list);
	return add(list, parsed);
}

const struct certificate *parsed_find(struct parsed_list *list, const struct vault *vault,
				      const uint8_t digest[IMAGE_DIGEST_SIZE])
{
	struct parsed *parsed;

	HASH_FIND(hh, list->list, digest, IMAGE_DIGEST_SIZE, parsed);
	if (parsed) {
		HASH_DEL(list->list, parsed);
		parsed = add(list, parsed);
	} else {
		parsed = parse(list, vault, digest);
	}
	return parsed ? &parsed->certificate : NULL;
}
