// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "errors.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool make_room(struct errors *errors)
{
	size_t room = errors->room ? errors->room * 2 : 16;
	struct config_error *list;

	if (errors->count < errors->room)
		return true;
	list = realloc(errors->list, room * sizeof(*list));
	if (!list)
		return false;
	errors->list = list;
	errors->room = room;
	return true;
}

static bool append(struct errors *errors, struct place place, const char *text)
{
	struct config_error *error;

	if (!make_room(errors))
		return false;
	error = &errors->list[errors->count];
	error->line = place.line;
	error->column = place.column;
	error->file = strdup(place.file);
	error->text = strdup(text);
	if (!error->file || !error->text) {
		free(error->file);
		free(error->text);
		return false;
	}
	for (char *c = error->text; *c; c++)
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			*c = '?';
	errors->count++;
	return true;
}

void errors_add(struct errors *errors, struct place place, const char *format, ...)
{
	char text[1024];
	va_list args;

	if (errors_full(errors)) {
		errors->left_out++;
		return;
	}
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (!append(errors, place, text))
		errors->out_of_memory = true;
}

bool errors_full(const struct errors *errors)
{
	return errors->count >= ERRORS_KEPT || errors->out_of_memory;
}

bool errors_few(const struct errors *errors)
{
	return errors->count < ERRORS_SHOWN;
}

static int compare(const void *left, const void *right)
{
	const struct config_error *a = left, *b = right;
	int order = strcmp(a->file, b->file);

	if (order == 0)
		order = (a->line > b->line) - (a->line < b->line);
	if (order == 0)
		order = (a->column > b->column) - (a->column < b->column);
	return order ? order : strcmp(a->text, b->text);
}

static void cut(struct errors *errors, size_t count)
{
	while (errors->count > count) {
		struct config_error *error = &errors->list[--errors->count];

		free(error->file);
		free(error->text);
	}
}

int errors_finish(struct errors *errors, const char *path, struct config_errors *ret_errors)
{
	size_t more = errors->left_out;
	char text[64];

	*ret_errors = (struct config_errors){};
	if (errors->count == 0 && !errors->out_of_memory)
		return 0;
	if (errors->count)
		qsort(errors->list, errors->count, sizeof(*errors->list), compare);
	if (errors->count > ERRORS_SHOWN) {
		more += errors->count - ERRORS_SHOWN;
		cut(errors, ERRORS_SHOWN);
	}
	snprintf(text, sizeof(text), "%zu more error%s", more, more == 1 ? "" : "s");
	if (more && !append(errors, (struct place){path, 0, 0}, text))
		errors->out_of_memory = true;
	ret_errors->list = errors->list;
	ret_errors->count = errors->count;
	errors->list = NULL;
	errors->count = errors->room = 0;
	return errors->out_of_memory ? -ENOMEM : -EINVAL;
}

void errors_fini(struct errors *errors)
{
	cut(errors, 0);
	free(errors->list);
	*errors = (struct errors){};
}
