// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Services: what each forwards, how, and how many of its members can take it. */
#include "panel.h"

static const char *protocol(const struct entity *service)
{
	return service->row.text[2];
}

static const char *forward(const struct entity *service)
{
	return service->row.text[3];
}

static double up(const struct entity *service)
{
	return (double)service->row.value[SERVICE_UP];
}

static double down(const struct entity *service)
{
	return (double)service->row.value[SERVICE_DOWN];
}

static double drain(const struct entity *service)
{
	return (double)(service->row.value[SERVICE_DRAIN] + service->row.value[SERVICE_GONE]);
}

/* Of its members; none up is worse than no members. */
static const char *state(const struct entity *service)
{
	const uint64_t *value = service->row.value;

	if (value[SERVICE_UP])
		return value[SERVICE_DOWN] ? "degraded" : "up";
	return value[SERVICE_DOWN] ? "down" : value[SERVICE_DRAIN] ? "drain" : "empty";
}

static const struct column columns[] = {
	{"TENANT", COLUMN_TEXT, 12, 0, NULL, panel_key0},
	{"SERVICE", COLUMN_TEXT, 0, 0, NULL, panel_key1},
	{"PROTO", COLUMN_TEXT, 5, 0, NULL, protocol},
	{"WAY", COLUMN_TEXT, 5, 0, NULL, forward},
	{"PKT/S", COLUMN_NUMBER, 6, 0, panel_rate0, NULL},
	{"BIT/S", COLUMN_BYTES, 6, 0, panel_rate1, NULL},
	{"LAST", COLUMN_SPARK, 8, 0, panel_rate0, NULL},
	{"NEW/S", COLUMN_NUMBER, 6, 0, panel_rate2, NULL},
	{"STATE", COLUMN_STATE, 8, 0, NULL, state},
	{"UP", COLUMN_NUMBER, 5, 90, up, NULL},
	{"DOWN", COLUMN_NUMBER, 5, 90, down, NULL},
	{"DRAIN", COLUMN_NUMBER, 5, 90, drain, NULL},
	{},
};

const struct panel services_panel = {
	.name = "services",
	.kinds = 1U << RECORD_SERVICE,
	.columns = columns,
	.sort = 4,
	.inner = PANEL_MEMBERS,
};
