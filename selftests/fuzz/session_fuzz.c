// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Cookies of requests: what is found is what a plain search finds that takes each line apart byte
 * by byte, and lies within its line. The input is a name, and behind its first line end a line of
 * cookies in each line.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "userspace/proxy/session.h"

#define LINES_MAX 4

#define REQUIRE(condition)        \
	do {                      \
		if (!(condition)) \
			abort();  \
	} while (0)

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* The first value of this name in the line; NULL: none. */
static const char *plain_search(struct h1_text line, struct h1_text name, size_t *ret_length)
{
	size_t begin = 0, end;

	for (; begin < line.length; begin = end + 1) {
		size_t at = begin, last;

		for (end = begin; end < line.length && line.at[end] != ';';)
			end++;
		while (at < end && is_blank(line.at[at]))
			at++;
		for (last = end; last > at && is_blank(line.at[last - 1]);)
			last--;
		if (last - at <= name.length || line.at[at + name.length] != '=' ||
		    memcmp(line.at + at, name.at, name.length))
			continue;
		*ret_length = last - at - name.length - 1;
		return line.at + at + name.length + 1;
	}
	return NULL;
}

static struct h1_text next_line(const char **at, const char *end)
{
	const char *stop = memchr(*at, '\n', (size_t)(end - *at));
	struct h1_text line = {*at, (size_t)((stop ? stop : end) - *at)};

	*at = stop ? stop + 1 : end;
	return line;
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size)
{
	char *copy = malloc(size + !size);
	const char *at = copy, *end = copy + size, *wanted = NULL;
	struct h1_text name, found;
	static struct h1_head head;
	size_t length = 0;

	REQUIRE(copy);
	if (size)
		memcpy(copy, input, size);
	name = next_line(&at, end);
	for (head.count = 0; at < end && head.count < LINES_MAX && name.length;) {
		struct h1_text line = next_line(&at, end);

		head.headers[head.count++] = (struct h1_header){
			.name = "Cookie",
			.name_length = 6,
			.value = line.at,
			.value_length = (uint32_t)line.length,
		};
		if (!wanted)
			wanted = plain_search(line, name, &length);
	}
	found = session_cookie(&head, name);
	REQUIRE(found.at == wanted && found.length == length);
	free(copy);
	return 0;
}
