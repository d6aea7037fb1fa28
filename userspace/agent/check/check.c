// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * When to probe which backend, and what came of it. It owns the set of checks, their timers and
 * their history; how a probe is made is tcp.c's, what a result means is model/health.c's, and what
 * follows from a backend going down is for the callback.
 */
#include "check.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

/* Without memory for the table a check is not added, and we can say so. */
#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "../../base/log.h"
#include "tcp.h"

#define FAULT_QUIET_NS 60000000000ULL /* a fault of this node is logged once a minute at most */

/* Compared as bytes: always cleared before it is filled. */
struct key {
	char tenant[STATE_NAME_MAX];
	char pool[STATE_NAME_MAX];
	struct addr address;
	uint16_t port;
};

struct check {
	struct key key;
	struct checks *checks;
	UT_hash_handle hh;
	struct loop_timer timer;
	struct tcp_probe probe;
	uint64_t due_ns; /* the instant of the next check, or of the one that runs */
	struct state_health settings;
	uint16_t port; /* the one probed */
	struct health health;
	struct check_result result;
	bool wanted; /* by the state that checks_set is working through */
	bool fresh;  /* made by the very same checks_set */
};

struct checks {
	struct loop *loop;
	void (*changed)(void *context, const char *tenant, const char *pool,
			const struct addr *address, uint16_t port,
			const struct check_result *result);
	/* The one given to the checks_set() that is at work. */
	enum health_state (*seed)(void *context, const char *tenant, const char *pool,
				  const struct addr *address, uint16_t port);
	void *context;
	struct check *table;
	uint64_t random;
	int fault; /* of this node, the last one logged */
	uint64_t fault_ns;
};

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

static uint64_t interval_ns(const struct check *check)
{
	return (uint64_t)check->settings.interval_ms * 1000000;
}

/* Uniform enough in [0, below) for spreading load (xorshift64); 0 when below is 0. */
static uint64_t pick(struct checks *checks, uint64_t below)
{
	checks->random ^= checks->random << 13;
	checks->random ^= checks->random >> 7;
	checks->random ^= checks->random << 17;
	return below ? checks->random % below : 0;
}

static uint64_t remaining(uint64_t due_ns, uint64_t now_ns)
{
	return due_ns > now_ns ? due_ns - now_ns : 0;
}

/* Can fail for a new check only: each holds one place in the loop's heap, either for its own timer
 * or, while a probe runs, for the probe's; the one that starts takes the place of the one that
 * ended.
 */
static int schedule_first(struct check *check)
{
	struct checks *checks = check->checks;
	uint64_t delay = pick(checks, interval_ns(check) / 10);

	check->due_ns = loop_now(checks->loop) + delay;
	return loop_timer_set(checks->loop, &check->timer, delay);
}

/* Eight to ten tenths of the interval after the last one was due: never later than the interval, so
 * that fall failures take no longer than fall intervals, and at random, so that checks that began
 * together spread out.
 */
static void schedule_next(struct check *check)
{
	struct checks *checks = check->checks;
	uint64_t interval = interval_ns(check), now = loop_now(checks->loop);

	if (!interval)
		interval = 1000000;
	check->due_ns += interval - pick(checks, interval / 5);
	if (check->due_ns < now)
		check->due_ns = now; /* a slow probe took longer than the interval */
	loop_timer_set(checks->loop, &check->timer, remaining(check->due_ns, now));
}

/* "pool acme/web: 10.1.0.21:80", as the operator wrote it, and the port that is asked if another.
 */
