// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Routes of the L7 tier: requests, how many of them fail, how long they take. */
#include <math.h>

#include "panel.h"

static double share(double part, double all)
{
	return all > 0 ? part / all : isnan(all) ? NAN : 0;
}

/* Of the requests that came lately. */
static double failed(const struct entity *route)
{
	return share(route->rate[ROUTE_5XX], route->rate[ROUTE_REQUESTS]);
}

static double requests(const struct entity *route)
{
	return (double)route->row.value[ROUTE_REQUESTS];
}

static double ms(uint64_t us)
{
	return us ? (double)us / 1000 : NAN;
}

static double p50(const struct entity *route)
{
	return ms(route->row.value[ROUTE_P50_US]);
}

static double p99(const struct entity *route)
{
	return ms(route->row.value[ROUTE_P99_US]);
}

static const struct column columns[] = {
	{"TENANT", COLUMN_TEXT, 12, 0, NULL, panel_key0},
	{"ROUTE", COLUMN_TEXT, 0, 0, NULL, panel_key1},
	{"REQ/S", COLUMN_NUMBER, 6, 0, panel_rate0, NULL},
	{"LAST", COLUMN_SPARK, 8, 0, panel_rate0, NULL},
	{"5XX/S", COLUMN_NUMBER, 6, 0, panel_rate1, NULL},
	{"5XX", COLUMN_SHARE, 5, 0, failed, NULL},
	{"4XX/S", COLUMN_NUMBER, 6, 0, panel_rate2, NULL},
	{"P50MS", COLUMN_NUMBER, 6, 0, p50, NULL},
	{"P99MS", COLUMN_NUMBER, 6, 0, p99, NULL},
	{"ALL", COLUMN_NUMBER, 6, 90, requests, NULL},
	{},
};

const struct panel routes_panel = {
	.name = "routes",
	.kinds = 1U << RECORD_ROUTE,
	.columns = columns,
	.sort = 2,
	.inner = PANELS,
};
