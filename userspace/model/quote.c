// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "quote.h"

#include <stdio.h>

/* Bytes of the UTF-8 character that starts at text; the parser has let only valid UTF-8 through. */
static int character_size(const unsigned char *text)
{
	int size = *text < 0x80 ? 1 : *text < 0xe0 ? 2 : *text < 0xf0 ? 3 : 4;

	for (int i = 1; i < size; i++)
		if ((text[i] & 0xc0) != 0x80)
			return i;
	return size;
}

struct quote quote(const char *text)
{
	const unsigned char *from = (const unsigned char *)text;
	struct quote result;
	char *to = result.text;

	*to++ = '"';
	for (int i = 0; *from && i < QUOTE_CHARACTERS; i++) {
		int size = character_size(from);

		if (*from < 0x20 || *from == 0x7f) {
			to += sprintf(to, "\\x%02x", *from++);
		} else if (*from == 0xc2 && size == 2 && from[1] < 0xa0) {
			/* C1 controls: U+009B starts a terminal's escape sequence as ESC [ does */
			to += sprintf(to, "\\x%02x", from[1]);
			from += 2;
		} else {
			while (size--)
				*to++ = (char)*from++;
		}
	}
	sprintf(to, "%s\"", *from ? "..." : "");
	return result;
}
