// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* userspace/model/l7/route: whose a request is, and which of the routes for it comes first. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>

#include "route_fixture.h"
#include "userspace/wire/h1.h"

/* Two tenants, each with two hosts. */
static void open_two(struct made *made)
{
	struct build *build = build_new(1, 7);
	uint32_t listener = made_listener(build, "http"), acme, bolt;

	acme = build_tenant(build, "acme", 7, 1);
	bolt = build_tenant(build, "bolt", 8, 1);
	build_domain(build, acme, "acme.example");
	build_domain(build, acme, "*.acme.example");
	build_domain(build, bolt, "bolt.example");
	build_domain(build, bolt, "*.bolt.example");
	made_route(build, acme, listener, "acme-all");
	made_route(build, acme, listener, "acme-api");
	build_hostname(build, "API.acme.example");
	made_path(build, BUILD_PREFIX, "/v1");
	made_path(build, BUILD_EXACT, "/status");
	made_route(build, acme, listener, "acme-wild");
	build_hostname(build, "*.acme.example");
	made_path(build, BUILD_PREFIX, "/wild");
	made_route(build, bolt, listener, "bolt-api");
	build_hostname(build, "api.bolt.example");
	made_open(made, build);
}

static void finds_by_host_and_path(void **state)
{
	static const struct {
		const char *host, *path, *route;
	} rows[] = {
		{"api.acme.example", "/v1", "acme-api"},
		{"api.acme.example", "/v1/", "acme-api"},
		{"api.acme.example", "/v1/orders/1", "acme-api"},
		{"API.ACME.EXAMPLE", "/v1/orders", "acme-api"},
		{"api.acme.example", "/v1x", "acme-all"},
		{"api.acme.example", "/status", "acme-api"},
		{"api.acme.example", "/status/", "acme-all"},
		{"api.acme.example", "/V1", "acme-all"},
		{"api.acme.example", "/wild/1", "acme-wild"},
		{"a.b.acme.example", "/wild", "acme-wild"},
		{"a.b.acme.example", "/", "acme-all"},
		{"acme.example", "/wild", "acme-all"},
		{"api.bolt.example", "/v1", "bolt-api"},
		{"www.bolt.example", "/", "no_route"},
		{"bolt.example", "/", "no_route"},
		{"example", "/", "unknown_host"},
		{"xacme.example", "/", "unknown_host"},
		{".acme.example", "/", "unknown_host"},
		{"acme.example.", "/", "unknown_host"},
		{"192.0.2.1", "/", "unknown_host"},
		{"[2001:db8::1]", "/", "unknown_host"},
		{"", "/", "unknown_host"},
		{NULL, "/", "no_host"},
	};
	struct made made;

	(void)state;
	open_two(&made);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_string_equal(made_get(&made, rows[i].host, rows[i].path), rows[i].route);
	made_close(&made);
}

static void tells_what_was_matched(void **state)
{
	struct route_request request = made_request(0, "api.acme.example", "/v1/orders");
	struct route_found found;
	struct made made;

	(void)state;
	open_two(&made);
	assert_string_equal(made_find(&made, &request, &found), "acme-api");
	assert_int_equal(found.matched, strlen("/v1"));
	request = made_request(0, "api.acme.example", "/status");
	made_find(&made, &request, &found);
	assert_int_equal(found.matched, 0);
	assert_int_equal(made.image.head->generation, 7);
	assert_int_equal(route_error_status(-ROUTE_ERROR_misdirected), 421);
	assert_int_equal(route_owner(&made.image, made_text("x.Bolt.example")), 1);
	assert_int_equal(route_owner(&made.image, made_text("example")), IMAGE_NONE);
	made_close(&made);
}

