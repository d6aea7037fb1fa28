// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The schema in words: what a value must be, for errors, and the whole of it as a reference page.
 */
#include "schema.h"

#include <inttypes.h>
#include <string.h>

#include "units.h"
#include "value.h"

/* "a|b|c" to "a, b or c", each between the given marks. */
static void print_choices(const char *choices, const char *mark, char *text, size_t size)
{
	size_t used = 0;

	while (used < size) {
		size_t length = strcspn(choices, "|");
		bool last = !choices[length];
		const char *next = last ? "" : strchr(choices + length + 1, '|') ? ", " : " or ";

		used += (size_t)snprintf(text + used, size - used, "%s%.*s%s%s", mark, (int)length,
					 choices, mark, next);
		if (last)
			return;
		choices += length + 1;
	}
}

char *schema_expected(const struct schema_row *row, char *text, size_t size)
{
	char min[UNITS_TEXT_MAX], max[UNITS_TEXT_MAX];
	uint64_t ms = row->type == SCHEMA_TYPE_SECONDS ? 1000 : 1;

	switch (row->type) {
	case SCHEMA_TYPE_NAME:
		snprintf(text, size,
			 "a name (at most %d lower case letters, digits and inner hyphens)",
			 VALUE_NAME_MAX);
		break;
	case SCHEMA_TYPE_INTERFACE:
		snprintf(text, size, "the name of a network interface (at most 15 characters)");
		break;
	case SCHEMA_TYPE_PATH:
		snprintf(text, size, "the path of a file (at most %d characters)", VALUE_PATH_MAX);
		break;
	case SCHEMA_TYPE_OWN_FILE:
		snprintf(text, size,
			 "the path of a file within the tenant's folder, without \"..\" and no "
			 "\"/\" in "
			 "front (at most %d characters)",
			 VALUE_PATH_MAX);
		break;
	case SCHEMA_TYPE_SOCKET:
		snprintf(text, size, "an absolute path of at most %d characters", VALUE_SOCKET_MAX);
		break;
	case SCHEMA_TYPE_ADDRESS:
		snprintf(text, size, "an IPv4 or IPv6 address");
		break;
	case SCHEMA_TYPE_IPV4:
		snprintf(text, size, "an IPv4 address");
		break;
	case SCHEMA_TYPE_IPV6:
		snprintf(text, size, "an IPv6 address");
		break;
	case SCHEMA_TYPE_PREFIX:
		snprintf(text, size,
			 "a prefix such as 203.0.113.0/24 or 2001:db8::/32, or an address");
		break;
	case SCHEMA_TYPE_ENDPOINT:
		snprintf(text, size,
			 "an address such as 192.0.2.1, 192.0.2.1:80, 2001:db8::1 or "
			 "[2001:db8::1]:80");
		break;
	case SCHEMA_TYPE_PORTS:
		snprintf(text, size,
			 "a port from 1 to 65535, a range such as 5432-5440, or \"any\"");
		break;
	case SCHEMA_TYPE_HEX:
		snprintf(text, size, "1 to %d bytes in hexadecimal, such as 0a1b", VALUE_HEX_MAX);
		break;
	case SCHEMA_TYPE_HOST:
		snprintf(text, size, "a DNS name such as orders.acme.example");
		break;
	case SCHEMA_TYPE_DOMAIN:
		snprintf(text, size, "a DNS name, such as acme.example or \"*.acme.example\"");
		break;
	case SCHEMA_TYPE_FIELD:
		snprintf(text, size, "the name of a header, such as X-Team");
		break;
	case SCHEMA_TYPE_TEXT:
		snprintf(text, size, "a text of at most %" PRIu64 " printable ASCII characters",
			 row->max);
		break;
	case SCHEMA_TYPE_BYTES:
		snprintf(text, size,
			 "a text of at most %" PRIu64
			 " bytes, or \"hex:\" and bytes in hexadecimal, such as hex:0a1b",
			 row->max);
		break;
	case SCHEMA_TYPE_STATUSES:
		snprintf(text, size, "an HTTP status from 100 to 599, or a range such as 200-299");
		break;
	case SCHEMA_TYPE_NUMBER:
		snprintf(text, size, "a number from %" PRIu64 " to %" PRIu64, row->min, row->max);
		break;
	case SCHEMA_TYPE_COUNT:
		snprintf(text, size, "a count from %s to %s, such as 4096, 20k or 4M",
			 units_format_count(row->min, min), units_format_count(row->max, max));
		break;
	case SCHEMA_TYPE_RATE:
		snprintf(text, size, "a rate from %s to %s, such as %s20k/s or 5M/s%s",
			 units_format_rate(row->min, min), units_format_rate(row->max, max),
			 row->min <= 300 ? "300/s, " : "", row->child ? ", or a map" : "");
		break;
	case SCHEMA_TYPE_DURATION:
	case SCHEMA_TYPE_SECONDS:
		snprintf(text, size, "a duration from %s to %s, such as %s2s or 5m",
			 units_format_duration(row->min * ms, min),
			 units_format_duration(row->max * ms, max), ms == 1 ? "500ms, " : "");
		break;
	case SCHEMA_TYPE_CHOICE:
		print_choices(row->choices, "\"", text, size);
		break;
	case SCHEMA_TYPE_LABELS:
		snprintf(text, size, "a map of names to texts");
		break;
	case SCHEMA_TYPE_FIELDS:
		snprintf(text, size, "a map of names of headers to their values");
		break;
	case SCHEMA_TYPE_PARAMETERS:
		snprintf(text, size, "a map of names in a query to their values");
		break;
	case SCHEMA_TYPE_OBJECT:
		snprintf(text, size, "a map");
		break;
	}
	return text;
}

