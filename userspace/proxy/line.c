// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "line.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define ESCAPE_MAX 6 /* \u00XX */

void line_raw(struct line *line, const char *text, size_t length)
{
	if (length > line->size - line->used)
		return;
	memcpy(line->at + line->used, text, length);
	line->used += length;
}

static void string(struct line *line, const char *text)
{
	line_raw(line, text, strlen(text));
}

static size_t escape(unsigned char c, char *to)
{
	static const char digits[] = "0123456789abcdef";

	if (c >= 0x20 && c < 0x7f && c != '"' && c != '\\') {
		*to = (char)c;
		return 1;
	}
	if (c == '"' || c == '\\') {
		to[0] = '\\';
		to[1] = (char)c;
		return 2;
	}
	memcpy(to, "\\u00", 4);
	to[4] = digits[c >> 4];
	to[5] = digits[c & 15];
	return ESCAPE_MAX;
}

static void key(struct line *line, const char *name)
{
	if (line->used && line->at[line->used - 1] != '{')
		string(line, ",");
	string(line, "\"");
	string(line, name);
	string(line, "\":");
}

/* Whether a member of this name and so long a value has room, with the commas and quotes. */
static int fits(const struct line *line, const char *name, size_t length)
{
	return line->size - line->used >= strlen(name) + length + 6;
}

void line_text(struct line *line, const char *name, const char *text, size_t length, size_t most)
{
	char *to;

	if (length > most)
		length = most;
	if (!fits(line, name, length * ESCAPE_MAX))
		return;
	key(line, name);
	string(line, "\"");
	to = line->at + line->used;
	for (size_t i = 0; i < length; i++)
		to += escape((unsigned char)text[i], to);
	line->used = (size_t)(to - line->at);
	string(line, "\"");
}

void line_number(struct line *line, const char *name, uint64_t number)
{
	char text[24];
	int length = snprintf(text, sizeof(text), "%" PRIu64, number);

	if (!fits(line, name, (size_t)length))
		return;
	key(line, name);
	line_raw(line, text, (size_t)length);
}

void line_seconds(struct line *line, const char *name, uint64_t ns)
{
	char text[40];
	int length = snprintf(text, sizeof(text), "%" PRIu64 ".%06u", ns / 1000000000,
			      (unsigned)(ns / 1000 % 1000000));

	if (!fits(line, name, (size_t)length))
		return;
	key(line, name);
	line_raw(line, text, (size_t)length);
}

void line_null(struct line *line, const char *name)
{
	if (!fits(line, name, 4))
		return;
	key(line, name);
	string(line, "null");
}
