// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "h1.h"
#include "h1_fields.h"

#define NAME_MAX_LENGTH 24

/* Room for whole words, whatever the length. */
static const struct {
	char text[NAME_MAX_LENGTH];
	uint8_t length, kind;
} names[H1_NAMES] = {
	[H1_HEADER_OTHER] = {"", 0, H1_KIND_any},
#define H1_LENGTH(length)
#define H1_HEADER(id, name, kind) [H1_HEADER_##id] = {name, sizeof(name) - 1, H1_KIND_##kind},
#include "h1_headers.def"
#undef H1_LENGTH
#undef H1_HEADER
};

_Static_assert(H1_NAMES <= 64, "a set of names is one word");

/* The first one of each length: a group's own entry takes no number. */
enum group {
	GROUP_NONE,
#define H1_LENGTH(length)	  GROUP_##length, GROUP_##length##_back = GROUP_##length - 1,
#define H1_HEADER(id, name, kind) GROUP_of_##id,
#include "h1_headers.def"
#undef H1_LENGTH
#undef H1_HEADER
};

static const uint8_t first_of_length[NAME_MAX_LENGTH] = {
#define H1_LENGTH(length) [length] = GROUP_##length,
#define H1_HEADER(id, name, kind)
#include "h1_headers.def"
#undef H1_LENGTH
#undef H1_HEADER
};

/* Upper case becomes lower case, and no other character of a token becomes a letter or a hyphen. */
#define FOLD UINT64_C(0x2020202020202020)

static inline uint64_t word(const char *at)
{
	uint64_t value;

	memcpy(&value, at, sizeof(value));
	return value | FOLD;
}

static inline uint32_t half(const char *at)
{
	uint32_t value;

	memcpy(&value, at, sizeof(value));
	return value | (uint32_t)FOLD;
}

/* Words that overlap at the end, so that nothing behind the name is read. */
static inline bool same(const char *name, const char *known, size_t length)
{
	if (length >= 8)
		return word(name) == word(known) &&
		       word(name + length - 8) == word(known + length - 8) &&
		       (length <= 16 || word(name + 8) == word(known + 8));
	if (length >= 4)
		return half(name) == half(known) &&
		       half(name + length - 4) == half(known + length - 4);
	for (size_t i = 0; i < length; i++) {
		if ((name[i] | 0x20) != known[i])
			return false;
	}
	return true;
}

enum h1_name h1_name_of(const char *name, size_t length)
{
	unsigned id = length < NAME_MAX_LENGTH ? first_of_length[length] : 0;

	if (!id)
		return H1_HEADER_OTHER;
	for (; id < H1_NAMES && names[id].length == length; id++) {
		if (same(name, names[id].text, length))
			return (enum h1_name)id;
	}
	return H1_HEADER_OTHER;
}

const char *h1_name_text(enum h1_name name)
{
	return names[name].text;
}

enum h1_kind h1_name_kind(enum h1_name name)
{
	return (enum h1_kind)names[name].kind;
}
