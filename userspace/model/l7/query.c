// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "query.h"

#include <string.h>

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The next character, and *at behind it; a % that no digits follow stands for itself. */
static char next(const char **at, const char *end)
{
	const char *c = *at;

	if (*c == '%' && end - c > 2 && digit(c[1]) >= 0 && digit(c[2]) >= 0) {
		*at = c + 3;
		return (char)(digit(c[1]) << 4 | digit(c[2]));
	}
	*at = c + 1;
	return *c;
}

static bool decodes_to(const char *at, const char *end, struct query_text text)
{
	size_t length = 0;

	while (at < end) {
		if (length == text.length || next(&at, end) != text.at[length])
			return false;
		length++;
	}
	return length == text.length;
}

bool query_has(struct query_text query, struct query_text name, struct query_text value)
{
	const char *at = query.at, *end = at ? at + query.length : at;
	unsigned times = 0;
	bool good = false;

	while (at && at < end) {
		const char *stop = memchr(at, '&', (size_t)(end - at)), *equals;

		stop = stop ? stop : end;
		equals = memchr(at, '=', (size_t)(stop - at));
		if (decodes_to(at, equals ? equals : stop, name)) {
			times++;
			good = decodes_to(equals ? equals + 1 : stop, stop, value);
		}
		at = stop + 1;
	}
	return times == 1 && good;
}
