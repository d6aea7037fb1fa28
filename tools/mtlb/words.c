// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "words.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "../../userspace/model/suggest.h"

static int ambiguous(const char *typed, const char *const *words, size_t count, struct err *err)
{
	char list[512] = "";
	size_t i, length = 0;

	for (i = 0; i < count; i++)
		if (!strncmp(words[i], typed, strlen(typed)) && length < sizeof(list))
			length += snprintf(list + length, sizeof(list) - length, "%s%s",
					   length ? " or " : "", words[i]);
	return err_set(err, -EINVAL, "\"%s\" could be %s", typed, list);
}

int words_find(const char *typed, const char *const *words, size_t count, const char *what,
	       struct err *err)
{
	size_t i, matches = 0;
	struct suggest near;
	int found = -1;

	suggest_init(&near, typed);
	for (i = 0; i < count; i++) {
		if (!strcmp(words[i], typed))
			return i;
		if (*typed && !strncmp(words[i], typed, strlen(typed))) {
			found = i;
			matches++;
		}
		suggest_offer(&near, words[i]);
	}
	if (matches == 1)
		return found;
	if (matches > 1)
		return ambiguous(typed, words, count, err);
	return err_set(err, -EINVAL, "there is no %s \"%.64s\"%s", what, typed,
		       suggest_tail(&near).text);
}
