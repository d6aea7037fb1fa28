// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* userspace/model/l7/image: what is no image is refused, whatever it looks like. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>

#include "route_fixture.h"
#include "selftests/host/dice.h"
#include "userspace/model/l7/hash.h"

#define CHANGED 40000 /* images with something else in them */

/* One of everything. */
static void make_one(void **ret_bytes, size_t *ret_size)
{
	static const struct build_condition header[] = {{"X-A", "1"}};
	static const struct build_match matches[] = {
		{BUILD_EXACT, "/a", 1 << ROUTE_GET, header, 1, header, 1},
		{BUILD_PREFIX, "/b/c", 0, NULL, 0, NULL, 0},
		{BUILD_PATTERN, "/[a-z]+", 0, NULL, 0, NULL, 0},
	};
	struct build_member member = {.port = 80, .weight = 1, .zone = "a"};
	struct build *build = build_new(77, 1);
	struct prefix trusted = {};
	struct build_listener listener = {.name = "http", .trusted = &trusted, .trusted_count = 1};

	build_listener(build, &listener);
	addr_parse("10.0.0.1", &member.address);
	for (uint32_t i = 0; i < 3; i++) {
		const char *domains[] = {"*.a.example", "*.b.example", "c.example"};
		uint32_t tenant = build_tenant(build, domains[i] + 2 * (i < 2), i, 1), pool;

		build_domain(build, tenant, domains[i]);
		pool = made_pool(build, tenant, "p");
		build_member(build, &member);
		made_route(build, tenant, 0, "r");
		build_backend(build, pool, 5);
		build_filter(build, &(struct build_filter){.type = IMAGE_MIRROR, .pool = pool});
		build_filter(build, &(struct build_filter){.type = IMAGE_REQUEST_HEADERS});
		build_edit(build, IMAGE_SET, "x", "y");
		for (size_t j = 0; i != 1 && j < sizeof(matches) / sizeof(matches[0]); j++)
			build_match(build, &matches[j]);
		build_hostname(build, domains[i]);
	}
	assert_int_equal(build_finish(build, ret_bytes, ret_size, NULL), 0);
	build_free(build);
}

static int open_copy(const void *bytes, size_t size, struct err *err)
{
	void *copy = malloc(size + !size);
	struct image image;
	int error;

	assert_non_null(copy);
	memcpy(copy, bytes, size);
	error = image_open(copy, size, &image, err);
	if (!error)
		image_close(&image);
	free(copy);
	return error;
}

static void refuses_what_is_no_image(void **state)
{
	struct image_head *head;
	struct err err;
	void *bytes;
	size_t size;

	(void)state;
	make_one(&bytes, &size);
	head = bytes;
	for (size_t cut = 0; cut < size; cut++)
		assert_int_equal(open_copy(bytes, cut, &err), -EINVAL);
	assert_int_equal(open_copy(bytes, size, &err), 0);
	head->magic++;
	assert_int_equal(open_copy(bytes, size, &err), -EINVAL);
	assert_non_null(strstr(err.text, "no image of routes"));
	head->magic--;
	head->version = IMAGE_VERSION + 1;
	assert_int_equal(open_copy(bytes, size, &err), -EINVAL);
	assert_non_null(strstr(err.text, "; this program reads version "));
	free(bytes);
}

/* What belongs to one tenant is given to another. */
static void refuses_what_leads_to_strangers(void **state)
{
	struct made made;

	(void)state;
	make_one(&made.bytes, &made.size);
	assert_int_equal(image_open(made.bytes, made.size, &made.image, NULL), 0);
	for (uint32_t i = 0; i < 3; i++) {
		uint32_t *const indexes[] = {
			(uint32_t *)&made.image.backends[i].pool,
			(uint32_t *)&made.image.filters[2 * i].pool,
			(uint32_t *)&made.image.routes[i].tenant,
			(uint32_t *)&made.image.sites[i].tenant,
			(uint32_t *)&made.image.hosts[i].tenant,
			(uint32_t *)&made.image.pools[i].tenant,
		};

		for (size_t j = 0; j < sizeof(indexes) / sizeof(indexes[0]); j++) {
			uint32_t index = *indexes[j];
			struct err err = {""};

			*indexes[j] = (index + 1) % 3;
			assert_int_equal(open_copy(made.bytes, made.size, &err), -EINVAL);
			assert_string_equal(err.text,
					    "the image leads from one tenant to another's routes");
			*indexes[j] = index;
		}
	}
	assert_int_equal(open_copy(made.bytes, made.size, NULL), 0);
	made_close(&made);
}

static void ask(struct image *image)
{
	static const char *const hosts[] = {"x.a.example", "y.x.b.example", "c.example", "d"};
	static const char *const paths[] = {"/a?x-a=1", "/b/c/d", "/q", "/"};

	for (size_t i = 0; i < 16; i++) {
		struct route_request request = made_request(0, hosts[i % 4], paths[i / 4]);
		struct route_found found;
		uint32_t backend;

		request.head = "x-a: 1\n";
		if (!image->listeners_count || route_find(image, &request, &found))
			continue;
		assert_true(found.route < image->routes_count);
		assert_int_equal(image->routes[found.route].tenant, found.tenant);
		backend = route_backend(image, found.route, (uint32_t)i << 28);
		assert_true(backend == IMAGE_NONE || backend < image->backends_count);
	}
}

/* Sanitizers tell when anything outside is touched. */
static void survives_any_change(void **state)
{
	struct dice dice = {1};
	unsigned opened = 0;
	struct made made;
	void *bytes;

	(void)state;
	make_one(&bytes, &made.size);
	for (int i = 0; i < CHANGED; i++) {
		made.bytes = malloc(made.size);
		assert_non_null(made.bytes);
		memcpy(made.bytes, bytes, made.size);
		for (unsigned j = 1 + dice_throw(&dice, 3); j; j--) {
			uint32_t at = dice_throw(&dice, (uint32_t)made.size / 4);
			uint32_t small = dice_throw(&dice, 40);

			((uint32_t *)made.bytes)[at] =
				dice_throw(&dice, 2) ? small : dice_throw(&dice, UINT32_MAX);
		}
		if (!image_open(made.bytes, made.size, &made.image, NULL)) {
			opened++;
			ask(&made.image);
			image_close(&made.image);
		}
		free(made.bytes);
	}
	assert_in_range(opened, CHANGED / 100, CHANGED - CHANGED / 10);
	free(bytes);
}

/* Whoever chooses the names cannot make the buckets long: the seed is another one then. */
static void buckets_stay_short(void **state)
{
	struct build *build = build_new(5, 0);
	struct made made;
	unsigned same = 0;
	char name[64];

	(void)state;
	build_tenant(build, "a", 0, 1);
	/* names that would all be in one bucket of 64, if the seed stayed */
	for (unsigned i = 0; same < 64; i++) {
		size_t length = (size_t)snprintf(name, sizeof(name), "h%u.example", i);

		if (hash_host(5, name, length, 0) & 63)
			continue;
		build_domain(build, 0, name);
		same++;
	}
	made_open(&made, build);
	assert_true(made.image.head->seed != 5);
	for (uint32_t i = 1; i < made.image.host_buckets_count; i++)
		assert_in_range(made.image.host_buckets[i] - made.image.host_buckets[i - 1], 0, 8);
	made_close(&made);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refuses_what_is_no_image),
		cmocka_unit_test(refuses_what_leads_to_strangers),
		cmocka_unit_test(survives_any_change),
		cmocka_unit_test(buckets_stay_short),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
