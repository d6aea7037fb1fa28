// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Many tenants in one image: nothing that a client can say takes a request of one to another's
 * pool, whoever says whose it is must agree, and what a lookup compares does not grow with them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include <errno.h>

#include "route_fixture.h"
#include "selftests/host/dice.h"

#define STRANGERS 12	/* tenants that differ in everything */
#define REQUESTS  60000 /* of them */
#define ALIKE	  10000 /* tenants that differ in their names alone */
#define ROUTES	  10	/* of each of those */

/* --- who it is ---------------------------------------------------------------------------------
 */

static void open_identities(struct made *made)
{
	struct build *build = build_new(9, 0);
	struct prefix trusted = {};
	struct build_listener listener = {.name = "http", .port = 80, .trusted = &trusted};
	uint32_t acme, bolt;

	prefix_parse("10.0.0.0/8", &trusted);
	listener.trusted_count = 1;
	build_listener(build, &listener);
	listener.by_path = true;
	build_listener(build, &listener);
	acme = build_tenant(build, "acme", 0, 1);
	bolt = build_tenant(build, "bolt", 0, 1);
	build_domain(build, acme, "*.acme.example");
	build_domain(build, bolt, "*.bolt.example");
	made_route(build, acme, 0, "acme");
	made_route(build, acme, 0, "acme-api");
	build_hostname(build, "api.acme.example");
	made_route(build, bolt, 0, "bolt");
	build_own_path(build, acme, "/a");
	build_own_path(build, acme, "/a/below"); /* its own */
	build_own_path(build, bolt, "/b/c/");
	made_route(build, acme, 1, "acme");
	made_route(build, acme, 1, "acme-a");
	made_path(build, BUILD_PREFIX, "/a");
	made_route(build, bolt, 1, "bolt");
	made_open(made, build);
}

static void sources_must_agree(void **state)
{
	static const char acme[] = "x-tenant-id: acme\n", twice[] = "x-tenant-id: acme\n"
								    "x-tenant-id: acme\n";
	static const struct {
		const char *peer, *sni, *host, *head, *expected;
	} rows[] = {
		{"10.1.1.1", NULL, "api.acme.example", NULL, "acme-api"},
		{"10.1.1.1", "www.acme.example", "api.acme.example", NULL, "acme-api"},
		{"10.1.1.1", "www.bolt.example", "api.acme.example", NULL, "misdirected"},
		{"10.1.1.1", "other.example", "api.acme.example", NULL, "misdirected"},
		{"10.1.1.1", "www.acme.example", "other.example", NULL, "unknown_host"},
		{"10.1.1.1", "www.acme.example", NULL, NULL, "no_host"},
		{"10.1.1.1", NULL, "api.acme.example", acme, "acme-api"},
		{"10.1.1.1", NULL, "www.bolt.example", acme, "misdirected"},
		{"10.1.1.1", "www.bolt.example", "www.bolt.example", acme, "misdirected"},
		/* with no host that anybody owns the header is enough, for routes without hosts */
		{"10.1.1.1", NULL, "192.0.2.1", acme, "acme"},
		{"10.1.1.1", NULL, NULL, acme, "acme"},
		{"10.1.1.1", "www.bolt.example", "192.0.2.1", acme, "misdirected"},
		{"10.1.1.1", NULL, "192.0.2.1", "x-tenant-id: acne\n", "unknown_tenant"},
		{"10.1.1.1", NULL, "192.0.2.1", "x-tenant-id: \n", "unknown_tenant"},
		{"10.1.1.1", NULL, "192.0.2.1", "x-tenant-id: ACME\n", "unknown_tenant"},
		{"10.1.1.1", NULL, "192.0.2.1", twice, "repeated_tenant"},
		/* nobody listens to strangers */
		{"11.1.1.1", NULL, "192.0.2.1", acme, "unknown_host"},
		{"11.1.1.1", NULL, "www.bolt.example", acme, "bolt"},
		{NULL, NULL, "www.bolt.example", twice, "bolt"},
	};
	struct made made;

	(void)state;
	open_identities(&made);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct route_request request = made_request(0, rows[i].host, "/");
		struct route_found found;
		struct addr peer;

		request.sni = made_text(rows[i].sni);
		request.head = rows[i].head;
		if (rows[i].peer && !addr_parse(rows[i].peer, &peer))
			request.peer = &peer;
		assert_string_equal(made_find(&made, &request, &found), rows[i].expected);
	}
	made_close(&made);
}

