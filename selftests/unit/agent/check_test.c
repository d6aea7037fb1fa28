// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * userspace/agent/check: probes of real sockets on loopback, in a network namespace of its own when
 * it may make one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>

#include "check_fixture.h"

#include "userspace/model/l7/wanted.h"

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

/* Without a port to ask from nothing can be known, so nothing may change. */
static void test_our_own_fault(void **state)
{
	int fd = listen_on("127.0.0.1", 0, 128), taken;

	(void)state;
	if (!on_its_own)
		skip();
	want("127.0.0.1", port_of(fd));
	wanted.services[0].health.fall = 1;
	apply();
	run_until(is_up);

	taken = listen_on("0.0.0.0", 40002, 1);
	use_ports("40002 40002");
	probes_before = get()->probes;
	filled = true;
	release_timer.fire = release;
	assert_int_equal(loop_timer_set(loop, &release_timer, 4 * INTERVAL * MS), 0);
	run_until(is_released);
	/* One may have been under way, and one be told. */
	assert_true(get()->probes <= probes_before + 2);
	assert_int_equal(get()->state, HEALTH_UP);
	assert_int_equal(seen.downs, 0);

	use_ports("32768 60999");
	close(taken);
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
	(void)state;
	if (!on_its_own)
		skip();
	use_ports("40001 40001");
	want("127.0.0.1", 40001);
	apply();
	run_until(is_down);
	assert_string_equal(seen.error, "connection refused");
	use_ports("32768 60999");
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
	assert_int_equal(checks_set(checks, &wanted.state, NULL, seed_down), 0);
	assert_int_equal(seeds, 1);
	assert_int_equal(get()->state, HEALTH_DOWN);
	run_until(is_up);
	assert_int_equal(seen.probes, 2); /* rise, as it was known before */

	/* History stays, with other settings and with one service less. */
	probes = get()->probes;
	want("127.0.0.1", port);
	wanted.services[0].health.interval_ms = INTERVAL / 2;
	wanted.services[0].health.fall = 1;
	assert_int_equal(checks_set(checks, &wanted.state, NULL, seed_down), 0);
	assert_int_equal(seeds, 1);
	assert_int_equal(get()->probes, probes);
	assert_int_equal(get()->state, HEALTH_UP);
	close(fd);
	run_until(is_down);

	/* Not checked any more: forgotten. */
	wanted.services[0].health.type = PROBE_NONE;
	apply();
	assert_null(get());
	assert_null(checks_get(checks, "nobody", "web", &wanted.members[0].address, port));
	want("127.0.0.1", port);
	apply();
	assert_int_equal(get()->state, HEALTH_UNKNOWN);
	assert_int_equal(get()->probes, 0);
}

/* No service has it; and whoever sends it requests has a say. */
static void test_pool_of_routes(void **state)
{
	int fd = listen_on("127.0.0.1", 0, 128);
	struct wanted_pool *pool;
	struct wanted *l7 = wanted_new();

	(void)state;
	want("127.0.0.1", port_of(fd));
	l7->pools = pool = wanted_take(l7, 1, sizeof(*pool));
	l7->pool_count = pool->member_count = 1;
	pool->pool.name = "web";
	pool->health = wanted.services[0].health;
	pool->members = wanted_take(l7, 1, sizeof(*pool->members));
	pool->members[0] = (struct build_member){.address = wanted.members[0].address,
						 .port = wanted.members[0].port};
	wanted.tenant.l7 = l7;
	wanted.tenant.service_count = 0;
	apply();
	run_until(is_up);
	assert_string_equal(seen.pool, "web");
	assert_int_equal(seen.port, wanted.members[0].port);
	for (uint32_t i = 1; i <= pool->health.fall; i++) {
		assert_int_equal(seen.state, HEALTH_UP);
		checks_fail(checks, "acme", "web", &wanted.members[0].address,
			    wanted.members[0].port, "5 requests in a row failed");
	}
	assert_int_equal(seen.state, HEALTH_DOWN);
	assert_string_equal(seen.error, "5 requests in a row failed");
	run_until(is_up); /* it does answer */
	checks_fail(checks, "acme", "api", &wanted.members[0].address, wanted.members[0].port, "");
	assert_int_equal(seen.state, HEALTH_UP);
	pool->member_count = 0;
	apply();
	assert_null(get());
	wanted_free(l7);
	close(fd);
}

/* Of the prober. */
static int open_descriptors(void)
{
	char path[64];
	int count = 0;
	DIR *directory;

	snprintf(path, sizeof(path), "/proc/%d/fd", prober());
	directory = opendir(path);
	assert_non_null(directory);
	while (readdir(directory))
		count++;
	closedir(directory);
	return count;
}

static int descriptors_before;

static bool all_closed(void)
{
	return open_descriptors() == descriptors_before;
}

static bool all_known(void)
{
	return seen.ups + seen.downs == MANY;
}

static void test_many(void **state)
{
	int fd = listen_on("127.0.0.1", 0, 4096);
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
	wanted.services[0].member_count = 1;
	apply();
	run_until(is_up);
	wanted.services[0].member_count = 0;
	apply();
	/* ".", "..", standard ones, the socket, epoll; two for pings, two of libcurl's own */
	descriptors_before = 11;
	run_until(all_closed);
	seen.ups = 0;
	wanted.services[0].member_count = MANY;
	apply();
	run_until(all_known);
	assert_int_equal(seen.ups, MANY);

	/* With probes under way or not, all of it goes. */
	wanted.services[0].member_count = 0;
	apply();
	run_until(all_closed);
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

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_comes_and_goes), TEST(test_down_in_time), TEST(test_ipv6),
		TEST(test_timeout),	   TEST(test_unreachable),  TEST(test_our_own_fault),
		TEST(test_which_port),	   TEST(test_self),	    TEST(test_seed_and_set),
		TEST(test_pool_of_routes), TEST(test_many),	    TEST(test_callback_removes),
	};

	leave_the_host();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
