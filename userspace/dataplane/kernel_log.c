// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What libbpf says, a line at a time, for -v. Of the verifier's long tale the end tells what it is
 * about. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../base/log.h"
#include "kernel.h"

#define LINES_MAX 40

/* Where the last lines of text begin. */
static char *last_lines(char *text, unsigned count)
{
	char *at = text + strlen(text);

	for (; at > text; at--)
		if (at[-1] == '\n' && !count--)
			break;
	return at;
}

int kernel_print(enum libbpf_print_level level, const char *format, va_list args)
{
	char *text = NULL, *line, *end;

	(void)level;
	if (vasprintf(&text, format, args) < 0)
		return 0;
	end = text + strlen(text);
	while (end > text && end[-1] == '\n')
		*--end = 0;
	line = last_lines(text, LINES_MAX - 1);
	if (line > text)
		log_debug("libbpf", "the end of a longer message:");
	while (line && *line) {
		char *next = strchr(line, '\n');

		if (next)
			*next++ = 0;
		log_debug("libbpf", "%s", line);
		line = next;
	}
	free(text);
	return 0;
}
