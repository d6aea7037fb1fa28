/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the tests of userspace/agent/check share: checks of one pool, sockets to be asked, and the
 * loop run until what a test waits for has happened; the only clock is a patience of 30 s after
 * which a test gives up. Included after cmocka.h.
 */
#ifndef MTLB_SELFTESTS_UNIT_AGENT_CHECK_FIXTURE_H
#define MTLB_SELFTESTS_UNIT_AGENT_CHECK_FIXTURE_H

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "userspace/agent/check/check.h"
#include "prober_path.h"

#define MS	 1000000ULL
#define INTERVAL 50
#define MANY	 300

static struct loop *loop;
static struct checks *checks;
static bool on_its_own; /* in a network namespace made for this */

static struct {
	int ups, downs;
	enum health_state state;
	char error[128], tenant[STATE_NAME_MAX], pool[STATE_NAME_MAX];
	uint64_t probes, when_ns;
	uint16_t port;
	void (*then)(void);
} seen;

static inline void changed(void *context, const char *tenant, const char *pool,
			   const struct addr *address, uint16_t port,
			   const struct check_result *result)
{
	assert_ptr_equal(context, &seen);
	assert_non_null(address);
	seen.state = result->state;
	if (result->state == HEALTH_UP)
		seen.ups++;
	else
		seen.downs++;
	snprintf(seen.error, sizeof(seen.error), "%s", result->error);
	snprintf(seen.tenant, sizeof(seen.tenant), "%s", tenant);
	snprintf(seen.pool, sizeof(seen.pool), "%s", pool);
	seen.probes = result->probes;
	seen.when_ns = result->since_ns;
	seen.port = port;
	if (seen.then)
		seen.then();
}

static struct {
	int count;
	char why[160];
} losses;

static inline void lost(void *context, const char *why)
{
	assert_ptr_equal(context, &seen);
	losses.count++;
	snprintf(losses.why, sizeof(losses.why), "%s", why);
}

static inline int begin(void **state)
{
	struct prober_options options = {.path = prober_path()};
	struct checks_events events = {.changed = changed, .lost = lost, .context = &seen};

	(void)state;
	memset(&seen, 0, sizeof(seen));
	if (loop_new(&loop))
		return -1;
	return checks_new(loop, &options, &events, &checks);
}

static inline int end(void **state)
{
	(void)state;
	checks_free(checks);
	checks = NULL;
	loop_free(loop);
	return 0;
}

/* Running until. */

struct wait {
	struct loop_timer timer;
	bool (*done)(void);
	uint64_t give_up;
};

static inline void look(struct loop_timer *timer)
{
	struct wait *wait = timer->context;

	if (wait->done()) {
		loop_stop(loop);
		return;
	}
	if (loop_now(loop) > wait->give_up)
		fail_msg("waited in vain");
	assert_int_equal(loop_timer_set(loop, timer, MS), 0);
}

static inline void run_until(bool (*done)(void))
{
	struct wait wait = {.done = done, .give_up = loop_now(loop) + 30000 * MS};

	wait.timer = (struct loop_timer){.fire = look, .context = &wait};
	assert_int_equal(loop_timer_set(loop, &wait.timer, 0), 0);
	assert_int_equal(loop_run(loop), 0);
}

/* Listeners. */

static inline struct addr ip(const char *text)
{
	struct addr addr;

	assert_int_equal(addr_parse(text, &addr), 0);
	return addr;
}

/* With port 0, one that is free. */
static inline int listen_on(const char *address, uint16_t port, int backlog)
{
	struct sockaddr_storage there;
	struct addr addr = ip(address);
	socklen_t length = addr_to_sockaddr(&addr, port, &there);
	int fd = socket(there.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), on = 1;

	assert_true(fd >= 0);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)), 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&there, length), 0);
	assert_int_equal(listen(fd, backlog), 0);
	return fd;
}

static inline uint16_t port_of(int fd)
{
	struct sockaddr_in in;
	socklen_t length = sizeof(in);

	assert_int_equal(getsockname(fd, (struct sockaddr *)&in, &length), 0);
	return ntohs(in.sin_port);
}

/* A configuration of one tenant; a row per service. */

static struct {
	struct state state;
	struct state_tenant tenant;
	struct state_service services[2];
	struct state_vip vip;
	struct state_member members[MANY];
} wanted;

static inline void want(const char *address, uint16_t port)
{
	memset(&wanted, 0, sizeof(wanted));
	wanted.state = (struct state){.tenants = &wanted.tenant, .tenant_count = 1};
	strcpy(wanted.tenant.name, "acme");
	wanted.tenant.services = wanted.services;
	wanted.tenant.service_count = 1;
	wanted.vip = (struct state_vip){.address = ip("192.0.2.10"), .port = 1, .last = 1};
	wanted.members[0] = (struct state_member){.address = ip(address), .port = port};
	for (int i = 0; i < 2; i++) {
		struct state_service *service = &wanted.services[i];

		snprintf(service->name, sizeof(service->name), "web%d", i);
		strcpy(service->pool, "web");
		service->health = (struct state_health){
			.type = PROBE_TCP,
			.interval_ms = INTERVAL,
			.timeout_ms = 1000,
			.rise = 2,
			.fall = 3,
			.jitter = 20,
		};
		service->vips = &wanted.vip;
		service->vip_count = 1;
		service->members = wanted.members;
		service->member_count = 1;
	}
}

static inline const struct check_result *get(void)
{
	return checks_get(checks, "acme", "web", &wanted.members[0].address,
			  wanted.members[0].port);
}

static inline void apply(void)
{
	assert_int_equal(checks_set(checks, &wanted.state, NULL, NULL), 0);
}

static inline bool is_up(void)
{
	return seen.state == HEALTH_UP;
}

static inline bool is_down(void)
{
	return seen.state == HEALTH_DOWN;
}

static uint64_t probes_before;

static inline bool three_more(void)
{
	return get()->probes >= probes_before + 3;
}

static bool filled;
static struct loop_timer release_timer __attribute__((unused)); /* of some tests */

static inline pid_t prober(void)
{
	struct prober_status status;

	checks_prober(checks, &status);
	assert_true(status.pid > 0);
	return status.pid;
}

static inline void release(struct loop_timer *timer)
{
	(void)timer;
	filled = false;
}

static inline bool is_released(void)
{
	return !filled;
}

static inline void use_ports(const char *range)
{
	FILE *file = fopen("/proc/sys/net/ipv4/ip_local_port_range", "w");

	assert_non_null(file);
	fputs(range, file);
	assert_int_equal(fclose(file), 0);
}

/* The ports of a namespace of our own are nobody else's. Without the right to make one, the host's
 * loopback has to do.
 */
static inline void leave_the_host(void)
{
	struct ifreq lo = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
	int fd;

	if (unshare(CLONE_NEWNET))
		return;
	on_its_own = true;
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &lo))
		perror("lo");
	close(fd);
}

#endif
