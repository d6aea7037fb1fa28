// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Listeners, domains and routes as they are meant: what the compiled image does with requests. What
 * is refused is in config_bad_routes.def.
 */
#include "load_good.h"

#include "l7/route_fixture.h"
#include "userspace/model/l7/compile.h"
#include "userspace/model/l7/path.h"
#include "userspace/wire/uri.h"

static const char text[] =
	"apiVersion: mtlb/v1\n"
	"kind: Platform\n"
	"metadata: {name: n}\n"
	"node: {interfaces: [{name: eth0}], zone: a}\n"
	"vips: [{name: v4, address: 192.0.2.10}, {name: v6, address: \"2001:db8::10\"}]\n"
	"listeners:\n"
	"- {name: http, vips: [v4, v6], port: 80, protocol: HTTP, trusted: [10.0.0.0/8]}\n"
	"- {name: other, vips: [v4], port: 8080, protocol: HTTP, tenantsByPath: true, "
	"proxyProtocol: {from: "
	"[10.1.0.0/16, 10.3.0.1]}}\n"
	"proxy: {workers: 3, splice: false, timeouts: {head: 1500ms, tunnel: 24h}}\n"
	"tiers: [{name: gold, weight: 5}]\n"
	"tenants:\n"
	"- {name: bolt, domains: [bolt.example]}\n"
	"- {name: acme, id: 7, tier: gold, domains: [ACME.example, \"*.acme.example\"]}\n"
	"- {name: none, paths: [/none/, /n/o]}\n"
	"---\n"
	"apiVersion: mtlb/v1\n"
	"kind: TenantConfig\n"
	"metadata: {tenant: acme}\n"
	"pools:\n"
	"- name: unused\n"
	"  backends: [{address: 10.1.0.9}]\n"
	"- name: web\n"
	"  scheduler: maglev\n"
	"  hashBy: {type: cookie, name: user}\n"
	"  circuitBreaker: {ejectAfter: 5}\n"
	"  backends: [{address: \"10.1.0.1:8080\", weight: 3},\n"
	"             {address: \"[2001:db8::1]:81\", state: drain, zone: a}]\n"
	"- {name: copies, backends: [{address: \"10.1.0.3:8080\"}]}\n"
	"- {name: canary, proxyProtocol: v2, backends: [{address: \"10.1.0.2:8080\"}]}\n"
	"routes:\n"
	"- name: orders\n"
	"  listener: http\n"
	"  hostnames: [Api.acme.example]\n"
	"  matches:\n"
	"  - {path: {value: /orders/}, methods: [POST, TRACE], headers: {X-Channel: web}}\n"
	"  - {path: {type: RegularExpression, value: \"/o/[0-9]+\"}, query: {v: \"1\"}}\n"
	"  filters:\n"
	"  - {type: RequestHeaderModifier, set: {X-Team: a}, add: {X-B: b}, remove: [Cookie]}\n"
	"  - {type: URLRewrite, hostname: in.example, path: {type: ReplaceFullPath, value: /x}}\n"
	"  - {type: RequestMirror, pool: copies, percent: 10}\n"
	"  session: {type: cookie, name: lb}\n"
	"  backendRefs: [{pool: web, weight: 3}, {pool: canary}]\n"
	"  timeouts: {request: 5s, backend: 500ms}\n"
	"  retry: {attempts: 2, on: [connect-failure, timeout, \"503\"]}\n"
	"- name: all\n"
	"  listener: http\n"
	"  backendRefs: [{pool: canary}]\n"
	"- name: elsewhere\n"
	"  listener: other\n"
	"  filters: [{type: RequestRedirect, scheme: https, port: 444, statusCode: 308}]\n";

static void open_config(struct config *config, struct made *made)
{
	static const uint8_t secret[16];
	struct err err = {""};
	int error;

	load_good(text, config);
	assert_true(compile_is_needed(config));
	error = compile_image(config, NULL, 1, 2, secret, &made->bytes, &made->size, &err);
	if (!error)
		error = image_open(made->bytes, made->size, &made->image, &err);
	if (error)
		print_error("%s\n", err.text);
	assert_int_equal(error, 0);
}

static void is_text(const struct made *made, struct image_text text_there, const char *expected)
{
	assert_string_equal(image_string(&made->image, text_there), expected);
}