static void name(const struct check *check, char *text, size_t size)
{
	char endpoint[ADDR_TEXT_MAX];
	uint16_t port = check->key.port ? check->key.port : check->port;

	addr_format_endpoint(&check->key.address, port, endpoint);
	if (port == check->port)
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

static void log_fault(struct checks *checks, int error)
{
	uint64_t now = loop_now(checks->loop);
	char text[128];

	if (checks->fault == error && now - checks->fault_ns < FAULT_QUIET_NS)
		return;
	checks->fault = error;
	checks->fault_ns = now;
	log_error("health",
		  "this node cannot check its backends: %s; their states stay as they are",
		  tcp_error_text(error, 0, text, sizeof(text)));
}

static void finished(struct tcp_probe *probe, int error)
{
	struct check *check = probe->context;
	struct checks *checks = check->checks;
	struct check_result *result = &check->result, told;
	bool first = check->health.state == HEALTH_UNKNOWN;
	struct key key;

	schedule_next(check);
	if (tcp_error_is_ours(error)) {
		log_fault(checks, error);
		return;
	}
	result->probes++;
	if (error)
		tcp_error_text(error, check->settings.timeout_ms, result->error,
			       sizeof(result->error));
	else
		result->last_ns = probe->took_ns;
	if (!health_feed(&check->health, !error, check->settings.rise, check->settings.fall))
		return;
	result->state = check->health.state;
	result->since_ns = loop_now(checks->loop);
	tell(check, first);

	/* The callback may well end in checks_set() or checks_free(), so it works on copies and
	 * nothing here is touched after it.
	 */
	key = check->key;
	told = *result;
	checks->changed(checks->context, key.tenant, key.pool, &key.address, key.port, &told);
}

static void begin(struct loop_timer *timer)
{
	struct check *check = timer->context;
	int ret = tcp_probe_start(&check->probe, check->checks->loop, &check->key.address,
				  check->port, check->settings.timeout_ms);

	if (ret) {
		log_fault(check->checks, ret);
		schedule_next(check);
	}
}

static void check_free(struct check *check)
{
	tcp_probe_stop(&check->probe);
	loop_timer_cancel(check->checks->loop, &check->timer);
	HASH_DEL(check->checks->table, check);
	free(check);
}

int checks_new(struct loop *loop,
	       void (*changed)(void *context, const char *tenant, const char *pool,
			       const struct addr *address, uint16_t port,
			       const struct check_result *result),
	       void *context, struct checks **ret_checks)
{
	struct checks *checks = calloc(1, sizeof(*checks));

	if (!checks)
		return -ENOMEM;
	checks->loop = loop;
	checks->changed = changed;
	checks->context = context;
	if (getrandom(&checks->random, sizeof(checks->random), GRND_NONBLOCK) < 0)
		checks->random = loop_now(loop);
	checks->random |= 1; /* xorshift never leaves 0 */
	*ret_checks = checks;
	return 0;
}

void checks_free(struct checks *checks)
{
	struct check *check, *next;

	if (!checks)
		return;
	HASH_ITER (hh, checks->table, check, next)
		check_free(check);
	free(checks);
}

static struct check *find(const struct checks *checks, const struct key *key)
{
	struct check *check;

	HASH_FIND(hh, checks->table, key, sizeof(*key), check);
	return check;
}

static int add(struct checks *checks, const struct key *key, const struct state_health *settings,
	       uint16_t port, enum health_state seed)
{
	struct check *check = calloc(1, sizeof(*check));
	int ret;

	if (!check)
		return -ENOMEM;
	check->key = *key;
	check->checks = checks;
	check->settings = *settings;
	check->port = port;
	check->health.state = seed;
	check->result.state = seed;
	check->wanted = true;
	check->fresh = true;
	check->timer = (struct loop_timer){.fire = begin, .context = check};
	check->probe.done = finished;
	check->probe.context = check;
	HASH_ADD(hh, checks->table, key, sizeof(check->key), check);
	if (!check->hh.tbl) {
		free(check);
		return -ENOMEM;
	}
	ret = schedule_first(check);
	if (ret)
		check_free(check);
	return ret;
}

/* The history stays; a probe under way is dropped if it asks what is no longer asked. */
static int change(struct check *check, const struct state_health *settings, uint16_t port)
{
	bool other_port = check->port != port;
	bool other_interval = check->settings.interval_ms != settings->interval_ms;

	check->settings = *settings;
	check->port = port;
	if (!other_port && !other_interval)
		return 0;
	tcp_probe_stop(&check->probe);
	return schedule_first(check);
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
	uint16_t port = probe_port(service, member);
	struct check *check = find(checks, &key);

	if (!port)
		return 0;
	if (!check)
		return add(checks, &key, &service->health, port,
			   checks->seed ? checks->seed(checks->context, key.tenant, key.pool,
						       &key.address, key.port)
					: HEALTH_UNKNOWN);
	/* Several services may use one pool: the first one decides which port is asked. */
	if (check->wanted)
		return 0;
	check->wanted = true;
	return change(check, &service->health, port);
}

static int want_all(struct checks *checks, const struct state *state)
{
	for (size_t t = 0; t < state->tenant_count; t++) {
		const struct state_tenant *tenant = &state->tenants[t];

		for (size_t s = 0; s < tenant->service_count; s++) {
			const struct state_service *service = &tenant->services[s];

			if (service->health.type != STATE_HEALTH_TCP)
				continue;
			for (size_t m = 0; m < service->member_count; m++) {
				int ret = want(checks, tenant->name, service, &service->members[m]);

				if (ret)
					return ret;
			}
		}
	}
	return 0;
}

int checks_set(struct checks *checks, const struct state *state,
	       enum health_state (*seed)(void *context, const char *tenant, const char *pool,
					 const struct addr *address, uint16_t port))
{
	struct check *check, *next;
	int ret;

	for (check = checks->table; check; check = check->hh.next)
		check->wanted = check->fresh = false;
	checks->seed = seed;
	ret = want_all(checks, state);
	/* Out of memory half way: what was checked before is checked still, and only that. */
	HASH_ITER (hh, checks->table, check, next)
		if (ret ? check->fresh : !check->wanted)
			check_free(check);
	return ret;
}

const struct check_result *checks_get(const struct checks *checks, const char *tenant,
				      const char *pool, const struct addr *address, uint16_t port)
{
	struct key key = make_key(tenant, pool, address, port);
	const struct check *check = find(checks, &key);

	return check ? &check->result : NULL;
}
