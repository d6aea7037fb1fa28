// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "emit.h"

#include <stdlib.h>
#include <string.h>

#include "siphash.h"

#define STEP 2 /* columns a level */

static void emit_string(FILE *file, const char *text)
{
	fputc('"', file);
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if (c == '"' || c == '\\')
			fprintf(file, "\\%c", c);
		else if (c < 0x20 || c == 0x7f)
			fprintf(file, "\\u%04x", c);
		else
			fputc(c, file);
	}
	fputc('"', file);
}

/* As JSON writes numbers: no sign, no leading zero; and short enough for 53 bits. */
static bool is_plain_number(const char *text)
{
	size_t length = strspn(text, "0123456789");

	return length && !text[length] && length < 16 && (text[0] != '0' || length == 1);
}

static bool stands_bare(const struct tree_node *node, const struct schema_row *row)
{
	if (!row)
		return false;
	switch (row->type) {
	case SCHEMA_TYPE_NUMBER:
	case SCHEMA_TYPE_COUNT:
	case SCHEMA_TYPE_PORTS:
		return is_plain_number(node->text);
	case SCHEMA_TYPE_CHOICE:
		return !strcmp(row->choices, "false|true") &&
		       (!strcmp(node->text, "true") || !strcmp(node->text, "false"));
	default:
		return false;
	}
}

static void emit(FILE *file, const struct tree_node *node, const struct schema_row *row, int indent)
{
	bool map = node->type == TREE_MAP, first = true;

	if (node->type == TREE_NOTHING) {
		fputs("null", file);
		return;
	}
	if (node->type == TREE_SCALAR) {
		if (stands_bare(node, row))
			fputs(node->text, file);
		else
			emit_string(file, node->text);
		return;
	}
	fputc(map ? '{' : '[', file);
	for (const struct tree_node *item = node->first; item; item = item->next) {
		const struct schema_row *of = map ? NULL : row;

		if (item->bad)
			continue;
		if (map && item->key_id >= 0)
			of = &schema_rows[item->key_id];
		fprintf(file, "%s\n%*s", first ? "" : ",", indent + STEP, "");
		first = false;
		if (map) {
			emit_string(file, item->key);
			fputs(": ", file);
		}
		emit(file, item, of, indent + STEP);
	}
	if (!first)
		fprintf(file, "\n%*s", indent, "");
	fputc(map ? '}' : ']', file);
}

void emit_node(FILE *file, const struct tree_node *node, int indent)
{
	emit(file, node, node->key_id >= 0 ? &schema_rows[node->key_id] : NULL, indent);
}

char *emit_text(const struct tree_node *node)
{
	char *text = NULL;
	size_t length;
	FILE *file = open_memstream(&text, &length);

	if (!file)
		return NULL;
	emit_node(file, node, 0);
	if (fclose(file)) {
		free(text);
		return NULL;
	}
	return text;
}

void emit_etag(const char *text, char ret_etag[EMIT_ETAG_MAX])
{
	static const uint8_t key[16] = "mtlb entity tag";
	uint8_t hash[8];
	size_t used = 0;

	siphash_64(key, text, strlen(text), hash);
	ret_etag[used++] = '"';
	for (size_t i = 0; i < sizeof(hash); i++)
		used += (size_t)snprintf(ret_etag + used, EMIT_ETAG_MAX - used, "%02x", hash[i]);
	ret_etag[used++] = '"';
	ret_etag[used] = 0;
}
