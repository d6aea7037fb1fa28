// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "view.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "figure.h"

#define SPARK_MAX 32
#define NEAR	  0.8  /* of a limit */
#define AT	  0.95 /* as good as there */

/* How many bytes the first `width` characters take, and how many there were. */
static size_t cut(const char *text, unsigned width, unsigned *ret_had)
{
	size_t at = 0;

	*ret_had = 0;
	while (text[at] && *ret_had < width) {
		do
			at++;
		while ((text[at] & 0xc0) == 0x80);
		(*ret_had)++;
	}
	return at;
}

static void put_blanks(struct pen *pen, enum tone tone, unsigned count)
{
	char blanks[VIEW_WIDTH_MAX + 1];

	if (!count)
		return;
	snprintf(blanks, sizeof(blanks), "%*s", (int)count, "");
	/* what stands out is the text alone */
	pen->put(pen->context, tone >= TONE_GOOD ? TONE_PLAIN : tone, blanks);
}

/* As much as fits in the line, and in width; shorter ones are filled up with blanks. */
static void put(struct pen *pen, enum tone tone, unsigned width, bool right, const char *text)
{
	char cell[4 * VIEW_WIDTH_MAX + 1];
	unsigned had;
	size_t bytes;

	if (width > pen->width - pen->used)
		width = pen->width - pen->used;
	bytes = cut(text, width, &had);
	snprintf(cell, sizeof(cell), "%.*s", (int)bytes, text);
	if (right)
		put_blanks(pen, tone, width - had);
	pen->put(pen->context, tone, cell);
	if (!right)
		put_blanks(pen, tone, width - had);
	pen->used += width;
}

__attribute__((format(printf, 3, 4))) static void say(struct pen *pen, enum tone tone,
						      const char *format, ...)
{
	char text[1400];
	unsigned had;
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	cut(text, VIEW_WIDTH_MAX, &had);
	put(pen, tone, had, false, text);
}

static void begin(struct pen *pen)
{
	pen->used = 0;
	if (pen->width > VIEW_WIDTH_MAX)
		pen->width = VIEW_WIDTH_MAX;
}

/* the lines above */

void view_node(struct pen *pen, const struct board *board, const struct state *state,
	       const struct view_source *source)
{
	const struct entity *node = board->entities[RECORD_NODE];
	char clock[FIGURE_MAX];

	begin(pen);
	say(pen, TONE_STRONG, "mtlb-top");
	if (node)
		say(pen, TONE_PLAIN, "  %s  %s", node->key[0], node->row.text[1]);
	if (board->now_ms)
		say(pen, TONE_PLAIN, "  %s UTC", figure_clock(clock, board->now_ms));
	if (!source->replay)
		say(pen, TONE_PLAIN, "  every %g s", source->every);
	if (source->replay)
		say(pen, TONE_PLAIN, source->over ? "  end of the recording" : "  replay");
	if (source->recording)
		say(pen, TONE_PLAIN, "  recording");
	if (state->paused)
		say(pen, TONE_WARN, " PAUSED ");
	if (source->lost)
		say(pen, TONE_BAD, " AGENT LOST ");
}

static double in_units(const struct state *state, double bytes)
{
	return state->bytes ? bytes : 8 * bytes;
}

void view_traffic(struct pen *pen, const struct board *board, const struct state *state)
{
	const struct totals *totals = &board->totals;
	char text[FIGURE_MAX];

	begin(pen);
	say(pen, TONE_PLAIN, "in %s pkt/s", figure_number(text, totals->packets));
	say(pen, TONE_PLAIN, "  %s %s", figure_number(text, in_units(state, totals->bytes)),
	    state->bytes ? "byte/s" : "bit/s");
	say(pen, TONE_PLAIN, "  new %s/s", figure_number(text, totals->new_flows));
	say(pen, TONE_PLAIN, "  ");
	say(pen, totals->dropped > 0 ? TONE_WARN : TONE_PLAIN, "dropped %s/s%s%s",
	    figure_number(text, totals->dropped), totals->why ? ": " : "",
	    totals->why ? totals->why : "");
}

static const struct entity *fullest(const struct board *board)
{
	const struct entity *found = NULL;
	struct entity *fill, *next;

	HASH_ITER (hh, board->entities[RECORD_FILL], fill, next)
		if (!isnan(board_share(fill)) && (!found || board_share(fill) > board_share(found)))
			found = fill;
	return found;
}

static enum tone share_tone(double share)
{
	return share >= AT ? TONE_BAD : share >= NEAR ? TONE_WARN : TONE_PLAIN;
}