static void listeners_and_tenants(void **state)
{
	struct addr inside = {}, outside = {};
	const struct image *image;
	struct config config;
	struct made made;

	(void)state;
	open_config(&config, &made);
	image = &made.image;
	assert_int_equal(config.proxy.workers, 3);
	assert_int_equal(image->head->limits.copy, 1);
	assert_int_equal(image->head->limits.head_ms, 1500);
	assert_int_equal(image->head->limits.idle_ms, 60000); /* as it is without a word */
	assert_int_equal(image->head->limits.tunnel_ms, 86400000);
	assert_int_equal(image->listeners_count, 2);
	is_text(&made, image->listeners[0].name, "http");
	assert_int_equal(image->listeners[0].port, 80);
	assert_int_equal(image->listeners[0].addresses.count, 2);
	assert_int_equal(image->listeners[1].port, 8080);
	addr_parse("10.9.9.9", &inside);
	addr_parse("11.0.0.1", &outside);
	assert_true(image_trusts(image, 0, &inside));
	assert_false(image_trusts(image, 0, &outside) || image_trusts(image, 1, &inside));
	assert_false(image_trusts(image, IMAGE_NONE, &inside)); /* one that it does not have */
	addr_parse("10.3.0.1", &inside);
	addr_parse("10.3.0.2", &outside);
	assert_true(image_is_proxy(image, 1, &inside));
	assert_false(image_is_proxy(image, 1, &outside) || image_is_proxy(image, 0, &inside));
	assert_false(image->listeners[0].by_path);
	assert_true(image->listeners[1].by_path);
	assert_int_equal(image->own_paths_count, 2);
	assert_int_equal(image->own_paths[0].tenant, 2);
	assert_int_equal(image->own_paths[1].tenant, 2);
	assert_int_equal(image->tenants_count, 3);
	is_text(&made, image->tenants[0].name, "acme"); /* as config.state has them */
	assert_int_equal(image->tenants[0].id, 7);
	assert_int_equal(route_owner(image, made_text("acme.example")), 0);
	assert_int_equal(route_owner(image, made_text("bolt.example")), 1);
	assert_int_equal(route_owner(image, made_text("x.bolt.example")), IMAGE_NONE);
	made_close(&made);
	config_fini(&config);
}

static void pools_and_members(void **state)
{
	const struct image_member *members;
	const struct image_pool *pools;
	struct config config;
	struct made made;

	(void)state;
	open_config(&config, &made);
	pools = made.image.pools;
	assert_int_equal(made.image.pools_count, 3); /* what no route uses is not there */
	is_text(&made, pools[0].name, "web");
	assert_int_equal(pools[0].scheduler, IMAGE_MAGLEV);
	assert_int_equal(pools[0].hash_by, IMAGE_HASH_COOKIE);
	is_text(&made, pools[0].hash_name, "user");
	assert_int_equal(pools[0].eject_after, 5);
	assert_int_equal(pools[0].members.count, 2);
	assert_int_equal(pools[1].scheduler, IMAGE_ROUND_ROBIN);
	assert_int_equal(pools[0].proxy_protocol, 0);
	assert_int_equal(pools[1].proxy_protocol, 2);
	members = &made.image.members[pools[0].members.first];
	assert_int_equal(members[0].address.any.sa_family, AF_INET);
	assert_int_equal(ntohs(members[0].address.ipv4.sin_port), 8080);
	assert_int_equal(members[0].weight, 3);
	assert_int_equal(members[1].address.any.sa_family, AF_INET6);
	assert_int_equal(members[1].state, IMAGE_DRAIN);
	is_text(&made, members[1].zone, "a");
	assert_true(members[1].local);
	assert_false(members[0].local);
	assert_true(members[0].key != members[1].key);
	made_close(&made);
	config_fini(&config);
}

static void routes_are_found(void **state)
{
	struct route_request request;
	struct route_found found;
	struct config config;
	struct made made;

	(void)state;
	open_config(&config, &made);
	request = made_request(0, "api.acme.example", "/orders/1");
	assert_string_equal(made_find(&made, &request, &found), "all");
	request.head = "x-channel: web\n";
	assert_string_equal(made_find(&made, &request, &found), "all");
	request.method = ROUTE_POST;
	assert_string_equal(made_find(&made, &request, &found), "orders");
	assert_int_equal(found.matched, strlen("/orders"));
	request.method = ROUTE_TRACE;
	assert_string_equal(made_find(&made, &request, &found), "orders");
	request.method = ROUTE_CONNECT;
	assert_string_equal(made_find(&made, &request, &found), "all");
	assert_string_equal(made_get(&made, "api.acme.example", "/o/17?v=1"), "orders");
	assert_string_equal(made_get(&made, "api.acme.example", "/o/17"), "all");
	assert_string_equal(made_get(&made, "www.acme.example", "/o/17?v=1"), "all");
	assert_string_equal(made_get(&made, "bolt.example", "/"), "no_route");
	request.listener = 1;
	assert_string_equal(made_find(&made, &request, &found), "elsewhere");
	made_close(&made);
	config_fini(&config);
}

