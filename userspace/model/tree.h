/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A configuration as it was written: scalars, lists and maps, each with its place. Nodes and texts
 * live in one arena and go together. No meaning here: schema.h gives it.
 */
#ifndef MTLB_MODEL_TREE_H
#define MTLB_MODEL_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "errors.h"

enum tree_type {
	TREE_NOTHING, /* a key without a value, or null */
	TREE_SCALAR,
	TREE_LIST,
	TREE_MAP,
};

struct tree_node {
	enum tree_type type;
	bool bad;	/* reported already: whoever finds it must act as if it were not there */
	bool api;	/* of a document: it is kept by the API (documents.h) */
	int16_t key_id; /* enum schema_key, set by schema_check */
	const char *file;
	int line, column;
	int key_line, key_column;	/* in a map */
	const char *key;		/* in a map */
	const char *text;		/* TREE_SCALAR; never holds a NUL */
	uint64_t number;		/* what text stands for, set by schema_check */
	struct tree_node *first, *next; /* items of a list or map, in the order written */
	size_t count;
};

struct tree_chunk;

struct tree {
	struct tree_chunk *chunks;
	struct tree_node *documents, *last_document; /* linked by next */
};

/* NULL: out of memory. Memory is zeroed. */
void *tree_take(struct tree *tree, size_t size);
/* Copies length bytes of text (a NUL is added). */
const char *tree_take_text(struct tree *tree, const char *text, size_t length);

/* A node of its own, without a place. NULL: out of memory. */
struct tree_node *tree_make(struct tree *tree, enum tree_type type);
/* Puts node last among the items of a list or map; key NULL: of a list. */
void tree_append(struct tree_node *parent, const char *key, struct tree_node *node);
void tree_remove(struct tree_node *parent, struct tree_node *node);
/* The value that was written for a key; NULL: none. Knows no schema. */
struct tree_node *tree_get(const struct tree_node *map, const char *key);
/* The text that was written for a key; NULL: none, or it is no text. */
const char *tree_get_text(const struct tree_node *map, const char *key);

struct place tree_place(const struct tree_node *node);
/* The place of its key, if it has one. */
struct place tree_key_place(const struct tree_node *node);

void tree_fini(struct tree *tree);

#endif
