// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* userspace/agent/l7/states.c: the byte that is written is that of the member in the image. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "userspace/agent/l7/states.h"
#include "userspace/model/l7/compile.h"
#include "userspace/model/l7/wanted.h"

#define TENANTS 3
#define POOLS	2
#define MEMBERS 3

static struct config config;
static struct state_tenant tenants[TENANTS];
static struct image image;
static void *bytes;
static size_t size;
static struct states *states;
static const uint8_t *seen; /* as a worker does */

static struct addr address_of(int tenant, int member)
{
	char text[ADDR_TEXT_MAX];
	struct addr address;

	snprintf(text, sizeof(text), member ? "10.1.%d.%d" : "2001:db8::%d:%d", tenant, member + 1);
	assert_int_equal(addr_parse(text, &address), 0);
	return address;
}

static void fill_pool(struct wanted *wanted, int tenant, int number)
{
	struct wanted_pool *pool = &wanted->pools[wanted->pool_count++];

	pool->pool.name = number ? "api" : "web";
	pool->members = wanted_take(wanted, MEMBERS, sizeof(*pool->members));
	for (int i = 0; i < MEMBERS; i++)
		pool->members[pool->member_count++] = (struct build_member){
			.address = address_of(tenant, i),
			.port = (uint16_t)(8080 + number),
			.weight = 1,
		};
}

/* The one in the middle has no routes. */
static int begin(void **state)
{
	static const uint8_t secret[16];
	struct err err = {};

	(void)state;
	config = (struct config){.state = {.tenants = tenants, .tenant_count = TENANTS}};
	for (int i = 0; i < TENANTS; i++) {
		tenants[i] = (struct state_tenant){};
		snprintf(tenants[i].name, sizeof(tenants[i].name), "tenant-%d", i);
		if (i == 1)
			continue;
		tenants[i].l7 = wanted_new();
		tenants[i].l7->pools =
			wanted_take(tenants[i].l7, POOLS, sizeof(*tenants[i].l7->pools));
		for (int j = 0; j < POOLS; j++)
			fill_pool(tenants[i].l7, i, j);
	}
	if (compile_image(&config, NULL, 1, 1, secret, &bytes, &size, &err) ||
	    image_open(bytes, size, &image, &err) || states_new(&config, secret, &states))
		return -1;
	seen = mmap(NULL, image.members_count, PROT_READ, MAP_SHARED, states_fd(states), 0);
	return seen == MAP_FAILED ? -1 : 0;
}

static int end(void **state)
{
	(void)state;
	munmap((void *)seen, image.members_count);
	states_free(states);
	image_close(&image);
	free(bytes);
	for (int i = 0; i < TENANTS; i++)
		wanted_free(tenants[i].l7);
	return 0;
}

/* Who in the image is down, if one is; -1: not just one. */
static int only_down(void)
{
	int found = -1;

	for (uint32_t i = 0; i < image.members_count; i++) {
		if (seen[i] && found >= 0)
			return -1;
		if (seen[i])
			found = (int)i;
	}
	return found;
}

static void test_each_member(void **state)
{
	(void)state;
	assert_int_equal(image.members_count, 2 * POOLS * MEMBERS);
	for (uint32_t i = 0; i < image.members_count; i++) {
		struct states_member member;

		assert_true(states_find(states, image.members[i].key, &member));
		assert_int_equal(only_down(), -1);
		assert_int_equal(states_set(states, &member, true), 0);
		assert_int_equal(only_down(), i);
		assert_int_equal(states_set(states, &member, true), 1);
		assert_int_equal(states_set(states, &member, false), 1);
		assert_int_equal(states_set(states, &member, false), 0);
	}
}

static void test_who_is_none(void **state)
{
	struct addr address = address_of(0, 1);
	struct states_member member = {"tenant-0", "web", &address, 8080};

	(void)state;
	assert_int_equal(states_set(states, &member, false), 0);
	member.port = 8081;
	assert_true(states_set(states, &member, false) < 0);
	member = (struct states_member){"tenant-1", "web", &address, 8080};
	assert_true(states_set(states, &member, false) < 0);
	assert_false(states_find(states, 12345, &member));
}

static bool all_but_first(void *context, const struct states_member *member)
{
	unsigned *asked = context;
	struct addr first = address_of(2, 0);

	(*asked)++;
	return addr_compare(member->address, &first) != 0;
}

static void test_of_a_pool(void **state)
{
	unsigned asked = 0, down = 0;

	(void)state;
	states_each(states, "tenant-2", "api", all_but_first, &asked);
	assert_int_equal(asked, MEMBERS);
	for (uint32_t i = 0; i < image.members_count; i++)
		down += seen[i];
	assert_int_equal(down, MEMBERS - 1);
	states_each(states, NULL, NULL, all_but_first, &asked);
	assert_int_equal(asked, MEMBERS + image.members_count);
}

/* Nobody who is handed the memfd can write to it, or take pages away from under the others. */
static void test_sealed(void **state)
{
	int fd = states_fd(states);

	(void)state;
	assert_ptr_equal(mmap(NULL, 1, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0), MAP_FAILED);
	assert_int_equal(pwrite(fd, "x", 1, 0), -1);
	assert_int_equal(ftruncate(fd, 0), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_each_member, begin, end),
		cmocka_unit_test_setup_teardown(test_who_is_none, begin, end),
		cmocka_unit_test_setup_teardown(test_of_a_pool, begin, end),
		cmocka_unit_test_setup_teardown(test_sealed, begin, end),
	};

	return cmocka_run_group_tests_name("states", tests, NULL, NULL);
}
