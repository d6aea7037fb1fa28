// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "schema.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "quote.h"
#include "suggest.h"
#include "units.h"
#include "value.h"

#define NAME				.type = SCHEMA_TYPE_NAME
#define INTERFACE			.type = SCHEMA_TYPE_INTERFACE
#define PATH				.type = SCHEMA_TYPE_PATH
#define FILE_OF_TENANT			.type = SCHEMA_TYPE_OWN_FILE
#define SOCKET				.type = SCHEMA_TYPE_SOCKET
#define ADDRESS				.type = SCHEMA_TYPE_ADDRESS
#define IPV4				.type = SCHEMA_TYPE_IPV4
#define IPV6				.type = SCHEMA_TYPE_IPV6
#define PREFIX				.type = SCHEMA_TYPE_PREFIX
#define ENDPOINT			.type = SCHEMA_TYPE_ENDPOINT
#define PORTS				.type = SCHEMA_TYPE_PORTS
#define HEX				.type = SCHEMA_TYPE_HEX
#define HOST				.type = SCHEMA_TYPE_HOST
#define DOMAIN				.type = SCHEMA_TYPE_DOMAIN
#define FIELD				.type = SCHEMA_TYPE_FIELD
#define FIELDS				.type = SCHEMA_TYPE_FIELDS
#define PARAMETERS			.type = SCHEMA_TYPE_PARAMETERS
#define TEXT(high)			RANGE(TEXT, 1, high)
#define BYTES(high)			RANGE(BYTES, 1, high)
#define STATUSES			.type = SCHEMA_TYPE_STATUSES
#define LABELS				.type = SCHEMA_TYPE_LABELS
#define RANGE(t, low, high)		.type = SCHEMA_TYPE_##t, .min = (low), .max = (high)
#define NUMBER(low, high)		RANGE(NUMBER, low, high)
#define COUNT(low, high)		RANGE(COUNT, low, high)
#define RATE(low, high)			RANGE(RATE, low, high)
#define RATE_OR_OBJECT(low, high, id)	RANGE(RATE, low, high), .child = SCHEMA_OBJECT_##id
#define DURATION(low, high)		RANGE(DURATION, low, high)
#define SECONDS(low, high)		RANGE(SECONDS, low, high)
#define CHOICE(words)			.type = SCHEMA_TYPE_CHOICE, .choices = (words)
#define BOOLEAN				CHOICE("false|true")
#define OBJECT(id)			.type = SCHEMA_TYPE_OBJECT, .child = SCHEMA_OBJECT_##id
#define LIST(count, ...)		.list = true, .at_least = (count), __VA_ARGS__
#define REQUIRED			true
#define OPTIONAL			false
#define NUMBER_FROM(low, high, instead) RANGE(NUMBER, low, high), .remedy = (instead)

const struct schema_object_row schema_objects[SCHEMA_OBJECTS] = {
#define SCHEMA_OBJECT(id, name, sentence) [SCHEMA_OBJECT_##id] = {#id, name, sentence},
#include "schema.def"
};

/* The type comes last: it is a list of fields. */
#define ROW(o, k, must, otherwise, says, ...)              \
	[SCHEMA_##o##_##k] = {.object = SCHEMA_OBJECT_##o, \
			      .key = #k,                   \
			      .required = must,            \
			      .fallback = otherwise,       \
			      .sentence = says,            \
			      __VA_ARGS__},

const struct schema_row schema_rows[SCHEMA_KEYS] = {
#define SCHEMA_KEY(object, key, type, presence, fallback, sentence) \
	ROW(object, key, presence, fallback, sentence, type)
#include "schema.def"
};

static int find_row(enum schema_object object, const char *key)
{
	for (int i = 0; i < SCHEMA_KEYS; i++)
		if (schema_rows[i].object == object && strcmp(schema_rows[i].key, key) == 0)
			return i;
	return -1;
}

static const char *described(const struct tree_node *node, struct quote *quoted)
{
	switch (node->type) {
	case TREE_LIST:
		return "a list";
	case TREE_MAP:
		return "a map";
	case TREE_NOTHING:
		return "nothing";
	default:
		*quoted = quote(node->text);
		return quoted->text;
	}
}

