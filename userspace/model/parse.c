// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "parse.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "quote.h"

struct level {
	struct tree_node *node, *last;
	const char *key; /* read, waits for its value */
	int key_line, key_column;
};

struct parse {
	struct tree *tree;
	struct errors *errors;
	const char *file, *text;
	size_t length;
	int depth;
	struct level stack[PARSE_DEPTH_MAX];
};

static struct place mark_place(const struct parse *parse, yaml_mark_t mark)
{
	return (struct place){parse->file, (int)mark.line + 1, (int)mark.column + 1};
}

/* libyaml counts characters, not bytes; so does this. */
static struct place offset_place(const struct parse *parse, size_t offset)
{
	struct place place = {parse->file, 1, 1};

	for (size_t i = 0; i < offset && i < parse->length; i++) {
		if (parse->text[i] == '\n') {
			place.line++;
			place.column = 1;
		} else if (((unsigned char)parse->text[i] & 0xc0) != 0x80) {
			place.column++;
		}
	}
	return place;
}

/* Marks count characters, so the byte must be looked for. */
static char byte_at(const struct parse *parse, yaml_mark_t mark)
{
	const char *text = parse->text, *stop = text + parse->length;

	for (size_t line = 0; line < mark.line && text; line++) {
		text = memchr(text, '\n', (size_t)(stop - text));
		if (text)
			text++;
	}
	for (size_t column = 0; text && text < stop; text++)
		if (((unsigned char)*text & 0xc0) != 0x80 && column++ == mark.column)
			return *text;
	return 0;
}

static int refuse(struct parse *parse, yaml_mark_t mark, const char *sentence)
{
	errors_add(parse->errors, mark_place(parse, mark), "%s", sentence);
	return -EINVAL;
}

static int report_problem(struct parse *parse, const yaml_parser_t *parser)
{
	const char *problem = parser->problem ? parser->problem : "it cannot be read";
	yaml_mark_t mark = parser->problem_mark;
	const char *hint = "";

	if (parser->error == YAML_MEMORY_ERROR)
		return -ENOMEM;
	if (parser->error == YAML_READER_ERROR) {
		errors_add(parse->errors, offset_place(parse, parser->problem_offset),
			   "not valid YAML: %s; the file must be UTF-8 text", problem);
		return -EINVAL;
	}
	if (byte_at(parse, mark) == '\t')
		hint = "; indent with spaces, not tabs";
	if (parser->context && parser->context_mark.line != mark.line)
		errors_add(parse->errors, mark_place(parse, mark),
			   "not valid YAML: %s, %s that starts at line %zu%s", problem,
			   parser->context, parser->context_mark.line + 1, hint);
	else
		errors_add(parse->errors, mark_place(parse, mark), "not valid YAML: %s%s%s%s",
			   problem, parser->context ? ", " : "",
			   parser->context ? parser->context : "", hint);
	return -EINVAL;
}

/* Puts node where it belongs: into the list or map being read, or among the documents. */
static void attach(struct parse *parse, struct tree_node *node)
{
	struct level *level;

	if (parse->depth == 0) {
		struct tree *tree = parse->tree;

		if (tree->last_document)
			tree->last_document->next = node;
		else
			tree->documents = node;
		tree->last_document = node;
		return;
	}
	level = &parse->stack[parse->depth - 1];
	if (level->node->type == TREE_MAP) {
		node->key = level->key;
		node->key_line = level->key_line;
		node->key_column = level->key_column;
		level->key = NULL;
	}
	if (level->last)
		level->last->next = node;
	else
		level->node->first = node;
	level->last = node;
	level->node->count++;
}

static bool awaits_key(const struct parse *parse)
{
	const struct level *level = parse->stack + parse->depth;

	return parse->depth > 0 && level[-1].node->type == TREE_MAP && !level[-1].key;
}

static struct tree_node *make_node(struct parse *parse, enum tree_type type, yaml_mark_t mark)
{
	struct tree_node *node = tree_take(parse->tree, sizeof(*node));

	if (!node)
		return NULL;
	node->type = type;
	node->key_id = -1;
	node->file = parse->file;
	node->line = (int)mark.line + 1;
	node->column = (int)mark.column + 1;
	return node;
}

static bool stands_for_nothing(const yaml_event_t *event)
{
	const char *text = (const char *)event->data.scalar.value;

	return event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
	       (!*text || !strcmp(text, "~") || !strcmp(text, "null"));
}

static int read_scalar(struct parse *parse, const yaml_event_t *event)
{
	const char *value = (const char *)event->data.scalar.value;
	size_t length = event->data.scalar.length;
	struct tree_node *node;
	const char *text;

	if (event->data.scalar.anchor)
		return refuse(parse, event->start_mark,
			      "anchors are not supported: write the value out where it is used");
	if (event->data.scalar.tag)
		return refuse(parse, event->start_mark,
			      "tags are not supported: leave out the word that starts with \"!\"");
	if (memchr(value, 0, length))
		return refuse(parse, event->start_mark, "a text must not contain a NUL character");
	text = tree_take_text(parse->tree, value, length);
	if (!text)
		return -ENOMEM;
	if (awaits_key(parse)) {
		struct level *level = &parse->stack[parse->depth - 1];

		level->key = text;
		level->key_line = (int)event->start_mark.line + 1;
		level->key_column = (int)event->start_mark.column + 1;
		return 0;
	}
	node = make_node(parse, stands_for_nothing(event) ? TREE_NOTHING : TREE_SCALAR,
			 event->start_mark);
	if (!node)
		return -ENOMEM;
	node->text = text;
	attach(parse, node);
	return 0;
}

