// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Which backend is probed how, and what came of it. It owns the set of checks and their history,
 * here and not in the prober, so that they outlive it; what a result means is model/health.c's, the
 * process that probes is prober.c's, and what follows from a backend going down is for the
 * callback.
 */
#include "set.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../base/log.h"
#include "../../model/l7/wanted.h"

#define FAULT_QUIET_NS 60000000000ULL /* a fault of this node is logged once a minute at most */

static struct key make_key(const char *tenant, const char *pool, const struct addr *address,
			   uint16_t port)
{
	struct key key;

	memset(&key, 0, sizeof(key));
	snprintf(key.tenant, sizeof(key.tenant), "%s", tenant);
	snprintf(key.pool, sizeof(key.pool), "%s", pool);
	key.address = *address;
	key.port = port;
	return key;
}

/* "pool acme/web: 10.1.0.21:80", as the operator wrote it, and the port that is asked if another.
 */
static void name(const struct check *check, char *text, size_t size)
{
	char endpoint[ADDR_TEXT_MAX];
	uint16_t port = check->key.port ? check->key.port : check->port;

	addr_format_endpoint(&check->key.address, port, endpoint);
	if (port == check->port || check->settings.type == PROBE_ICMP)
		snprintf(text, size, "pool %s/%s: %s", check->key.tenant, check->key.pool,
			 endpoint);
	else
		snprintf(text, size, "pool %s/%s: %s (checked on port %u)", check->key.tenant,
			 check->key.pool, endpoint, check->port);
}

static void tell(const struct check *check, bool first)
{
	const struct state_health *settings = &check->settings;
	char who[3 * STATE_NAME_MAX + ADDR_TEXT_MAX], why[64];
	bool up = check->health.state == HEALTH_UP;
	uint32_t limit = up ? settings->rise : settings->fall;

	name(check, who, sizeof(who));
	if (first)
		snprintf(why, sizeof(why), "the first check");
	else
		snprintf(why, sizeof(why), "%u of %u", limit, limit);
	if (up)
		log_info("health", "%s is up (%s)", who, why);
	else
		log_warn("health", "%s is down: %s (%s)", who, check->result.error, why);
}

static void tell_held(const struct check *check)
{
	char who[3 * STATE_NAME_MAX + ADDR_TEXT_MAX];

	name(check, who, sizeof(who));
	log_warn(
		"health", "%s goes down too often, and is kept down for %llu s (damping)", who,
		(unsigned long long)(health_held_ns(&check->health, loop_now(check->checks->loop)) /
				     1000000000));
}

/* One that all checks meet is told once, and so are those that only some of them meet. */
static void log_fault(struct check *check, const char *error)
{
	struct checks *checks = check->checks;
	uint64_t now = loop_now(checks->loop);
	char who[3 * STATE_NAME_MAX + ADDR_TEXT_MAX];

	if (strcmp(checks->fault, error) == 0 && now - checks->fault_ns < FAULT_QUIET_NS)
		return;
	if (strcmp(check->result.error, error) == 0 && check->fault_ns &&
	    now - check->fault_ns < FAULT_QUIET_NS)
		return;
	check->fault_ns = now;
	snprintf(checks->fault, sizeof(checks->fault), "%s", error);
	checks->fault_ns = now;
	name(check, who, sizeof(who));
	log_error("health", "%s cannot be checked, and its state stays as it is: %s", who, error);
}

/* the prober's side */

static struct side *side_of(const struct check *check)
{
	return check->settings.type == PROBE_SCRIPT ? &check->checks->scripts
						    : &check->checks->plain;
}

static void set_text(struct probe_question *question, enum probe_text which, const char *text)
{
	question->text[which] = text;
	question->length[which] = (uint16_t)strlen(text);
}

/*
 * Whoever listens at another port than the one that requests go to is not behind the balancer, and
 * takes a header for rubbish.
 */
static bool asks_its_port(const struct check *check)
{
	return check->key.port ? check->port == check->key.port : !check->settings.port;
}

