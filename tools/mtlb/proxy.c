// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "noun.h"

#include "list.h"

static const struct column columns[] = {
	{"WORKER", "worker", VALUE_PLAIN},
	{"PID", "pid", VALUE_PLAIN},
	{"STATE", "state", VALUE_STATE},
	{"RESTARTS", "restarts", VALUE_NUMBER},
	{"GENERATION", "generation", VALUE_PLAIN},
	{"CONNECTIONS", "connections", VALUE_NUMBER},
	{"UPSTREAMS", "upstreams", VALUE_NUMBER},
	{"ACCEPTED", "accepted", VALUE_NUMBER},
	{"SHED", "shed", VALUE_NUMBER},
	{"REQUESTS", "requests", VALUE_NUMBER},
	{"REFUSED", "refused", VALUE_NUMBER},
	{"RETRIES", "retries", VALUE_NUMBER},
	{"HANDSHAKES", "handshakes", VALUE_NUMBER},
	{"TLS-FAILED", "handshakesFailed", VALUE_NUMBER},
	{"LAST-END", "lastEnd", VALUE_TEXT},
	{},
};

static const char *const spare[] = {"LAST-END", "TLS-FAILED", "HANDSHAKES", "RETRIES",
				    "REFUSED",	"UPSTREAMS",  "SHED",	    NULL};

static const struct filter filters[] = {
	{"state", "runs|starts|away", "state", NULL},
	{},
};

static const char *const keys[] = {"worker", "pid", NULL};

static const struct verb verbs[] = {
	{"list", NULL, "Lists the workers of the L7 tier: each since it was started.", list_run},
	{"show", NULL, "Shows the workers, or the one of this number.", list_run_show},
	{},
};

const struct noun proxy_noun = {
	.name = "proxy",
	.help = "the workers that serve HTTP",
	.endpoint = "/v1/proxy",
	.columns = columns,
	.spare = spare,
	.filters = filters,
	.keys = keys,
	.verbs = verbs,
};