static void refuse(struct tree_node *node, const struct schema_row *row, const char *remedy,
		   struct errors *errors)
{
	/* Where a value should be and is not, its key is the place to look at. */
	struct place place = node->type == TREE_NOTHING ? tree_key_place(node) : tree_place(node);
	bool items = row->list && node->key_id < 0;
	char expected[256];
	struct quote quoted;
	struct suggest near = {};

	schema_expected(row, expected, sizeof(expected));
	if (row->type == SCHEMA_TYPE_CHOICE && node->type == TREE_SCALAR)
		value_nearest_choice(row->choices, node->text, &near);
	node->bad = true;
	errors_add(errors, place, "%s\"%s\" must be %s, not %s%s%s%s%s", items ? "an item of " : "",
		   row->key, row->list && !items ? "a list" : expected, described(node, &quoted),
		   remedy ? "; " : "", remedy ? remedy : "", suggest_tail(&near).text,
		   node->type == TREE_NOTHING && node->key && !row->required
			   ? "; or leave the key out"
			   : "");
}

/* What a map of texts may hold. */
static const struct map_kind {
	const char *name; /* of an item */
	bool (*is_key)(const char *text);
	bool (*is_value)(const char *text);
	const char *rule; /* for keys */
	size_t longest;	  /* value */
} label = {"label", value_is_label_key, NULL,
	   "at most 63 letters, digits, \"-\", \"_\", \".\" or \"/\"", VALUE_LABEL_MAX},
  field = {"header", value_is_field, value_is_field_value,
	   "at most 63 letters, digits or !#$%&'*+-.^_`|~ (RFC 9110, 5.6.2)", VALUE_FIELD_MAX},
  parameter = {"parameter", value_is_parameter, value_is_printable,
	       "at most 255 printable ASCII characters", VALUE_FIELD_MAX};

static void check_item(const struct tree_node *item, const struct map_kind *kind,
		       struct errors *errors)
{
	if (!kind->is_key(item->key))
		errors_add(errors, tree_key_place(item), "a %s's name must be %s, not %s",
			   kind->name, kind->rule, quote(item->key).text);
	if (item->type != TREE_SCALAR)
		errors_add(errors, tree_key_place(item), "%s %s must be a text", kind->name,
			   quote(item->key).text);
	else if (strlen(item->text) > kind->longest)
		errors_add(errors, tree_place(item),
			   "%s %s is too long: at most %zu characters, not %zu", kind->name,
			   quote(item->key).text, kind->longest, strlen(item->text));
	else if (kind->is_value && !kind->is_value(item->text))
		errors_add(errors, tree_place(item),
			   "%s %s must be printable ASCII characters without space around them, "
			   "not %s",
			   kind->name, quote(item->key).text, quote(item->text).text);
}

static void check_map(struct tree_node *map, const struct schema_row *row,
		      const struct map_kind *kind, struct errors *errors)
{
	if (map->type != TREE_MAP) {
		refuse(map, row, NULL, errors);
		return;
	}
	for (const struct tree_node *item = map->first; item; item = item->next)
		if (!item->bad)
			check_item(item, kind, errors);
}

/* A value, or one item of a list. */
static void check_value(struct tree_node *node, const struct schema_row *row, struct errors *errors)
{
	const char *remedy = NULL;

	switch (row->type) {
	case SCHEMA_TYPE_OBJECT:
		if (node->type == TREE_MAP)
			schema_check(node, row->child, errors);
		else
			refuse(node, row, NULL, errors);
		break;
	case SCHEMA_TYPE_LABELS:
		check_map(node, row, &label, errors);
		break;
	case SCHEMA_TYPE_FIELDS:
		check_map(node, row, &field, errors);
		break;
	case SCHEMA_TYPE_PARAMETERS:
		check_map(node, row, &parameter, errors);
		break;
	case SCHEMA_TYPE_RATE:
		if (row->child && node->type == TREE_MAP) {
			schema_check(node, row->child, errors);
			break;
		}
		/* fallthrough */
	default:
		if (node->type != TREE_SCALAR ||
		    value_parse(row, node->text, &node->number, &remedy) < 0)
			refuse(node, row, remedy, errors);
	}
}

