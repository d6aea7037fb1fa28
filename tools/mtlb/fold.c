// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "fold.h"

#include <string.h>

#define USAGE	 "mtlb "
#define USAGE_BY 4 /* what a usage goes on by */

/* Where the rest of a line begins: below its second column if it has one. */
static size_t hang_of(const char *line, size_t length, size_t width)
{
	size_t lead = strspn(line, " "), at = lead;

	while (at + 2 < length && strncmp(line + at, "  ", 2) != 0)
		at++;
	if (at + 2 < length)
		at += strspn(line + at, " ");
	else
		at = lead + (strncmp(line + lead, USAGE, strlen(USAGE)) ? 0 : USAGE_BY);
	return at <= width / 2 ? at : lead <= width / 2 ? lead : 0;
}

/* How much of it stands in a line of so many characters. */
static size_t length_of(const char *text, size_t length, size_t room)
{
	size_t outside = 0, blank = 0, depth = 0;

	if (length <= room)
		return length;
	for (size_t i = 0; i <= room; i++) {
		depth += text[i] == '[';
		depth -= text[i] == ']' && depth;
		if (text[i] != ' ')
			continue;
		blank = i;
		if (!depth)
			outside = i;
	}
	return outside ? outside : blank ? blank : room;
}

static void fold_line(FILE *out, const char *line, size_t length, size_t width)
{
	size_t hang = hang_of(line, length, width), lead = strspn(line, " ");
	/* blanks at its beginning are no place to break it */
	size_t first = lead < length ? lead : 0;
	size_t part =
		first + length_of(line + first, length - first, width > first ? width - first : 1);

	fprintf(out, "%.*s\n", (int)part, line);
	while (part < length) {
		line += part;
		length -= part;
		part = strspn(line, " ");
		part = part < length ? part : length;
		line += part;
		length -= part;
		part = length_of(line, length, width - hang);
		if (length)
			fprintf(out, "%*s%.*s\n", (int)hang, "", (int)part, line);
	}
}

void fold_print(FILE *out, const char *text, size_t width)
{
	while (*text) {
		size_t length = strcspn(text, "\n");

		if (width && length > width)
			fold_line(out, text, length, width);
		else
			fprintf(out, "%.*s\n", (int)length, text);
		text += length + (text[length] == '\n');
	}
}
