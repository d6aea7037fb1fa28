// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* userspace/proxy/pending.c and conn_head.c: what a pool, a tenant and a route let through. */
#include "proxy_fixture.h"

#include "userspace/proxy/pending.h"

#define GET  "GET /few HTTP/1.1\r\nHost: acme.example\r\n\r\n"
#define OK   "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
#define POST "POST /few HTTP/1.1\r\nHost: acme.example\r\n"

static unsigned most_requests, most_pending, tenant_connections, tenant_requests;
static uint64_t most_body;

static void add_limits(struct build *build, uint32_t tenant)
{
	const struct build_pool settings = {.tenant = tenant,
					    .name = "few",
					    .max_requests = most_requests,
					    .max_pending = most_pending};
	const struct build_route route = {.tenant = tenant, .name = "few", .max_body = most_body};
	const struct build_match match = {.type = BUILD_PREFIX, .path = "/few"};
	struct build_member member = {.port = ports[0], .weight = 1};
	uint32_t pool = build_pool(build, &settings);

	assert_int_equal(addr_parse("127.0.0.1", &member.address), 0);
	build_member(build, &member);
	build_route(build, &route);
	build_backend(build, pool, 1);
	build_match(build, &match);
	build_tenant_limits(build, tenant, tenant_connections, tenant_requests);
}

static int begin(void **state)
{
	most_requests = most_pending = tenant_connections = tenant_requests = 0;
	most_body = 0;
	return proxy_begin(state);
}

static unsigned waiting;

static bool so_many_wait(void *context)
{
	const struct pending *pending = worker.upstreams.pending;

	(void)context;
	return pending && pending->waiting == waiting;
}

static void expect_waiting(unsigned count)
{
	waiting = count;
	run_until(so_many_wait, NULL);
}

static struct peer *client_with(const char *request)
{
	struct peer *client = client_new();

	say(client, request);
	return client;
}

static void free_all(struct peer **peers, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		peer_free(peers[i]);
}

/* One has it, two wait, and the fourth is told why not; they are served in their order. */
static void test_pending(void **state)
{
	struct peer *clients[4], *backend;

	(void)state;
	most_requests = 1;
	most_pending = 2;
	use_image(NULL, add_limits);
	clients[0] = client_with(GET);
	backend = backend_accept(0);
	expect_text(backend, "\r\n\r\n");
	for (unsigned i = 1; i < 3; i++) {
		clients[i] = client_with(GET);
		expect_waiting(i);
	}
	clients[3] = client_with(GET);
	expect_text(clients[3], "HTTP/1.1 503 ");
	expect_text(clients[3], "circuitBreaker.maxPending");
	assert_null(strstr(clients[3]->data, "Connection: close"));
	for (unsigned i = 0; i < 3; i++) {
		if (i == 1) /* those that wait do so in the next image as well */
			use_image(NULL, add_limits);
		expect_text(backend, "\r\n\r\n");
		assert_true(nobody_waits(0));
		for (unsigned other = i + 1; other < 3; other++) {
			peer_pull(clients[other]);
			assert_int_equal(clients[other]->length, 0);
		}
		peer_clear(backend);
		say(backend, OK);
		expect_text(clients[i], "\r\n\r\nok");
	}
	assert_null(worker.upstreams.pending); /* nobody holds it any more */
	free_all(clients, 4);
	peer_free(backend);
}

static void test_without_a_queue(void **state)
{
	struct peer *clients[2], *backend;

	(void)state;
	most_requests = 1;
	use_image(NULL, add_limits);
	clients[0] = client_with(GET);
	backend = backend_accept(0);
	clients[1] = client_with(GET);
	expect_text(clients[1], "HTTP/1.1 503 ");
	expect_text(clients[1], "circuitBreaker.maxRequests");
	/* the backend fails: there is room again */
	peer_free(backend);
	expect_text(clients[0], "HTTP/1.1 502 ");
	peer_clear(clients[1]);
	say(clients[1], GET);
	backend = backend_accept(0);
	say(backend, OK);
	expect_text(clients[1], "\r\n\r\nok");
	free_all(clients, 2);
	peer_free(backend);
}

static void test_it_waits_for_so_long(void **state)
{
	struct peer *clients[2], *backend;

	(void)state;
	most_requests = 1;
	most_pending = 1;
	worker.limits.pending = 20 * MS;
	use_image(NULL, add_limits);
	clients[0] = client_with(GET);
	backend = backend_accept(0);
	clients[1] = client_with(GET);
	expect_text(clients[1], "HTTP/1.1 503 ");
	expect_text(clients[1], "no room in time (circuitBreaker.maxRequests)");
	expect_waiting(0);
	say(backend, OK);
	expect_text(clients[0], "\r\n\r\nok");
	free_all(clients, 2);
	peer_free(backend);
}

