// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The node itself, and its configuration. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "../../base/version.h"
#include "../../sys/device.h"
#include "../changes.h"
#include "reasons.h"
#include "report.h"

/* How large a packet may be there, and why not larger. */
static void add_limit(json_t *item, const struct dataplane_link *link)
{
	uint64_t features;
	int error = device_xdp_features(link->ifindex, &features);
	bool pieces = !error && features & DEVICE_XDP_PIECES;
	const char *text = "the MTU";

	if (error)
		json_object_set_new(item, "pieces", json_null());
	else
		json_object_set_new(item, "pieces", json_boolean(pieces));
	if (!link->native)
		text = "the MTU (generic mode puts packets together first)";
	else if (error)
		text = "the MTU; this kernel does not tell whether the driver takes packets in "
		       "pieces";
	else if (!pieces)
		text = "one page: the driver takes no packets in pieces (xdp.frags), and refuses "
		       "an MTU above about 3,500";
	json_object_set_new(item, "limit", json_string(text));
}

static json_t *interfaces(const struct agent *agent)
{
	json_t *items = json_array();

	for (size_t i = 0; i < agent->link_count; i++) {
		const struct dataplane_link *link = &agent->links[i];
		json_t *item;
		bool up;
		int mtu;

		device_link(link->interface, &mtu, &up);
		item = json_pack("{s:s,s:I,s:s,s:i,s:b}", "name", link->interface, "ifindex",
				 (json_int_t)link->ifindex, "mode",
				 link->native ? "native" : "generic", "mtu", mtu, "up", up);
		add_limit(item, link);
		if (link->reason[0])
			json_object_set_new(item, "reason", json_string(link->reason));
		json_array_append_new(items, item);
	}
	return items;
}

static json_t *capacity(const struct agent *agent)
{
	struct registry_fill fills[REGISTRY_FILLS];
	json_t *all = json_object();

	registry_fill(&agent->registry, fills);
	for (size_t i = 0; i < REGISTRY_FILLS; i++)
		json_object_set_new(all, fills[i].name,
				    json_pack("{s:I,s:I}", "used", (json_int_t)fills[i].used, "max",
					      (json_int_t)fills[i].max));
	return all;
}

static json_int_t count_probes(const struct agent *agent)
{
	json_int_t probes = 0;

	for (size_t i = 0; i < agent->config.state.tenant_count; i++) {
		const struct state_tenant *tenant = &agent->config.state.tenants[i];

		for (size_t j = 0; j < tenant->service_count; j++)
			if (tenant->services[j].health.type != PROBE_NONE)
				probes += (json_int_t)tenant->services[j].member_count;
	}
	return probes;
}

/* A process that makes probes. */
static json_t *process(struct prober_status status)
{
	json_t *item;

	item = json_pack("{s:s,s:I,s:o}", "state",
			 status.answers	 ? "runs"
			 : status.pid	 ? "starts"
			 : status.starts ? "away"
					 : "idle",
			 "restarts", (json_int_t)(status.starts ? status.starts - 1 : 0), "since",
			 report_monotonic(status.since_ns));
	if (status.pid)
		json_object_set_new(item, "pid", json_integer(status.pid));
	if (status.reason[0])
		json_object_set_new(item, "lastEnd", json_string(status.reason));
	return item;
}

static json_t *prober(const struct agent *agent)
{
	struct prober_status status;

	checks_prober(agent->checks, &status);
	return process(status);
}

/* The one that runs scripts, if the node allows any. */
static json_t *scripts(const struct agent *agent)
{
	struct prober_status status;

	return checks_scripts_prober(agent->checks, &status) ? process(status) : json_null();
}

/* Clients that watch, lines they did not take in time, and samples that the ring had no room for.
 */
static json_t *watching(const struct agent *agent)
{
	return json_pack("{s:I,s:I,s:I}", "clients", (json_int_t)watchers_count(agent->watchers),
			 "missed", (json_int_t)watchers_missed(agent->watchers), "unsampled",
			 (json_int_t)dataplane_sum_crowded_events(agent->dataplane));
}

