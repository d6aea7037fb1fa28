// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * userspace/agent/check: probes of real sockets on loopback, in a network namespace of its own when
 * it may make one. Every test runs the loop until what it waits for has happened; the only clock is
 * a patience of 30 s after which a test gives up.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "userspace/agent/check/check.h"
#include "userspace/agent/check/tcp.h"

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

static void changed(void *context, const char *tenant, const char *pool, const struct addr *address,
		    uint16_t port, const struct check_result *result)
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

static int begin(void **state)
{
	(void)state;
	memset(&seen, 0, sizeof(seen));
	if (loop_new(&loop))
		return -1;
	return checks_new(loop, changed, &seen, &checks);
}

static int end(void **state)
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

static void look(struct loop_timer *timer)
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

static void run_until(bool (*done)(void))
{
	struct wait wait = {.done = done, .give_up = loop_now(loop) + 30000 * MS};

	wait.timer = (struct loop_timer){.fire = look, .context = &wait};
	assert_int_equal(loop_timer_set(loop, &wait.timer, 0), 0);
	assert_int_equal(loop_run(loop), 0);
}

/* Listeners. */

static struct addr ip(const char *text)
{
	struct addr addr;

	assert_int_equal(addr_parse(text, &addr), 0);
	return addr;
}

/* With port 0, one that is free. */
static int listen_on(const char *address, uint16_t port, int backlog)
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

static uint16_t port_of(int fd)
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

static void want(const char *address, uint16_t port)
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
			.type = STATE_HEALTH_TCP,
			.interval_ms = INTERVAL,
			.timeout_ms = 1000,
			.rise = 2,
			.fall = 3,
		};
		service->vips = &wanted.vip;
		service->vip_count = 1;
		service->members = wanted.members;
		service->member_count = 1;
	}
}

static const struct check_result *get(void)
{
	return checks_get(checks, "acme", "web", &wanted.members[0].address,
			  wanted.members[0].port);
}

static void apply(void)
{
	assert_int_equal(checks_set(checks, &wanted.state, NULL), 0);
}

static bool is_up(void)
{
	return seen.state == HEALTH_UP;
}

static bool is_down(void)
{
	return seen.state == HEALTH_DOWN;
}

/* The tests. */

static void test_comes_and_goes(void **state)
{
	int fd = listen_on("127.0.0.1", 0, 128);
	uint16_t port = port_of(fd);
	uint64_t before;

	(void)state;
	want("127.0.0.1", port);
	apply();
	assert_int_equal(get()->state, HEALTH_UNKNOWN);
	assert_int_equal(get()->since_ns, 0);
	run_until(is_up);
	assert_int_equal(get()->state, HEALTH_UP);
	assert_int_equal(seen.probes, 1);
	assert_string_equal(seen.tenant, "acme");
	assert_string_equal(seen.pool, "web");
	assert_int_equal(seen.port, port);
	assert_true(get()->last_ns > 0);

	before = get()->probes;
	close(fd);
	run_until(is_down);
	assert_string_equal(seen.error, "connection refused");
	/* A handshake may have been under way when the listener went. */
	assert_in_range(seen.probes, before + 3, before + 4);
	assert_true(get()->since_ns == seen.when_ns);

	before = get()->probes;
	fd = listen_on("127.0.0.1", port, 128);
	run_until(is_up);
	assert_in_range(seen.probes, before + 2, before + 3);
	assert_string_equal(get()->error, "connection refused");
	assert_int_equal(seen.ups, 2);
	assert_int_equal(seen.downs, 1);
	close(fd);
}

/* The promise to operators: down within interval * fall + timeout. The best of some attempts
 * counts, as a busy machine may stop this process for any time.
 */
static void test_down_in_time(void **state)
{
	int fd = listen_on("127.0.0.1", 0, 128);
	uint16_t port = port_of(fd);
	uint64_t best_ns = UINT64_MAX;

	(void)state;
	want("127.0.0.1", port);
	apply();
	for (int i = 0; i < 5; i++) {
		uint64_t closed_ns;

		run_until(is_up);
		close(fd);
		closed_ns = loop_now(loop);
		run_until(is_down);
		if (seen.when_ns - closed_ns < best_ns)
			best_ns = seen.when_ns - closed_ns;
		fd = listen_on("127.0.0.1", port, 128);
	}
	assert_true(best_ns <= (3 * INTERVAL + 1000) * MS);
	close(fd);
}

static void test_ipv6(void **state)
{
	int fd = listen_on("::1", 0, 128);

	(void)state;
	want("::1", port_of(fd));
	apply();
	run_until(is_up);
	close(fd);
	run_until(is_down);
	assert_string_equal(seen.error, "connection refused");
}

