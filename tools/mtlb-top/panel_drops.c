// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Drops: every packet that was not forwarded, by tenant and reason, and what the reason means. */
#include "panel.h"

static double packets(const struct entity *drop)
{
	return (double)drop->row.value[VALUE_PACKETS];
}

/* Some reasons only say that a packet was passed to the host, or answered. */
static const char *fate(const struct entity *drop)
{
	return drop->is_drop ? "dropped" : "other";
}

static const char *meaning(const struct entity *drop)
{
	return board_sentence(drop->key[1]);
}

static const struct column columns[] = {
	{"TENANT", COLUMN_TEXT, 14, 0, NULL, panel_key0},
	{"REASON", COLUMN_TEXT, 14, 0, NULL, panel_key1},
	{"FATE", COLUMN_STATE, 7, 0, NULL, fate},
	{"PKT/S", COLUMN_NUMBER, 6, 0, panel_rate0, NULL},
	{"LAST", COLUMN_SPARK, 8, 100, panel_rate0, NULL},
	{"PACKETS", COLUMN_NUMBER, 7, 0, packets, NULL},
	{"MEANING", COLUMN_TEXT, 0, 0, NULL, meaning},
	{},
};

const struct panel drops_panel = {
	.name = "drops",
	.kinds = 1U << RECORD_DROP,
	.columns = columns,
	.sort = 3,
	.inner = PANELS,
};
