// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The one noun that is a single thing: its fields, then a table for each of its lists. */
#include "noun.h"

#include <stdio.h>

#include "audit.h"
#include "command.h"
#include "list.h"
#include "output.h"

static const struct column fields[] = {
	{"name", "name", VALUE_TEXT},
	{"version", "version", VALUE_TEXT},
	{"abi", "abi", VALUE_PLAIN},
	{"program", "program.version", VALUE_TEXT},
	{"program since", "program.since", VALUE_TIME},
	{"dataplane created", "created", VALUE_TIME},
	{"agent started", "started", VALUE_TIME},
	{"dataplane adopted", "adopted", VALUE_BOOL},
	{"hash secret", "hashSecret", VALUE_TEXT},
	{"health probes", "health.probes", VALUE_NUMBER},
	{"prober", "health.prober.state", VALUE_TEXT},
	{"prober process", "health.prober.pid", VALUE_PLAIN},
	{"prober since", "health.prober.since", VALUE_TIME},
	{"prober restarts", "health.prober.restarts", VALUE_NUMBER},
	{"prober's last end", "health.prober.lastEnd", VALUE_TEXT},
	{"scripts", "health.scripts.state", VALUE_TEXT},
	{"scripts' process", "health.scripts.pid", VALUE_PLAIN},
	{"scripts' last end", "health.scripts.lastEnd", VALUE_TEXT},
	{"configuration", "config.path", VALUE_TEXT},
	{"loaded", "config.loadedAt", VALUE_TIME},
	{"generation", "config.generation", VALUE_PLAIN},
	{"last error", "config.lastError", VALUE_TEXT},
	{"drift found", "drift.entries", VALUE_NUMBER},
	{"drift repaired", "drift.repaired", VALUE_NUMBER},
	{},
};

static const struct column interfaces[] = {
	{"INTERFACE", "name", VALUE_TEXT}, {"INDEX", "ifindex", VALUE_PLAIN},
	{"UP", "up", VALUE_BOOL},	   {"MTU", "mtu", VALUE_PLAIN},
	{"MODE", "mode", VALUE_TEXT},	   {"LARGEST PACKET", "limit", VALUE_TEXT},
	{"REASON", "reason", VALUE_TEXT},  {},
};

static const struct column capacity[] = {
	{"CAPACITY", "of", VALUE_TEXT},
	{"USED", "used", VALUE_NUMBER},
	{"MAX", "max", VALUE_NUMBER},
	{"FILL", "fill", VALUE_PERCENT},
	{},
};

static const struct column counters[] = {
	{"REASON", "reason", VALUE_TEXT},
	{"VERDICT", "verdict", VALUE_STATE},
	{"PACKETS", "packets", VALUE_NUMBER},
	{"BYTES", "bytes", VALUE_BYTES},
	{},
};

/* The API's {tenants: {used, max}, ...} as rows. */
static json_t *capacity_rows(json_t *limits)
{
	json_t *rows = json_array(), *limit;
	const char *name;

	json_object_foreach (limits, name, limit) {
		double used = json_number_value(json_object_get(limit, "used"));
		double max = json_number_value(json_object_get(limit, "max"));

		json_array_append_new(rows, json_pack("{s:s, s:O*, s:O*, s:f}", "of", name, "used",
						      json_object_get(limit, "used"), "max",
						      json_object_get(limit, "max"), "fill",
						      max > 0 ? used / max : 0.0));
	}
	return rows;
}

static int print_list(const struct options *options, const struct column *columns,
		      const json_t *rows)
{
	if (!json_array_size(rows))
		return 0;
	putchar('\n');
	return output_table(options, columns, rows);
}

static int print_node(const struct options *options, const json_t *node)
{
	json_t *rows = capacity_rows(json_object_get(node, "capacity"));
	int code = output_fields(options, fields, node);

	if (!code)
		code = print_list(options, interfaces, json_object_get(node, "interfaces"));
	if (!code)
		code = print_list(options, capacity, rows);
	if (!code)
		code = print_list(options, counters, json_object_get(node, "counters"));
	json_decref(rows);
	return code;
}

static int show(const struct call *call)
{
	int code = EXIT_OK;
	json_t *node;

	if (command_expect_args(call, 0))
		return EXIT_ERROR;
	node = list_ask(call, call->noun->endpoint, NULL);
	if (!node)
		return EXIT_ERROR;
	if (call->options->json)
		output_json(call->options, node);
	else if (print_node(call->options, node))
		code = command_fail(call->options, "no memory for the table");
	json_decref(node);
	return code;
}

static void print_drift(const struct call *call, const json_t *answer, const char *none)
{
	const json_t *changes = json_object_get(answer, "changes");

	if (call->options->json)
		output_json(call->options, answer);
	else if (!json_array_size(changes))
		puts(none);
	else
		output_changes(call->options, changes);
}

/* Exit codes as those of config diff. */
static int drift(const struct call *call)
{
	json_t *answer;
	bool differs;

	if (command_expect_args(call, 0))
		return EXIT_ERROR;
	answer = list_ask(call, "/v1/node/drift", NULL);
	if (!answer)
		return EXIT_ERROR;
	print_drift(call, answer, "no drift");
	differs = json_array_size(json_object_get(answer, "changes"));
	json_decref(answer);
	return differs ? EXIT_DIFFERENT : EXIT_OK;
}

static int repair(const struct call *call)
{
	json_t *body, *answer;

	if (command_expect_args(call, 0))
		return EXIT_ERROR;
	body = json_object();
	answer = list_ask(call, "/v1/node/repair", body);
	json_decref(body);
	if (!answer)
		return EXIT_ERROR;
	print_drift(call, answer, "nothing to repair");
	json_decref(answer);
	return EXIT_OK;
}

static const struct verb verbs[] = {
	{"show", "", "Shows this node: versions, interfaces, capacity, packets of nobody.", show},
	{"drift", "",
	 "Lists what somebody else wrote to the dataplane's maps; exits with 2 if anything.",
	 drift},
	{"repair", "", "Puts the dataplane's maps right, and lists what it was.", repair},
	{"audit", "verify [FILE] [head DIGEST]",
	 "Follows the chain of an audit log: has a line been altered, left out or added?",
	 audit_run},
	{},
};

const struct noun node_noun = {
	.name = "node",
	.help = "this machine as a load balancer",
	.endpoint = "/v1/node",
	.verbs = verbs,
};
