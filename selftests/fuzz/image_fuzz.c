// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Images of routes with any bytes changed, and any request: what can be opened can be asked, and
 * leads nowhere outside. Input: how many changes, each where and what, then host NUL path NUL
 * query.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "userspace/model/l7/build.h"

#define REQUIRE(condition)        \
	do {                      \
		if (!(condition)) \
			abort();  \
	} while (0)

static void *bytes;
static size_t bytes_size;

static void make_image(void)
{
	static const struct build_condition condition[] = {{"a", "1"}};
	struct build *build = build_new(1, 0);
	struct build_listener listener = {.name = "http"};
	uint32_t pool;

	REQUIRE(build);
	build_listener(build, &listener);
	for (uint32_t i = 0; i < 2; i++) {
		const char *name = i ? "a.example" : "*.b.example";

		build_tenant(build, name, i, 1);
		build_domain(build, i, name);
		pool = build_pool(build, &(struct build_pool){.tenant = i, .name = "p"});
		build_route(build, &(struct build_route){.tenant = i, .name = "r"});
		build_backend(build, pool, 1);
		build_hostname(build, name);
		build_match(build,
			    &(struct build_match){BUILD_EXACT, "/a", 2, NULL, 0, condition, 1});
		build_match(build, &(struct build_match){.type = BUILD_PREFIX, .path = "/b/c"});
		build_match(build, &(struct build_match){.type = BUILD_PATTERN, .path = "/[a-z]*"});
		build_route(build, &(struct build_route){.tenant = i, .name = "all"});
	}
	REQUIRE(!build_finish(build, &bytes, &bytes_size, NULL));
	build_free(build);
}

static unsigned header(const void *head, const char *name, struct route_text *ret_value)
{
	*ret_value = *(const struct route_text *)head;
	return (unsigned)name[0] & 3;
}

/* Up to the next NUL. */
static struct route_text take(const uint8_t **at, const uint8_t *end)
{
	size_t length = strnlen((const char *)*at, (size_t)(end - *at));
	struct route_text text = {(const char *)*at, length};

	*at += length + (*at + length < end);
	return text;
}

static void ask(struct image *image, const uint8_t *at, const uint8_t *end)
{
	struct route_request request = {.method = ROUTE_GET, .header = header};
	struct route_found found;
	uint32_t backend;
	int error;

	request.host = take(&at, end);
	request.path = take(&at, end);
	request.query = take(&at, end);
	request.sni = take(&at, end);
	request.head = &request.query;
	if (!request.sni.length)
		request.sni.at = NULL;
	error = route_find(image, &request, &found);
	REQUIRE(found.tenant == IMAGE_NONE || found.tenant < image->tenants_count);
	if (error) {
		REQUIRE(route_error_status(error) >= 400 && found.route == IMAGE_NONE);
		return;
	}
	REQUIRE(image->routes[found.route].tenant == found.tenant);
	REQUIRE(found.matched <= request.path.length);
	backend = route_backend(image, found.route, 12345);
	REQUIRE(backend == IMAGE_NONE || backend < image->backends_count);
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size)
{
	const uint8_t *at = input, *end = input + size;
	unsigned changes = size ? *at++ % 4 : 0;
	struct image image;
	uint8_t *copy;

	if (!bytes)
		make_image();
	copy = malloc(bytes_size);
	REQUIRE(copy);
	memcpy(copy, bytes, bytes_size);
	for (; changes && end - at >= 3; changes--, at += 3)
		copy[(at[0] << 8 | at[1]) % bytes_size] = at[2];
	if (!image_open(copy, bytes_size, &image, NULL)) {
		if (image.listeners_count)
			ask(&image, at, end);
		image_close(&image);
	}
	free(copy);
	return 0;
}
