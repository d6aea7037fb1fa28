/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The lines that are shown, for a screen or for a file: what stands in them, how wide and in which
 * tone. Puts pieces of text through a pen; what a tone looks like is the pen's. Pure.
 */
#ifndef MTLB_TOP_VIEW_H
#define MTLB_TOP_VIEW_H

#include "state.h"

#define VIEW_WIDTH_MIN	60
#define VIEW_WIDTH_MAX	500
#define VIEW_HEAD	5 /* lines above the rows: four, and the titles of the columns */
#define VIEW_HEIGHT_MIN (VIEW_HEAD + 3)

enum tone {
	TONE_PLAIN,
	TONE_DIM,
	TONE_STRONG,
	TONE_TITLE,  /* of a column */
	TONE_CHOSEN, /* of several */
	TONE_GOOD,
	TONE_WARN,
	TONE_BAD,
	TONES,
};

struct pen {
	/* Of a text that has no control characters. */
	void (*put)(void *context, enum tone tone, const char *text);
	void *context;
	bool utf8;
	unsigned width; /* of the line */
	unsigned used;
};

/* How things stand with where the samples come from. */
struct view_source {
	bool replay, over;     /* over: the recording is at its end */
	double every;	       /* seconds between samples */
	const char *lost;      /* why there are none now; NULL: there are */
	const char *recording; /* the file; NULL: none */
};

/* Each begins a line. */
void view_node(struct pen *pen, const struct board *board, const struct state *state,
	       const struct view_source *source);
void view_traffic(struct pen *pen, const struct board *board, const struct state *state);
void view_room(struct pen *pen, const struct board *board);
void view_tabs(struct pen *pen, const struct state *state);
void view_titles(struct pen *pen, const struct state *state);
void view_row(struct pen *pen, const struct state *state, const struct entity *entity, bool marked);
void view_foot(struct pen *pen, const struct state *state, const struct view_source *source,
	       bool empty);

/* NULL when there is none of this number. */
const char *view_help(unsigned line);

#endif
