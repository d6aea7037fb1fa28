// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "noun.h"

#include "list.h"

static const struct column columns[] = {
	{"TENANT", "tenant", VALUE_TEXT},
	{"SERVICE", "service", VALUE_TEXT},
	{"PROTOCOL", "protocol", VALUE_TEXT},
	{"SOURCE", "source:sourcePort", VALUE_TEXT},
	{"DESTINATION", "destination:destinationPort", VALUE_TEXT},
	{"BACKEND", "backend", VALUE_TEXT},
	{"STATE", "state", VALUE_STATE},
	{"IDLE", "idle", VALUE_SECONDS},
	{"AGE", "age", VALUE_SECONDS},
	{},
};

static const char *const spare[] = {"AGE", "PROTOCOL", "IDLE", "SERVICE", NULL};

/* The agent reads flows out of a large table: it narrows by tenant and stops at the limit itself.
 */
static const struct filter filters[] = {
	{"tenant", "NAME", "tenant", "tenant"},
	{"limit", "COUNT", NULL, "limit"},
	{"service", "NAME", "service", NULL},
	{"source", "ADDRESS", "source", NULL},
	{"destination", "ADDRESS", "destination", NULL},
	{"backend", "ADDRESS", "backend", NULL},
	{"state", "unproven|established|closing|adopted", "state", NULL},
	{},
};

static const char *const keys[] = {
	"source:sourcePort",
	"source",
	"destination:destinationPort",
	"destination",
	"backend",
	"tenant/service",
	"tenant",
	NULL,
};

static const struct verb verbs[] = {
	{"list", NULL, "Lists tracked flows; other filters look at no more than the limit.",
	 list_run},
	{"show", NULL, "Shows the flows of an address, TENANT/SERVICE or a tenant.", list_run_show},
	{},
};

const struct noun flow_noun = {
	.name = "flow",
	.help = "connections that are remembered",
	.endpoint = "/v1/flows",
	.columns = columns,
	.spare = spare,
	.filters = filters,
	.keys = keys,
	.verbs = verbs,
};
