// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "backends.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "../base/log.h"

/* All are looked at, so not at each of many changes; but checks that go a way which is no longer
 * one fail meanwhile. */
#define CHOOSE_SOON_NS	50000000ULL
#define CHOOSE_AGAIN_NS 1000000000ULL

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
	const struct states_member routed = {tenant_name, pool, address, port};
	struct registry_service *service;
	enum mtlb_member_state state;
	bool was_down, known;
	int before;

	if (result->state == HEALTH_UNKNOWN)
		return;
	state = member_state(agent, tenant_name, pool, result->state);
	before = l7_set_state(agent->l7, &routed, state == MTLB_MEMBER_DOWN);
	known = before >= 0;
	was_down = before > 0;
	for (service = tenant ? tenant->services : NULL; service; service = service->of_tenant) {
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
	l7_review(agent->l7, tenant_name, pool);
	agent_publish_soon(agent);
}

/* for the L7 tier */

static bool routed_is_down(void *context, const struct states_member *member)
{
	struct agent *agent = context;
	const struct check_result *result = checks_get(agent->checks, member->tenant, member->pool,
						       member->address, member->port);

	return result &&
	       member_state(agent, member->tenant, member->pool, result->state) == MTLB_MEMBER_DOWN;
}

/* Its health check hears of it: whoever uses it knows first. */
static void ejected(void *context, const struct states_member *member, uint32_t failures)
{
	struct agent *agent = context;
	char text[ADDR_TEXT_MAX], why[64];
	json_t *details = json_pack("{s:s,s:s,s:i,s:I}", "pool", member->pool, "address",
				    addr_format(member->address, text), "port", (int)member->port,
				    "failures", (json_int_t)failures);

	addr_format_endpoint(member->address, member->port, text);
	snprintf(why, sizeof(why), "%u requests in a row failed", failures);
	events_raise(agent->events, "member-ejected", member->tenant, details,
		     "backend %s of %s/%s gets no requests of a worker for a while: %s", text,
		     member->tenant, member->pool, why);
	checks_fail(agent->checks, member->tenant, member->pool, member->address, member->port,
		    why);
}

int backends_start_l7(struct agent *agent)
{
	const struct l7_events events = {
		.is_down = routed_is_down, .ejected = ejected, .context = agent};

	return l7_new(agent->loop, agent->options.bpffs, &events, &agent->l7);
}

static void lost(void *context, const char *why)
{
	struct agent *agent = context;

	events_raise(agent->events, "prober-lost", "", NULL,
		     "the process that makes health checks %s; it is started anew", why);
}

/* Its number in the dataplane; 0: it has no such member. */
static uint32_t member_of(const struct agent *agent, const struct check_wish *wish)
{
	struct registry_tenant *tenant = registry_tenant(&agent->registry, wish->tenant);
	struct registry_service *service =
		tenant ? registry_service(&agent->registry, tenant->index, wish->service,
					  wish->protocol)
		       : NULL;

	return service ? registry_member(&agent->registry, service, &wish->address, wish->port) : 0;
}

/* The address that its answers come to: the one that would be asked from directly, or, when that is
 * of another family than the VIP, the one that this node speaks to the VIP from.
 */
static int find_way(struct agent *agent, const struct check_wish *wish, struct check_way *way)
{
	struct addr to_vip;
	bool own, member_own;
	int error = netlink_source(agent->netlink, &wish->vip, &own, &to_vip);

	error = error ?: netlink_source(agent->netlink, &wish->address, &member_own, &way->source);
	if (error)
		return error;
	if (addr_is_ipv4(&wish->vip) != addr_is_ipv4(&wish->address))
		way->source = to_vip;
	if (own) {
		snprintf(way->why, sizeof(way->why),
			 "the VIP is an address of this node, which takes no answers from it");
		return -EADDRINUSE;
	}
	way->member = member_of(agent, wish);
	if (!way->member) {
		snprintf(way->why, sizeof(way->why), "the dataplane does not have this backend");
		return -ENOENT;
	}
	return 0;
}

static void choose(void *context, const struct check_wish *wish, struct check_way *ret_way)
{
	struct agent *agent = context;
	struct err err = {};
	int error = find_way(agent, wish, ret_way);

	if (!error) {
		error = passage_use(agent->passage, &wish->vip, &err);
		snprintf(ret_way->why, sizeof(ret_way->why), "%.250s", err.text);
	} else if (!ret_way->why[0]) {
		snprintf(ret_way->why, sizeof(ret_way->why), "the kernel does not tell a route: %s",
			 strerror(-error));
	}
	ret_way->vip = wish->vip;
	ret_way->by_vip = !error;
	if (!error)
		return;
	ret_way->source = (struct addr){};
	ret_way->barred = wish->via == STATE_VIA_VIP;
}

/* As a packet of the kernel's own would: at most once a second for each neighbour. */
static void unanswered(void *context, const struct addr *address)
{
	struct agent *agent = context;
	struct next_hop hop;

	netlink_next_hop(agent->netlink, address, &hop);
}

static void keep_path(void *context, const struct check_way *way)
{
	struct agent *agent = context;

	passage_keep(agent->passage, &way->vip);
}

/* What no way leads by any more goes. */
static void tidy_passage(struct agent *agent)
{
	passage_begin(agent->passage);
	checks_each_way(agent->checks, keep_path, agent);
	passage_end(agent->passage);
}

static void choose_due(struct loop_timer *timer)
{
	struct agent *agent = timer->context;
	int error = checks_choose(agent->checks);

	agent->chosen_at = loop_now(agent->loop);
	if (error)
		log_error("health", "cannot choose the ways of health checks: %s",
			  strerror(-error));
	tidy_passage(agent);
}

void backends_choose_soon(struct agent *agent)
{
	bool lately =
		agent->chosen_at && loop_now(agent->loop) - agent->chosen_at < CHOOSE_AGAIN_NS;

	passage_look(agent->passage);
	if (!agent->choose_timer.place)
		loop_timer_set(agent->loop, &agent->choose_timer,
			       lately ? CHOOSE_AGAIN_NS : CHOOSE_SOON_NS);
}

int backends_start(struct agent *agent)
{
	struct prober_options options = {.path = agent->options.prober};
	struct checks_events events = {.changed = changed,
				       .panic = panic,
				       .choose = choose,
				       .unanswered = unanswered,
				       .lost = lost,
				       .context = agent};
	int error =
		passage_open(agent->dataplane, agent->options.bpffs, options.user, &agent->passage);

	agent->choose_timer = (struct loop_timer){.fire = choose_due, .context = agent};
	options.probes_fd = dataplane_probes_fd(agent->dataplane);
	return error ?: checks_new(agent->loop, &options, &events, &agent->checks);
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
	tidy_passage(agent);
	checks_judge(agent->checks);
	return sync(agent, only);
}