void view_room(struct pen *pen, const struct board *board)
{
	const struct totals *totals = &board->totals;
	const struct entity *fill = fullest(board);
	char text[FIGURE_MAX];

	begin(pen);
	say(pen, TONE_PLAIN, "%zu tenants", totals->tenants);
	say(pen, TONE_PLAIN, "  %s flows", figure_number(text, totals->active));
	if (totals->cpus) {
		say(pen, TONE_PLAIN, "  %zu cpus ", totals->cpus);
		say(pen, share_tone(totals->busy), "busy %s", figure_share(text, totals->busy));
		say(pen, TONE_PLAIN, " ");
		say(pen, share_tone(totals->softirq), "softirq %s",
		    figure_share(text, totals->softirq));
	}
	if (fill)
		say(pen, TONE_PLAIN, "  fullest map %s ", fill->key[0]);
	if (fill)
		say(pen, share_tone(board_share(fill)), "%s",
		    figure_share(text, board_share(fill)));
}

void view_tabs(struct pen *pen, const struct state *state)
{
	const struct panel *panel = panels[state->panel];

	begin(pen);
	for (int i = 0; i < PANELS; i++) {
		say(pen, i == (int)state->panel ? TONE_CHOSEN : TONE_PLAIN, " %d %s ", i + 1,
		    panels[i]->name);
	}
	if (state->tenant)
		say(pen, TONE_STRONG, "  of %s%s%s", state->tenant, state->service ? "/" : "",
		    state->service ? state->service : "");
	if (state->filter[0] || state->mode == STATE_FILTER)
		say(pen, TONE_WARN, "  filter %s", state->filter);
	say(pen, TONE_PLAIN, "  by %s%s", panel->columns[state->sort[state->panel]].title,
	    state->reverse[state->panel] ? " reversed" : "");
}

/* the table */

static bool is_shown(const struct pen *pen, const struct column *column)
{
	return pen->width >= column->from;
}

/* What the columns of a fixed width leave to the one that has none. */
static unsigned width_of(const struct pen *pen, const struct panel *panel,
			 const struct column *column)
{
	unsigned taken = 1;

	if (column->width)
		return column->width;
	for (const struct column *other = panel->columns; other->title; other++)
		if (is_shown(pen, other))
			taken += other->width + 1;
	return taken < pen->width ? pen->width - taken + 1 : 1;
}

static bool is_right(const struct column *column)
{
	return column->kind == COLUMN_NUMBER || column->kind == COLUMN_BYTES ||
	       column->kind == COLUMN_SHARE || column->kind == COLUMN_METER;
}

static const char *title_of(const struct column *column, const struct state *state)
{
	return column->kind == COLUMN_BYTES && state->bytes ? "BYTE/S" : column->title;
}

void view_titles(struct pen *pen, const struct state *state)
{
	const struct panel *panel = panels[state->panel];

	begin(pen);
	put(pen, TONE_TITLE, 1, false, "");
	for (const struct column *column = panel->columns; column->title; column++) {
		bool sorted = column == &panel->columns[state->sort[state->panel]];

		if (!is_shown(pen, column))
			continue;
		put(pen, sorted ? TONE_CHOSEN : TONE_TITLE, width_of(pen, panel, column),
		    is_right(column), title_of(column, state));
		put(pen, TONE_TITLE, 1, false, "");
	}
	put(pen, TONE_TITLE, pen->width - pen->used, false, "");
}

static enum tone state_tone(const char *word)
{
	static const char *const bad[] = {"down", "gone", "empty"};
	static const char *const warn[] = {"degraded", "drain", "checking", "dropped"};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (!strcmp(word, bad[i]))
			return TONE_BAD;
	for (size_t i = 0; i < sizeof(warn) / sizeof(warn[0]); i++)
		if (!strcmp(word, warn[i]))
			return TONE_WARN;
	return strcmp(word, "up") ? TONE_PLAIN : TONE_GOOD;
}

static void put_text(struct pen *pen, const struct column *column, unsigned width, const char *text)
{
	enum tone tone = column->kind == COLUMN_STATE ? state_tone(text) : TONE_PLAIN;
	char shorter[VIEW_WIDTH_MAX + 8];

	if (strlen(text) > width) {
		/* what is cut off must not look like all of it */
		snprintf(shorter, sizeof(shorter), "%.*s%s", (int)width - 1, text,
			 pen->utf8 ? "…" : "~");
		text = shorter;
	}
	put(pen, tone, width, false, text);
}

static void put_spark(struct pen *pen, const struct entity *entity, unsigned width)
{
	char picture[FIGURE_PICTURE(SPARK_MAX)];
	float values[SPARK_MAX];
	unsigned count = board_history(entity, values, width < SPARK_MAX ? width : SPARK_MAX);

	figure_spark(picture, values, count, width < SPARK_MAX ? width : SPARK_MAX, pen->utf8);
	put(pen, TONE_PLAIN, width, false, picture);
}