int report_node(void *context, const struct http_request *request, struct http_reply *reply)
{
	struct agent *agent = context;
	const struct mtlb_node *node = dataplane_view(agent->dataplane)->node;
	json_t *config = json_pack("{s:s,s:o,s:I}", "path", agent->options.config, "loadedAt",
				   report_time(agent->loaded_at), "generation",
				   (json_int_t)agent->generation);
	json_t *program = json_pack("{s:s%,s:o}", "version", node->program,
				    strnlen(node->program, sizeof(node->program)), "since",
				    report_time(node->program_at));

	(void)request;
	if (agent->last_error[0])
		json_object_set_new(config, "lastError", json_string(agent->last_error));
	reply->body = json_pack(
		"{s:s,s:s,s:I,s:o,s:o,s:o,s:b,s:s,s:o,s:o,s:{s:I,s:o,s:o},s:o,s:o}", "name",
		agent->config.name, "version", version_text, "abi", (json_int_t)node->abi_version,
		"program", program, "created", report_time(node->created_at), "started",
		report_time(agent->started_at), "adopted", dataplane_adopted(agent->dataplane),
		"hashSecret", agent->config.has_hash_secret ? "file" : "generated", "interfaces",
		interfaces(agent), "capacity", capacity(agent), "health", "probes",
		count_probes(agent), "prober", prober(agent), "scripts", scripts(agent), "config",
		config, "counters", report_reasons(agent, 0, "-"));
	json_object_set_new(reply->body, "watchers", watching(agent));
	json_object_set_new(reply->body, "usage", report_usage_status(agent));
	json_object_set_new(reply->body, "drift",
			    json_pack("{s:s,s:I,s:I}", "mode",
				      agent->drift.repair ? "repair" : "report", "entries",
				      (json_int_t)agent->drift.entries, "repaired",
				      (json_int_t)agent->drift.repaired));
	return reply->body ? 0 : -ENOMEM;
}

/* entries: all that differ; changes names them, neighbours once, and no more than DRIFT_LINES. */
static int look_for_drift(struct agent *agent, bool repair, struct http_reply *reply)
{
	struct drift_lines lines;
	int error = drift_look(&agent->drift, repair, &lines);

	if (!error)
		reply->body =
			json_pack("{s:o,s:I}", "changes", report_changes(lines.line, lines.count),
				  "entries", (json_int_t)lines.all);
	drift_lines_fini(&lines);
	return error;
}

int report_drift(void *context, const struct http_request *request, struct http_reply *reply)
{
	(void)request;
	return look_for_drift(context, false, reply);
}

int report_repair(void *context, const struct http_request *request, struct http_reply *reply)
{
	(void)request;
	return look_for_drift(context, true, reply);
}

int report_config_diff(void *context, const struct http_request *request, struct http_reply *reply)
{
	struct agent *agent = context;
	const char *path = NULL;
	struct config_errors errors = {};
	struct err err = {};
	char **lines = NULL;
	size_t count = 0;

	if (request->body)
		path = json_string_value(json_object_get(request->body, "path"));
	if (agent_diff(agent, path, &lines, &count, &errors, &err))
		report_refuse(reply, -EINVAL, &errors, &err);
	else
		reply->body = json_pack("{s:o}", "changes", report_changes(lines, count));
	changes_free(lines, count);
	config_errors_fini(&errors);
	return 0;
}

int report_config_apply(void *context, const struct http_request *request, struct http_reply *reply)
{
	struct agent *agent = context;
	struct config_errors errors = {};
	struct err err = {};
	char **lines = NULL;
	size_t count = 0;

	(void)request;
	if (agent_reload(agent, &lines, &count, &errors, &err))
		report_refuse(reply, -EINVAL, &errors, &err);
	else
		reply->body = json_pack("{s:o,s:I}", "changes", report_changes(lines, count),
					"generation", (json_int_t)agent->generation);
	changes_free(lines, count);
	config_errors_fini(&errors);
	return 0;
}
