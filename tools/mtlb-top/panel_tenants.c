// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Tenants: what comes in for each, what of it is dropped and why, and how near it is to its limits.
 */
#include <math.h>

#include "panel.h"

static double dropped(const struct entity *tenant)
{
	return tenant->dropped;
}

static const char *why(const struct entity *tenant)
{
	return tenant->why ? tenant->why : "";
}

static double active(const struct entity *tenant)
{
	return (double)tenant->row.value[TENANT_ACTIVE];
}

static double quota(const struct entity *tenant)
{
	double max = (double)tenant->row.value[TENANT_QUOTA];

	return max > 0 ? active(tenant) / max : NAN;
}

static double meter(const struct entity *tenant)
{
	char which;

	return board_meter(tenant, &which);
}

static const struct column columns[] = {
	{"TENANT", COLUMN_TEXT, 0, 0, NULL, panel_key0},
	{"PKT/S", COLUMN_NUMBER, 6, 0, panel_rate0, NULL},
	{"BIT/S", COLUMN_BYTES, 6, 0, panel_rate1, NULL},
	{"LAST", COLUMN_SPARK, 8, 0, panel_rate0, NULL},
	{"DROP/S", COLUMN_NUMBER, 6, 0, dropped, NULL},
	{"REASON", COLUMN_TEXT, 14, 0, NULL, why},
	{"NEW/S", COLUMN_NUMBER, 6, 0, panel_rate2, NULL},
	{"FLOWS", COLUMN_NUMBER, 6, 90, active, NULL},
	{"QUOTA", COLUMN_SHARE, 5, 0, quota, NULL},
	{"", COLUMN_BAR, 8, 110, quota, NULL},
	{"METER", COLUMN_METER, 5, 0, meter, NULL},
	{"", COLUMN_BAR, 8, 110, meter, NULL},
	{},
};

const struct panel tenants_panel = {
	.name = "tenants",
	.kinds = 1U << RECORD_TENANT,
	.columns = columns,
	.sort = 1,
	.inner = PANEL_SERVICES,
};
