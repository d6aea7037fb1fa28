// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Sentences about errors. It owns their cutting to size; what they say is the caller's.
 */
#include "err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Both format into a sentence of their own first: the arguments may well point into err->text. */

int err_set(struct err *err, int code, const char *format, ...)
{
	struct err made;
	va_list args;

	if (!err)
		return code;
	va_start(args, format);
	if (vsnprintf(made.text, sizeof(made.text), format, args) < 0)
		made.text[0] = 0;
	va_end(args);
	memcpy(err->text, made.text, strlen(made.text) + 1);
	return code;
}

/* Cut if it does not fit; returns the new length. */
static size_t append(struct err *made, size_t length, const char *text)
{
	size_t room = sizeof(made->text) - 1 - length, more = strnlen(text, room);

	memcpy(made->text + length, text, more);
	made->text[length + more] = 0;
	return length + more;
}

void err_prefix(struct err *err, const char *format, ...)
{
	struct err made;
	va_list args;
	size_t length;

	if (!err)
		return;
	va_start(args, format);
	if (vsnprintf(made.text, sizeof(made.text), format, args) < 0)
		made.text[0] = 0;
	va_end(args);
	length = append(&made, strlen(made.text), ": ");
	length = append(&made, length, err->text);
	memcpy(err->text, made.text, length + 1);
}
