// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What it costs to find the route of a request, with one tenant of ten routes and with 10,000 such:
 * one thread, its own CPU time, the median of ROUNDS; each lookup is of another tenant. And what
 * the image takes of time and memory.
 */
#include "measure.h"
#include "../../userspace/model/l7/build.h"

#define ROUNDS 15
#define TURNS  100000
#define ROUTES 10
#define NAME   64

struct asked {
	char host[NAME], path[NAME];
};

static void add_tenant(struct build *build, uint32_t number, uint32_t listener)
{
	char name[NAME];
	uint32_t tenant, pool;

	snprintf(name, sizeof(name), "tenant-%u", number);
	tenant = build_tenant(build, name, number, 1);
	snprintf(name, sizeof(name), "*.tenant-%u.example", number);
	build_domain(build, tenant, name);
	pool = build_pool(build, &(struct build_pool){.tenant = tenant, .name = "web"});
	for (uint32_t i = 0; i < ROUTES; i++) {
		struct build_route route = {.tenant = tenant, .listener = listener};
		struct build_match match = {.type = BUILD_PREFIX, .path = name};

		snprintf(name, sizeof(name), "route-%u", i);
		route.name = name;
		build_route(build, &route);
		build_backend(build, pool, 1);
		snprintf(name, sizeof(name), "api.tenant-%u.example", number);
		build_hostname(build, name);
		snprintf(name, sizeof(name), "/v1/resource-%u", i);
		build_match(build, &match);
	}
}

static int make_image(uint32_t tenants, void **ret_bytes, size_t *ret_size)
{
	struct build_listener listener = {.name = "http", .port = 80};
	struct build *build = build_new(2026, 0);
	struct err err;
	int error;

	if (!build)
		return -ENOMEM;
	build_listener(build, &listener);
	for (uint32_t i = 0; i < tenants; i++)
		add_tenant(build, i, 0);
	error = build_finish(build, ret_bytes, ret_size, &err);
	if (error)
		fprintf(stderr, "route: %s\n", err.text);
	build_free(build);
	return error;
}

static struct route_request make_request(const struct asked *asked)
{
	return (struct route_request){
		.host = {asked->host, strlen(asked->host)},
		.method = ROUTE_GET,
		.path = {asked->path, strlen(asked->path)},
	};
}

static double lookups(struct image *image, const struct asked *asked, uint32_t tenants)
{
	uint32_t step = measure_step(tenants), at = 0;
	struct route_found found;
	double times[ROUNDS];

	for (int round = 0; round < ROUNDS; round++) {
		double start = measure_ns();

		for (int i = 0; i < TURNS; i++) {
			struct route_request request = make_request(&asked[at]);

			if (route_find(image, &request, &found) || found.tenant != at)
				return -1;
			at = (at + step) % tenants;
		}
		times[round] = (measure_ns() - start) / TURNS;
	}
	return measure_median(times, ROUNDS);
}

static int measure(uint32_t tenants, const char *name)
{
	struct asked *asked = calloc(tenants, sizeof(*asked));
	struct image image = {};
	double start = measure_ns(), made, opened, ns;
	void *bytes = NULL;
	size_t size = 0;
	int error = asked ? make_image(tenants, &bytes, &size) : -ENOMEM;

	made = measure_ns();
	if (!error)
		error = image_open(bytes, size, &image, NULL);
	opened = measure_ns();
	if (error) {
		free(bytes);
		free(asked);
		return error;
	}
	for (uint32_t i = 0; i < tenants; i++) {
		snprintf(asked[i].host, NAME, "api.tenant-%u.example", i);
		snprintf(asked[i].path, NAME, "/v1/resource-%u/items/4711", i % ROUTES);
	}
	ns = lookups(&image, asked, tenants);
	printf("bench l7.route_%s.find %.0f ns\n", name, ns);
	printf("bench l7.route_%s.image %zu bytes\n", name, size);
	printf("bench l7.route_%s.build %.3g ms\n", name, (made - start) / 1e6);
	printf("bench l7.route_%s.open %.3g ms\n", name, (opened - made) / 1e6);
	image_close(&image);
	free(bytes);
	free(asked);
	return ns < 0 ? -EINVAL : 0;
}

int main(void)
{
	int error;

	measure_pin();
	error = measure(1, "1");
	error = measure(10000, "10000") ? -1 : error;
	if (error)
		fprintf(stderr, "route: a lookup failed\n");
	return error ? 1 : 0;
}
