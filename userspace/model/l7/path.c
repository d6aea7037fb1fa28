// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "path.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#define DIGITS "0123456789ABCDEF"

/* Besides % and /, what stands for itself: RFC 3986, 3.3, and [ ] | ^, as browsers send them. */
#define OTHERS "-._~!$&'()*+,;=:@[]|^"

static bool is_alphanumeric(char c)
{
	return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
}

/* Which character the two digits stand for; -1: they are none. */
static int encoded(const char *digits)
{
	const char *high = digits[0] ? strchr(DIGITS, digits[0]) : NULL;
	const char *low = high && digits[1] ? strchr(DIGITS, digits[1]) : NULL;

	return low ? (int)(high - DIGITS) << 4 | (int)(low - DIGITS) : -1;
}

static const char *check_characters(const char *path)
{
	for (; *path; path++) {
		int byte;

		if (*path == '%') {
			byte = encoded(path + 1);
			if (byte < 0)
				return "must have two upper case hexadecimal digits behind each %";
			if (!byte)
				return "must not have an encoded NUL";
			if (byte < 128 && (is_alphanumeric((char)byte) || strchr("-._~", byte)))
				return "must not encode letters, digits, \"-\", \".\", \"_\" and "
				       "\"~\"; "
				       "write them as they are";
			path += 2;
		} else if (*path != '/' && !is_alphanumeric(*path) && !strchr(OTHERS, *path)) {
			return "must not have characters that a URI has not; encode them, as in "
			       "%20";
		}
	}
	return NULL;
}

static bool ends_part(const char *at)
{
	return !*at || *at == '/' || *at == ';' || !strncmp(at, "%2F", 3) ||
	       !strncmp(at, "%5C", 3) || !strncmp(at, "%3B", 3);
}

/* The beginning of a segment, or of what a server may take for one. */
static bool has_dots(const char *at)
{
	return (at[0] == '.' && ends_part(at + 1)) ||
	       (at[0] == '.' && at[1] == '.' && ends_part(at + 2));
}

const char *path_check(const char *path)
{
	const char *why;

	if (*path != '/')
		return "must begin with /";
	why = check_characters(path);
	if (why)
		return why;
	for (const char *at = path; *at; at++) {
		bool slash = *at == '/', hidden = !strncmp(at, "%2F", 3) || !strncmp(at, "%5C", 3);

		if ((slash && has_dots(at + 1)) || (hidden && has_dots(at + 3)))
			return "must not have the segments \".\" and \"..\": no request has them "
			       "any "
			       "more when it is compared";
	}
	return NULL;
}
