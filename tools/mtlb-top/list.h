/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The rows of a panel: which of the board's things, in which order. Pure. */
#ifndef MTLB_TOP_LIST_H
#define MTLB_TOP_LIST_H

#include "panel.h"

struct list_row {
	const struct entity *entity;
	double number; /* by which it is sorted; texts come from the entity */
};

struct list {
	struct list_row *rows;
	size_t count, room;
};

struct list_wish {
	const struct panel *panel;
	const char *tenant, *service; /* words; NULL: all */
	const char *needle;	      /* a part of one of its naming texts; "": all */
	unsigned sort;		      /* a column */
	bool reverse; /* else: texts from a to z, numbers from the largest to what is not known */
};

/* 0 or -ENOMEM. */
int list_fill(struct list *list, const struct board *board, const struct list_wish *wish);
void list_fini(struct list *list);

/* Without regard to case. */
bool list_matches(const struct entity *entity, const char *needle);

#endif