static bool fill(void *context, uint32_t id, struct probes_probe *ret_probe)
{
	const struct side *side = context;
	struct checks *checks = side->checks;
	const struct check *check = id < checks->used ? checks->by_id[id] : NULL;

	if (!check || side_of(check) != side || check->way.barred)
		return false;
	*ret_probe = (struct probes_probe){
		.id = id,
		.generation = check->generation,
		.kind = check->settings.type,
		.address = check->way.by_vip ? check->way.vip : check->key.address,
		.port = check->port,
		.member = check->way.by_vip ? check->way.member : 0,
		.source = check->way.source,
		.jitter = check->settings.jitter,
		.interval_ms = check->settings.interval_ms,
		.timeout_ms = check->settings.timeout_ms,
	};
	ret_probe->proxy_protocol = asks_its_port(check) ? check->settings.proxy_protocol : 0;
	if (check->settings.question)
		ret_probe->question = *check->settings.question;
	if (check->settings.type == PROBE_SCRIPT) {
		set_text(&ret_probe->question, PROBE_TEXT_TENANT, check->key.tenant);
		set_text(&ret_probe->question, PROBE_TEXT_POOL, check->key.pool);
	}
	return true;
}

static void note(struct check *check, const struct probes_result *told)
{
	struct check_result *result = &check->result;

	result->probes++;
	if (told->outcome == PROBES_GOOD) {
		check->checks->good++;
		result->last_ns = told->took_ns;
		return;
	}
	snprintf(result->error, sizeof(result->error), "%s", told->error);
	result->failures++;
	check->checks->failed++;
	result->failed_ns = loop_now(check->checks->loop);
}

static bool feed(struct check *check, bool good)
{
	const struct health_limits limits = {.rise = check->settings.rise,
					     .fall = check->settings.fall,
					     .damped = check->settings.damped};
	bool turned;

	check->pool->down -= check->health.state == HEALTH_DOWN;
	turned = health_feed(&check->health, good, &limits, loop_now(check->checks->loop));
	check->pool->down += check->health.state == HEALTH_DOWN;
	return turned;
}

static void weigh(struct check *check, bool good)
{
	struct checks *checks = check->checks;
	struct check_result *result = &check->result, told;
	bool first = check->health.state == HEALTH_UNKNOWN, held = check->health.held;
	struct key key;

	if (!feed(check, good))
		return;
	result->state = check->health.state;
	result->since_ns = loop_now(checks->loop);
	tell(check, first);
	if (check->health.held && !held)
		tell_held(check);

	/* First, so that a pool that panics never loses this one. */
	pools_judge(checks, check->pool);

	/* The callback may well end in checks_set() or checks_free(), so it works on copies and
	 * nothing here is touched after it.
	 */
	key = check->key;
	told = *result;
	checks->events.changed(checks->events.context, key.tenant, key.pool, &key.address, key.port,
			       &told);
}

static void take_result(void *context, const struct probes_result *told_result)
{
	const struct side *side = context;
	struct checks *checks = side->checks;
	struct check *check =
		told_result->id < checks->used ? checks->by_id[told_result->id] : NULL;
	struct check_result *result;
	bool good = told_result->outcome == PROBES_GOOD;

	if (!check || check->generation != told_result->generation)
		return; /* it was asked what is no longer asked */
	result = &check->result;
	result->next_ns = told_result->next_ns;
	if (told_result->outcome == PROBES_FAULT) {
		log_fault(check, told_result->error);
		snprintf(result->error, sizeof(result->error), "%s", told_result->error);
		return;
	}
	check->fault_ns = 0;
	note(check, told_result);
	if (!good && check->way.by_vip && checks->events.unanswered)
		checks->events.unanswered(checks->events.context, &check->key.address);
	weigh(check, good);
}

static void lost(void *context, const char *why)
{
	const struct side *side = context;
	struct checks *checks = side->checks;

	if (checks->events.lost)
		checks->events.lost(checks->events.context, why);
}

/* numbers */

