// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "screen.h"

#include <errno.h>
#include <ncurses.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "feed.h"
#include "view.h"

struct screen {
	const struct options *options;
	struct feed *feed;
	int feed_fd;
	struct sample sample;
	struct board board;
	struct state state;
	struct list list;
	struct view_source source;
	struct err lost;
	attr_t tones[TONES];
};

/*
 * Blue and yellow are told apart by everybody, red and green are not. What matters is never said by
 * colour alone: there is a word or a number, and it is bold or reversed as well.
 */
static void choose_tones(struct screen *screen)
{
	attr_t *tones = screen->tones;

	tones[TONE_PLAIN] = A_NORMAL;
	tones[TONE_DIM] = A_DIM;
	tones[TONE_STRONG] = A_BOLD;
	tones[TONE_TITLE] = A_REVERSE;
	tones[TONE_CHOSEN] = A_REVERSE | A_BOLD;
	tones[TONE_GOOD] = A_NORMAL;
	tones[TONE_WARN] = A_BOLD;
	tones[TONE_BAD] = A_BOLD | A_REVERSE;
	if (!screen->options->colour || !has_colors())
		return;
	start_color();
	use_default_colors();
	init_pair(1, COLOR_CYAN, -1);
	init_pair(2, COLOR_YELLOW, -1);
	tones[TONE_GOOD] |= COLOR_PAIR(1);
	tones[TONE_WARN] |= COLOR_PAIR(2);
	tones[TONE_BAD] |= COLOR_PAIR(2);
}

static void open_terminal(struct screen *screen)
{
	initscr();
	cbreak();
	noecho();
	curs_set(0);
	keypad(stdscr, TRUE);
	nodelay(stdscr, TRUE);
	set_escdelay(25);
	mousemask(BUTTON1_CLICKED | BUTTON1_PRESSED | BUTTON4_PRESSED | BUTTON5_PRESSED, NULL);
	mouseinterval(0);
	choose_tones(screen);
}

/* drawing */

struct place {
	const struct screen *screen;
	attr_t more; /* of the whole line */
};

static void put(void *context, enum tone tone, const char *text)
{
	const struct place *place = context;

	attrset(place->screen->tones[tone] ^ place->more);
	addstr(text);
}

static void end_line(void)
{
	attrset(A_NORMAL);
	clrtoeol();
}

static void draw_rows(struct screen *screen, struct pen *pen, int height)
{
	struct place *place = pen->context;
	size_t marked = state_place(&screen->state, &screen->list);

	for (int y = VIEW_HEAD; y < height - 1; y++) {
		size_t at = screen->state.top + (size_t)(y - VIEW_HEAD);

		move(y, 0);
		if (at < screen->list.count) {
			place->more = at == marked ? A_REVERSE : 0;
			view_row(pen, &screen->state, screen->list.rows[at].entity, at == marked);
			place->more = 0;
		}
		end_line();
	}
}

static void draw_help(struct pen *pen, int height)
{
	for (int y = 0; y < height; y++) {
		const char *line = view_help((unsigned)y);

		move(y, 0);
		attrset(A_NORMAL);
		addnstr(line ? line : "", (int)pen->width);
		end_line();
	}
}

static void draw_all(struct screen *screen, struct pen *pen, int height)
{
	struct state *state = &screen->state;

	move(0, 0);
	view_node(pen, &screen->board, state, &screen->source);
	end_line();
	move(1, 0);
	view_traffic(pen, &screen->board, state);
	end_line();
	move(2, 0);
	view_room(pen, &screen->board);
	end_line();
	move(3, 0);
	view_tabs(pen, state);
	end_line();
	move(4, 0);
	view_titles(pen, state);
	end_line();
	draw_rows(screen, pen, height);
	move(height - 1, 0);
	view_foot(pen, state, &screen->source, !screen->list.count);
	end_line();
}

static void draw(struct screen *screen)
{
	struct place place = {.screen = screen};
	struct pen pen = {.put = put, .context = &place, .utf8 = screen->options->utf8};
	int height, width;

	getmaxyx(stdscr, height, width);
	pen.width = (unsigned)width;
	if (height < VIEW_HEIGHT_MIN || width < VIEW_WIDTH_MIN) {
		erase();
		mvprintw(0, 0, "too small: %dx%d at least", VIEW_WIDTH_MIN, VIEW_HEIGHT_MIN);
	} else if (screen->state.mode == STATE_HELP) {
		draw_help(&pen, height);
	} else {
		screen->state.rows = (unsigned)(height - VIEW_HEAD - 1);
		draw_all(screen, &pen, height);
	}
	refresh();
}

/* keys */

static void on_mouse(struct screen *screen)
{
	MEVENT event;

	if (getmouse(&event) != OK)
		return;
	if (event.bstate & BUTTON4_PRESSED)
		state_key(&screen->state, STATE_KEY_WHEEL_UP, &screen->list);
	else if (event.bstate & BUTTON5_PRESSED)
		state_key(&screen->state, STATE_KEY_WHEEL_DOWN, &screen->list);
	else if (event.y >= VIEW_HEAD && event.y < LINES - 1)
		state_point(&screen->state, (unsigned)(event.y - VIEW_HEAD), &screen->list);
}

