// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "secret.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "files.h"
#include "siphash.h"

#define SECRET_SIZE_MIN 16
#define SECRET_SIZE_MAX 65536

/* Not a secret: it only turns a file of any length into 128 bits. Part of what makes the nodes of a
 * cluster agree, so it never changes.
 */
static const uint8_t digest_key[16] = "mtlb hash secret";

static int check(const char *path, const struct stat *stat, size_t length, struct place place,
		 struct errors *errors)
{
	if (stat->st_mode & S_IRWXO) {
		errors_add(errors, place,
			   "every user of this machine can open the secret %s; run: chmod 600 %s",
			   path, path);
		return -EINVAL;
	}
	if (length < SECRET_SIZE_MIN) {
		errors_add(errors, place,
			   "the secret %s has %zu bytes, and at least %d are needed; make one: "
			   "head -c 32 /dev/urandom | base64 > %s",
			   path, length, SECRET_SIZE_MIN, path);
		return -EINVAL;
	}
	return 0;
}

int secret_read(const struct load_secret *secret, struct errors *errors, uint8_t ret_key[16])
{
	char *path = files_resolve(secret->path, secret->place), *text = NULL, *start;
	size_t length = 0;
	struct stat stat;
	int r;

	if (!path)
		return -ENOMEM;
	r = files_read(path, SECRET_SIZE_MAX, secret->place, errors, &text, &length, &stat);
	if (r == 0) {
		start = text;
		for (; length && isspace((unsigned char)start[length - 1]); length--)
			;
		for (; length && isspace((unsigned char)*start); length--)
			start++;
		r = check(path, &stat, length, secret->place, errors);
		if (r == 0)
			siphash_128(digest_key, start, length, ret_key);
		explicit_bzero(start, length);
	}
	free(text);
	free(path);
	return r;
}
