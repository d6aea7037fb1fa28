/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Usage as files for programs: docs/usage.md says what is in them. */
#ifndef MTLB_TOOLS_USAGE_EXPORT_H
#define MTLB_TOOLS_USAGE_EXPORT_H

#include <jansson.h>
#include <stdio.h>

enum usage_export_format {
	USAGE_EXPORT_CSV,
	USAGE_EXPORT_JSON, /* an object a line */
	USAGE_EXPORT_FOCUS,
	USAGE_EXPORT_FORMATS,
};

struct usage_export {
	FILE *out;
	enum usage_export_format format;
	const char *provider; /* of USAGE_EXPORT_FOCUS */
};

void usage_export_begin(const struct usage_export *export);
/* context is the export; always 0. */
int usage_export_items(void *context, const json_t *items);
void usage_export_end(const struct usage_export *export);

#endif