/* On the second listener the path is one more source; on the first one it is none. */
static void paths_are_a_source(void **state)
{
	static const char acme[] = "x-tenant-id: acme\n", bolt[] = "x-tenant-id: bolt\n";
	static const struct {
		const char *host, *head, *path, *expected;
	} rows[] = {
		{"192.0.2.1", NULL, "/a", "acme-a"},
		{"192.0.2.1", NULL, "/a/", "acme-a"},
		{NULL, NULL, "/a/x?/b/c", "acme-a"},
		{"192.0.2.1", NULL, "/a/b/c", "acme-a"},
		{"192.0.2.1", NULL, "/a/below/x", "acme-a"},
		{"192.0.2.1", NULL, "/b/c", "bolt"},
		{"192.0.2.1", NULL, "/b/c/a/b", "bolt"},
		{"192.0.2.1", NULL, "/b", "unknown_host"},
		{"192.0.2.1", NULL, "/b/ca", "unknown_host"},
		{"192.0.2.1", NULL, "/A/x", "unknown_host"},
		{"192.0.2.1", NULL, "//a/x", "unknown_host"},
		{"192.0.2.1", NULL, "/b//c/x", "unknown_host"},
		{"192.0.2.1", NULL, "/a%2Fx", "unknown_host"},
		{"192.0.2.1", NULL, "/a;x", "unknown_host"},
		{"192.0.2.1", NULL, "/", "unknown_host"},
		{"192.0.2.1", NULL, "*", "unknown_host"},
		{NULL, NULL, "/x", "no_host"},
		{"www.acme.example", NULL, "/a", "acme-a"},
		{"www.acme.example", NULL, "/x", "acme"},
		{"www.acme.example", NULL, "/b/c", "another_path"},
		{"www.bolt.example", NULL, "/a", "another_path"},
		{"192.0.2.1", acme, "/a", "acme-a"},
		{"192.0.2.1", bolt, "/a", "another_path"},
		{"www.acme.example", bolt, "/a", "misdirected"},
		{"www.acme.example", acme, "/b/c", "another_path"},
	};
	struct made made;
	struct addr peer;

	(void)state;
	open_identities(&made);
	assert_int_equal(addr_parse("10.1.1.1", &peer), 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct route_request request = made_request(1, rows[i].host, rows[i].path);
		struct route_found found;

		request.head = rows[i].head;
		request.peer = &peer;
		assert_string_equal(made_find(&made, &request, &found), rows[i].expected);
	}
	assert_string_equal(made_get(&made, "www.acme.example", "/b/c"), "acme");
	assert_string_equal(made_get(&made, "192.0.2.1", "/a"), "unknown_host");
	made_close(&made);
}

/* --- nobody's request is another's ---------------------------------------------------------------
 */

/* Words that names are made of: few, so that they often meet. */
static const char *const labels[] = {"a", "b", "www", "api", "t1", "t2", "example"};
static const char *const segments[] = {"", "a", "b", "orders", "t1", "..", "%2F"};

#define PICK(dice, list) (list)[dice_throw(dice, sizeof(list) / sizeof((list)[0]))]

/* A name in the tenant's domain, or any. */
static void random_host(struct dice *dice, unsigned tenant, char name[256])
{
	size_t used = 0;

	for (unsigned i = dice_throw(dice, 3); i; i--)
		used += (size_t)snprintf(name + used, 256 - used, "%s.", PICK(dice, labels));
	snprintf(name + used, 256 - used, "t%u.example", tenant);
}

static void random_path(struct dice *dice, char path[256])
{
	size_t used = 0;

	path[0] = 0;
	for (unsigned i = 1 + dice_throw(dice, 3); i; i--)
		used += (size_t)snprintf(path + used, 256 - used, "/%s", PICK(dice, segments));
}

static void add_random_route(struct build *build, struct dice *dice, unsigned tenant, uint32_t pool,
			     uint32_t listener)
{
	const struct build_condition condition = {"x-a", PICK(dice, labels)};
	struct build_match match = {};
	char name[258], path[256];

	made_route(build, tenant, listener, "r");
	build_backend(build, pool, 1 + dice_throw(dice, 3));
	for (unsigned i = dice_throw(dice, 3); i; i--) {
		bool wildcard = dice_throw(dice, 3) == 0;

		memcpy(name, "*.", 3);
		random_host(dice, tenant, name + 2);
		build_hostname(build, wildcard ? name : name + 2);
	}
	for (unsigned i = dice_throw(dice, 3); i; i--) {
		random_path(dice, path);
		match.type =
			dice_throw(dice, 5) ? (enum build_path)dice_throw(dice, 2) : BUILD_PATTERN;
		match.path = match.type == BUILD_PATTERN ? "/[a-z/]*" : path;
		match.methods = dice_throw(dice, 2) ? 1U << dice_throw(dice, ROUTE_METHODS) : 0;
		match.headers = &condition;
		match.header_count = dice_throw(dice, 2);
		match.queries = &condition;
		match.query_count = dice_throw(dice, 4) == 0;
		build_match(build, &match);
	}
}