static void put_bar(struct pen *pen, double share, unsigned width)
{
	char picture[FIGURE_PICTURE(SPARK_MAX)];

	figure_bar(picture, share, width < SPARK_MAX ? width : SPARK_MAX, pen->utf8);
	/* in reverse it would show what is not used */
	put(pen, share >= NEAR ? TONE_WARN : TONE_PLAIN, width, false, isnan(share) ? "" : picture);
}

static void put_cell(struct pen *pen, const struct state *state, const struct column *column,
		     unsigned width, const struct entity *entity)
{
	double number = column->number ? column->number(entity) : NAN;
	char text[FIGURE_MAX + 1], which;

	switch (column->kind) {
	case COLUMN_TEXT:
	case COLUMN_STATE:
		put_text(pen, column, width, column->text(entity));
		break;
	case COLUMN_BYTES:
		number = in_units(state, number);
		/* fallthrough */
	case COLUMN_NUMBER:
		put(pen, TONE_PLAIN, width, true, figure_number(text, number));
		break;
	case COLUMN_METER:
		board_meter(entity, &which);
		figure_share(text, number);
		if (!isnan(number))
			strncat(text, &which, 1);
		put(pen, share_tone(number), width, true, text);
		break;
	case COLUMN_SHARE:
		put(pen, share_tone(number), width, true, figure_share(text, number));
		break;
	case COLUMN_BAR:
		put_bar(pen, number, width);
		break;
	case COLUMN_SPARK:
		put_spark(pen, entity, width);
		break;
	}
}

void view_row(struct pen *pen, const struct state *state, const struct entity *entity, bool marked)
{
	const struct panel *panel = panels[state->panel];

	begin(pen);
	put(pen, TONE_PLAIN, 1, false, marked ? ">" : "");
	for (const struct column *column = panel->columns; column->title; column++) {
		if (!is_shown(pen, column))
			continue;
		put_cell(pen, state, column, width_of(pen, panel, column), entity);
		put(pen, TONE_PLAIN, 1, false, "");
	}
	put(pen, TONE_PLAIN, pen->width - pen->used, false, "");
}

/* the line below */

void view_foot(struct pen *pen, const struct state *state, const struct view_source *source,
	       bool empty)
{
	begin(pen);
	if (state->mode == STATE_FILTER)
		say(pen, TONE_STRONG, "filter: %s_   Enter: keep it   Esc: show all",
		    state->filter);
	else if (state->mode == STATE_SEARCH)
		say(pen, TONE_STRONG, "search: %s_   Enter: done   Esc: leave it%s", state->search,
		    state->missed ? "   nothing is called so" : "");
	else if (source->lost)
		say(pen, TONE_BAD, "trying again: %s", source->lost);
	else if (state->missed)
		say(pen, TONE_WARN, "nothing here is called \"%s\"", state->search);
	else if (empty && state->filter[0])
		say(pen, TONE_WARN, "nothing here is called \"%s\": Esc shows all", state->filter);
	else if (empty)
		say(pen, TONE_PLAIN, "nothing to show, or not yet   Esc out  h help  q quit");
	else
		say(pen, TONE_DIM,
		    "h help  Enter/Esc in/out  / search  f filter  s sort  r reverse  p pause  "
		    "q quit");
}

const char *view_help(unsigned line)
{
	static const char *const lines[] = {
		"Keys",
		"  1-6, Tab     panels: tenants, services, members, drops, node, routes",
		"  Enter, Esc   into a tenant or service, and out again",
		"  arrows, PgUp, PgDn, Home, End, or k j g G: move the mark",
		"  s, < >       sort by another column      r  the other way round",
		"  /  search by name, n: the next one       f  show only what has a name",
		"  p, blank     pause                       u  bits or bytes a second",
		"  h            this help                   q  quit",
		"",
		"Columns",
		"  PKT/S BIT/S  what comes in for it and is forwarded, a second",
		"  LAST         packets a second lately, by the most of these",
		"  DROP/S       packets dropped a second    REASON  why most of them are",
		"  NEW/S        flows opened a second       FLOWS   active ones, estimated",
		"  QUOTA        these by the places it has in the flow table",
		"  METER        the limit it is nearest to: p packets, b bits, f new flows",
		"  SLOTS        a member's share of its service's new flows",
		"  -            not known, or there is no limit",
		"",
		"Any key leaves this help.",
	};

	return line < sizeof(lines) / sizeof(lines[0]) ? lines[line] : NULL;
}
