// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What workers count is found again by name, whatever image they have and whoever of them lives. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "userspace/agent/l7/tallies.h"
#include "userspace/model/l7/build.h"

static void add_tenant(struct build *build, const char *name)
{
	const struct build_pool pool = {.name = "web"};
	struct build_pool own = pool;
	struct build_route route = {.name = "all"};

	own.tenant = route.tenant = build_tenant(build, name, 0, 1);
	build_domain(build, own.tenant, name);
	build_pool(build, &own);
	build_route(build, &route);
}

struct rows {
	uint32_t tenant[2], pool[2], route[2];
};

/* An image of two tenants, in this order, as it was handed out. */
static void assign(struct tallies *tallies, const char *first, const char *second,
		   struct rows *ret_rows)
{
	const struct build_listener listener = {.name = "http"};
	struct build *build = build_new(1, 1);
	struct image image;
	void *bytes;
	size_t size;

	build_listener(build, &listener);
	add_tenant(build, first);
	add_tenant(build, second);
	assert_int_equal(build_finish(build, &bytes, &size, NULL), 0);
	build_free(build);
	tallies_assign(tallies, bytes);
	assert_int_equal(image_open(bytes, size, &image, NULL), 0);
	for (int i = 0; i < 2; i++) {
		ret_rows->tenant[i] = image.tenants[i].row;
		ret_rows->pool[i] = image.pools[i].row;
		ret_rows->route[i] = image.routes[i].row;
	}
	image_close(&image);
	free(bytes);
}

/* As a worker has it. */
static struct tally map(struct tallies *tallies, unsigned worker)
{
	size_t size = tally_size(1 << 17, 1 << 18, 1 << 18);
	int fd = tallies_fd(tallies, worker);
	struct tally tally;
	void *base;

	assert_true(fd >= 0);
	base = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, fd, 0);
	assert_true(base != MAP_FAILED);
	assert_int_equal(tally_open(base, size, &tally), 0);
	return tally;
}

static void rows_are_found_again(void **state)
{
	struct tallies *tallies;
	struct rows first, second, third;

	(void)state;
	assert_int_equal(tallies_new(&tallies), 0);
	assign(tallies, "a.example", "b.example", &first);
	assert_int_not_equal(first.tenant[0], first.tenant[1]);
	assert_int_not_equal(first.pool[0], first.pool[1]);
	assert_int_not_equal(first.route[0], first.route[1]);
	assert_true(first.tenant[0] && first.pool[0] && first.route[0]);
	assign(tallies, "b.example", "c.example", &second);
	assert_int_equal(second.tenant[0], first.tenant[1]);
	assert_int_equal(second.pool[0], first.pool[1]);
	assert_int_equal(second.route[0], first.route[1]);
	assert_int_not_equal(second.tenant[1], first.tenant[0]);
	/* one that comes back begins anew, and so does all that is its */
	assign(tallies, "a.example", "c.example", &third);
	assert_int_not_equal(third.tenant[0], first.tenant[0]);
	assert_int_not_equal(third.route[0], first.route[0]);
	assert_int_equal(third.tenant[1], second.tenant[1]);
	tallies_free(tallies);
}

static void sums_outlive_workers(void **state)
{
	struct tallies *tallies;
	struct tally one, two, next;
	struct tally_tenant tenant;
	struct tally_pool pool;
	struct tally_route route;
	struct tally_times *times = calloc(1, sizeof(*times));
	struct rows rows;

	(void)state;
	assert_int_equal(tallies_new(&tallies), 0);
	assign(tallies, "a.example", "b.example", &rows);
	two = map(tallies, 1);
	one = map(tallies, 0);
	tally_add(&one.tenants[rows.tenant[1]].requests, 3);
	tally_add(&one.tenants[rows.tenant[1]].requests_open, 1);
	tally_add(&two.tenants[rows.tenant[1]].requests, 4);
	tally_time(&two.times[rows.tenant[1]].request, 1000000);
	tally_add(&two.pools[rows.pool[1]].connections_open, 5);
	tally_add(&two.routes[rows.route[1]].requests, 6);
	assert_true(tallies_tenant(tallies, "b.example", &tenant));
	assert_int_equal(tenant.requests, 7);
	assert_int_equal(tenant.requests_open, 1);
	tallies_settle(tallies, 0);
	munmap(one.base, one.size);
	next = map(tallies, 0);
	tally_one(&next.tenants[rows.tenant[1]].requests);
	assert_true(tallies_tenant(tallies, "b.example", &tenant));
	assert_int_equal(tenant.requests, 8);
	assert_int_equal(tenant.requests_open, 0);
	assert_true(tallies_pool(tallies, "b.example", "web", &pool));
	assert_int_equal(pool.connections_open, 5);
	assert_true(tallies_route(tallies, "b.example", "all", &route));
	assert_int_equal(route.requests, 6);
	assert_true(tallies_times(tallies, "b.example", times));
	assert_int_equal(histogram_count(&times->request), 1);
	assert_true(tallies_tenant(tallies, "a.example", &tenant));
	assert_int_equal(tenant.requests, 0);
	assert_false(tallies_tenant(tallies, "c.example", &tenant));
	assert_false(tallies_route(tallies, "b.example", "web", &route));
	assert_true(tallies_tenant(tallies, NULL, &tenant));
	munmap(two.base, two.size);
	munmap(next.base, next.size);
	tallies_free(tallies);
	free(times);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_are_found_again),
		cmocka_unit_test(sums_outlive_workers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