static void test_body_of_known_length(void **state)
{
	struct peer *client = client_new(), *backend;

	(void)state;
	most_body = 5;
	use_image(NULL, add_limits);
	say(client, POST "Content-Length: 5\r\n\r\nabcde");
	backend = backend_accept(0);
	expect_text(backend, "\r\n\r\nabcde");
	say(backend, OK);
	expect_text(client, "\r\n\r\nok");
	peer_clear(client);
	peer_clear(backend);
	say(client, POST "Content-Length: 6\r\n\r\nabcdef");
	expect_text(client, "HTTP/1.1 413 ");
	expect_end(client);
	peer_pull(backend);
	assert_int_equal(backend->length, 0); /* it heard nothing of it */
	peer_free(client);
	peer_free(backend);
}

static void test_body_of_chunks(void **state)
{
	struct peer *client = client_new(), *backend;

	(void)state;
	most_body = 5;
	use_image(NULL, add_limits);
	say(client, POST "Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n3\r\ncde\r\n0\r\n\r\n");
	backend = backend_accept(0);
	expect_text(backend, "0\r\n\r\n");
	say(backend, OK);
	expect_text(client, "\r\n\r\nok");
	peer_clear(client);
	peer_clear(backend);
	say(client, POST "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n");
	expect_text(backend, "abc");
	say(client, "3\r\ndef\r\n0\r\n\r\n");
	expect_text(client, "HTTP/1.1 413 ");
	expect_end(client);
	expect_end(backend); /* and never took it for whole */
	assert_null(strstr(backend->data, "def"));
	peer_free(client);
	peer_free(backend);
}

static void test_requests_of_a_tenant(void **state)
{
	struct peer *clients[2], *backend;

	(void)state;
	tenant_requests = 1;
	use_image(NULL, add_limits);
	clients[0] = client_with(GET);
	backend = backend_accept(0);
	expect_text(backend, "\r\n\r\n");
	clients[1] = client_with("GET /two HTTP/1.1\r\nHost: acme.example\r\n\r\n");
	expect_text(clients[1], "HTTP/1.1 503 ");
	expect_text(clients[1], "Too many requests of this tenant");
	say(backend, OK);
	expect_text(clients[0], "\r\n\r\nok");
	peer_clear(clients[1]);
	peer_clear(backend);
	say(clients[1], GET);
	expect_text(backend, "\r\n\r\n");
	say(backend, OK);
	expect_text(clients[1], "\r\n\r\nok");
	free_all(clients, 2);
	peer_free(backend);
}

/* Who waits for a body is one of its tenant's requests, and has no place in the pool. */
static void test_a_body_that_is_waited_for(void **state)
{
	struct peer *clients[3], *backend;

	(void)state;
	tenant_requests = 2;
	most_requests = 1;
	use_image(NULL, add_limits);
	clients[0] = client_with(POST "Content-Length: 4\r\n\r\nab");
	clients[1] = client_with(GET);
	backend = backend_accept(0);
	expect_text(backend, "GET ");
	expect_text(backend, "\r\n\r\n");
	clients[2] = client_with(GET);
	expect_text(clients[2], "Too many requests of this tenant");
	say(backend, OK);
	expect_text(clients[1], "\r\n\r\nok");
	peer_clear(backend);
	say(clients[0], "cd");
	expect_text(backend, "\r\n\r\nabcd");
	say(backend, OK);
	expect_text(clients[0], "\r\n\r\nok");
	free_all(clients, 3);
	peer_free(backend);
}

static void test_connections_of_a_tenant(void **state)
{
	static const char absent[] = "GET / HTTP/1.1\r\nHost: nobody.example\r\n\r\n";
	static const char moved[] = "GET /none HTTP/1.1\r\nHost: acme.example\r\n\r\n";
	struct peer *clients[3];

	(void)state;
	tenant_connections = 1;
	worker.limits.quiet = 3600 * 1000 * MS;
	backend_down(0);
	use_image(NULL, add_limits);
	clients[0] = client_with(moved);
	expect_text(clients[0], "HTTP/1.1 502 ");
	clients[1] = client_with(moved);
	expect_text(clients[1], "HTTP/1.1 503 ");
	expect_text(clients[1], "all the connections");
	expect_end(clients[1]);
	/* who was refused takes no place, while it is not looked whether it has closed */
	peer_clear(clients[0]);
	say(clients[0], moved);
	expect_text(clients[0], "HTTP/1.1 502 ");
	clients[2] = client_with(absent); /* nobody's are not counted */
	expect_text(clients[2], "HTTP/1.1 404 ");
	free_all(clients, 3);
}

#define limits_test(name) cmocka_unit_test_setup_teardown(name, begin, proxy_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		limits_test(test_pending),
		limits_test(test_without_a_queue),
		limits_test(test_it_waits_for_so_long),
		limits_test(test_body_of_known_length),
		limits_test(test_body_of_chunks),
		limits_test(test_requests_of_a_tenant),
		limits_test(test_a_body_that_is_waited_for),
		limits_test(test_connections_of_a_tenant),
	};

	return cmocka_run_group_tests_name("limits", tests, NULL, NULL);
}
