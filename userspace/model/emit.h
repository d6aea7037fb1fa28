/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A checked part of a configuration as JSON, which is YAML as well: numbers and truth values where
 * the schema has them, all else as texts. The same part gives the same text, whatever it was
 * written like.
 */
#ifndef MTLB_MODEL_EMIT_H
#define MTLB_MODEL_EMIT_H

#include "schema.h"

#define EMIT_ETAG_MAX 20 /* bytes, with the NUL */

/* Appends to file. indent: columns of the line it begins in. What is wrong (bad) is left out. */
void emit_node(FILE *file, const struct tree_node *node, int indent);

/* The text as a whole, to be freed; NULL: out of memory. */
char *emit_text(const struct tree_node *node);

/* A strong entity tag (RFC 9110, section 8.8.3) of such a text, with its quotes. */
void emit_etag(const char *text, char ret_etag[EMIT_ETAG_MAX]);

#endif