static int make_room(struct checks *checks)
{
	uint32_t room = checks->room ? 2 * checks->room : 64;
	struct check **by_id;
	uint32_t *free_ids;

	if (checks->free_count || checks->used < checks->room)
		return 0;
	by_id = realloc(checks->by_id, room * sizeof(struct check *));
	if (!by_id)
		return -ENOMEM;
	checks->by_id = by_id;
	free_ids = realloc(checks->free_ids, room * sizeof(*free_ids));
	if (!free_ids)
		return -ENOMEM;
	checks->free_ids = free_ids;
	checks->room = room;
	return 0;
}

static int take_id(struct checks *checks, struct check *check)
{
	int error = make_room(checks);

	if (error)
		return error;
	check->id = checks->free_count ? checks->free_ids[--checks->free_count] : checks->used++;
	checks->by_id[check->id] = check;
	return 0;
}

/* What the prober is told from now on; what comes of anything older is ignored. */
static int tell_prober(struct check *check)
{
	struct prober *prober = side_of(check)->prober;

	check->generation = ++check->checks->generation;
	return prober ? prober_mark(prober, check->id) : 0;
}

/* Whoever was told of it must not go on. There is room for it already. */
static void tell_gone(const struct check *check)
{
	struct prober *prober = side_of(check)->prober;

	if (prober)
		prober_mark(prober, check->id);
}

static void check_free(struct check *check)
{
	struct checks *checks = check->checks;

	pools_leave(check);
	checks->by_id[check->id] = NULL;
	checks->free_ids[checks->free_count++] = check->id;
	tell_gone(check);
	HASH_DEL(checks->table, check);
	free(check->settings.question);
	free(check);
}

static int start_side(struct checks *checks, struct side *side,
		      const struct prober_options *options)
{
	struct prober_events events = {
		.fill = fill, .result = take_result, .lost = lost, .context = side};

	side->checks = checks;
	return prober_new(checks->loop, options, &events, &side->prober);
}

int checks_set_scripts(struct checks *checks, const struct prober_options *options)
{
	struct side *side = &checks->scripts;
	int error = 0;

	if (options ? side->prober && prober_is(side->prober, options) : !side->prober)
		return 0;
	prober_free(side->prober);
	side->prober = NULL;
	if (options)
		error = start_side(checks, side, options);
	for (struct check *check = checks->table; check && !error; check = check->hh.next)
		if (side_of(check) == side)
			error = tell_prober(check);
	return error;
}

int checks_new(struct loop *loop, const struct prober_options *options,
	       const struct checks_events *events, struct checks **ret_checks)
{
	struct checks *checks = calloc(1, sizeof(*checks));
	int error;

	if (!checks)
		return -ENOMEM;
	checks->loop = loop;
	checks->events = *events;
	checks->scripts.checks = checks;
	error = start_side(checks, &checks->plain, options);
	if (error)
		free(checks);
	else
		*ret_checks = checks;
	return error;
}

void checks_free(struct checks *checks)
{
	struct check *check;

	if (!checks)
		return;
	prober_free(checks->plain.prober);
	prober_free(checks->scripts.prober);
	while (checks->table) {
		check = checks->table;
		pools_leave(check);
		HASH_DEL(checks->table, check);
		free(check->settings.question);
		free(check);
	}
	free(checks->by_id);
	free(checks->free_ids);
	free(checks);
}

void checks_prober(const struct checks *checks, struct prober_status *ret_status)
{
	prober_status(checks->plain.prober, ret_status);
}

bool checks_scripts_prober(const struct checks *checks, struct prober_status *ret_status)
{
	if (checks->scripts.prober)
		prober_status(checks->scripts.prober, ret_status);
	return checks->scripts.prober;
}

static struct check *find(const struct checks *checks, const struct key *key)
{
	struct check *check;

	HASH_FIND(hh, checks->table, key, sizeof(*key), check);
	return check;
}

/* ways */

static bool may_go_by_vip(const struct state_service *service)
{
	return service->forward != STATE_FORWARD_NAT && service->forward != STATE_FORWARD_LOCAL &&
	       service->health.type != PROBE_ICMP && service->health.type != PROBE_SCRIPT;
}