/* A listener whose queue is full drops what comes, as a backend that hangs. */
static void test_timeout(void **state)
{
	int fd = listen_on("127.0.0.1", 0, 0), filler = socket(AF_INET, SOCK_STREAM, 0);
	struct sockaddr_storage there;
	struct addr addr = ip("127.0.0.1");
	socklen_t length = addr_to_sockaddr(&addr, port_of(fd), &there);

	(void)state;
	assert_int_equal(connect(filler, (struct sockaddr *)&there, length), 0);
	want("127.0.0.1", port_of(fd));
	wanted.services[0].health.timeout_ms = 120; /* more than an interval: never two at once */
	apply();
	run_until(is_down);
	assert_string_equal(seen.error, "timeout after 120ms");
	assert_int_equal(seen.probes, 1);
	close(filler);
	close(fd);
}

static void test_unreachable(void **state)
{
	(void)state;
	want("240.0.0.1", 80);
	apply();
	run_until(is_down);
	assert_true(strcmp(seen.error, "network unreachable") == 0 ||
		    strcmp(seen.error, "no route to host") == 0 ||
		    strcmp(seen.error, "invalid argument") == 0 ||
		    strncmp(seen.error, "timeout", 7) == 0);
}

static uint64_t probes_before;

static bool three_more(void)
{
	return get()->probes >= probes_before + 3;
}

static bool filled;
static struct loop_timer release_timer;

static void release(struct loop_timer *timer)
{
	(void)timer;
	filled = false;
}

static bool is_released(void)
{
	return !filled;
}

/* Without descriptors nothing can be known, so nothing may change. */
static void test_our_own_fault(void **state)
{
	int fd = listen_on("127.0.0.1", 0, 128);
	struct rlimit old, none;
	uint16_t port = port_of(fd);

	(void)state;
	want("127.0.0.1", port);
	wanted.services[0].health.fall = 1;
	apply();
	run_until(is_up);

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	none = old;
	none.rlim_cur = 0;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	probes_before = get()->probes;
	filled = true;
	release_timer.fire = release;
	assert_int_equal(loop_timer_set(loop, &release_timer, 4 * INTERVAL * MS), 0);
	run_until(is_released);
	/* One may have been under way. */
	assert_true(get()->probes <= probes_before + 1);
	assert_int_equal(get()->state, HEALTH_UP);
	assert_int_equal(seen.downs, 0);

	assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
	probes_before = get()->probes;
	run_until(three_more);
	assert_int_equal(get()->state, HEALTH_UP);
	close(fd);
}

static void test_which_port(void **state)
{
	int fd = listen_on("127.0.0.1", 0, 128), closed = listen_on("127.0.0.1", 0, 128);
	uint16_t port = port_of(fd), other = port_of(closed);

	(void)state;
	close(closed);
	/* The VIP's, as nothing else is given. */
	want("127.0.0.1", 0);
	wanted.vip.port = wanted.vip.last = port;
	apply();
	run_until(is_up);
	assert_int_equal(seen.port, 0);
	/* The member's. */
	want("127.0.0.1", other);
	wanted.vip.port = wanted.vip.last = port;
	apply();
	run_until(is_down);
	/* The health check's. */
	want("127.0.0.1", other);
	wanted.services[0].health.port = port;
	apply();
	run_until(is_up);
	/* None at all. */
	want("127.0.0.1", 0);
	wanted.services[0].vip_count = 0;
	apply();
	assert_null(get());
	close(fd);
}

/* With but one local port, a probe of that port meets itself. */
static void test_self(void **state)
{
	FILE *range;

	(void)state;
	if (!on_its_own)
		skip();
	range = fopen("/proc/sys/net/ipv4/ip_local_port_range", "w");
	assert_non_null(range);
	fputs("40001 40001", range);
	assert_int_equal(fclose(range), 0);
	want("127.0.0.1", 40001);
	apply();
	run_until(is_down);
	assert_string_equal(seen.error, "connection refused");
	range = fopen("/proc/sys/net/ipv4/ip_local_port_range", "w");
	assert_non_null(range);
	fputs("32768 60999", range);
	assert_int_equal(fclose(range), 0);
}

static int seeds;

static enum health_state seed_down(void *context, const char *tenant, const char *pool,
				   const struct addr *address, uint16_t port)
{
	assert_ptr_equal(context, &seen);
	assert_string_equal(tenant, "acme");
	assert_string_equal(pool, "web");
	assert_int_equal(addr_compare(address, &wanted.members[0].address), 0);
	assert_int_equal(port, wanted.members[0].port);
	seeds++;
	return HEALTH_DOWN;
}

