// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "tree.h"

#include <stdlib.h>
#include <string.h>

#define CHUNK_SIZE 65536

struct tree_chunk {
	struct tree_chunk *next;
	size_t used, room;
	_Alignas(16) char bytes[];
};

void *tree_take(struct tree *tree, size_t size)
{
	struct tree_chunk *chunk = tree->chunks;
	void *memory;

	size = (size + 15) & ~(size_t)15;
	if (!chunk || chunk->room - chunk->used < size) {
		size_t room = size > CHUNK_SIZE ? size : CHUNK_SIZE;

		chunk = calloc(1, sizeof(*chunk) + room);
		if (!chunk)
			return NULL;
		chunk->room = room;
		chunk->next = tree->chunks;
		tree->chunks = chunk;
	}
	memory = chunk->bytes + chunk->used;
	chunk->used += size;
	return memory;
}

const char *tree_take_text(struct tree *tree, const char *text, size_t length)
{
	char *copy = tree_take(tree, length + 1);

	if (copy)
		memcpy(copy, text, length);
	return copy;
}

struct tree_node *tree_make(struct tree *tree, enum tree_type type)
{
	struct tree_node *node = tree_take(tree, sizeof(*node));

	if (!node)
		return NULL;
	node->type = type;
	node->key_id = -1;
	node->file = "";
	return node;
}

void tree_append(struct tree_node *parent, const char *key, struct tree_node *node)
{
	struct tree_node **end = &parent->first;

	while (*end)
		end = &(*end)->next;
	*end = node;
	node->next = NULL;
	node->key = key;
	parent->count++;
}

void tree_remove(struct tree_node *parent, struct tree_node *node)
{
	struct tree_node **at = &parent->first;

	while (*at && *at != node)
		at = &(*at)->next;
	if (!*at)
		return;
	*at = node->next;
	node->next = NULL;
	parent->count--;
}

struct tree_node *tree_get(const struct tree_node *map, const char *key)
{
	if (!map || map->type != TREE_MAP)
		return NULL;
	for (struct tree_node *node = map->first; node; node = node->next)
		if (!node->bad && strcmp(node->key, key) == 0)
			return node;
	return NULL;
}

const char *tree_get_text(const struct tree_node *map, const char *key)
{
	const struct tree_node *node = tree_get(map, key);

	return node && node->type == TREE_SCALAR ? node->text : NULL;
}

struct place tree_place(const struct tree_node *node)
{
	return (struct place){node->file, node->line, node->column};
}

struct place tree_key_place(const struct tree_node *node)
{
	if (!node->key)
		return tree_place(node);
	return (struct place){node->file, node->key_line, node->key_column};
}

void tree_fini(struct tree *tree)
{
	while (tree->chunks) {
		struct tree_chunk *next = tree->chunks->next;

		free(tree->chunks);
		tree->chunks = next;
	}
	*tree = (struct tree){};
}