static void print_link(enum schema_object object, FILE *file)
{
	const char *name = schema_objects[object].name;

	fprintf(file, "[%s](#", name);
	for (; *name; name++)
		fputc(*name == ' ' ? '-' : *name >= 'A' && *name <= 'Z' ? *name | 32 : *name, file);
	fprintf(file, ")");
}

static void print_type(const struct schema_row *row, FILE *file)
{
	char text[256];

	if (row->list)
		fprintf(file, "list of ");
	if (row->type == SCHEMA_TYPE_RATE && row->child) {
		fprintf(file, "%s: ", schema_expected(row, text, sizeof(text)));
		print_link(row->child, file);
	} else if (row->type == SCHEMA_TYPE_OBJECT) {
		print_link(row->child, file);
	} else if (row->type == SCHEMA_TYPE_CHOICE) {
		print_choices(row->choices, "`", text, sizeof(text));
		fprintf(file, "%s", text);
	} else {
		fprintf(file, "%s", schema_expected(row, text, sizeof(text)));
	}
	if (row->at_least)
		fprintf(file, ", at least one");
}

static void print_object(enum schema_object object, FILE *file)
{
	fprintf(file, "\n## %s\n\n%s\n\n", schema_objects[object].name,
		schema_objects[object].sentence);
	fprintf(file, "| key | type | default | meaning |\n|---|---|---|---|\n");
	for (int i = 0; i < SCHEMA_KEYS; i++) {
		const struct schema_row *row = &schema_rows[i];

		if (row->object != object)
			continue;
		fprintf(file, "| `%s` | ", row->key);
		print_type(row, file);
		if (row->fallback)
			fprintf(file, " | `%s`", row->fallback);
		else
			fprintf(file, " | %s", row->required ? "required" : "none");
		fprintf(file, " | %s |\n", row->sentence);
	}
}

const char *const schema_rules[] = {
	"The configuration is one YAML file, or a directory. In a directory that holds "
	"`platform.yaml`,\nthat file and every `tenants.d/NAME.yaml` are read; in any "
	"other directory, every `*.yaml`. A file\nmay hold several documents, divided by "
	"`---`. There is exactly one document of kind `Platform`,\nowned by the operator, "
	"and at most one of kind `TenantConfig` per tenant, owned by that tenant.",
	"Every error of all files is reported at once, as `FILE:LINE:COLUMN: TEXT`. "
	"Unknown keys are errors.",
	"Durations are whole numbers with a unit: `500ms`, `2s`, `5m`, `1h`.",
	"Counts are whole numbers, and may end in `k`, `M` or `G` (thousand, million, "
	"thousand million).",
	"Rates are counts a second: `300/s`, `20k/s`, `50M/s`, `5G/s`.",
	"Addresses are IPv4 or IPv6. Quote an IPv6 address: `\"2001:db8::1\"`.",
	"YAML anchors, aliases and tags are refused. Files are UTF-8, at most 16 MiB.",
	NULL,
};

void schema_print_reference(FILE *file)
{
	fprintf(file,
		"# Configuration reference\n\n"
		"Printed by `mtlb help config` from the table the loader itself uses.\n\n"
		"%s\n\n",
		schema_rules[0]);
	for (int i = 1; schema_rules[i]; i++)
		fprintf(file, "- %s\n", schema_rules[i]);
	for (int i = 0; i < SCHEMA_OBJECTS; i++)
		print_object((enum schema_object)i, file);
}