/* Either can be given for the other. */
static void methods_are_those_of_h1(void **state)
{
	(void)state;
	assert_int_equal(ROUTE_OTHER, H1_METHOD_OTHER);
	assert_int_equal(ROUTE_GET, H1_METHOD_GET);
	assert_int_equal(ROUTE_HEAD, H1_METHOD_HEAD);
	assert_int_equal(ROUTE_POST, H1_METHOD_POST);
	assert_int_equal(ROUTE_PUT, H1_METHOD_PUT);
	assert_int_equal(ROUTE_DELETE, H1_METHOD_DELETE);
	assert_int_equal(ROUTE_OPTIONS, H1_METHOD_OPTIONS);
	assert_int_equal(ROUTE_PATCH, H1_METHOD_PATCH);
	assert_int_equal(ROUTE_CONNECT, H1_METHOD_CONNECT);
	assert_int_equal(ROUTE_TRACE, H1_METHOD_TRACE);
	assert_int_equal(ROUTE_METHODS, H1_METHODS);
}

/* Each before all behind it: routes are added in the opposite order. */
static void the_most_special_one_comes_first(void **state)
{
	static const struct build_condition one[] = {{"X-A", "1"}};
	static const struct build_condition two[] = {{"X-A", "1"}, {"x-b", "2"}};
	static const struct build_condition asked[] = {{"q", "1"}};
	static const struct {
		const char *name;
		struct build_match match;
	} rows[] = {
		{"exact-two", {BUILD_EXACT, "/a/b", 0, two, 2, NULL, 0}},
		{"exact", {BUILD_EXACT, "/a/b", 0, NULL, 0, NULL, 0}},
		{"method", {BUILD_PREFIX, "/a/b", 1 << ROUTE_GET, NULL, 0, NULL, 0}},
		{"two-headers", {BUILD_PREFIX, "/a/b", 0, two, 2, NULL, 0}},
		{"header-query", {BUILD_PREFIX, "/a/b", 0, one, 1, asked, 1}},
		{"header", {BUILD_PREFIX, "/a/b", 0, one, 1, NULL, 0}},
		{"query", {BUILD_PREFIX, "/a/b/", 0, NULL, 0, asked, 1}},
		{"plain", {BUILD_PREFIX, "/a/b", 0, NULL, 0, NULL, 0}},
		{"shorter", {BUILD_PREFIX, "/a", 0, two, 2, asked, 1}},
		{"pattern-method", {BUILD_PATTERN, "/a/.*", 1 << ROUTE_GET, NULL, 0, NULL, 0}},
		{"pattern", {BUILD_PATTERN, "/a/[a-z]", 0, NULL, 0, NULL, 0}},
		{"all-two", {BUILD_PREFIX, "/", 0, two, 2, NULL, 0}},
		{"all", {BUILD_PREFIX, NULL, 0, NULL, 0, NULL, 0}},
	};
	static const char headers[] = "x-a: 1\nx-b: 2\n";
	size_t count = sizeof(rows) / sizeof(rows[0]);
	struct route_request request = made_request(0, "a.example", "/a/b?q=1");
	struct route_found found;
	struct made made;

	(void)state;
	request.head = headers;
	for (size_t first = 0; first < count; first++) {
		struct build *build = build_new(first, 0);
		uint32_t listener = made_listener(build, "http");
		uint32_t tenant = build_tenant(build, "a", 0, 1);

		for (size_t i = count; i-- > first;) {
			made_route(build, tenant, listener, rows[i].name);
			build_hostname(build, "a.example");
			build_match(build, &rows[i].match);
		}
		made_open(&made, build);
		assert_string_equal(made_find(&made, &request, &found), rows[first].name);
		made_close(&made);
	}
}

