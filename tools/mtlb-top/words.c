// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "words.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct word {
	uint32_t hash;
	uint32_t length;
	char text[];
};

/* Open addressing, at most half full. */
static struct word **table;
static size_t room, count;

static uint32_t hash_of(const char *text, size_t length)
{
	uint32_t hash = 2166136261U; /* FNV-1a */

	for (size_t i = 0; i < length; i++)
		hash = (hash ^ (unsigned char)text[i]) * 16777619U;
	return hash;
}

bool word_is_good(const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (text[i] <= ' ' || text[i] > '~')
			return false;
	return length && length <= WORD_MAX;
}

static bool grow(void)
{
	size_t larger = room ? 2 * room : 1024;
	struct word **fresh = calloc(larger, sizeof(*fresh));

	if (!fresh)
		return false;
	for (size_t i = 0; i < room; i++) {
		size_t at;

		if (!table[i])
			continue;
		for (at = table[i]->hash & (larger - 1); fresh[at]; at = (at + 1) & (larger - 1))
			;
		fresh[at] = table[i];
	}
	free(table);
	table = fresh;
	room = larger;
	return true;
}

static struct word *make(const char *text, size_t length, uint32_t hash)
{
	struct word *word = malloc(sizeof(*word) + length + 1);

	if (!word)
		return NULL;
	word->hash = hash;
	word->length = (uint32_t)length;
	memcpy(word->text, text, length);
	word->text[length] = 0;
	return word;
}

const char *word_keep(const char *text, size_t length)
{
	uint32_t hash;
	size_t at;

	if (!word_is_good(text, length) || (2 * count >= room && !grow()))
		return NULL;
	hash = hash_of(text, length);
	for (at = hash & (room - 1); table[at]; at = (at + 1) & (room - 1))
		if (table[at]->hash == hash && table[at]->length == length &&
		    !memcmp(table[at]->text, text, length))
			return table[at]->text;
	table[at] = make(text, length, hash);
	if (!table[at])
		return NULL;
	count++;
	return table[at]->text;
}

const char *word_force(const char *text)
{
	char clean[WORD_MAX + 1] = "-";
	size_t length = 0;

	for (; text && *text && length < WORD_MAX; text++)
		clean[length++] = *text > ' ' && *text <= '~' ? *text : '?';
	text = word_keep(clean, length ? length : 1);
	return text ? text : "?"; /* no memory */
}

void words_fini(void)
{
	for (size_t i = 0; i < room; i++)
		free(table[i]);
	free(table);
	table = NULL;
	room = count = 0;
}
