// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "trace.h"

#include <string.h>

/* 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01 */
#define ID_AT	 3
#define SPAN_AT	 36
#define FLAGS_AT 53

static const char digits[] = "0123456789abcdef";

/* -1: it is none; upper case is none here. */
static int digit(char c)
{
	const char *at = c ? strchr(digits, c) : NULL;

	return at ? (int)(at - digits) : -1;
}

static bool is_hex(const char *at, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (digit(at[i]) < 0)
			return false;
	return true;
}

static bool is_zero(const char *at, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (at[i] != '0')
			return false;
	return true;
}

/* A later version may go on behind what this one knows. */
static bool has_form(struct h1_text value)
{
	const char *at = value.at;

	if (value.length < TRACE_PARENT_LENGTH || !is_hex(at, 2) || !memcmp(at, "ff", 2))
		return false;
	if (value.length > TRACE_PARENT_LENGTH &&
	    (!memcmp(at, "00", 2) || at[TRACE_PARENT_LENGTH] != '-'))
		return false;
	return at[ID_AT - 1] == '-' && at[SPAN_AT - 1] == '-' && at[FLAGS_AT - 1] == '-';
}

bool trace_parse(struct h1_text value, char ret_id[TRACE_ID_LENGTH], uint8_t *ret_flags)
{
	const char *at = value.at;

	if (!has_form(value) || !is_hex(at + ID_AT, TRACE_ID_LENGTH) ||
	    is_zero(at + ID_AT, TRACE_ID_LENGTH) || !is_hex(at + SPAN_AT, 16) ||
	    is_zero(at + SPAN_AT, 16) || !is_hex(at + FLAGS_AT, 2))
		return false;
	memcpy(ret_id, at + ID_AT, TRACE_ID_LENGTH);
	*ret_flags = (uint8_t)(digit(at[FLAGS_AT]) << 4 | digit(at[FLAGS_AT + 1]));
	return true;
}

static void put(char *to, uint64_t number, unsigned length)
{
	while (length--) {
		to[length] = digits[number & 15];
		number >>= 4;
	}
}

void trace_begin(const uint64_t random[2], char ret_id[TRACE_ID_LENGTH])
{
	put(ret_id, random[0], 16);
	put(ret_id + 16, random[1] | !random[0], 16);
}

void trace_format(const char id[TRACE_ID_LENGTH], uint64_t span, uint8_t flags,
		  char ret_text[TRACE_PARENT_LENGTH + 1])
{
	memcpy(ret_text, "00-", ID_AT);
	memcpy(ret_text + ID_AT, id, TRACE_ID_LENGTH);
	ret_text[SPAN_AT - 1] = ret_text[FLAGS_AT - 1] = '-';
	put(ret_text + SPAN_AT, span | !span, 16);
	put(ret_text + FLAGS_AT, flags, 2);
	ret_text[TRACE_PARENT_LENGTH] = 0;
}