static void conditions_must_all_hold(void **state)
{
	static const struct build_condition headers[] = {{"X-Channel", "web"}};
	static const struct build_condition queries[] = {{"v", "a b"}};
	static const struct build_match match = {
		BUILD_PREFIX, "/", 1 << ROUTE_GET | 1 << ROUTE_POST, headers, 1, queries, 1};
	struct build *build = build_new(3, 0);
	uint32_t listener = made_listener(build, "http"), tenant = build_tenant(build, "a", 0, 1);
	struct route_request good, request;
	struct route_found found;
	struct made made;

	(void)state;
	made_route(build, tenant, listener, "r");
	build_hostname(build, "a.example");
	build_match(build, &match);
	made_open(&made, build);
	good = made_request(0, "a.example", "/x?w=1&v=a%20b&z");
	good.head = "x-channel: web\n";
	assert_string_equal(made_find(&made, &good, &found), "r");
	request = good;
	request.method = ROUTE_POST;
	assert_string_equal(made_find(&made, &request, &found), "r");
	request.method = ROUTE_PUT;
	assert_string_equal(made_find(&made, &request, &found), "no_route");
	assert_int_equal(found.tenant, tenant);
	request = good;
	request.head = "x-channel: Web\n";
	assert_string_equal(made_find(&made, &request, &found), "no_route");
	request.head = "x-channel: web\nx-channel: web\n"; /* which one would a backend take? */
	assert_string_equal(made_find(&made, &request, &found), "no_route");
	request.head = "x-channels: web\n";
	assert_string_equal(made_find(&made, &request, &found), "no_route");
	request = good;
	request.query = made_text("v=a+b");
	assert_string_equal(made_find(&made, &request, &found), "no_route");
	request.query = made_text("%76=a%20%62");
	assert_string_equal(made_find(&made, &request, &found), "r");
	request.query = made_text("v=a%20b&v=a%20b");
	assert_string_equal(made_find(&made, &request, &found), "no_route");
	request.query = made_text("v");
	assert_string_equal(made_find(&made, &request, &found), "no_route");
	request.query = made_text(NULL);
	assert_string_equal(made_find(&made, &request, &found), "no_route");
	made_close(&made);
}

/* One that takes too long is no answer, and soon. */
static void patterns_are_for_all_of_a_path(void **state)
{
	struct build *build = build_new(4, 0);
	uint32_t listener = made_listener(build, "http"), tenant = build_tenant(build, "a", 0, 1);
	struct made made;
	char path[64];

	(void)state;
	made_route(build, tenant, listener, "number");
	build_hostname(build, "a.example");
	made_path(build, BUILD_PATTERN, "/[0-9]+");
	made_route(build, tenant, listener, "slow");
	build_hostname(build, "slow.example");
	made_path(build, BUILD_PATTERN, "/(a+)+b");
	made_open(&made, build);
	assert_string_equal(made_get(&made, "a.example", "/12"), "number");
	assert_string_equal(made_get(&made, "a.example", "/12/"), "no_route");
	assert_string_equal(made_get(&made, "a.example", "/x/12"), "no_route");
	assert_string_equal(made_get(&made, "a.example", "/12\n"), "no_route");
	assert_string_equal(made_get(&made, "slow.example", "/aab"), "slow");
	memset(path, 'a', sizeof(path));
	memcpy(path, "/", 1);
	memcpy(path + sizeof(path) - 3, "b!", 3); /* a path without b is no match at once */
	assert_string_equal(made_get(&made, "slow.example", path), "slow_pattern");
	made_close(&made);
}

static void listeners_are_apart(void **state)
{
	struct build *build = build_new(5, 0);
	uint32_t http = made_listener(build, "http"), https = made_listener(build, "https");
	uint32_t tenant = build_tenant(build, "a", 0, 1);
	struct route_request request;
	struct route_found found;
	struct made made;

	(void)state;
	build_domain(build, tenant, "*.a.example");
	made_route(build, tenant, http, "plain");
	made_route(build, tenant, https, "tls");
	made_path(build, BUILD_PREFIX, "/a");
	made_route(build, tenant, https, "tls-host");
	build_hostname(build, "www.a.example");
	made_open(&made, build);
	request = made_request(http, "www.a.example", "/a");
	assert_string_equal(made_find(&made, &request, &found), "plain");
	request.listener = https;
	assert_string_equal(made_find(&made, &request, &found), "tls-host");
	request.host = made_text("w.a.example");
	assert_string_equal(made_find(&made, &request, &found), "tls");
	request.path = made_text("/b");
	assert_string_equal(made_find(&made, &request, &found), "no_route");
	made_close(&made);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_by_host_and_path),
		cmocka_unit_test(tells_what_was_matched),
		cmocka_unit_test(methods_are_those_of_h1),
		cmocka_unit_test(the_most_special_one_comes_first),
		cmocka_unit_test(conditions_must_all_hold),
		cmocka_unit_test(patterns_are_for_all_of_a_path),
		cmocka_unit_test(listeners_are_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
