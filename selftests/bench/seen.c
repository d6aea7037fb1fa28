// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What it costs a worker to count a request: all that seen.h does for one, from its head to the end
 * of its answer, each of another one of 1,000 tenants. One thread, its own CPU time, the median of
 * ROUNDS. A request by itself costs 10,000 ns and more.
 */
#include "measure.h"

#include <fcntl.h>
#include <sys/mman.h>

#include "../../userspace/model/l7/build.h"
#include "../../userspace/proxy/conn.h"

#define ROUNDS	15
#define TURNS	200000
#define TENANTS 1000

static struct worker worker;
static struct conn conn;
static double median;

static int make_image(void **ret_bytes, size_t *ret_size)
{
	const struct build_listener listener = {.name = "http", .port = 80};
	struct build *build = build_new(2026, 0);
	char name[32];
	int error;

	if (!build)
		return -ENOMEM;
	build_listener(build, &listener);
	for (unsigned i = 0; i < TENANTS; i++) {
		struct build_pool pool = {.name = "web"};
		struct build_route route = {.name = "all"};

		snprintf(name, sizeof(name), "tenant-%u", i);
		route.tenant = pool.tenant = build_tenant(build, name, i, 1);
		build_pool(build, &pool);
		build_route(build, &route);
		build_backend(build, i, 1);
	}
	error = build_finish(build, ret_bytes, ret_size, NULL);
	build_free(build);
	return error;
}

static int count_in_shared_memory(void)
{
	size_t size = tally_size(TENANTS + 1, TENANTS + 1, TENANTS + 1);
	int fd = memfd_create("tally", MFD_ALLOW_SEALING), error;
	void *base;

	if (fd < 0 || ftruncate(fd, (off_t)size) || fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK))
		return -errno;
	base = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (base == MAP_FAILED)
		return -errno;
	tally_begin(base, TENANTS + 1, TENANTS + 1, TENANTS + 1);
	error = worker_count_in(&worker, fd);
	munmap(base, size);
	close(fd);
	return error;
}

static void one_request(uint32_t tenant, struct upstream_member *member)
{
	conn.exchange.tenant = conn.exchange.route = conn.exchange.pool = tenant;
	conn.exchange.status = 200;
	conn.exchange.attempt_began = loop_now(worker.loop);
	conn.down.received += 80;
	seen_request(&conn);
	seen_attempt(&conn, member);
	seen_connected(&conn);
	seen_bytes(&conn);
	seen_first_byte(&conn);
	conn.down.sent += 1200;
	seen_bytes(&conn);
	seen_end(&conn);
}

/* In the loop, where what time it is costs nothing. */
static void measure(struct loop_timer *timer)
{
	struct upstream_member member = {};
	uint32_t step = measure_step(TENANTS), tenant = 0;
	double times[ROUNDS];

	(void)timer;
	for (int round = 0; round < ROUNDS; round++) {
		double start = measure_ns();

		for (int i = 0; i < TURNS; i++) {
			one_request(tenant, &member);
			tenant = (tenant + step) % TENANTS;
		}
		times[round] = (measure_ns() - start) / TURNS;
	}
	median = measure_median(times, ROUNDS);
	loop_stop(worker.loop);
}

static int run(void)
{
	struct loop_timer timer = {.fire = measure};
	struct loop *loop;
	void *bytes;
	size_t size;
	int error = loop_new(&loop);

	error = error ?: worker_init(&worker, loop, &worker_limits_default);
	error = error ?: count_in_shared_memory();
	error = error ?: make_image(&bytes, &size);
	error = error
			?: routing_open_bytes(&worker.upstreams, bytes, size,
					      &conn.exchange.routing, NULL);
	if (error)
		return error;
	conn.worker = &worker;
	seen_open(&conn);
	error = loop_timer_set(loop, &timer, 0) ?: loop_run(loop);
	routing_drop(conn.exchange.routing);
	worker_fini(&worker);
	loop_free(loop);
	free(bytes);
	return error;
}

int main(void)
{
	int error;

	measure_pin();
	error = run();
	if (error) {
		fprintf(stderr, "seen: %s\n", strerror(-error));
		return 1;
	}
	return measure_print("l7.seen.request", median, "ns", 100) ? 0 : 1;
}
