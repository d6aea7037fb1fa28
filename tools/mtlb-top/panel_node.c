// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The node: its CPUs, and how much of each is spent on packets (softirq); how full its maps are. */
#include <math.h>

#include "panel.h"

static const char *kind(const struct entity *part)
{
	return part->kind == RECORD_CPU ? "cpu" : "map";
}

static double softirq(const struct entity *part)
{
	return part->kind == RECORD_CPU ? board_softirq(part) : NAN;
}

static double used(const struct entity *part)
{
	return part->kind == RECORD_FILL ? (double)part->row.value[FILL_USED] : NAN;
}

static double max(const struct entity *part)
{
	return part->kind == RECORD_FILL ? (double)part->row.value[FILL_MAX] : NAN;
}

static const struct column columns[] = {
	{"PART", COLUMN_TEXT, 4, 0, NULL, kind},
	{"NAME", COLUMN_TEXT, 0, 0, NULL, panel_key0},
	{"USED", COLUMN_SHARE, 5, 0, board_share, NULL},
	{"", COLUMN_BAR, 20, 0, board_share, NULL},
	{"LAST", COLUMN_SPARK, 8, 0, board_share, NULL},
	{"SOFTIRQ", COLUMN_SHARE, 7, 0, softirq, NULL},
	{"ENTRIES", COLUMN_NUMBER, 7, 0, used, NULL},
	{"OF", COLUMN_NUMBER, 6, 0, max, NULL},
	{},
};

const struct panel node_panel = {
	.name = "node",
	.kinds = 1U << RECORD_CPU | 1U << RECORD_FILL,
	.columns = columns,
	.sort = 0,
	.inner = PANELS,
};
