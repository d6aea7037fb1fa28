// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "state.h"

#include <string.h>

void state_init(struct state *state)
{
	*state = (struct state){.rows = 1};
	for (int i = 0; i < PANELS; i++)
		state->sort[i] = panels[i]->sort;
}

int state_list(const struct state *state, const struct board *board, struct list *list)
{
	struct list_wish wish = {
		.panel = panels[state->panel],
		.tenant = state->tenant,
		.service = state->service,
		.needle = state->filter,
		.sort = state->sort[state->panel],
		.reverse = state->reverse[state->panel],
	};

	return list_fill(list, board, &wish);
}

static bool is_marked(const struct state *state, const struct entity *entity)
{
	return entity->kind == state->marked_kind &&
	       !memcmp(entity->key, state->marked, sizeof(entity->key));
}

/* What is gone leaves the mark on the first row that is shown. */
static size_t find_marked(const struct state *state, const struct list *list)
{
	for (size_t i = 0; state->marked[0] && i < list->count; i++)
		if (is_marked(state, list->rows[i].entity))
			return i;
	return state->marked[0] && state->top < list->count ? state->top : 0;
}

size_t state_place(struct state *state, const struct list *list)
{
	size_t place = find_marked(state, list);

	if (place < state->top)
		state->top = place;
	if (place >= state->top + state->rows)
		state->top = place - state->rows + 1;
	if (list->count <= state->rows)
		state->top = 0;
	else if (state->top > list->count - state->rows)
		state->top = list->count - state->rows;
	return place;
}

static void mark(struct state *state, const struct list *list, size_t place)
{
	if (!list->count)
		return;
	if (place >= list->count)
		place = list->count - 1;
	memcpy(state->marked, list->rows[place].entity->key, sizeof(state->marked));
	state->marked_kind = list->rows[place].entity->kind;
	/* back at the first row: whatever comes to stand there */
	if (!place)
		memset(state->marked, 0, sizeof(state->marked));
	state_place(state, list);
}

static void move(struct state *state, const struct list *list, long by)
{
	size_t place = state_place(state, list);

	mark(state, list, by < 0 && (size_t)-by > place ? 0 : place + (size_t)by);
}

static void go(struct state *state, enum panel_id panel)
{
	state->panel = panel;
	state->top = 0;
	state->missed = false;
	memset(state->marked, 0, sizeof(state->marked));
}

/* Into the tenant or the service of the row. */
static void enter(struct state *state, const struct list *list)
{
	const struct entity *entity;
	size_t place = state_place(state, list);

	if (place >= list->count || panels[state->panel]->inner == PANELS)
		return;
	entity = list->rows[place].entity;
	state->tenant = entity->key[0];
	if (state->panel == PANEL_SERVICES)
		state->service = entity->key[1];
	state->filter[0] = 0;
	go(state, panels[state->panel]->inner);
}

/* Out of what was entered last: of what is only typed first. */
static void leave(struct state *state)
{
	if (state->filter[0])
		state->filter[0] = 0;
	else if (state->service) {
		state->service = NULL;
		go(state, PANEL_SERVICES);
	} else if (state->tenant) {
		state->tenant = NULL;
		go(state, PANEL_TENANTS);
	}
}

static void choose_sort(struct state *state, int by)
{
	int columns = (int)panel_columns(panels[state->panel]);
	int sort = (int)state->sort[state->panel];

	do /* pictures stand beside the number that they show */
		sort = (sort + by + columns) % columns;
	while (panels[state->panel]->columns[sort].kind == COLUMN_BAR ||
	       panels[state->panel]->columns[sort].kind == COLUMN_SPARK);
	state->sort[state->panel] = (unsigned)sort;
	state->reverse[state->panel] = false;
}

/* The next one after the mark, or the mark itself, that is called so. */
static void search(struct state *state, const struct list *list, bool next)
{
	size_t place = state_place(state, list);

	state->missed = false;
	if (!state->search[0])
		return;
	for (size_t i = 0; i < list->count; i++) {
		size_t at = (place + i + next) % list->count;

		if (list_matches(list->rows[at].entity, state->search)) {
			mark(state, list, at);
			return;
		}
	}
	state->missed = true;
}