static int translate(int key)
{
	static const struct {
		int from, to;
	} keys[] = {
		{KEY_UP, STATE_KEY_UP},
		{KEY_DOWN, STATE_KEY_DOWN},
		{KEY_PPAGE, STATE_KEY_PAGE_UP},
		{KEY_NPAGE, STATE_KEY_PAGE_DOWN},
		{KEY_HOME, STATE_KEY_HOME},
		{KEY_END, STATE_KEY_END},
		{KEY_LEFT, STATE_KEY_LEFT},
		{KEY_RIGHT, STATE_KEY_RIGHT},
		{KEY_ENTER, STATE_KEY_ENTER},
		{'\n', STATE_KEY_ENTER},
		{'\r', STATE_KEY_ENTER},
		{27, STATE_KEY_ESCAPE},
		{KEY_BACKSPACE, STATE_KEY_BACKSPACE},
		{127, STATE_KEY_BACKSPACE},
		{'\b', STATE_KEY_BACKSPACE},
		{'\t', STATE_KEY_TAB},
		{KEY_BTAB, STATE_KEY_BACK_TAB},
		{KEY_F(1), STATE_KEY_HELP},
		{KEY_F(3), '/'},
		{KEY_F(4), 'f'},
		{KEY_F(6), 's'},
		{KEY_F(10), 'q'},
	};

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (key == keys[i].from)
			return keys[i].to;
	return key < 128 ? key : 0;
}

static struct source_wish wish_of(const struct screen *screen)
{
	struct source_wish wish = {
		.kinds = panels[screen->state.panel]->kinds,
		.tenant = screen->state.tenant,
	};

	/* who looks at a recording wants to look at all of it */
	if (screen->options->record)
		wish = (struct source_wish){.kinds = ~0U};
	return wish;
}

/* 0 or -ENOMEM. */
static int on_keys(struct screen *screen)
{
	struct source_wish wish;
	int key, error = 0;

	while (!error && (key = getch()) != ERR) {
		if (key == KEY_MOUSE)
			on_mouse(screen);
		else if (key != KEY_RESIZE)
			state_key(&screen->state, translate(key), &screen->list);
		error = state_list(&screen->state, &screen->board, &screen->list);
	}
	wish = wish_of(screen);
	feed_want(screen->feed, &wish);
	return error;
}

static int on_news(struct screen *screen, struct err *err)
{
	struct err why = {};
	int error = 0;

	switch (feed_take(screen->feed, &screen->sample, &why)) {
	case FEED_SAMPLE:
		screen->source.lost = NULL;
		if (screen->state.paused)
			break;
		error = board_update(&screen->board, &screen->sample);
		error = error ?: state_list(&screen->state, &screen->board, &screen->list);
		break;
	case FEED_OVER:
		screen->source.over = true;
		break;
	case FEED_LOST:
		screen->lost = why;
		/* it may quote the agent: nothing in it may move the cursor */
		for (char *at = screen->lost.text; *at; at++)
			if (*at < ' ' || *at > '~')
				*at = '?';
		screen->source.lost = screen->lost.text;
		break;
	case FEED_BROKEN:
		*err = why;
		return -EIO;
	case FEED_NOTHING:
		break;
	}
	return error ? err_set(err, error, "no memory for what was seen") : 0;
}

static int watch(struct screen *screen, struct err *err)
{
	struct pollfd fds[2] = {
		{.fd = STDIN_FILENO, .events = POLLIN},
		{.fd = screen->feed_fd, .events = POLLIN},
	};
	int code = 0;

	while (!code && !screen->state.quit) {
		draw(screen);
		fds[0].revents = fds[1].revents = 0;
		/* a change of size interrupts it */
		if (poll(fds, 2, -1) < 0 && errno != EINTR)
			return err_set(err, -errno, "cannot wait for keys: %s", strerror(errno));
		if (fds[0].revents & (POLLHUP | POLLERR))
			return 0; /* the terminal is gone */
		if (fds[1].revents)
			code = on_news(screen, err);
		if (!code && on_keys(screen))
			code = err_set(err, -ENOMEM, "no memory for the list");
	}
	return code;
}

static void release(struct screen *screen)
{
	list_fini(&screen->list);
	board_fini(&screen->board);
	sample_fini(&screen->sample);
}

int screen_run(const struct options *options, struct source *source, struct record *record,
	       struct err *err)
{
	struct screen screen = {
		.options = options,
		.source = {.replay = options->replay,
			   .every = options->every,
			   .recording = options->record},
	};
	struct source_wish wish;
	int code;

	state_init(&screen.state);
	screen.state.panel = options->panel;
	wish = wish_of(&screen);
	code = feed_new(source, record, options->every, &wish, &screen.feed, &screen.feed_fd, err);
	if (code)
		return code;
	open_terminal(&screen);
	code = watch(&screen, err);
	endwin();
	if (!feed_free(screen.feed)) {
		/* an agent that does not answer is not waited for */
		if (code)
			fprintf(stderr, "mtlb-top: %s\n", err->text);
		_exit(record_close(record, NULL) || code ? 1 : 0);
	}
	release(&screen);
	return code;
}
