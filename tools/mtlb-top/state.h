/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What is looked at and how: which panel, of whom, sorted by what, filtered, scrolled; and what
 * keys do to it. Knows no terminal. Pure.
 */
#ifndef MTLB_TOP_STATE_H
#define MTLB_TOP_STATE_H

#include "list.h"

#define STATE_TYPED_MAX 40

enum state_key {
	/* a character that was typed is itself */
	STATE_KEY_UP = 0x1000,
	STATE_KEY_DOWN,
	STATE_KEY_PAGE_UP,
	STATE_KEY_PAGE_DOWN,
	STATE_KEY_HOME,
	STATE_KEY_END,
	STATE_KEY_LEFT,
	STATE_KEY_RIGHT,
	STATE_KEY_ENTER,
	STATE_KEY_ESCAPE,
	STATE_KEY_BACKSPACE,
	STATE_KEY_TAB,
	STATE_KEY_BACK_TAB,
	STATE_KEY_HELP,
	STATE_KEY_WHEEL_UP,
	STATE_KEY_WHEEL_DOWN,
};

enum state_mode {
	STATE_LOOK,
	STATE_FILTER, /* text is being typed */
	STATE_SEARCH,
	STATE_HELP,
};

struct state {
	enum panel_id panel;
	const char *tenant, *service; /* of whom alone; NULL: all */
	unsigned sort[PANELS];
	bool reverse[PANELS];
	char filter[STATE_TYPED_MAX + 1], search[STATE_TYPED_MAX + 1];
	enum state_mode mode;
	bool paused, bytes, quit;
	bool missed; /* nothing is called as was searched for */
	/* the row that is marked goes where its thing goes; NULL: the first one, whatever it is */
	const char *marked[RECORD_TEXTS];
	enum record_kind marked_kind;
	size_t top;    /* the first row on the screen */
	unsigned rows; /* how many there are on the screen */
};

void state_init(struct state *state);

/* Fills the list with what the state has a look at. 0 or -ENOMEM. */
int state_list(const struct state *state, const struct board *board, struct list *list);

/* The list is what the screen shows. */
void state_key(struct state *state, int key, const struct list *list);
/* A row of the screen was pointed at: the first time it is marked, then entered. */
void state_point(struct state *state, unsigned row, const struct list *list);

/* Where the marked row is in the list; moves the top so that it is on the screen. */
size_t state_place(struct state *state, const struct list *list);

#endif