static void type(struct state *state, int key, const struct list *list)
{
	char *text = state->mode == STATE_FILTER ? state->filter : state->search;
	size_t length = strlen(text);

	if (key == STATE_KEY_ENTER) {
		state->mode = STATE_LOOK;
	} else if (key == STATE_KEY_ESCAPE) {
		text[0] = 0;
		state->missed = false;
		state->mode = STATE_LOOK;
	} else if (key == STATE_KEY_BACKSPACE && length) {
		text[length - 1] = 0;
	} else if (key > ' ' && key <= '~' && length < STATE_TYPED_MAX) {
		text[length] = (char)key;
		text[length + 1] = 0;
	}
	if (state->mode == STATE_SEARCH)
		search(state, list, false);
}

static void begin_typing(struct state *state, enum state_mode mode)
{
	state->mode = mode;
	state->missed = false;
	if (mode == STATE_SEARCH)
		state->search[0] = 0;
}

/* What moves the mark; false: the key means something else. */
static bool move_key(struct state *state, int key, const struct list *list)
{
	switch (key) {
	case STATE_KEY_UP:
	case 'k':
		move(state, list, -1);
		return true;
	case STATE_KEY_DOWN:
	case 'j':
		move(state, list, 1);
		return true;
	case STATE_KEY_PAGE_UP:
		move(state, list, -(long)state->rows);
		return true;
	case STATE_KEY_PAGE_DOWN:
		move(state, list, state->rows);
		return true;
	case STATE_KEY_WHEEL_UP:
		move(state, list, -3);
		return true;
	case STATE_KEY_WHEEL_DOWN:
		move(state, list, 3);
		return true;
	case STATE_KEY_HOME:
	case 'g':
		mark(state, list, 0);
		return true;
	case STATE_KEY_END:
	case 'G':
		mark(state, list, list->count);
		return true;
	default:
		return false;
	}
}

static void look_key(struct state *state, int key, const struct list *list)
{
	switch (key) {
	case STATE_KEY_ENTER:
		enter(state, list);
		break;
	case STATE_KEY_ESCAPE:
	case STATE_KEY_BACKSPACE:
		leave(state);
		break;
	case STATE_KEY_TAB:
		go(state, (state->panel + 1) % PANELS);
		break;
	case STATE_KEY_BACK_TAB:
		go(state, (state->panel + PANELS - 1) % PANELS);
		break;
	case '1' ... '0' + PANELS:
		go(state, (enum panel_id)(key - '1'));
		break;
	case STATE_KEY_LEFT:
	case '<':
		choose_sort(state, -1);
		break;
	case STATE_KEY_RIGHT:
	case '>':
	case 's':
		choose_sort(state, 1);
		break;
	case 'r':
		state->reverse[state->panel] = !state->reverse[state->panel];
		break;
	case 'f':
		begin_typing(state, STATE_FILTER);
		break;
	case '/':
		begin_typing(state, STATE_SEARCH);
		break;
	case 'n':
		search(state, list, true);
		break;
	case ' ':
	case 'p':
		state->paused = !state->paused;
		break;
	case 'u':
		state->bytes = !state->bytes;
		break;
	case 'h':
	case '?':
	case STATE_KEY_HELP:
		state->mode = STATE_HELP;
		break;
	case 'q':
		state->quit = true;
		break;
	default:
		break;
	}
}

void state_key(struct state *state, int key, const struct list *list)
{
	if (state->mode == STATE_HELP)
		state->mode = STATE_LOOK; /* any key */
	else if (state->mode != STATE_LOOK)
		type(state, key, list);
	else if (!move_key(state, key, list))
		look_key(state, key, list);
}

void state_point(struct state *state, unsigned row, const struct list *list)
{
	size_t place = state_place(state, list);

	if (state->mode == STATE_HELP || state->top + row >= list->count)
		return;
	if (state->top + row == place)
		enter(state, list);
	else
		mark(state, list, state->top + row);
}
