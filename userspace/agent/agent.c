// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "agent.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../base/log.h"
#include "../model/diff.h"
#include "backends.h"
#include "changes.h"
#include "gate.h"
#include "kept.h"
#include "metrics/metrics.h"
#include "nat.h"
#include "publish.h"
#include "reconcile.h"
#include "report/report.h"

#define PUBLISH_DELAY_NS 1000000ULL /* lets the health changes of one round share one table */
#define HOPS_INTERVAL_NS 5000000000ULL

static uint64_t realtime(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static struct reconcile reconcile_of(struct agent *agent, const struct state *wanted)
{
	return (struct reconcile){
		.registry = &agent->registry,
		.members = &agent->members,
		.wanted = wanted,
		.now = loop_now(agent->loop),
		.in_step = agent->in_step,
	};
}

/* events */

/* It is tried again with each sweep; what stays wrong is said once. */
static void publish_dirty(struct loop_timer *timer)
{
	struct agent *agent = timer->context;
	struct reconcile reconcile = reconcile_of(agent, &agent->config.state);
	struct err err = {};

	reconcile_publish_dirty(&reconcile, &err);
	if (err.text[0] && strcmp(err.text, agent->publish_error.text) != 0)
		log_error("reconcile", "%s", err.text);
	agent->publish_error = err;
}

void agent_publish_soon(struct agent *agent)
{
	if (!agent->publish_timer.place)
		loop_timer_set(agent->loop, &agent->publish_timer, PUBLISH_DELAY_NS);
}

/* since: of services that were asked for after this, the answer is known. */
static void refresh_hops(struct agent *agent, uint64_t since)
{
	struct registry_service *service, *next;
	size_t unsettled = 0;
	int error = 0;

	agent_follow_interfaces(agent);
	members_forget_interfaces(&agent->members);
	for (size_t i = 0; i < agent->link_count; i++)
		members_use_interface(&agent->members, agent->links[i].ifindex);
	HASH_ITER (by_key, agent->registry.services, service, next)
		if (service->settled_at < since)
			error = error ?: members_refresh(&agent->members, service, &unsettled);
	if (error)
		log_error("members", "cannot ask for the next hops: %s", strerror(-error));
	agent_publish_soon(agent);
}

static void hops_changed(void *context)
{
	refresh_hops(context, UINT64_MAX);
	backends_choose_soon(context);
}

/* Neighbours that did not answer are asked again, and an event that was lost is made up for. */
static void hops_due(struct loop_timer *timer)
{
	struct agent *agent = timer->context;
	int error = drift_look_at_members(&agent->drift);

	if (error)
		log_error("drift", "cannot compare the maps: %s", strerror(-error));
	refresh_hops(agent, UINT64_MAX);
	backends_choose_soon(agent);
	loop_timer_set(agent->loop, timer, HOPS_INTERVAL_NS);
}

static void sweep_due(struct loop_timer *timer)
{
	struct agent *agent = timer->context;
	int error = sweep_run(&agent->sweep, loop_now(agent->loop));

	if (error)
		log_error("sweep", "stopped half way: %s", strerror(-error));
	agent_publish_soon(agent);
	loop_timer_set(agent->loop, timer, SWEEP_DEADLINES_NS);
}

static void flow_log_due(struct loop_timer *timer)
{
	struct agent *agent = timer->context;

	flow_log_run(&agent->flow_log, loop_now(agent->loop));
	loop_timer_set(agent->loop, timer, FLOW_LOG_INTERVAL_NS);
}

static void drift_due(struct loop_timer *timer)
{
	struct agent *agent = timer->context;
	int error = drift_run(&agent->drift);

	if (error)
		log_error("drift", "cannot compare the maps: %s", strerror(-error));
	loop_timer_set(agent->loop, timer, DRIFT_INTERVAL_NS);
}

/* configuration */

int agent_explain(const struct config_errors *errors, int code, struct err *err)
{
	char text[768] = "";

	if (!errors->count)
		return err_set(err, code, "%s", strerror(-code));
	config_error_format(&errors->list[0], text, sizeof(text));
	if (errors->count > 1)
		return err_set(err, code, "%s (and %zu more errors)", text, errors->count - 1);
	return err_set(err, code, "%s", text);
}

static int load(const char *path, struct config *ret_config, struct config_errors *ret_errors,
		struct renew_files *ret_read, struct err *err)
{
	int error = config_load_files(path, ret_config, ret_errors, ret_read);

	return error ? agent_explain(ret_errors, error, err) : 0;
}

static struct dataplane_options dataplane_options(const struct agent *agent,
						  const struct config *config)
{
	const struct config_capacity *capacity = &config->capacity;

	return (struct dataplane_options){
		.directory = agent->options.bpffs,
		.secret = config->has_hash_secret ? config->hash_secret : NULL,
		.capacity =
			{
				/* number 0 of each is nobody's, and the node's own tenant */
				.tenants = capacity->tenants + 1,
				.vips = capacity->vips,
				.services = capacity->services + 1,
				.members = capacity->members + 1,
				.slots = capacity->slots + MTLB_SLOTS_PER_LINE,
				.flow_buckets = capacity->flows / MTLB_FLOWS_PER_BUCKET + 1,
				.nat_sources = capacity->nat_sources,
				.acl_prefixes = capacity->acl_prefixes,
				.feed_prefixes = capacity->feed_prefixes,
			},
	};
}

/* What cannot change while the maps live. */
static int check_fixed(const struct agent *agent, const struct config *next, struct err *err)
{
	const struct config *now = &agent->config;

	if (memcmp(&now->capacity, &next->capacity, sizeof(now->capacity)) != 0)
		return err_set(
			err, -EEXIST,
			"node.capacity cannot change while the dataplane runs: restore it, or stop "
			"the agent, run `mtlbd --remove` and start it anew");
	if (next->has_hash_secret != now->has_hash_secret ||
	    (next->has_hash_secret &&
	     memcmp(now->hash_secret, next->hash_secret, sizeof(now->hash_secret)) != 0))
		return err_set(
			err, -EEXIST,
			"node.hashSecretFile: the secret cannot change while the dataplane runs, "
			"since every flow would move: restore it, or stop the agent, run "
			"`mtlbd --remove` and start it anew");
	if (strcmp(now->api.socket, next->api.socket) != 0)
		log_warn("config", "api.socket takes effect at the next start of the agent");
	if (now->proxy.workers != next->proxy.workers && l7_workers(agent->l7))
		log_warn("config", "proxy.workers takes effect at the next start of the agent");
	return 0;
}

/* only: of these tenants, as they are in next; NULL: of all. */
static int plan_for(struct agent *agent, const struct config *next, const struct state *only,
		    struct state *ret_actual, struct plan *ret_plan, struct err *err)
{
	int error = registry_read_state(&agent->registry, &agent->config.state, &next->state, only,
					ret_actual);

	if (error)
		return err_set(err, error, "cannot read the maps back: %s", strerror(-error));
	error = plan_make(ret_actual, only ?: &next->state, ret_plan);
	if (error)
		state_fini(ret_actual);
	return error ? err_set(err, error, "out of memory") : 0;
}

/* The members must know whom to encapsulate for before the first operation. */
static void take_encap(struct agent *agent, const struct config *config)
{
	agent->members.encap_ipv4 = config->encap_ipv4;
	agent->members.encap_ipv6 = config->encap_ipv6;
	agent->members.gue_port = config->gue_port;
	memset(agent->members.nat, 0, sizeof(agent->members.nat));
	for (size_t i = 0; i < config->nat_source_count; i++)
		agent->members.nat[i] = (struct members_source){config->nat_sources[i].ipv4,
								config->nat_sources[i].ipv6};
}

/* next is emptied. */
static void take_config(struct agent *agent, struct config *next)
{
	state_take_borrowed(&next->state, &agent->config.state);
	config_fini(&agent->config);
	agent->config = *next;
	*next = (struct config){};
	agent->sweep.settings = &agent->config.state;
	agent->generation++;
	agent->loaded_at = realtime();
	agent->last_error[0] = 0;
	for (size_t i = 0; i < agent->config.notes.count; i++) {
		char text[1024];

		log_info("config", "%s",
			 config_error_format(&agent->config.notes.list[i], text, sizeof(text)));
	}
	active_set_window(agent->active, agent->config.flow_window_s, loop_now(agent->loop));
	usage_set(agent->usage, &agent->config.usage);
	attacks_set(agent->attacks, &agent->config.attacks);
	agent->drift.repair = agent->config.drift == CONFIG_DRIFT_REPAIR;
}

/* At the start it keeps nothing else from being served. */
static int follow_l7(struct agent *agent, struct err *err)
{
	int error = l7_set(agent->l7, &agent->config, agent->generation, err);

	if (!error || agent->generation > 1)
		return error;
	log_error("l7", "%s", err->text);
	return 0;
}

/* After a change: what hangs on it besides the maps. */
static int follow_config(struct agent *agent, const struct state *only, uint64_t began,
			 struct err *err)
{
	int error;

	/* what concerns all members stands in the Platform document */
	if (!only)
		refresh_hops(agent, began);
	error = backends_check(agent, only);
	if (error)
		return err_set(err, error, "cannot start the health checks: %s", strerror(-error));
	error = defence_set(agent->defence, &agent->config.state, loop_now(agent->loop));
	if (error)
		return err_set(err, error, "cannot watch for floods of SYNs: %s", strerror(-error));
	error = only ? 0 : feeds_set(agent->feeds, &agent->config);
	if (error)
		return err_set(err, error, "cannot load the deny feeds: %s", strerror(-error));
	return follow_l7(agent, err);
}

static int change_maps(struct agent *agent, const struct config *next, const struct plan *plan,
		       struct err *err)
{
	struct reconcile reconcile = reconcile_of(agent, &next->state);
	int error;

	agent->in_step = false;
	take_encap(agent, next);
	error = nat_publish_sources(&agent->registry, &agent->members);
	if (error)
		err_set(err, error, "cannot publish node.natSources: %s", strerror(-error));
	error = error ?: reconcile_apply(&reconcile, plan, err);
	if (!error) {
		error = nat_withdraw_sources(&agent->members);
		if (error)
			err_set(err, error, "cannot withdraw old natSources: %s", strerror(-error));
	}
	if (error) {
		take_encap(agent, &agent->config);
		err_prefix(err, "applied in part (`mtlb config diff` shows what is left)");
	}
	return error;
}

/* only: these tenants of next are all that changed; NULL: anything may have. commit may be NULL. */
static int apply(struct agent *agent, struct config *next, const struct state *only,
		 const struct agent_commit *commit, char ***ret_lines, size_t *ret_count,
		 struct err *err)
{
	uint64_t began = loop_now(agent->loop);
	struct state actual = {};
	struct plan plan = {};
	int error = plan_for(agent, next, only, &actual, &plan, err);

	if (error)
		return error;
	error = reconcile_check_room(&agent->registry, &plan, err);
	if (!error && ret_lines) {
		error = changes_list(&agent->config, next, &plan, ret_lines, ret_count);
		if (error)
			err_set(err, error, "out of memory");
	}
	if (!error && !only)
		error = agent_attach(agent, next, err);
	if (!error && commit)
		error = commit->write(commit->context, err);
	if (error && !only) {
		/* what was attached before one that failed; at the first start it all goes */
		if (error && agent->generation)
			agent_detach_others(agent);
	}
	error = error ?: change_maps(agent, next, &plan, err);
	plan_fini(&plan);
	state_fini(&actual);
	if (error)
		return error;
	if (!only)
		agent_detach_others(agent);
	take_config(agent, next);
	agent_open_api(agent);
	error = follow_config(agent, only, began, err);
	agent->in_step = !error;
	return error;
}

int agent_diff(struct agent *agent, const char *path, char ***ret_lines, size_t *ret_count,
	       struct config_errors *ret_errors, struct err *err)
{
	struct state actual = {};
	struct config next = {};
	struct plan plan = {};
	int error = load(path ?: agent->options.config, &next, ret_errors, NULL, err);

	if (error)
		return error;
	error = check_fixed(agent, &next, err);
	error = error ?: plan_for(agent, &next, NULL, &actual, &plan, err);
	if (!error) {
		error = changes_list(&agent->config, &next, &plan, ret_lines, ret_count);
		plan_fini(&plan);
		state_fini(&actual);
	}
	config_fini(&next);
	return error;
}

int agent_take(struct agent *agent, struct config *next, const struct state *only,
	       const struct agent_commit *commit, char ***ret_lines, size_t *ret_count,
	       struct err *err)
{
	return check_fixed(agent, next, err)
		       ?: apply(agent, next, only, commit, ret_lines, ret_count, err);
}

/* When no more changed than some tenants' own files. -EAGAIN: more did, or it is not known. */
static int reload_some(struct agent *agent, char ***ret_lines, size_t *ret_count, struct err *err)
{
	struct config next = {};
	struct state only = {};
	size_t *changed = NULL;
	int error = kept_take_hints(agent) ? renew_run(agent->renew, &agent->config, &next,
						       &changed, &only.tenant_count)
					   : -EAGAIN;

	if (error)
		return -EAGAIN;
	only.node = next.state.node;
	only.tenants = calloc(only.tenant_count, sizeof(*only.tenants));
	error = only.tenants ? check_fixed(agent, &next, err) : err_set(err, -ENOMEM, "no memory");
	for (size_t i = 0; !error && i < only.tenant_count; i++)
		only.tenants[i] = next.state.tenants[changed[i]];
	error = error ?: apply(agent, &next, &only, NULL, ret_lines, ret_count, err);
	free(only.tenants);
	free(changed);
	config_fini(&next);
	return error == -EAGAIN ? -EIO : error;
}

static int reload_all(struct agent *agent, char ***ret_lines, size_t *ret_count,
		      struct config_errors *ret_errors, struct err *err)
{
	struct renew_files files = {};
	struct config next = {};
	int error;

	kept_watch(agent);
	error = load(agent->options.config, &next, ret_errors, &files, err);
	if (!error) {
		error = check_fixed(agent, &next, err);
		error = error ?: apply(agent, &next, NULL, NULL, ret_lines, ret_count, err);
		config_fini(&next);
	}
	if (!error)
		kept_keep(agent, &files);
	renew_files_fini(&files);
	return error;
}

int agent_reload(struct agent *agent, char ***ret_lines, size_t *ret_count,
		 struct config_errors *ret_errors, struct err *err)
{
	int error = reload_some(agent, ret_lines, ret_count, err);

	if (error) {
		/* what was kept is of before; the next time is from the ground up */
		kept_drop(agent);
	}
	if (error == -EAGAIN)
		error = reload_all(agent, ret_lines, ret_count, ret_errors, err);
	if (error) {
		snprintf(agent->last_error, sizeof(agent->last_error), "%s", err->text);
		log_error("config", "not taken: %s", err->text);
		for (size_t i = 1; i < ret_errors->count; i++) {
			char text[1024];

			log_error("config", "%s",
				  config_error_format(&ret_errors->list[i], text, sizeof(text)));
		}
		return error;
	}
	log_info("config", "applied: generation %llu", (unsigned long long)agent->generation);
	return 0;
}

/* start and stop */

static int start_parts(struct agent *agent, const struct config *config, struct err *err)
{
	int error = registry_open(&agent->registry, agent->dataplane);

	if (error)
		return err_set(err, error, "cannot read the maps back: %s", strerror(-error));
	error = netlink_new(agent->loop, hops_changed, agent, &agent->netlink, err);
	if (error)
		return error;
	agent->members = (struct members){.registry = &agent->registry, .netlink = agent->netlink};
	take_encap(agent, config);
	agent->sweep = (struct sweep){
		.registry = &agent->registry,
		.members = &agent->members,
		.settings = &agent->config.state,
		.flows_swept_at = loop_now(agent->loop),
		.flow_counts = calloc(dataplane_view(agent->dataplane)->node->tenants,
				      sizeof(*agent->sweep.flow_counts)),
	};
	if (!agent->sweep.flow_counts)
		return err_set(err, -ENOMEM, "no memory to count flows in");
	flow_log_init(&agent->flow_log, agent->dataplane, loop_now(agent->loop));
	error = active_new(&agent->registry, agent->loop, &agent->active);
	if (error)
		return err_set(err, error, "cannot prepare the count of active flows: %s",
			       strerror(-error));
	error = usage_start(&agent->registry, agent->active, agent->loop, &config->usage,
			    &agent->usage);
	if (error)
		return err_set(err, error, "cannot prepare the record of usage: %s",
			       strerror(-error));
	error = backends_start(agent);
	if (error)
		return err_set(err, error, "cannot prepare the health checks: %s",
			       strerror(-error));
	error = feeds_new(agent->loop, &agent->registry, &agent->feeds);
	if (error)
		return err_set(err, error, "cannot prepare the deny feeds: %s", strerror(-error));
	error = backends_start_l7(agent);
	if (error)
		return err_set(err, error, "cannot prepare the L7 tier: %s", strerror(-error));
	usage_add_l7(agent->usage, l7_tallies(agent->l7));
	error = held_new(agent->dataplane, agent->loop, &agent->held);
	if (error)
		return err_set(err, error, "cannot take over held fragments: %s", strerror(-error));
	error = watchers_new(&agent->watchers);
	error = error ?: events_new(agent->watchers, &agent->events);
	error = error
			?: attacks_new(&agent->registry, agent->events, loop_now(agent->loop),
				       &agent->attacks);
	error = error
			?: samples_new(&agent->registry, agent->loop, agent->watchers,
				       agent->attacks, &agent->samples);
	error = error ?: defence_new(&agent->registry, agent->loop, agent->events, &agent->defence);
	if (error)
		return err_set(err, error, "cannot take over samples of dropped packets: %s",
			       strerror(-error));
	error = drift_init(&agent->drift, &agent->registry, agent->events);
	if (error)
		return err_set(err, error,
			       "cannot keep a copy of the maps, which drift is found by: %s",
			       strerror(-error));
	agent->publish_timer = (struct loop_timer){.fire = publish_dirty, .context = agent};
	agent->hops_timer = (struct loop_timer){.fire = hops_due, .context = agent};
	agent->sweep_timer = (struct loop_timer){.fire = sweep_due, .context = agent};
	agent->flow_log_timer = (struct loop_timer){.fire = flow_log_due, .context = agent};
	agent->drift_timer = (struct loop_timer){.fire = drift_due, .context = agent};
	return 0;
}

static int start(struct agent *agent, struct config *config, struct err *err)
{
	const struct http_route *routes;
	struct dataplane_options options;
	size_t route_count;
	const char *socket;
	int error;

	/* the socket first: it is what tells whether another agent runs */
	routes = report_routes(&route_count);
	socket = agent->options.api_socket ?: config->api.socket;
	error = http_new(agent->loop, socket, routes, route_count, agent, &agent->http, err);
	if (error)
		return error;
	http_set_gate(agent->http, &gate);
	options = dataplane_options(agent, config);
	error = dataplane_open(&options, &agent->dataplane, err);
	error = error ?: start_parts(agent, config, err);
	error = error ?: apply(agent, config, NULL, NULL, NULL, NULL, err);
	if (error)
		return error;
	/* they begin with what is there now */
	error = metrics_new(agent, &agent->metrics);
	if (error)
		return err_set(err, error, "cannot prepare metrics: %s", strerror(-error));
	agent_open_metrics(agent);
	loop_timer_set(agent->loop, &agent->hops_timer, HOPS_INTERVAL_NS);
	loop_timer_set(agent->loop, &agent->sweep_timer, SWEEP_DEADLINES_NS);
	loop_timer_set(agent->loop, &agent->flow_log_timer, FLOW_LOG_INTERVAL_NS);
	loop_timer_set(agent->loop, &agent->drift_timer, DRIFT_INTERVAL_NS);
	log_info("agent", "ready: %s dataplane in %s, %zu tenants, API on %s",
		 dataplane_adopted(agent->dataplane) ? "adopted the" : "made a new",
		 agent->options.bpffs, agent->config.state.tenant_count, socket);
	return 0;
}

int agent_start(struct agent *agent, const struct agent_options *options, struct err *err)
{
	struct config_errors errors = {};
	struct renew_files files = {};
	struct config config = {};
	bool fresh;
	int error;

	*agent = (struct agent){.options = *options, .started_at = realtime()};
	kept_watch(agent);
	error = load(options->config, &config, &errors, &files, err);
	for (size_t i = 1; i < errors.count; i++) {
		char text[1024];

		log_error("config", "%s", config_error_format(&errors.list[i], text, sizeof(text)));
	}
	config_errors_fini(&errors);
	if (error) {
		renew_files_fini(&files);
		kept_fini(agent);
		return error;
	}
	error = loop_new(&agent->loop);
	if (error)
		err_set(err, error, "cannot make an event loop: %s", strerror(-error));
	error = error ?: start(agent, &config, err);
	if (!error)
		kept_keep(agent, &files);
	renew_files_fini(&files);
	if (!error)
		return 0;
	config_fini(&config);
	/* what this start made is taken down again; what it adopted goes on */
	fresh = agent->dataplane && !dataplane_adopted(agent->dataplane);
	agent->options.detach = fresh;
	agent_stop(agent);
	return error;
}

void agent_stop(struct agent *agent)
{
	bool had_dataplane = agent->dataplane != NULL;
	struct err err = {};

	if (agent->watchers)
		watchers_end(agent->watchers);
	if (agent->metrics)
		metrics_end(agent->metrics);
	if (agent->http)
		http_free(agent->http);
	pace_fini(&agent->writes);
	pace_fini(&agent->refusals);
	metrics_free(agent->metrics);
	if (agent->checks)
		checks_free(agent->checks);
	passage_close(agent->passage);
	if (agent->netlink)
		netlink_free(agent->netlink);
	if (agent->feeds)
		feeds_free(agent->feeds);
	if (agent->l7)
		l7_stop(agent->l7, !agent->options.detach);
	if (agent->usage)
		usage_stop(agent->usage);
	l7_free(agent->l7);
	if (agent->active)
		active_free(agent->active);
	if (agent->held)
		held_free(agent->held);
	if (agent->samples)
		samples_free(agent->samples);
	if (agent->defence)
		defence_free(agent->defence);
	if (agent->attacks)
		attacks_free(agent->attacks);
	drift_fini(&agent->drift);
	if (agent->events)
		events_free(agent->events);
	if (agent->watchers)
		watchers_free(agent->watchers);
	free(agent->sweep.flow_counts);
	if (agent->registry.dataplane)
		registry_close(&agent->registry);
	dataplane_close(agent->dataplane);
	if (agent->options.detach && had_dataplane) {
		if (dataplane_remove(agent->options.bpffs, &err))
			log_error("agent", "%s", err.text);
		if (passage_remove(agent->options.bpffs, &err))
			log_error("agent", "%s", err.text);
	}
	kept_fini(agent);
	config_fini(&agent->config);
	free(agent->links);
	if (agent->loop)
		loop_free(agent->loop);
	*agent = (struct agent){};
}