static void take_service(struct check *check, const struct state_service *service)
{
	memset(&check->service, 0, sizeof(check->service));
	snprintf(check->service.name, sizeof(check->service.name), "%s", service->name);
	check->service.protocol = service->protocol;
	if (service->vip_count && may_go_by_vip(service))
		check->service.vip = service->vips[0].address;
}

/* True when it is another one than before. */
static bool choose(struct check *check)
{
	struct checks *checks = check->checks;
	struct check_way before = check->way;
	struct check_wish wish = {
		.tenant = check->key.tenant,
		.service = check->service.name,
		.protocol = check->service.protocol,
		.via = check->settings.via,
		.vip = check->service.vip,
		.address = check->key.address,
		.port = check->key.port,
	};

	memset(&check->way, 0, sizeof(check->way));
	if (checks->events.choose && wish.via != STATE_VIA_DIRECT && !addr_is_zero(&wish.vip))
		checks->events.choose(checks->events.context, &wish, &check->way);
	return memcmp(&before, &check->way, sizeof(before)) != 0;
}

int checks_choose(struct checks *checks)
{
	int ret = 0;

	for (struct check *check = checks->table; check && !ret; check = check->hh.next)
		if (choose(check))
			ret = tell_prober(check);
	return ret;
}

void checks_each_way(const struct checks *checks,
		     void (*each)(void *context, const struct check_way *way), void *context)
{
	for (struct check *check = checks->table; check; check = check->hh.next)
		if (check->way.by_vip)
			each(context, &check->way);
}

static int add(struct checks *checks, const struct key *key, const struct state_service *service,
	       uint16_t port, enum health_state seed)
{
	const struct state_health *settings = &service->health;
	struct check *check = calloc(1, sizeof(*check));
	int ret;

	if (!check)
		return -ENOMEM;
	check->key = *key;
	check->checks = checks;
	if (state_copy_health(settings, &check->settings)) {
		free(check);
		return -ENOMEM;
	}
	check->port = port;
	check->health.state = seed;
	check->result.state = seed;
	check->wanted = true;
	check->fresh = true;
	ret = take_id(checks, check);
	if (ret) {
		free(check->settings.question);
		free(check);
		return ret;
	}
	HASH_ADD(hh, checks->table, key, sizeof(check->key), check);
	if (!check->hh.tbl) {
		checks->by_id[check->id] = NULL;
		checks->free_ids[checks->free_count++] = check->id;
		free(check->settings.question);
		free(check);
		return -ENOMEM;
	}
	ret = pools_join(check);
	if (ret) {
		HASH_DEL(checks->table, check);
		checks->by_id[check->id] = NULL;
		checks->free_ids[checks->free_count++] = check->id;
		free(check->settings.question);
		free(check);
		return ret;
	}
	check->pool->threshold = settings->panic;
	take_service(check, service);
	choose(check);
	ret = tell_prober(check);
	if (ret)
		check_free(check);
	return ret;
}

/* Whether the prober need not hear of it. */
static bool asks_the_same(const struct state_health *a, const struct state_health *b)
{
	return a->type == b->type && a->interval_ms == b->interval_ms &&
	       a->timeout_ms == b->timeout_ms && a->jitter == b->jitter &&
	       a->proxy_protocol == b->proxy_protocol && state_same_question(a, b);
}

/* The history stays; a probe under way is dropped if it asks what is no longer asked. */
static int change(struct check *check, const struct state_service *service, uint16_t port)
{
	const struct state_health *settings = &service->health;
	bool same = check->port == port && asks_the_same(&check->settings, settings);
	struct state_health copy;

	if (state_copy_health(settings, &copy))
		return -ENOMEM;
	if (settings->type != check->settings.type)
		tell_gone(check);
	free(check->settings.question);
	check->settings = copy;
	check->port = port;
	check->pool->threshold = settings->panic;
	take_service(check, service);
	return choose(check) || !same ? tell_prober(check) : 0;
}

