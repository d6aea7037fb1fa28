// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "noun.h"

#include "list.h"
#include "object.h"

static const struct column columns[] = {
	{"TENANT", "tenant", VALUE_TEXT},
	{"NAME", "name", VALUE_TEXT},
	{"PROTOCOL", "protocol", VALUE_TEXT},
	{"VIPS", "vips", VALUE_LIST},
	{"POOL", "pool", VALUE_TEXT},
	{"FORWARD", "forward", VALUE_TEXT},
	{"TRACK", "track", VALUE_TEXT},
	{"IDLE", "idleTimeout", VALUE_SECONDS},
	{"UP", "members.up", VALUE_NUMBER},
	{"DOWN", "members.down", VALUE_NUMBER},
	{"DRAIN", "members.drain", VALUE_NUMBER},
	{"GONE", "members.gone", VALUE_NUMBER},
	{"CHANGED", "changedSlots", VALUE_NUMBER},
	{"SLOTS", "slots", VALUE_NUMBER},
	{"NEW-FLOWS", "newFlows", VALUE_NUMBER},
	{"PACKETS", "packets", VALUE_NUMBER},
	{"BYTES", "bytes", VALUE_BYTES},
	{},
};

static const char *const spare[] = {"SLOTS",	 "CHANGED", "GONE",    "IDLE",	   "TRACK",
				    "NEW-FLOWS", "BYTES",   "FORWARD", "PROTOCOL", NULL};

static const struct filter filters[] = {
	{"tenant", "NAME", "tenant", NULL},
	{"service", "NAME", "name", NULL},
	{"pool", "NAME", "pool", NULL},
	{"vip", "ADDRESS:PORT", "vips", NULL},
	{"protocol", "tcp|udp|sctp", "protocol", NULL},
	{},
};

static const char *const keys[] = {"tenant/name", "tenant", "vips", NULL};

static const struct verb verbs[] = {
	{"list", NULL, "Lists the services: their VIPs, pools, settings and traffic.", list_run},
	{"show", NULL, "Shows one service by TENANT/NAME or ADDRESS:PORT, or those of a tenant.",
	 list_run_show},
	{"get", "TENANT/SERVICE", "Prints a service as the configuration has it.", object_get},
	{"add", "TENANT/SERVICE [FILE|-|KEY=VALUE...]",
	 "Adds one that is not there yet, from YAML or JSON, or from single keys.", object_add},
	{"set", "TENANT/SERVICE [FILE|-|KEY=VALUE...]",
	 "Puts one there, or in the place of the one that is; single keys change only themselves.",
	 object_set},
	{"del", "TENANT/SERVICE", "Removes a service.", object_del},
	{},
};

const struct noun service_noun = {
	.name = "service",
	.help = "what is offered on VIPs, and how it is forwarded",
	.endpoint = "/v1/services",
	.columns = columns,
	.spare = spare,
	.filters = filters,
	.keys = keys,
	.object = "/v1/tenants/{}/services/{}",
	.verbs = verbs,
};
