/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What a panel is: a table of columns over some kinds of things. One file for each panel. */
#ifndef MTLB_TOP_PANEL_H
#define MTLB_TOP_PANEL_H

#include "board.h"

enum panel_id {
	PANEL_TENANTS,
	PANEL_SERVICES,
	PANEL_MEMBERS,
	PANEL_DROPS,
	PANEL_NODE,
	PANEL_ROUTES,
	PANELS,
};

enum column_kind {
	COLUMN_TEXT,
	COLUMN_STATE,  /* a word with a colour: up, down, drain ... */
	COLUMN_NUMBER, /* 1.25k */
	COLUMN_BYTES,  /* bytes a second, which are shown as bits unless asked otherwise */
	COLUMN_SHARE,  /* 42%; what is near 100% has a colour */
	COLUMN_METER,  /* the same with the letter of the limit that is meant */
	COLUMN_BAR,    /* a share as a picture */
	COLUMN_SPARK,  /* the history */
};

struct column {
	const char *title;
	enum column_kind kind;
	unsigned width; /* 0: what is left of the line; one column of each panel has it */
	unsigned from;	/* shown on screens of at least this width */
	double (*number)(const struct entity *entity); /* all but texts; NAN: not known */
	const char *(*text)(const struct entity *entity);
};

#define PANEL_COLUMNS_MAX 16

struct panel {
	const char *name;
	unsigned kinds;		      /* bits of enum record_kind */
	const struct column *columns; /* ends with an empty row */
	unsigned sort;		      /* the column by which it is sorted at first */
	/* The panel that Enter leads to, for the tenant or service of the row; PANELS: nowhere. */
	enum panel_id inner;
};

extern const struct panel tenants_panel, services_panel, members_panel, drops_panel, node_panel,
	routes_panel;
extern const struct panel *const panels[PANELS];

unsigned panel_columns(const struct panel *panel);

/* What several panels show. */
const char *panel_key0(const struct entity *entity);
const char *panel_key1(const struct entity *entity);
const char *panel_key2(const struct entity *entity);
double panel_rate0(const struct entity *entity);
double panel_rate1(const struct entity *entity);
double panel_rate2(const struct entity *entity);

#endif
