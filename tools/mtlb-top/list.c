// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "list.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

bool list_matches(const struct entity *entity, const char *needle)
{
	if (!*needle)
		return true;
	for (unsigned i = 0; i < record_shapes[entity->kind].keys; i++)
		if (strcasestr(entity->key[i], needle))
			return true;
	return false;
}

static bool is_wanted(const struct entity *entity, const struct list_wish *wish)
{
	bool owned = entity->kind == RECORD_TENANT || entity->kind == RECORD_DROP ||
		     entity->kind == RECORD_SERVICE || entity->kind == RECORD_MEMBER ||
		     entity->kind == RECORD_ROUTE;

	/* "-" is nobody: its drops are those of the node */
	if (entity->kind == RECORD_TENANT && !strcmp(entity->key[0], "-"))
		return false;
	if (owned && wish->tenant && entity->key[0] != wish->tenant)
		return false;
	if (entity->kind == RECORD_MEMBER && wish->service && entity->key[1] != wish->service)
		return false;
	return list_matches(entity, wish->needle);
}

static struct list_row *add(struct list *list)
{
	if (list->count == list->room) {
		size_t room = list->room ? 2 * list->room : 64;
		struct list_row *larger = realloc(list->rows, room * sizeof(*larger));

		if (!larger)
			return NULL;
		list->rows = larger;
		list->room = room;
	}
	return &list->rows[list->count++];
}

static int by_name(const struct entity *a, const struct entity *b)
{
	if (a->kind != b->kind)
		return a->kind < b->kind ? -1 : 1;
	return (a->rank > b->rank) - (a->rank < b->rank);
}

static int order(const void *one, const void *other, void *context)
{
	const struct list_row *a = one, *b = other;
	const struct list_wish *wish = context;
	const struct column *column = &wish->panel->columns[wish->sort];
	int found = 0;

	if (column->text && column->text != panel_key0) {
		const char *x = column->text(a->entity), *y = column->text(b->entity);

		found = x == y ? 0 : strverscmp(x, y);
	} else if (column->text) {
		found = by_name(a->entity, b->entity); /* it begins with that */
	} else if (isnan(a->number) || isnan(b->number)) {
		found = isnan(a->number) - isnan(b->number);
	} else {
		found = (a->number < b->number) - (a->number > b->number);
	}
	if (found)
		return wish->reverse ? -found : found;
	return by_name(a->entity, b->entity);
}

int list_fill(struct list *list, const struct board *board, const struct list_wish *wish)
{
	const struct column *column = &wish->panel->columns[wish->sort];

	list->count = 0;
	for (int kind = 0; kind < RECORD_KINDS; kind++) {
		struct entity *entity, *next;

		if (!(wish->panel->kinds >> kind & 1))
			continue;
		HASH_ITER (hh, board->entities[kind], entity, next) {
			struct list_row *row;

			if (!is_wanted(entity, wish))
				continue;
			row = add(list);
			if (!row)
				return -ENOMEM;
			row->entity = entity;
			row->number = column->number ? column->number(entity) : 0;
		}
	}
	if (list->count)
		qsort_r(list->rows, list->count, sizeof(*list->rows), order, (void *)wish);
	return 0;
}

void list_fini(struct list *list)
{
	free(list->rows);
	*list = (struct list){};
}
