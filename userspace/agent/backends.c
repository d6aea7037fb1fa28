// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "backends.h"

#include <arpa/inet.h>
#include <string.h>

#include "../base/log.h"

/* Once for all services that have it. */
static void tell_health(struct agent *agent, const char *tenant, const char *pool,
			const struct addr *address, uint16_t port,
			const struct check_result *result)
{
	bool down = result->state == HEALTH_DOWN;
	char text[ADDR_TEXT_MAX];
	json_t *details = json_pack("{s:s,s:s,s:i}", "pool", pool, "address",
				    addr_format(address, text), "port", (int)port);

	if (down)
		json_object_set_new(details, "error", json_string(result->error));
	addr_format_endpoint(address, port, text);
	events_raise(agent->events, down ? "member-down" : "member-up", tenant, details,
		     "backend %s of %s/%s is %s%s%s", text, tenant, pool, down ? "down" : "up",
		     down ? ": " : "", down ? result->error : "");
}

/* In a pool that panics nobody is taken to be down. */
static enum mtlb_member_state member_state(const struct agent *agent, const char *tenant,
					   const char *pool, enum health_state health)
{
	return health == HEALTH_DOWN && !checks_panics(agent->checks, tenant, pool)
		       ? MTLB_MEMBER_DOWN
		       : MTLB_MEMBER_UP;
}

static void changed(void *context, const char *tenant_name, const char *pool,
		    const struct addr *address, uint16_t port, const struct check_result *result)
{
	struct agent *agent = context;
	const struct dataplane_view *view = dataplane_view(agent->dataplane);
	struct registry_tenant *tenant = registry_tenant(&agent->registry, tenant_name);
	struct registry_service *service;
	enum mtlb_member_state state;
	bool was_down = false, known = false;

	if (!tenant || result->state == HEALTH_UNKNOWN)
		return;
	state = member_state(agent, tenant_name, pool, result->state);
	for (service = tenant->services; service; service = service->of_tenant) {
		uint32_t index;

		if (strcmp(view->services[service->index].pool, pool) != 0)
			continue;
		index = registry_member(&agent->registry, service, address, port);
		if (!index || view->member_names[index].state == MTLB_MEMBER_GONE)
			continue;
		known = true;
		was_down |= view->member_names[index].state == MTLB_MEMBER_DOWN;
		if (members_set_state(&agent->members, service, index, state,
				      loop_now(agent->loop)))
			log_error("members", "cannot note the health of a backend of %s/%s",
				  tenant_name, pool);
	}
	/* that one was found up when it was first looked at is nothing to tell */
	if (known && was_down != (result->state == HEALTH_DOWN))
		tell_health(agent, tenant_name, pool, address, port, result);
	agent_publish_soon(agent);
}

/* What the maps remember of a backend's health, for the probe of a restarted agent. */
static enum health_state seed(void *context, const char *tenant_name, const char *pool,
			      const struct addr *address, uint16_t port)
{
	struct agent *agent = context;
	const struct dataplane_view *view = dataplane_view(agent->dataplane);
	struct registry_tenant *tenant = registry_tenant(&agent->registry, tenant_name);
	struct registry_service *service;

	for (service = tenant ? tenant->services : NULL; service; service = service->of_tenant) {
		uint32_t index;

		if (strcmp(view->services[service->index].pool, pool) != 0)
			continue;
		index = registry_member(&agent->registry, service, address, port);
		if (index && view->member_names[index].state == MTLB_MEMBER_DOWN)
			return HEALTH_DOWN;
	}
	return HEALTH_UNKNOWN;
}

/*
 * A new configuration may bring members and probes together that have not met yet: another service
 * on a pool that is checked already, or a pool that is no longer checked.
 */
static int sync_tenant(struct agent *agent, const struct registry_tenant *tenant)
{
	const struct dataplane_view *view = dataplane_view(agent->dataplane);
	int error = 0;

	for (struct registry_service *service = tenant->services; service;
	     service = service->of_tenant) {
		for (size_t i = 0; !error && i < service->member_count; i++) {
			uint32_t index = service->members[i];
			const struct mtlb_member_name *name = &view->member_names[index];
			struct addr address = registry_addr(&name->address);
			const char *pool = view->services[service->index].pool;
			const struct check_result *result = checks_get(
				agent->checks, tenant->name, pool, &address, ntohs(name->port));

			if (name->state == MTLB_MEMBER_GONE ||
			    (result && result->state == HEALTH_UNKNOWN))
				continue;
			error = members_set_state(
				&agent->members, service, index,
				result ? member_state(agent, tenant->name, pool, result->state)
				       : MTLB_MEMBER_UP,
				loop_now(agent->loop));
		}
	}
	return error;
}

static int sync(struct agent *agent, const struct state *only)
{
	struct registry_tenant *tenant, *next;
	int error = 0;

	for (size_t i = 0; only && !error && i < only->tenant_count; i++) {
		tenant = registry_tenant(&agent->registry, only->tenants[i].name);
		error = tenant ? sync_tenant(agent, tenant) : 0;
	}
	HASH_ITER (by_name, agent->registry.tenants, tenant, next)
		if (!only)
			error = error ?: sync_tenant(agent, tenant);
	agent_publish_soon(agent);
	return error;
}

static void panic(void *context, const char *tenant_name, const char *pool, bool panics, size_t up,
		  size_t total)
{
	struct agent *agent = context;
	struct registry_tenant *tenant = registry_tenant(&agent->registry, tenant_name);
	json_t *details = json_pack("{s:s,s:I,s:I}", "pool", pool, "up", (json_int_t)up, "total",
				    (json_int_t)total);
	char text[256];

	snprintf(
		text, sizeof(text),
		panics ? "only %zu of %zu backends of %s/%s are up, fewer than its panicThreshold: "
			 "all of them are used"
		       : "%zu of %zu backends of %s/%s are up: those that are down are no longer "
			 "used",
		up, total, tenant_name, pool);
	if (panics)
		log_warn("health", "%s", text);
	else
		log_info("health", "%s", text);
	events_raise(agent->events, panics ? "pool-panic-begins" : "pool-panic-ends", tenant_name,
		     details, "%s", text);
	if (tenant && sync_tenant(agent, tenant))
		log_error("members", "cannot note the health of the backends of %s/%s", tenant_name,
			  pool);
	agent_publish_soon(agent);
}

static void lost(void *context, const char *why)
{
	struct agent *agent = context;

	events_raise(agent->events, "prober-lost", "", NULL,
		     "the process that makes health checks %s; it is started anew", why);
}

int backends_start(struct agent *agent)
{
	struct prober_options options = {.path = agent->options.prober};
	struct checks_events events = {
		.changed = changed, .panic = panic, .lost = lost, .context = agent};

	return checks_new(agent->loop, &options, &events, &agent->checks);
}

int backends_check(struct agent *agent, const struct state *only)
{
	const struct config_scripts *scripts = &agent->config.scripts;
	const struct prober_options options = {
		.path = agent->options.prober,
		.user = scripts->user,
		.scripts = scripts->directory,
		.scripts_at_once = scripts->at_once,
	};
	int error = checks_set_scripts(agent->checks, scripts->directory ? &options : NULL);

	error = error ?: checks_set(agent->checks, &agent->config.state, only, seed);

	if (error)
		return error;
	checks_judge(agent->checks);
	return sync(agent, only);
}
