// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "noun.h"

#include "list.h"
#include "object.h"

static const struct column columns[] = {
	{"ADDRESS", "address:port", VALUE_TEXT},   {"PROTOCOL", "protocol", VALUE_TEXT},
	{"TENANT", "tenant", VALUE_TEXT},	   {"SERVICE", "service", VALUE_TEXT},
	{"MEMBERS", "members", VALUE_NUMBER},	   {"SLOTS", "slots", VALUE_NUMBER},
	{"GENERATION", "generation", VALUE_PLAIN}, {},
};

static const char *const spare[] = {"GENERATION", "SLOTS", "MEMBERS", NULL};

static const struct filter filters[] = {
	{"tenant", "NAME", "tenant", NULL},
	{"service", "NAME", "service", NULL},
	{"address", "ADDRESS", "address", NULL},
	{"protocol", "tcp|udp|sctp", "protocol", NULL},
	{},
};

static const char *const keys[] = {"address:port", "address", "tenant/service", "tenant", NULL};

static const struct verb verbs[] = {
	{"list", NULL, "Lists the addresses and ports that are served, and by whom.", list_run},
	{"show", NULL, "Shows the VIPs of an address, a service or a tenant.", list_run_show},
	{"get", "NAME", "Prints a VIP as the configuration has it.", object_get},
	{"add", "NAME [FILE|-|KEY=VALUE...]",
	 "Adds one that is not there yet, from YAML or JSON, or from single keys.", object_add},
	{"set", "NAME [FILE|-|KEY=VALUE...]",
	 "Puts one there, or in the place of the one that is; single keys change only themselves.",
	 object_set},
	{"del", "NAME", "Removes a VIP.", object_del},
	{},
};

const struct noun vip_noun = {
	.name = "vip",
	.help = "addresses and ports that clients talk to",
	.endpoint = "/v1/vips",
	.columns = columns,
	.spare = spare,
	.filters = filters,
	.keys = keys,
	.object = "/v1/vips/{}",
	.verbs = verbs,
};
