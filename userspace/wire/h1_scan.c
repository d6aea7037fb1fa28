// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "h1_scan.h"

#define ALNUM(c) \
	(((c) >= '0' && (c) <= '9') || ((c) >= 'A' && (c) <= 'Z') || ((c) >= 'a' && (c) <= 'z'))
#define VISIBLE(c) ((c) > ' ' && (c) < 0x7f)

#define NO_TOKEN(c)                                                                          \
	((c) == '"' || (c) == '(' || (c) == ')' || (c) == ',' || (c) == '/' || (c) == ':' || \
	 (c) == ';' || (c) == '<' || (c) == '=' || (c) == '>' || (c) == '?' || (c) == '@' || \
	 (c) == '[' || (c) == '\\' || (c) == ']' || (c) == '{' || (c) == '}')
#define NO_QUERY(c) ((c) == '"' || (c) == '#' || (c) == '<' || (c) == '>')
#define NO_PATH(c) \
	(NO_QUERY(c) || (c) == '?' || (c) == '\\' || (c) == '`' || (c) == '{' || (c) == '}')

#define IS_TOKEN(c) (VISIBLE(c) && !(NO_TOKEN(c)))
#define IS_VALUE(c) ((c) == '\t' || ((c) >= ' ' && (c) != 0x7f))
#define IS_PATH(c)  (VISIBLE(c) && !(NO_PATH(c)))
#define IS_QUERY(c) (VISIBLE(c) && !(NO_QUERY(c)))
#define IS_HOST(c)  (ALNUM(c) || (c) == '-' || (c) == '.' || (c) == '_' || (c) == '~' || (c) == ':')

#define CLASS(c)                                                                   \
	((IS_TOKEN(c) ? H1_CLASS_TOKEN : 0) | (IS_VALUE(c) ? H1_CLASS_VALUE : 0) | \
	 (IS_PATH(c) ? H1_CLASS_PATH : 0) | (IS_QUERY(c) ? H1_CLASS_QUERY : 0) |   \
	 (IS_HOST(c) ? H1_CLASS_HOST : 0))
#define FOUR(c)	   CLASS(c), CLASS((c) + 1), CLASS((c) + 2), CLASS((c) + 3)
#define SIXTEEN(c) FOUR(c), FOUR((c) + 4), FOUR((c) + 8), FOUR((c) + 12)
#define EIGHTH(c)  SIXTEEN(c), SIXTEEN((c) + 16)

const uint8_t h1_classes[256] = {
	EIGHTH(0x00), EIGHTH(0x20), EIGHTH(0x40), EIGHTH(0x60),
	EIGHTH(0x80), EIGHTH(0xa0), EIGHTH(0xc0), EIGHTH(0xe0),
};
