// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "safe.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>

static size_t length_by_first_byte(unsigned char byte)
{
	if (byte < 0x80)
		return 1;
	if (byte >= 0xc2 && byte < 0xe0)
		return 2;
	if (byte >= 0xe0 && byte < 0xf0)
		return 3;
	return byte >= 0xf0 && byte < 0xf5 ? 4 : 0;
}

/* Reads one character of UTF-8 and returns its length, 0 if it is none. */
static size_t decode(const unsigned char *text, uint32_t *ret)
{
	size_t i, length = length_by_first_byte(*text);

	*ret = length == 1 ? *text : *text & (0x7f >> length);
	for (i = 1; i < length; i++) {
		if ((text[i] & 0xc0) != 0x80)
			return 0;
		*ret = *ret << 6 | (text[i] & 0x3f);
	}
	return length;
}

static bool is_harmful(uint32_t c)
{
	static const struct {
		uint32_t first, last;
	} ranges[] = {
		{0, 0x1f},	/* C0 */
		{0x7f, 0x9f},	/* DEL, C1 */
		{0x61c, 0x61c}, /* these turn the direction, break lines or have no width: */
		{0x200b, 0x200f}, {0x2028, 0x202e},   {0x2060, 0x206f},
		{0xfeff, 0xfeff}, {0xe0000, 0xe007f}, /* tags */
	};
	size_t i;

	for (i = 0; i < sizeof(ranges) / sizeof(*ranges); i++)
		if (c >= ranges[i].first && c <= ranges[i].last)
			return true;
	return false;
}

void safe_print(FILE *out, const char *text)
{
	const unsigned char *byte = (const unsigned char *)text;
	uint32_t c;

	while (*byte) {
		size_t length = decode(byte, &c);

		if (!length || (length == 1 && is_harmful(c))) {
			fprintf(out, "\\x%02x", *byte++);
			continue;
		}
		if (!is_harmful(c))
			fwrite(byte, 1, length, out);
		else if (c < 0x10000)
			fprintf(out, "\\u%04" PRIx32, c);
		else
			fprintf(out, "\\U%08" PRIx32, c);
		byte += length;
	}
}

size_t safe_width(const char *text)
{
	size_t width = 0;

	for (; *text; text++)
		width += (*text & 0xc0) != 0x80;
	return width;
}
