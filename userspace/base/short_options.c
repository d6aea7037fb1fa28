// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "short_options.h"

#include <stdio.h>
#include <string.h>

const char *short_options(const struct option *options, const char *flags,
			  char text[SHORT_OPTIONS_MAX])
{
	size_t length = (size_t)snprintf(text, SHORT_OPTIONS_MAX, "%s", flags);

	for (; options->name && length + 3 < SHORT_OPTIONS_MAX; options++) {
		if (options->val <= ' ' || options->val > '~')
			continue;
		text[length++] = (char)options->val;
		if (options->has_arg == required_argument)
			text[length++] = ':';
	}
	text[length] = 0;
	return text;
}