static void check_key(struct tree_node *node, const struct schema_row *row, struct errors *errors)
{
	if (!row->list) {
		check_value(node, row, errors);
		return;
	}
	if (node->type != TREE_LIST) {
		refuse(node, row, NULL, errors);
		return;
	}
	for (struct tree_node *item = node->first; item; item = item->next)
		check_value(item, row, errors);
	if (node->count < row->at_least) {
		size_t length = strlen(row->key);
		bool plural = row->key[length - 1] == 's';

		errors_add(errors, tree_key_place(node), "\"%s\" needs at least one %.*s", row->key,
			   plural ? (int)length - 1 : 4, plural ? row->key : "item");
	}
}

static void refuse_key(struct tree_node *node, enum schema_object object, struct errors *errors)
{
	char keys[512] = "";
	struct suggest near;
	size_t used = 0;

	suggest_init(&near, node->key);
	for (int i = 0; i < SCHEMA_KEYS; i++) {
		if (schema_rows[i].object != object)
			continue;
		suggest_offer(&near, schema_rows[i].key);
		used += (size_t)snprintf(keys + used, sizeof(keys) - used, "%s%s", used ? ", " : "",
					 schema_rows[i].key);
	}
	node->bad = true;
	if (near.best[0])
		errors_add(errors, tree_key_place(node), "unknown key %s in %s%s",
			   quote(node->key).text, schema_objects[object].name,
			   suggest_tail(&near).text);
	else
		errors_add(errors, tree_key_place(node), "unknown key %s in %s; its keys are %s",
			   quote(node->key).text, schema_objects[object].name, keys);
}

void schema_check(struct tree_node *map, enum schema_object object, struct errors *errors)
{
	uint64_t seen[(SCHEMA_KEYS + 63) / 64] = {};
	char expected[256];

	for (struct tree_node *node = map->first; node; node = node->next) {
		int id;

		if (node->bad)
			continue;
		id = find_row(object, node->key);
		if (id < 0) {
			refuse_key(node, object, errors);
			continue;
		}
		node->key_id = (int16_t)id;
		seen[id / 64] |= 1ULL << (id % 64);
		check_key(node, &schema_rows[id], errors);
	}
	for (int id = 0; id < SCHEMA_KEYS; id++) {
		const struct schema_row *row = &schema_rows[id];

		if (row->object != object || !row->required || seen[id / 64] >> (id % 64) & 1)
			continue;
		errors_add(errors, tree_place(map), "missing key \"%s\" in %s; it must be %s",
			   row->key, schema_objects[object].name,
			   row->list ? "a list" : schema_expected(row, expected, sizeof(expected)));
	}
}

const struct tree_node *schema_find(const struct tree_node *map, enum schema_key key)
{
	for (const struct tree_node *node = map ? map->first : NULL; node; node = node->next)
		if (node->key_id == (int)key && !node->bad)
			return node;
	return NULL;
}

bool schema_written(const struct tree_node *map, enum schema_key key)
{
	for (const struct tree_node *node = map ? map->first : NULL; node; node = node->next)
		if (node->key_id == (int)key)
			return true;
	return false;
}

const struct tree_node *schema_first(const struct tree_node *list)
{
	const struct tree_node *item = list ? list->first : NULL;

	return item && item->bad ? schema_next(item) : item;
}

const struct tree_node *schema_next(const struct tree_node *item)
{
	do
		item = item->next;
	while (item && item->bad);
	return item;
}

const char *schema_text(const struct tree_node *map, enum schema_key key)
{
	const struct tree_node *node = schema_find(map, key);

	return node ? node->text : schema_rows[key].fallback;
}

uint64_t schema_number(const struct tree_node *map, enum schema_key key)
{
	return schema_number_for(map, key, NULL);
}

uint64_t schema_number_for(const struct tree_node *map, enum schema_key key, const char *word)
{
	const struct tree_node *node = schema_find(map, key);
	const char *text = schema_rows[key].fallback;
	const char *remedy;
	uint64_t number = 0;
	char copy[32];

	if (node)
		return node->number;
	if (!text)
		return 0;
	if (word) {
		/* "TCP 15m, UDP 60s": the word is followed by its value */
		text = strstr(text, word);
		if (!text)
			abort();
		text += strlen(word) + 1;
	}
	snprintf(copy, sizeof(copy), "%.*s", (int)strcspn(text, ","), text);
	if (value_parse(&schema_rows[key], copy, &number, &remedy) < 0)
		abort(); /* a row of schema.def contradicts itself; a unit test reads them all */
	return number;
}