static void open_strangers(struct made *made, struct dice *dice)
{
	struct build *build = build_new(dice_throw(dice, 1 << 30), 0);
	uint32_t listeners[2] = {made_listener(build, "a"), made_listener(build, "b")};

	for (unsigned i = 0; i < STRANGERS; i++) {
		char name[32];
		uint32_t pool;

		snprintf(name, sizeof(name), "t%u", i);
		assert_int_equal(build_tenant(build, name, i, 1), i);
		snprintf(name, sizeof(name), "t%u.example", i);
		build_domain(build, i, name);
		snprintf(name, sizeof(name), "*.t%u.example", i);
		build_domain(build, i, name);
		pool = made_pool(build, i, "p");
		for (unsigned j = dice_throw(dice, 6); j; j--)
			add_random_route(build, dice, i, pool, PICK(dice, listeners));
	}
	made_open(made, build);
}

/* All that the answer leads to is the tenant's whose name the host ends with. */
static void check_found(const struct made *made, const struct route_found *found, unsigned tenant)
{
	const struct image *image = &made->image;
	const struct image_route *route = &image->routes[found->route];
	uint32_t backend = route_backend(image, found->route, 12345);

	assert_int_equal(found->tenant, tenant);
	assert_int_equal(route->tenant, tenant);
	assert_true(backend != IMAGE_NONE);
	assert_int_equal(image->pools[image->backends[backend].pool].tenant, tenant);
}

static bool ask_at_random(struct made *made, struct dice *dice)
{
	unsigned tenant = dice_throw(dice, STRANGERS), other = dice_throw(dice, STRANGERS);
	char host[256], sni[256], path[256], head[64], query[64];
	struct route_request request;
	struct route_found found;
	struct addr peer = {};
	int error;

	random_host(dice, tenant, host);
	random_path(dice, path);
	request = made_request(dice_throw(dice, 2), host, path);
	request.method = (enum route_method)dice_throw(dice, ROUTE_METHODS);
	/* whatever else is said, of other tenants as well */
	snprintf(head, sizeof(head), "x-a: %s\nx-tenant-id: t%u\nhost: t%u.example\n",
		 PICK(dice, labels), other, other);
	snprintf(query, sizeof(query), "x-a=%s&host=t%u", PICK(dice, labels), other);
	request.head = head;
	request.query = made_text(query);
	request.peer = &peer;
	if (dice_throw(dice, 2)) {
		random_host(dice, other, sni);
		request.sni = made_text(sni);
	}
	error = route_find(&made->image, &request, &found);
	if (error == -ROUTE_ERROR_misdirected) {
		assert_true(request.sni.at && tenant != other);
		return false;
	}
	assert_true(!request.sni.at || tenant == other);
	assert_true(!error || error == -ROUTE_ERROR_no_route);
	if (!error)
		check_found(made, &found, tenant);
	return !error;
}

static void no_request_leads_to_a_stranger(void **state)
{
	struct dice dice = {2026};
	unsigned found = 0;

	(void)state;
	for (int round = 0; round < 20; round++) {
		struct made made;

		open_strangers(&made, &dice);
		for (int i = 0; i < REQUESTS / 20; i++)
			found += ask_at_random(&made, &dice);
		made_close(&made);
	}
	assert_in_range(found, REQUESTS / 20, REQUESTS);
}

/* What the builder is told wrong is no image. */
static void refuses_what_is_of_two(void **state)
{
	static const struct {
		const char *one, *other, *why;
	} rows[] = {
		{"a.example", "A.example", "a.example is of two tenants"},
		{"*.a.example", "*.a.example", "*.a.example is of two tenants"},
		{"*.a.example", "b.a.example",
		 "b.a.example is below *.a.example of another tenant"},
		{"*.a.b.example", "*.b.example",
		 "*.a.b.example is below *.b.example of another tenant"},
	};
	struct err err;
	void *bytes;
	size_t size;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct build *build = build_new(1, 0);

		build_domain(build, build_tenant(build, "a", 0, 1), rows[i].one);
		build_domain(build, build_tenant(build, "b", 0, 1), rows[i].other);
		assert_int_equal(build_finish(build, &bytes, &size, &err), -EINVAL);
		assert_string_equal(err.text, rows[i].why);
		build_free(build);
	}
}

