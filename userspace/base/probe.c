// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "probe.h"

#include <stdlib.h>
#include <string.h>

#define PROBE_KIND(divider, word, ID) [PROBE_##ID] = #word,
static const char *const names[PROBE_KINDS] = {
	[PROBE_NONE] = "none",
#include "probe.def"
};

#define PROBE_TEXT(ID, key) [PROBE_TEXT_##ID] = #key,
static const char *const keys[PROBE_TEXTS] = {
#include "probe.def"
};

const char *probe_kind_name(enum probe_kind kind)
{
	return kind < PROBE_KINDS ? names[kind] : "?";
}

const char *probe_text_key(enum probe_text text)
{
	return keys[text];
}

struct probe_question *probe_copy_question(const struct probe_question *from)
{
	struct probe_question *to;
	size_t size = sizeof(*to);
	char *at;

	for (int i = 0; i < PROBE_TEXTS; i++)
		size += from->length[i] + 1U;
	to = malloc(size);
	if (!to)
		return NULL;
	*to = *from;
	at = (char *)(to + 1);
	for (int i = 0; i < PROBE_TEXTS; i++) {
		if (from->length[i])
			memcpy(at, from->text[i], from->length[i]);
		at[from->length[i]] = 0;
		to->text[i] = at;
		at += from->length[i] + 1;
	}
	return to;
}

bool probe_same_question(const struct probe_question *a, const struct probe_question *b)
{
	if (a->status_first != b->status_first || a->status_last != b->status_last ||
	    a->head != b->head)
		return false;
	for (int i = 0; i < PROBE_TEXTS; i++)
		if (a->length[i] != b->length[i] ||
		    (a->length[i] && memcmp(a->text[i], b->text[i], a->length[i]) != 0))
			return false;
	return true;
}
