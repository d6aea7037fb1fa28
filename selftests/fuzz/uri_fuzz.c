// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Paths of targets: what is normalised stays as it is when it is normalised again, is no longer
 * than it was, and has neither a dot segment nor anything encoded that need not be.
 */
#include <ctype.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "userspace/wire/uri.h"

#define REQUIRE(condition)        \
	do {                      \
		if (!(condition)) \
			abort();  \
	} while (0)

static void check_segments(struct h1_text path)
{
	const char *at = path.at, *end = at + path.length;

	while (at < end) {
		const char *stop;

		REQUIRE(*at++ == '/');
		stop = memchr(at, '/', (size_t)(end - at));
		stop = stop ? stop : end;
		REQUIRE(stop - at != 1 || *at != '.');
		REQUIRE(stop - at != 2 || memcmp(at, "..", 2));
		REQUIRE(stop - at < 3 || memcmp(at, "..;", 3));
		at = stop;
	}
}

static void check_encoded(struct h1_text path)
{
	for (size_t i = 0; i < path.length; i++) {
		char text[3] = "";
		long byte;

		if (path.at[i] != '%')
			continue;
		REQUIRE(i + 2 < path.length);
		memcpy(text, path.at + i + 1, 2);
		REQUIRE(isxdigit((unsigned char)text[0]) && !islower((unsigned char)text[0]));
		REQUIRE(isxdigit((unsigned char)text[1]) && !islower((unsigned char)text[1]));
		byte = strtol(text, NULL, 16);
		REQUIRE(byte && (byte > 127 || !isalnum((int)byte)) && !strchr("-._~", (int)byte));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size)
{
	char *copy = malloc(size + !size), *buffer = malloc(size + !size), *again;
	struct h1_text path, twice;
	int error;

	REQUIRE(copy && buffer);
	if (size)
		memcpy(copy, input, size);
	error = uri_path((struct h1_text){copy, size}, buffer, size, &path);
	REQUIRE(!error || uri_error_name(error));
	if (!error && *path.at != '*') {
		REQUIRE(path.length && path.length <= size);
		check_segments(path);
		check_encoded(path);
		again = malloc(path.length);
		REQUIRE(again && !uri_path(path, again, path.length, &twice));
		REQUIRE(twice.length == path.length && !memcmp(twice.at, path.at, path.length));
		free(again);
	}
	free(copy);
	free(buffer);
	return 0;
}
