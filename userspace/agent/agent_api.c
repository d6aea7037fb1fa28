// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What the API does to the agent: edits of single objects, and where it answers. */
#include <errno.h>
#include <stdio.h>

#include "../base/log.h"
#include "agent.h"
#include "kept.h"
#include "metrics/metrics.h"
#include "store.h"

void agent_open_metrics(struct agent *agent)
{
	const struct config_metrics *metrics = &agent->config.metrics;
	char text[ADDR_TEXT_MAX];
	struct err err = {};

	int opened = metrics_listen(agent->metrics, &err);

	if (opened < 0) {
		snprintf(agent->last_error, sizeof(agent->last_error), "%s", err.text);
		log_error("metrics", "%s; the API alone serves them", err.text);
	} else if (opened) {
		log_info("metrics", "served at http://%s/metrics",
			 addr_format_endpoint(&metrics->address, metrics->port, text));
	}
}

/* That it cannot be opened must not keep the rest from being applied. */
void agent_open_api(struct agent *agent)
{
	const struct config_api *api = &agent->config.api;
	struct http_remote remote = {api->address, api->port, api->cert, api->key, api->client_ca};
	char text[ADDR_TEXT_MAX];
	struct err err = {};

	if (http_listen(agent->http, &remote, &err)) {
		snprintf(agent->last_error, sizeof(agent->last_error), "%s", err.text);
		log_error("api", "%s; it answers on its socket alone", err.text);
	} else if (api->port) {
		log_info("api", "answers on https://%s",
			 addr_format_endpoint(&api->address, api->port, text));
	}
	if (agent->metrics)
		agent_open_metrics(agent);
}

struct storing {
	const struct edit_result *result;
	bool *stored;
};

static int store(void *context, struct err *err)
{
	struct storing *storing = context;
	int error = store_write(storing->result->path, storing->result->text, err);

	*storing->stored = !error;
	return error;
}

/* What is left to a load of everything. */
static int edit_all(struct agent *agent, const struct edit *edit, struct config *ret_next,
		    struct edit_result *ret_result, struct renew_files *ret_read,
		    struct config_errors *ret_errors, struct err *err)
{
	int error;

	/* before the files are read; what is watched already is watched for longer */
	if (!agent->renew)
		kept_watch(agent);
	error = edit_load(agent->options.config, edit, ret_next, ret_errors, ret_result, ret_read);
	return error ? agent_explain(ret_errors, error, err) : 0;
}

/* -EAGAIN: it is not so simple, or wrong. */
static int edit_some(struct agent *agent, const struct edit *edit, struct config *ret_next,
		     struct state *ret_only, struct edit_result *ret_result)
{
	size_t number;
	int error;

	if (!renew_is_for(edit) || !kept_take_hints(agent))
		return -EAGAIN;
	error = renew_edit(agent->renew, agent->options.config, edit, &agent->config, ret_next,
			   &number, ret_result);
	if (error == -EINVAL)
		return -EAGAIN;
	if (error) {
		kept_drop(agent);
		return -EAGAIN;
	}
	*ret_only = (struct state){
		.tenants = &ret_next->state.tenants[number],
		.tenant_count = 1,
		.node = ret_next->state.node,
	};
	return 0;
}

int agent_edit(struct agent *agent, const struct edit *edit, struct edit_result *ret_result,
	       char ***ret_lines, size_t *ret_count, bool *ret_stored,
	       struct config_errors *ret_errors, struct err *err)
{
	struct storing storing = {ret_result, ret_stored};
	struct agent_commit commit = {store, &storing};
	struct renew_files files = {};
	struct config next = {};
	struct state only = {};
	int error = edit_some(agent, edit, &next, &only, ret_result);

	*ret_stored = false;
	if (error == -EAGAIN) {
		error = edit_all(agent, edit, &next, ret_result, &files, ret_errors, err);
		if (error) {
			renew_files_fini(&files);
			return error;
		}
	}
	error = agent_take(agent, &next, only.tenant_count ? &only : NULL, &commit, ret_lines,
			   ret_count, err);
	config_fini(&next);
	if (error)
		kept_drop(agent);
	else
		kept_wrote(agent, &files, ret_result->path);
	renew_files_fini(&files);
	if (error && *ret_stored) {
		snprintf(agent->last_error, sizeof(agent->last_error), "%s", err->text);
		log_error("config", "%s", err->text);
	} else if (!error) {
		log_info("config", "%s written, applied: generation %llu", ret_result->path,
			 (unsigned long long)agent->generation);
	}
	return error;
}
