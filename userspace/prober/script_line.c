// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "script_line.h"

void script_line_take(struct script_line *line, const char *bytes, size_t length)
{
	for (size_t i = 0; i < length && !line->ended; i++) {
		char c = bytes[i];

		if (c == '\n' || c == '\r') {
			line->ended = line->length;
			continue;
		}
		if (c == '\t')
			c = ' ';
		if (c == ' ' && !line->length)
			continue;
		line->text[line->length++] = c;
		if (c < ' ' || c > '~')
			line->text[line->length - 1] = '?';
		line->ended = line->length == sizeof(line->text) - 1;
	}
	line->text[line->length] = 0;
}