/* 0: there is none to ask (a service without VIPs whose members name no port). */
static uint16_t probe_port(const struct state_service *service, const struct state_member *member)
{
	if (service->health.port)
		return service->health.port;
	if (member->port)
		return member->port;
	return service->vip_count ? service->vips[0].port : 0;
}

static int want(struct checks *checks, const char *tenant, const struct state_service *service,
		const struct state_member *member)
{
	struct key key = make_key(tenant, service->pool, &member->address, member->port);
	uint16_t port = service->health.type == PROBE_ICMP ? 0 : probe_port(service, member);
	struct check *check = find(checks, &key);

	if (!port && service->health.type != PROBE_ICMP && service->health.type != PROBE_SCRIPT)
		return 0;
	if (!check)
		return add(checks, &key, service, port,
			   checks->seed ? checks->seed(checks->events.context, key.tenant, key.pool,
						       &key.address, key.port)
					: HEALTH_UNKNOWN);
	/* Several services may use one pool: the first one decides which port is asked. */
	if (check->wanted)
		return 0;
	check->wanted = true;
	return change(check, service, port);
}

/* A pool of routes is asked as one of a service without VIPs. */
static int want_routed(struct checks *checks, const char *tenant, const struct wanted_pool *pool)
{
	struct state_service service = {.forward = STATE_FORWARD_LOCAL, .health = pool->health};
	int ret = 0;

	if (pool->health.type == PROBE_NONE)
		return 0;
	snprintf(service.pool, sizeof(service.pool), "%s", pool->pool.name);
	for (size_t i = 0; !ret && i < pool->member_count; i++) {
		const struct state_member member = {.address = pool->members[i].address,
						    .port = pool->members[i].port};

		ret = want(checks, tenant, &service, &member);
	}
	return ret;
}

static int want_all(struct checks *checks, const struct state *state)
{
	for (size_t t = 0; t < state->tenant_count; t++) {
		const struct state_tenant *tenant = &state->tenants[t];

		for (size_t s = 0; s < tenant->service_count; s++) {
			const struct state_service *service = &tenant->services[s];

			if (service->health.type == PROBE_NONE)
				continue;
			for (size_t m = 0; m < service->member_count; m++) {
				int ret = want(checks, tenant->name, service, &service->members[m]);

				if (ret)
					return ret;
			}
		}
		for (size_t p = 0; tenant->l7 && p < tenant->l7->pool_count; p++) {
			int ret = want_routed(checks, tenant->name, &tenant->l7->pools[p]);

			if (ret)
				return ret;
		}
	}
	return 0;
}

/* Those of other tenants are wanted as they are. */
static bool is_asked_for(const struct check *check, const struct state *only)
{
	return !only || state_find_tenant(only, check->key.tenant);
}

int checks_set(struct checks *checks, const struct state *state, const struct state *only,
	       enum health_state (*seed)(void *context, const char *tenant, const char *pool,
					 const struct addr *address, uint16_t port))
{
	struct check *check, *next;
	int ret;

	for (check = checks->table; check; check = check->hh.next) {
		check->wanted = !is_asked_for(check, only);
		check->fresh = false;
	}
	checks->seed = seed;
	ret = want_all(checks, only ?: state);
	/* Out of memory half way: what was checked before is checked still, and only that. */
	HASH_ITER (hh, checks->table, check, next)
		if (ret ? check->fresh : !check->wanted)
			check_free(check);
	return ret;
}

void checks_fail(struct checks *checks, const char *tenant, const char *pool,
		 const struct addr *address, uint16_t port, const char *why)
{
	struct key key = make_key(tenant, pool, address, port);
	struct probes_result failed = {.outcome = PROBES_BAD};
	struct check *check = find(checks, &key);

	if (!check)
		return;
	snprintf(failed.error, sizeof(failed.error), "%s", why);
	note(check, &failed);
	weigh(check, false);
}

const struct check_result *checks_get(const struct checks *checks, const char *tenant,
				      const char *pool, const struct addr *address, uint16_t port)
{
	struct key key = make_key(tenant, pool, address, port);
	const struct check *check = find(checks, &key);

	return check ? &check->result : NULL;
}