static void refuses_paths_of_two(void **state)
{
	static const struct {
		const char *one, *other, *why;
	} rows[] = {
		{"/a", "/a/", "the path /a is another tenant's"},
		{"/a", "/a/b", "the path /a/b is another tenant's"},
		{"/a/b/c", "/a", "the path /a/b/c is another tenant's"},
		{"/", "/a", "no tenant can have every path"},
	};
	struct err err;
	void *bytes;
	size_t size;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct build *build = build_new(1, 0);

		build_own_path(build, build_tenant(build, "a", 0, 1), rows[i].one);
		build_own_path(build, build_tenant(build, "b", 0, 1), rows[i].other);
		assert_int_equal(build_finish(build, &bytes, &size, &err), -EINVAL);
		assert_string_equal(err.text, rows[i].why);
		build_free(build);
	}
}

static void refuses_pools_of_others(void **state)
{
	struct build *build = build_new(1, 0);
	uint32_t a = build_tenant(build, "a", 0, 1), b = build_tenant(build, "b", 0, 1), pool;
	struct err err;
	void *bytes;
	size_t size;

	(void)state;
	pool = made_pool(build, a, "p");
	made_route(build, b, made_listener(build, "http"), "r");
	build_backend(build, pool, 1);
	assert_int_equal(build_finish(build, &bytes, &size, &err), -EINVAL);
	assert_string_equal(err.text, "route r uses a pool of another tenant");
	build_free(build);
}

/* --- what it costs -------------------------------------------------------------------------------
 */

static void open_alike(struct made *made, unsigned tenants)
{
	struct build *build = build_new(tenants, 0);
	uint32_t listener = made_listener(build, "http");

	for (unsigned i = 0; i < tenants; i++) {
		char name[64];

		snprintf(name, sizeof(name), "t%u", i);
		build_tenant(build, name, i, 1);
		snprintf(name, sizeof(name), "*.t%u.example", i);
		build_domain(build, i, name);
		for (unsigned j = 0; j < ROUTES; j++) {
			snprintf(name, sizeof(name), "r%u", j);
			made_route(build, i, listener, name);
			snprintf(name, sizeof(name), "%s.t%u.example", j % 2 ? "api" : "www", i);
			build_hostname(build, name);
			snprintf(name, sizeof(name), "/v%u/orders", j);
			made_path(build, j % 3 ? BUILD_PREFIX : BUILD_EXACT, name);
		}
	}
	made_open(made, build);
}

/* The most that a lookup compares, over all tenants. */
static unsigned most_steps(struct made *made, unsigned tenants)
{
	unsigned most = 0;

	for (unsigned i = 0; i < tenants; i++) {
		char host[64], path[64];
		struct route_request request;
		struct route_found found;

		snprintf(host, sizeof(host), "%s.t%u.example", i % 2 ? "api" : "www", i);
		snprintf(path, sizeof(path), "/v%u/orders%s", i % ROUTES,
			 i % ROUTES % 3 ? "/1/2/3" : "");
		request = made_request(0, host, path);
		request.sni = request.host;
		assert_int_equal(route_find(&made->image, &request, &found), 0);
		assert_int_equal(found.tenant, i);
		most = found.steps > most ? found.steps : most;
	}
	return most;
}

/* The longest bucket of a table of 8 times as many entries may be longer, but not by much. */
static void costs_the_same_with_many(void **state)
{
	struct made one, many;
	unsigned most_of_one, most_of_many;

	(void)state;
	open_alike(&one, 1);
	open_alike(&many, ALIKE);
	most_of_one = most_steps(&one, 1);
	most_of_many = most_steps(&many, ALIKE);
	assert_in_range(most_of_one, 1, 20);
	assert_in_range(most_of_many, most_of_one, most_of_one + 40);
	print_message("most compared: %u with 1 tenant, %u with %u; image: %zu bytes a tenant\n",
		      most_of_one, most_of_many, ALIKE, many.size / ALIKE);
	made_close(&one);
	made_close(&many);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sources_must_agree),
		cmocka_unit_test(paths_are_a_source),
		cmocka_unit_test(no_request_leads_to_a_stranger),
		cmocka_unit_test(refuses_what_is_of_two),
		cmocka_unit_test(refuses_paths_of_two),
		cmocka_unit_test(refuses_pools_of_others),
		cmocka_unit_test(costs_the_same_with_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