static void what_is_done_with_a_request(void **state)
{
	const struct image_route *route;
	const struct image_filter *filters;
	const struct image_edit *edits;
	struct config config;
	struct made made;
	unsigned web = 0;

	(void)state;
	open_config(&config, &made);
	route = &made.image.routes[0];
	assert_int_equal(route->request_timeout, 5000);
	assert_int_equal(route->backend_timeout, 500);
	assert_int_equal(route->session, IMAGE_SESSION_COOKIE);
	is_text(&made, route->session_name, "lb");
	assert_int_equal(route->retry_attempts, 2);
	assert_int_equal(route->retry_on, IMAGE_RETRY_CONNECT | IMAGE_RETRY_TIMEOUT);
	assert_int_equal(route->retry_statuses.count, 1);
	assert_int_equal(made.image.statuses[route->retry_statuses.first], 503);
	for (uint32_t i = 0; i < 4; i++)
		web += made.image.backends[route_backend(&made.image, 0, i << 30)].pool == 0;
	assert_int_equal(web, 3);
	assert_int_equal(route->filters.count, 3);
	filters = &made.image.filters[route->filters.first];
	assert_int_equal(filters[0].type, IMAGE_REQUEST_HEADERS);
	assert_int_equal(filters[0].edits.count, 3);
	edits = &made.image.edits[filters[0].edits.first];
	assert_int_equal(edits[0].type, IMAGE_SET);
	is_text(&made, edits[0].name, "X-Team");
	assert_int_equal(edits[1].type, IMAGE_ADD);
	is_text(&made, edits[1].value, "b");
	assert_int_equal(edits[2].type, IMAGE_REMOVE);
	assert_int_equal(filters[1].type, IMAGE_REWRITE);
	assert_int_equal(filters[2].type, IMAGE_MIRROR);
	assert_int_equal(filters[2].percent, 10);
	is_text(&made, made.image.pools[filters[2].pool].name, "copies");
	assert_int_equal(filters[1].path_edit, IMAGE_PATH_FULL);
	is_text(&made, filters[1].hostname, "in.example");
	filters = &made.image.filters[made.image.routes[2].filters.first];
	assert_int_equal(filters->type, IMAGE_REDIRECT);
	assert_int_equal(filters->status, 308);
	assert_int_equal(filters->port, 444);
	assert_int_equal(route_backend(&made.image, 2, 5), IMAGE_NONE);
	made_close(&made);
	config_fini(&config);
}

/* A copy of the node's settings has its own lists. */
static void copies_listeners(void **state)
{
	struct config config, copy;

	(void)state;
	load_good(text, &config);
	assert_int_equal(config_copy_node(&config, &copy), 0);
	config_fini(&config);
	assert_int_equal(copy.listener_count, 2);
	assert_string_equal(copy.listeners[1].name, "other");
	assert_int_equal(copy.listeners[0].address_count, 2);
	assert_int_equal(copy.listeners[0].trusted_count, 1);
	config_fini(&copy);
}

/* What may be written is just what requests' paths become. */
static void paths_are_those_of_requests(void **state)
{
	static const char *const parts[] = {
		"/", "a",  ".", "..",  "%2F", "%2f", "%5C", "%41", "%7E", "%20", "%00", "%C3",
		"%", "%4", ";", "%3B", "Z",   "~",   "?",   " ",   "\\",  "[",	 "|",	"\x7f"};
	uint32_t random = 1;
	unsigned good = 0;

	(void)state;
	for (int i = 0; i < 200000; i++) {
		char path[64] = "/", buffer[64];
		struct h1_text found;
		bool same;

		for (int j = 0; j < 1 + i % 6; j++) {
			random = random * 1664525 + 1013904223;
			strcat(path, parts[(random >> 16) % (sizeof(parts) / sizeof(parts[0]))]);
		}
		same = !uri_path((struct h1_text){path, strlen(path)}, buffer, sizeof(buffer),
				 &found) &&
		       found.length == strlen(path) && !memcmp(found.at, path, found.length);
		if (same != !path_check(path))
			print_error("%s: %s\n", path, path_check(path));
		assert_int_equal(same, !path_check(path));
		good += same;
	}
	assert_in_range(good, 1000, 199000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(listeners_and_tenants),
		cmocka_unit_test(pools_and_members),
		cmocka_unit_test(routes_are_found),
		cmocka_unit_test(what_is_done_with_a_request),
		cmocka_unit_test(copies_listeners),
		cmocka_unit_test(paths_are_those_of_requests),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
