/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The grammar of the configuration, derived from schema.def: which keys an object has, what their
 * values may be, and what they are when left out. Checks one document by itself; what ties
 * documents and objects together is checked in check.h.
 */
#ifndef MTLB_MODEL_SCHEMA_H
#define MTLB_MODEL_SCHEMA_H

#include <stdio.h>

#include "tree.h"

enum schema_object {
#define SCHEMA_OBJECT(id, name, sentence) SCHEMA_OBJECT_##id,
#include "schema.def"
	SCHEMA_OBJECTS
};

enum schema_key {
#define SCHEMA_KEY(object, key, type, presence, fallback, sentence) SCHEMA_##object##_##key,
#include "schema.def"
	SCHEMA_KEYS
};

enum schema_type {
	SCHEMA_TYPE_NAME, /* a DNS label */
	SCHEMA_TYPE_INTERFACE,
	SCHEMA_TYPE_PATH,
	SCHEMA_TYPE_OWN_FILE, /* a path within a folder that leads nowhere else */
	SCHEMA_TYPE_SOCKET,   /* the path of a Unix socket */
	SCHEMA_TYPE_ADDRESS,
	SCHEMA_TYPE_IPV4,
	SCHEMA_TYPE_IPV6,
	SCHEMA_TYPE_PREFIX,
	SCHEMA_TYPE_ENDPOINT, /* address, or address and port */
	SCHEMA_TYPE_PORTS,    /* number: the first port, and 65536 times the last */
	SCHEMA_TYPE_HEX,      /* a few bytes; number: how many */
	SCHEMA_TYPE_HOST,     /* a DNS name */
	SCHEMA_TYPE_DOMAIN,   /* a DNS name, or "*." before one */
	SCHEMA_TYPE_FIELD,    /* the name of a header */
	SCHEMA_TYPE_TEXT,     /* printable; number: how many characters */
	SCHEMA_TYPE_BYTES,    /* a text, or "hex:" and bytes; number: how many */
	SCHEMA_TYPE_STATUSES, /* of HTTP; number: the first one, and 65536 times the last */
	SCHEMA_TYPE_NUMBER,
	SCHEMA_TYPE_COUNT,
	SCHEMA_TYPE_RATE,	/* number: per second; with a child a map may stand instead */
	SCHEMA_TYPE_DURATION,	/* number: milliseconds */
	SCHEMA_TYPE_SECONDS,	/* a duration of whole seconds; number: seconds */
	SCHEMA_TYPE_CHOICE,	/* number: position in choices */
	SCHEMA_TYPE_LABELS,	/* a map of words to words */
	SCHEMA_TYPE_FIELDS,	/* a map of names of headers to values */
	SCHEMA_TYPE_PARAMETERS, /* a map of names in a query to values */
	SCHEMA_TYPE_OBJECT,
};

struct schema_row {
	enum schema_object object;
	const char *key;
	enum schema_type type;
	bool list, required;
	size_t at_least;     /* items of a list */
	uint64_t min, max;   /* of a number */
	const char *remedy;  /* what to do instead of going below min */
	const char *choices; /* divided by | */
	enum schema_object child;
	const char *fallback; /* as text; NULL: none */
	const char *sentence;
};

struct schema_object_row {
	const char *id, *name, *sentence;
};

extern const struct schema_row schema_rows[SCHEMA_KEYS];
extern const struct schema_object_row schema_objects[SCHEMA_OBJECTS];

/*
 * Checks node and all below it, adds errors, marks what is wrong as bad, and sets key_id and number
 * of the rest.
 */
void schema_check(struct tree_node *node, enum schema_object object, struct errors *errors);

/* What a value of this row must be, as in "must be a number from 1 to 10". Returns text. */
char *schema_expected(const struct schema_row *row, char *text, size_t size);

/* The value of a key of a checked map; NULL if it was left out, or is wrong. */
const struct tree_node *schema_find(const struct tree_node *map, enum schema_key key);

/* Whether the key was written at all, right or wrong. */
bool schema_written(const struct tree_node *map, enum schema_key key);

/* Items of a checked list that are not wrong: for (i = schema_first(list); i; i = schema_next(i)).
 * list may be NULL.
 */
const struct tree_node *schema_first(const struct tree_node *list);
const struct tree_node *schema_next(const struct tree_node *item);

/* The value, or its default. Text may be NULL. map may be NULL: then it is the default. */
const char *schema_text(const struct tree_node *map, enum schema_key key);
uint64_t schema_number(const struct tree_node *map, enum schema_key key);
/* For defaults that differ by a word, e.g. by protocol. */
uint64_t schema_number_for(const struct tree_node *map, enum schema_key key, const char *word);

/* What holds for all keys, in Markdown: a paragraph, then an item each; ends with NULL. */
extern const char *const schema_rules[];

/* The reference page, in Markdown. */
void schema_print_reference(FILE *file);

#endif
