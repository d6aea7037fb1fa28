// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Members: the backends of each service, their state, and what each gets. */
#include "panel.h"

static const char *state(const struct entity *member)
{
	return member->row.text[3];
}

static double weight(const struct entity *member)
{
	return (double)member->row.value[MEMBER_WEIGHT];
}

static double share(const struct entity *member)
{
	return (double)member->row.value[MEMBER_PERMILLE] / 1000;
}

static const struct column columns[] = {
	{"TENANT", COLUMN_TEXT, 10, 0, NULL, panel_key0},
	{"SERVICE", COLUMN_TEXT, 10, 0, NULL, panel_key1},
	{"MEMBER", COLUMN_TEXT, 0, 0, NULL, panel_key2},
	{"STATE", COLUMN_STATE, 8, 0, NULL, state},
	{"PKT/S", COLUMN_NUMBER, 6, 0, panel_rate0, NULL},
	{"BIT/S", COLUMN_BYTES, 6, 0, panel_rate1, NULL},
	{"LAST", COLUMN_SPARK, 8, 100, panel_rate0, NULL},
	{"NEW/S", COLUMN_NUMBER, 6, 0, panel_rate2, NULL},
	{"WEIGHT", COLUMN_NUMBER, 6, 100, weight, NULL},
	{"SLOTS", COLUMN_SHARE, 5, 0, share, NULL},
	{},
};

const struct panel members_panel = {
	.name = "members",
	.kinds = 1U << RECORD_MEMBER,
	.columns = columns,
	.sort = 4,
	.inner = PANELS,
};