static int begin(struct parse *parse, enum tree_type type, const yaml_event_t *event)
{
	/* A document that is refused half way is not attached: it would be judged as if whole. */
	bool map = type == TREE_MAP;
	const yaml_char_t *anchor =
		map ? event->data.mapping_start.anchor : event->data.sequence_start.anchor;
	const yaml_char_t *tag =
		map ? event->data.mapping_start.tag : event->data.sequence_start.tag;
	struct tree_node *node;

	if (anchor)
		return refuse(parse, event->start_mark,
			      "anchors are not supported: write the value out where it is used");
	if (tag)
		return refuse(parse, event->start_mark,
			      "tags are not supported: leave out the word that starts with \"!\"");
	if (awaits_key(parse))
		return refuse(parse, event->start_mark,
			      "a key must be a word, not a list or a map");
	if (parse->depth == PARSE_DEPTH_MAX)
		return refuse(parse, event->start_mark, "nested too deeply: at most 32 levels");
	node = make_node(parse, type, event->start_mark);
	if (!node)
		return -ENOMEM;
	if (parse->depth > 0)
		attach(parse, node);
	parse->stack[parse->depth++] = (struct level){.node = node};
	return 0;
}

static int compare_keys(const void *left, const void *right)
{
	const struct tree_node *a = *(struct tree_node *const *)left;
	const struct tree_node *b = *(struct tree_node *const *)right;
	int order = strcmp(a->key, b->key);

	if (order == 0)
		order = (a->key_line > b->key_line) - (a->key_line < b->key_line);
	if (order == 0)
		order = (a->key_column > b->key_column) - (a->key_column < b->key_column);
	return order;
}

/* By sorting: a map may have as many keys as fit into a file. */
static int refuse_duplicates(struct parse *parse, const struct tree_node *map)
{
	struct tree_node *few[16], **nodes = few, *node;
	size_t count = 0;

	if (map->count > 16) {
		nodes = malloc(map->count * sizeof(*nodes));
		if (!nodes)
			return -ENOMEM;
	}
	for (node = map->first; node; node = node->next)
		nodes[count++] = node;
	if (count)
		qsort(nodes, count, sizeof(*nodes), compare_keys);
	for (size_t i = 1, first = 0; i < count; i++) {
		if (strcmp(nodes[i]->key, nodes[first]->key) != 0) {
			first = i;
			continue;
		}
		nodes[i]->bad = true;
		errors_add(parse->errors, tree_key_place(nodes[i]),
			   "duplicate key %s; the first is at line %d", quote(nodes[i]->key).text,
			   nodes[first]->key_line);
	}
	if (nodes != few)
		free(nodes);
	return 0;
}

static int end(struct parse *parse)
{
	struct tree_node *node = parse->stack[--parse->depth].node;

	if (parse->depth == 0)
		attach(parse, node);
	return node->type == TREE_MAP ? refuse_duplicates(parse, node) : 0;
}

static int take_event(struct parse *parse, const yaml_event_t *event)
{
	switch (event->type) {
	case YAML_SCALAR_EVENT:
		return read_scalar(parse, event);
	case YAML_SEQUENCE_START_EVENT:
		return begin(parse, TREE_LIST, event);
	case YAML_MAPPING_START_EVENT:
		return begin(parse, TREE_MAP, event);
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		return end(parse);
	case YAML_ALIAS_EVENT:
		return refuse(parse, event->start_mark,
			      "aliases are not supported: write the value out where it is used");
	default:
		return 0;
	}
}

int parse_yaml(struct tree *tree, const char *file, const char *text, size_t length,
	       struct errors *errors)
{
	struct parse parse = {
		.tree = tree, .errors = errors, .file = file, .text = text, .length = length};
	const char *nul = memchr(text, 0, length);
	yaml_parser_t parser;
	yaml_event_t event;
	bool done = false;
	int r = 0;

	if (nul) {
		errors_add(errors, offset_place(&parse, (size_t)(nul - text)),
			   "a NUL byte; the file must be UTF-8 text");
		return -EINVAL;
	}
	if (!yaml_parser_initialize(&parser))
		return -ENOMEM;
	yaml_parser_set_input_string(&parser, (const unsigned char *)text, length);
	yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
	while (r == 0 && !done) {
		if (!yaml_parser_parse(&parser, &event)) {
			r = report_problem(&parse, &parser);
			break;
		}
		done = event.type == YAML_STREAM_END_EVENT;
		r = take_event(&parse, &event);
		yaml_event_delete(&event);
	}
	yaml_parser_delete(&parser);
	return r;
}