static void test_seed_and_set(void **state)
{
	int fd = listen_on("127.0.0.1", 0, 128);
	uint16_t port = port_of(fd);
	uint64_t probes;

	(void)state;
	seeds = 0;
	want("127.0.0.1", port);
	/* Two services with one pool: one probe. */
	wanted.tenant.service_count = 2;
	assert_int_equal(checks_set(checks, &wanted.state, seed_down), 0);
	assert_int_equal(seeds, 1);
	assert_int_equal(get()->state, HEALTH_DOWN);
	run_until(is_up);
	assert_int_equal(seen.probes, 2); /* rise, as it was known before */

	/* History stays, with other settings and with one service less. */
	probes = get()->probes;
	want("127.0.0.1", port);
	wanted.services[0].health.interval_ms = INTERVAL / 2;
	wanted.services[0].health.fall = 1;
	assert_int_equal(checks_set(checks, &wanted.state, seed_down), 0);
	assert_int_equal(seeds, 1);
	assert_int_equal(get()->probes, probes);
	assert_int_equal(get()->state, HEALTH_UP);
	close(fd);
	run_until(is_down);

	/* Not checked any more: forgotten. */
	wanted.services[0].health.type = STATE_HEALTH_NONE;
	apply();
	assert_null(get());
	assert_null(checks_get(checks, "nobody", "web", &wanted.members[0].address, port));
	want("127.0.0.1", port);
	apply();
	assert_int_equal(get()->state, HEALTH_UNKNOWN);
	assert_int_equal(get()->probes, 0);
}

static int open_descriptors(void)
{
	int count = 0;

	for (int fd = 0; fd < 4 * MANY; fd++)
		if (fcntl(fd, F_GETFD) >= 0)
			count++;
	return count;
}

static bool all_known(void)
{
	return seen.ups + seen.downs == MANY;
}

static void test_many(void **state)
{
	int fd = listen_on("127.0.0.1", 0, 4096), before;
	uint16_t port = port_of(fd);

	(void)state;
	want("127.0.0.1", port);
	wanted.services[0].health.interval_ms = 1000;
	wanted.services[0].member_count = MANY;
	for (int i = 0; i < MANY; i++) {
		char text[ADDR_TEXT_MAX];

		snprintf(text, sizeof(text), "127.0.%d.%d", i % 2, 1 + i / 2);
		wanted.members[i] = (struct state_member){.address = ip(text), .port = port};
	}
	close(fd);
	fd = listen_on("0.0.0.0", port, 4096);
	before = open_descriptors();
	apply();
	run_until(all_known);
	assert_int_equal(seen.ups, MANY);

	/* With probes under way or not, all of it goes. */
	wanted.services[0].member_count = 0;
	apply();
	assert_int_equal(open_descriptors(), before);
	assert_null(get());
	close(fd);
}

static void set_again(void)
{
	wanted.services[0].member_count = 0;
	apply();
}

static void free_all(void)
{
	checks_free(checks);
	checks = NULL;
}

/* The callback may take away the very check it is told about. */
static void test_callback_removes(void **state)
{
	int fd = listen_on("127.0.0.1", 0, 128);

	(void)state;
	want("127.0.0.1", port_of(fd));
	seen.then = set_again;
	apply();
	run_until(is_up);
	assert_null(get());

	seen.state = HEALTH_UNKNOWN;
	seen.then = free_all;
	want("127.0.0.1", port_of(fd));
	apply();
	run_until(is_up);
	assert_null(checks);
	close(fd);
}

static void test_words(void **state)
{
	static const struct {
		int error;
		uint32_t timeout_ms;
		const char *text;
		bool ours;
	} cases[] = {
		{-ECONNREFUSED, 1000, "connection refused", false},
		{-ETIMEDOUT, 1000, "timeout after 1s", false},
		{-ETIMEDOUT, 1500, "timeout after 1500ms", false},
		{-EHOSTUNREACH, 1000, "no route to host", false},
		{-ENETUNREACH, 1000, "network unreachable", false},
		{-ECONNRESET, 1000, "connection reset by peer", false},
		{-EMFILE, 1000, "out of file descriptors", true},
		{-ENFILE, 1000, "out of file descriptors", true},
		{-ENOMEM, 1000, "out of memory", true},
		{-ENOBUFS, 1000, "out of memory", true},
		{-EADDRNOTAVAIL, 1000, "out of local ports", true},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char text[128];

		assert_string_equal(
			tcp_error_text(cases[i].error, cases[i].timeout_ms, text, sizeof(text)),
			cases[i].text);
		assert_int_equal(tcp_error_is_ours(cases[i].error), cases[i].ours);
	}
}

/* The ports of a namespace of our own are nobody else's. Without the right to make one, the host's
 * loopback has to do.
 */
static void leave_the_host(void)
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

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_comes_and_goes),
		TEST(test_down_in_time),
		TEST(test_ipv6),
		TEST(test_timeout),
		TEST(test_unreachable),
		TEST(test_our_own_fault),
		TEST(test_which_port),
		TEST(test_self),
		TEST(test_seed_and_set),
		TEST(test_many),
		TEST(test_callback_removes),
		TEST(test_words),
	};

	leave_the_host();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
